package runs

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"assay/audit"
	"assay/events"
	"assay/executor"
	"assay/nbformat"
	"assay/params"
	"assay/runs/output"
	"assay/scraps"
)

// inputFacts are what is known of the bytes that were read, and of the
// notebook in them: doc is nil where they are a script or an older format.
func inputFacts(data []byte, doc *nbformat.Document) *audit.InputFacts {
	f := &audit.InputFacts{File: audit.DigestBytes(data), Size: int64(len(data))}
	if doc != nil {
		if d, err := audit.DigestNotebook(doc); err == nil { // a number beyond reading has no digest
			f.Source = d.Source
		}
	}
	return f
}

// parameterFacts are the injected values; a secret is its reference and a
// commitment to its value, whose salt is told to nobody.
func parameterFacts(in *params.Injection) (ps []audit.ParameterFact, salts []audit.SecretFact) {
	if in.Values == nil {
		return nil, nil
	}
	for name, v := range in.Values.All() {
		secret, is := v.(params.Secret)
		if !is {
			ps = append(ps, audit.ParameterFact{Name: name, Value: string(params.JSON(v))})
			continue
		}
		salt := newSalt()
		ps = append(ps, audit.ParameterFact{
			Name: name, Secret: secret.Reference, Commitment: audit.CommitSecret(name, salt, []byte(secret.Reveal())),
		})
		salts = append(salts, audit.SecretFact{Name: name, Salt: salt})
	}
	return ps, salts
}

func newSalt() (salt [32]byte) {
	_, _ = rand.Read(salt[:]) // never fails: crypto/rand ends the program first
	return salt
}

func kernelFacts(i executor.Info) *audit.KernelFacts {
	if i.Via == "" {
		return nil // it did not start
	}
	var language struct {
		Version string `json:"version"`
	}
	_ = json.Unmarshal(i.LanguageInfo, &language) // a kernel that says something else has no version
	return &audit.KernelFacts{
		Name: i.Name, DisplayName: i.DisplayName, Language: i.Language, LanguageVersion: language.Version,
		Implementation: i.Implementation, ImplementationVersion: i.ImplementationVersion,
		ProtocolVersion: i.ProtocolVersion, Via: i.Via,
	}
}

func environmentFacts(e *executor.Environment) *audit.EnvironmentFacts {
	f := &audit.EnvironmentFacts{
		Interpreter: e.Interpreter, Version: e.Version, Platform: e.Platform, Manager: e.Manager, Source: e.Source, Gaps: e.Gaps,
		Packages: make([]audit.PackageFact, len(e.Packages)),
	}
	for i, p := range e.Packages {
		f.Packages[i] = audit.PackageFact(p)
	}
	return f
}

// outputFacts are the digests of the notebook that was written: whole, by cell, and of its scraps.
func (j *job) outputFacts(doc *nbformat.Document, file audit.Digest, size int64) {
	f := &j.facts
	f.Output = &audit.OutputFacts{File: file, Size: size}
	j.keepOutput(doc)
	d, err := audit.DigestNotebook(doc)
	if err != nil {
		j.warn("the output has no digest by cell: %v", err)
		return
	}
	f.Output.Source, f.Output.Outputs, f.Output.Rest = d.Source, d.Outputs, d.Rest
	f.Cells = cellFacts(doc, d.Cells, j.row.Cells)
	found, _, err := scraps.FindWith(doc, nil)
	if err != nil {
		j.warn("not every scrap could be read: %v", err)
	}
	j.tell(events.TypeNotebook, map[string]any{"output": clip(j.row.Output), "digest": file.String(), "size": size})
	for i, s := range found {
		digest := audit.DigestBytes(s.JSON())
		f.Scraps = append(f.Scraps, audit.ScrapFact{Name: s.Name, Digest: digest})
		if i < maxScrapEvents {
			j.tell(events.TypeScrap, map[string]any{"name": clip(s.Name), "digest": digest.String()})
		}
	}
}

// maxScrapEvents is the number of scraps of a run that the bus hears of; the entry has all.
const maxScrapEvents = 1000

// tell tells the bus of a thing that the listener's events do not have.
func (j *job) tell(typ string, payload map[string]any) {
	payload["ctx"] = map[string]string{"run_id": j.row.ID, "notebook": clip(j.row.Input)}
	raw, err := json.Marshal(payload)
	if err != nil || j.s.o.Log == nil {
		return
	}
	j.publish(events.Event{
		ID: events.NewID(), Trace: j.row.ID, Task: j.row.ID, Type: typ, Source: "assay", Time: j.s.o.Now().UTC(),
		Version: events.Version, Payload: raw,
	})
}

// cellFacts joins what the document says of its cells to what the run says.
// The run's indexes are those before error markers were put in.
func cellFacts(doc *nbformat.Document, digests []audit.CellDigests, results []executor.CellResult) []audit.CellFacts {
	byIndex := make(map[int]*executor.CellResult, len(results))
	for i := range results {
		byIndex[results[i].Index] = &results[i]
	}
	facts := make([]audit.CellFacts, doc.Len())
	before := 0
	for i, c := range doc.Cells() {
		facts[i].CellDigests = digests[i]
		if c.HasTag(output.MarkerTag) {
			continue
		}
		if r := byIndex[before]; r != nil && c.Type() == "code" {
			facts[i].State, facts[i].Masked = string(r.State), r.Masked
		}
		if n, ok := c.ExecutionCount(); ok {
			facts[i].ExecutionCount = &n
		}
		before++
	}
	return facts
}

func nameFacts(r *Run) audit.NameFacts {
	n := audit.NameFacts{Input: r.Input, Output: r.Output, AskedBy: r.AskedBy, User: User()}
	n.Host, _ = os.Hostname() // a host without a name has none
	return n
}

func (j *job) resultFacts() audit.ResultFacts {
	r := &j.row
	f := audit.ResultFacts{
		State: string(r.State), Reason: r.Reason, Trigger: string(r.Trigger), Start: r.Started, End: r.Ended,
		Assay: j.s.o.Version, Completeness: output.CompletenessUnproven,
	}
	if r.Provable {
		f.Completeness = output.CompletenessProven
	}
	for i := range r.Cells {
		if r.Cells[i].Lost != 0 || r.Cells[i].State == executor.Incomplete {
			f.Completeness = output.CompletenessLost
		}
	}
	return f
}

// eventFacts are the run's events behind one digest.
func eventFacts(es []events.Event) (audit.EventFacts, error) {
	encoded := make([][]byte, len(es))
	for i, e := range es {
		b, err := e.Encode()
		if err != nil {
			return audit.EventFacts{}, fmt.Errorf("write the event %s: %w", e.Type, err)
		}
		encoded[i] = b
	}
	return audit.EventFacts{Digest: audit.EventsDigest(encoded), Count: int64(len(es))}, nil
}

// Environments is what a Starter also is that knows what a kernel runs in.
type Environments interface {
	// Environment reads what the kernel of the request would run in, from files.
	Environment(ctx context.Context, r KernelRequest) (executor.Environment, error)
}

// ErrNoEnvironment says that what a kernel runs in cannot be known here, which is no fault.
var ErrNoEnvironment = errors.New("the kernel's environment cannot be read from here")

// packed is what pack read.
type packed struct {
	env executor.Environment
	err error
}

// pack reads the kernel's environment while the kernel starts.
func (j *job) pack(ctx context.Context, r KernelRequest) {
	reader, ok := j.s.starter.(Environments)
	if !ok || j.s.o.Log == nil {
		return
	}
	j.packed = make(chan packed, 1)
	go func() {
		e, err := reader.Environment(ctx, r)
		j.packed <- packed{e, err}
	}()
}

// unpackLimit is how long the end of a run waits for what was begun at its start: a dead network drive answers never.
const unpackLimit = 2 * time.Second

// unpack takes what pack read. What is missing is missing in the receipt, and a warning.
func (j *job) unpack() {
	if j.packed == nil {
		return
	}
	select {
	case p := <-j.packed:
		switch {
		case p.err == nil:
			j.facts.Environment = environmentFacts(&p.env)
		case !errors.Is(p.err, ErrNoEnvironment):
			j.warn("the receipt will not say what the kernel ran in: %v", p.err)
		}
	case <-time.After(unpackLimit):
		j.warn("the receipt will not say what the kernel ran in: reading its packages takes too long")
	}
}
