package audit

import "time"

// RunFacts is what the entry of a run is bound to. Each field becomes one
// payload of that name, so that each can be shown or erased alone. A nil
// pointer is a part that the run never had: a kernel that did not start.
type RunFacts struct {
	Input       *InputFacts
	Parameters  []ParameterFact
	Kernel      *KernelFacts      // as the kernel reported
	Environment *EnvironmentFacts // as read from the environment's own metadata
	Cells       []CellFacts
	Output      *OutputFacts
	Scraps      []ScrapFact
	Names       NameFacts
	Result      ResultFacts
	Events      EventFacts
	Secrets     []SecretFact // the payload "secrets", which no receipt holds
}

// InputFacts is the notebook that was read. Its bytes are under File; Source
// is unknown for a script and for a notebook before nbformat 4.
type InputFacts struct {
	File, Source Digest
	Size         int64
}

// ParameterFact is one injected parameter: a value, or a secret's reference
// and commitment (CommitSecret).
type ParameterFact struct {
	Name       string
	Value      string // JSON text; unused for a secret
	Secret     string // "@env:NAME"; "" for what is none
	Commitment Digest
}

// SecretFact is the salt of a secret parameter's commitment.
type SecretFact struct {
	Name string
	Salt [32]byte
}

// KernelFacts is what the kernel said of itself, and the kernelspec it was started from.
type KernelFacts struct {
	Name, DisplayName                     string // of the kernelspec
	Language, LanguageVersion             string
	Implementation, ImplementationVersion string
	ProtocolVersion                       string
	Via                                   string // local or gateway
}

// EnvironmentFacts is what the kernel ran in. Digest is that of the payload
// without it, the same for equal environments; Payloads computes it.
type EnvironmentFacts struct {
	Interpreter, Version, Platform, Manager string
	Source                                  string // how it was learnt
	Packages                                []PackageFact
	Gaps                                    []string // sentences about what could not be read
}

// PackageFact is one installed package. Origin is where it came from when that
// was no package index.
type PackageFact struct{ Name, Version, Origin string }

// CellFacts is one cell of the output notebook.
type CellFacts struct {
	CellDigests
	State          string // as metadata.assay has it; "" for cells that are not code
	ExecutionCount *int   // nil without one
	Masked         []string
}

// OutputFacts is the notebook that was written. The digests are unknown when
// it is none of nbformat 4.
type OutputFacts struct {
	File, Source, Outputs, Rest Digest
	Size                        int64
}

// ScrapFact is one value that the notebook glued, by the digest of its JSON text.
type ScrapFact struct {
	Name   string
	Digest Digest
}

// NameFacts are the names that may tell who somebody is.
type NameFacts struct {
	Input, Output string // references
	User, Host    string // of the machine that ran it
	AskedBy       string // who asked for the run, as the trigger knows it
}

// ResultFacts is how the run ended.
type ResultFacts struct {
	State, Reason, Trigger string
	Start, End             time.Time
	Assay                  string // the version that ran it
	Completeness           string // proven, not_provable or lost
}

// EventsDigest is the digest of a run's events, each by its exact bytes, in their order.
func EventsDigest(encoded [][]byte) Digest {
	e := newEncoder(domainEvents)
	e.head('l', len(encoded))
	for _, b := range encoded {
		e.bytes(b)
	}
	return e.sum()
}

const domainEvents = "assay.events.1"

// EventFacts are the run's events, behind one digest.
type EventFacts struct {
	Digest Digest
	Count  int64
}

// The names of the payloads of a run, in their order.
const (
	PayloadInput       = "input"
	PayloadParameters  = "parameters"
	PayloadKernel      = "kernel"
	PayloadEnvironment = "environment"
	PayloadCells       = "cells"
	PayloadOutput      = "output"
	PayloadScraps      = "scraps"
	PayloadNames       = "names"
	PayloadResult      = "result"
	PayloadEvents      = "events"
)

// Who observed a fact: the field "by" of each payload.
const (
	byAssay  = "assay"  // seen by assay itself, from outside the kernel
	byKernel = "kernel" // said by the kernel, which runs what the notebook tells it to
)

const factsVersion = 1

// Payloads are the facts as payloads, each with a fresh salt.
func (f *RunFacts) Payloads(salt func() [32]byte) []Payload {
	var out []Payload
	add := func(name, by string, write func(w *jsonWriter)) {
		out = append(out, factPayload(name, by, salt, write))
	}
	if f.Input != nil {
		add(PayloadInput, byAssay, f.Input.write)
	}
	add(PayloadParameters, byAssay, f.writeParameters)
	if f.Kernel != nil {
		add(PayloadKernel, byKernel, f.Kernel.write)
	}
	if f.Environment != nil {
		add(PayloadEnvironment, byAssay, f.Environment.write)
	}
	add(PayloadCells, byAssay, f.writeCells)
	if f.Output != nil {
		add(PayloadOutput, byAssay, f.Output.write)
	}
	add(PayloadScraps, byKernel, f.writeScraps)
	add(PayloadNames, byAssay, f.Names.write)
	add(PayloadResult, byAssay, f.Result.write)
	add(PayloadEvents, byAssay, f.Events.write)
	if len(f.Secrets) > 0 {
		add(SecretsPayload, byAssay, f.writeSecrets)
	}
	return out
}

// factPayload is one payload, by whom its facts are and what write writes of them.
func factPayload(name, by string, salt func() [32]byte, write func(w *jsonWriter)) Payload {
	var w jsonWriter
	w.open("", '{')
	w.int("version", factsVersion)
	w.str("by", by)
	write(&w)
	w.close('}')
	return Payload{Name: name, Salt: salt(), Data: w.b}
}
