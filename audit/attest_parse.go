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
	f := newFields(data)
	f.want("_type", StatementType)
	s := &Statement{}
	f.each("subject", func(f *fields) {
		if s.Output.IsZero() {
			s.Name, s.Output = f.resource()
		} else {
			f.fail("there are two subjects")
		}
	})
	f.want("predicateType", ProvenanceType)
	predicate := f.object("predicate")
	s.readDefinition(predicate.object("buildDefinition"), predicate)
	s.readDetails(predicate.object("runDetails"), predicate)
	f.leave("predicate", predicate)
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

// object begins to read a member that is an object; leave ends it.
func (f *fields) object(name string) *fields {
	return &fields{v: f.next(name, jsonObject), err: f.err}
}

// leave passes what was wrong in a member on to the object around it.
func (f *fields) leave(name string, in *fields) {
	if err := in.done(); err != nil {
		f.fail("%s: %w", name, err)
	}
}

func (f *fields) want(name, value string) {
	if s := f.str(name); f.err == nil && s != value {
		f.fail("%s is %.60q, not %q", name, s, value)
	}
}

// resource reads the beginning of a ResourceDescriptor.
func (f *fields) resource() (name string, d Digest) {
	if f.has("name") {
		name = f.str("name")
	}
	digest := f.object("digest")
	digest.hex("sha256", d[:])
	f.leave("digest", digest)
	return name, d
}

func (s *Statement) readDefinition(f, up *fields) {
	f.want("buildType", RunBuildType)
	external := f.object("externalParameters")
	kernel := external.str("kernel")
	external.each("parameters", func(f *fields) { s.Parameters = append(s.Parameters, readParameter(f)) })
	f.leave("externalParameters", external)
	internal := f.object("internalParameters")
	in := internal.object("kernel")
	s.Kernel = readKernel(in)
	internal.leave("kernel", in)
	f.leave("internalParameters", internal)
	if f.err == nil && s.Kernel.Name != kernel {
		f.fail("the kernel has two names")
	}
	f.each("resolvedDependencies", s.readDependency)
	up.leave("buildDefinition", f)
}

func (s *Statement) readDependency(f *fields) {
	name, d := f.resource()
	switch media := f.str("mediaType"); {
	case media == mediaNotebook && s.Input.IsZero():
		s.InputName, s.Input = name, d
	case media == mediaEnvironment && s.Environment == nil:
		in := f.object("annotations")
		s.Environment = readEnvironment(in)
		f.leave("annotations", in)
	default:
		f.fail("%.60q is no dependency that a run has, or has twice", media)
	}
}

func (s *Statement) readDetails(f, up *fields) {
	builder := f.object("builder")
	builder.str("id") // compared with the entry's log when all is written again
	version := builder.object("version")
	s.Assay = version.str("assay")
	builder.leave("version", version)
	f.leave("builder", builder)
	metadata := f.object("metadata")
	metadata.str("invocationId")
	s.Start, s.End = metadata.time("startedOn"), metadata.time("finishedOn")
	f.leave("metadata", metadata)
	f.each("byproducts", func(f *fields) {
		f.resource()
		leaf, err := base64.StdEncoding.DecodeString(f.str("content"))
		if f.want("mediaType", mediaEntry); err != nil || s.Leaf != "" {
			f.fail("it is not the one entry")
		}
		s.Leaf = string(leaf)
	})
	up.leave("runDetails", f)
}
