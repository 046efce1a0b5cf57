package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The types of an attestation. docs/attest.md specifies what stands in it.
const (
	StatementType  = "https://in-toto.io/Statement/v1"
	ProvenanceType = "https://slsa.dev/provenance/v1"
	RunBuildType   = "urn:assay:notebook-run:1"
)

const builderPrefix = "urn:assay:log:"

// attestedState is the one state of a run that is attested.
const attestedState = "succeeded"

// ErrNotAttested is returned for a run that did not succeed: a verifier of
// attestations looks at signature and subject, and would take its output for a
// good one. Its receipt says how it ended.
var ErrNotAttested = errors.New("the run did not succeed, and only outputs of runs that did are attested")

// Statement is an in-toto Statement v1 with an SLSA provenance v1 predicate:
// the output notebook, and what it was made of and by. It is made of what a
// run's receipt shows, so that both say the same.
type Statement struct {
	Name        string // base name of the output; may be empty
	Output      Digest // of its bytes: the subject
	InputName   string // base name of the input; may be empty
	Input       Digest // of its bytes; the zero Digest where it is not known
	Parameters  []ParameterFact
	Kernel      *KernelFacts
	Environment *EnvironmentFacts // nil where it is not known
	Assay       string            // the version that ran it
	Start, End  time.Time
	Leaf        string // the run's entry in the log, exact
}

// NewStatement takes what an attestation says from a run's receipt, which it
// does not verify. The receipt must show the payloads output, kernel and
// result; what else it hides the statement leaves out.
func NewStatement(r *Receipt) (*Statement, error) {
	e, err := ParseEntry([]byte(r.Entry))
	if err != nil {
		return nil, fmt.Errorf("attest: %w", err)
	}
	if e.Kind != KindRun {
		return nil, fmt.Errorf("attest: %s is no run", subjectOf(e))
	}
	if e.State != attestedState {
		return nil, fmt.Errorf("attest: %w: it ended %s", ErrNotAttested, e.State)
	}
	f, err := ParseFacts(r.Payloads)
	if err != nil {
		return nil, fmt.Errorf("attest: %w", err)
	}
	if f.Output == nil || f.Output.File.IsZero() || f.Kernel == nil || !shown(r.Payloads, PayloadResult) || !shown(r.Payloads, PayloadParameters) {
		return nil, errors.New("attest: the receipt does not show output, parameters, kernel and result")
	}
	s := &Statement{
		Name: baseName(f.Names.Output), Output: f.Output.File, InputName: baseName(f.Names.Input),
		Parameters: f.Parameters, Kernel: f.Kernel, Environment: f.Environment,
		Assay: f.Result.Assay, Start: f.Result.Start, End: f.Result.End, Leaf: r.Entry,
	}
	if f.Input != nil {
		s.Input = f.Input.File
	}
	return s, nil
}

// baseName is the last part of a reference: folders, buckets and queries may
// tell who somebody is, and the name of a file is enough to tell files apart.
func baseName(reference string) string {
	if strings.Contains(reference, "://") {
		reference, _, _ = strings.Cut(reference, "?")
	}
	return strings.ToValidUTF8(reference[strings.LastIndexAny(reference, `/\`)+1:], "\ufffd")
}

// Entry is the run's entry, as Leaf has it.
func (s *Statement) Entry() (*Entry, error) { return ParseEntry([]byte(s.Leaf)) }

// Encode is the statement's JSON: exactly what ParseStatement reads.
func (s *Statement) Encode() []byte {
	e, err := s.Entry()
	if err != nil {
		e = &Entry{} // ParseStatement refuses what comes of it
	}
	if s.Kernel == nil {
		s = &Statement{Kernel: &KernelFacts{}}
	}
	var w jsonWriter
	w.open("", '{')
	w.str("_type", StatementType)
	w.open("subject", '[')
	w.resource(s.Name, s.Output)
	w.close('}')
	w.close(']')
	w.str("predicateType", ProvenanceType)
	w.open("predicate", '{')
	s.writeDefinition(&w)
	s.writeDetails(&w, e)
	w.close('}')
	w.close('}')
	return w.b
}

// resource begins a ResourceDescriptor; the caller closes it.
func (w *jsonWriter) resource(name string, d Digest) {
	w.open("", '{')
	if name != "" {
		w.str("name", name)
	}
	w.open("digest", '{')
	w.str("sha256", strings.TrimPrefix(d.String(), digestPrefix))
	w.close('}')
}

func (s *Statement) writeDefinition(w *jsonWriter) {
	w.open("buildDefinition", '{')
	w.str("buildType", RunBuildType)
	w.open("externalParameters", '{')
	w.str("kernel", s.Kernel.Name)
	(&RunFacts{Parameters: s.Parameters}).writeParameters(w)
	w.close('}')
	w.open("internalParameters", '{')
	w.open("kernel", '{')
	s.Kernel.write(w)
	w.close('}')
	w.close('}')
	w.open("resolvedDependencies", '[')
	if !s.Input.IsZero() {
		w.resource(s.InputName, s.Input)
		w.str("mediaType", mediaNotebook)
		w.close('}')
	}
	if s.Environment != nil {
		w.resource("environment", s.Environment.Digest())
		w.str("mediaType", mediaEnvironment)
		w.open("annotations", '{')
		s.Environment.write(w)
		w.close('}')
		w.close('}')
	}
	w.close(']')
	w.close('}')
}

// The media types of the two dependencies, by which they are told apart: an
// input may be called environment.
const (
	mediaNotebook    = "application/x-ipynb+json"
	mediaEnvironment = "application/vnd.assay.environment+json"
	mediaEntry       = "application/vnd.assay.entry+json"
)

func (s *Statement) writeDetails(w *jsonWriter, e *Entry) {
	w.open("runDetails", '{')
	w.open("builder", '{')
	w.str("id", builderID(e.Log))
	w.open("version", '{')
	w.str("assay", s.Assay)
	w.close('}')
	w.close('}')
	w.open("metadata", '{')
	w.str("invocationId", e.ID)
	w.str("startedOn", formatTime(s.Start))
	w.str("finishedOn", formatTime(s.End))
	w.close('}')
	w.open("byproducts", '[')
	w.resource("entry", sha256.Sum256([]byte(s.Leaf)))
	w.str("content", base64.StdEncoding.EncodeToString([]byte(s.Leaf)))
	w.str("mediaType", mediaEntry)
	w.close('}')
	w.close(']')
	w.close('}')
}

// builderID is the URI of what vouches for a run: the log, by its origin.
func builderID(origin string) string { return builderPrefix + url.PathEscape(origin) }
