package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
)

// ParseStatement reads a statement. It takes only what Encode writes, byte for
// byte; a statement of another tool is refused. It verifies nothing.
func ParseStatement(data []byte) (*Statement, error) {
	s, err := parseStatement(data)
	if err == nil && !bytes.Equal(s.Encode(), data) {
		err = errors.New("its parts do not agree with each other")
	}
	if err != nil {
		return nil, fmt.Errorf("not a statement as assay writes it: %w", err)
	}
	return s, nil
}

func parseStatement(data []byte) (*Statement, error) {
	f := newReader(data)
	f.want("_type", StatementType)
	s := &Statement{}
	f.each("subject", func() {
		if s.Output.IsZero() {
			s.Name, s.Output = f.resource()
		} else {
			f.fail("there are two subjects")
		}
	})
	f.want("predicateType", ProvenanceType)
	f.open("predicate", '{')
	s.readDefinition(f)
	s.readDetails(f)
	f.close('}')
	if err := f.done(); err != nil {
		return nil, err
	}
	if s.Output.IsZero() || s.Leaf == "" {
		return nil, errors.New("it has no subject or no entry")
	}
	e, err := s.Entry()
	if err != nil {
		return nil, err
	}
	if e.Kind != KindRun || e.State != attestedState {
		return nil, errors.New("its entry is not that of a run that succeeded")
	}
	return s, nil
}

func (r *jsonReader) want(name, value string) {
	if s := r.str(name); r.err == nil && s != value {
		r.fail("%s is %.60q, not %q", name, s, value)
	}
}

// resource reads the beginning of a ResourceDescriptor.
func (r *jsonReader) resource() (name string, d Digest) {
	if r.has("name") {
		name = r.str("name")
	}
	r.open("digest", '{')
	r.hex("sha256", d[:])
	r.close('}')
	return name, d
}

func (s *Statement) readDefinition(f *jsonReader) {
	f.open("buildDefinition", '{')
	f.want("buildType", RunBuildType)
	f.open("externalParameters", '{')
	kernel := f.str("kernel")
	f.each("parameters", func() { s.Parameters = append(s.Parameters, readParameter(f)) })
	f.close('}')
	f.open("internalParameters", '{')
	f.open("kernel", '{')
	s.Kernel = readKernel(f)
	f.close('}')
	f.close('}')
	if f.err == nil && s.Kernel.Name != kernel {
		f.fail("the kernel has two names")
	}
	f.each("resolvedDependencies", func() { s.readDependency(f) })
	f.close('}')
}

func (s *Statement) readDependency(f *jsonReader) {
	name, d := f.resource()
	switch media := f.str("mediaType"); {
	case media == mediaNotebook && s.Input.IsZero():
		s.InputName, s.Input = name, d
	case media == mediaEnvironment && s.Environment == nil:
		f.open("annotations", '{')
		s.Environment = readEnvironment(f)
		f.close('}')
	default:
		f.fail("%.60q is no dependency that a run has, or has twice", media)
	}
}

func (s *Statement) readDetails(f *jsonReader) {
	f.open("runDetails", '{')
	f.open("builder", '{')
	f.str("id") // compared with the entry's log when all is written again
	f.open("version", '{')
	s.Assay = f.str("assay")
	f.close('}')
	f.close('}')
	f.open("metadata", '{')
	f.str("invocationId")
	s.Start, s.End = f.time("startedOn"), f.time("finishedOn")
	f.close('}')
	f.each("byproducts", func() {
		f.resource()
		leaf, err := base64.StdEncoding.DecodeString(f.str("content"))
		if f.want("mediaType", mediaEntry); err != nil || s.Leaf != "" {
			f.fail("it is not the one entry")
		}
		s.Leaf = string(leaf)
	})
	f.close('}')
}
