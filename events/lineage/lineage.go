// Package lineage writes the events of a run as OpenLineage run events, version
// 2-0-2 of that specification: started is START, completed COMPLETE, failed
// FAIL, cancelled and aborted are ABORT. Other events are not sent. A run whose
// kernel never started sends its end alone.
//
// From the payload it takes, where they are: input, output (references to the
// notebooks), kernel, language, reason, error (ename, evalue, traceback),
// parameters (an object, secrets taken out by whoever wrote it) and ctx.notebook.
package lineage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/events"

	"github.com/google/uuid"
)

// Options are what a Format can be told.
type Options struct {
	Namespace string // of the jobs. Default: "assay"
	Version   string // of assay. Default: "unknown"
}

// Format is an events.Format. New makes one.
type Format struct {
	o Options
}

var _ events.Format = Format{}

// New returns a Format.
func New(o *Options) Format {
	var f Format
	if o != nil {
		f.o = *o
	}
	if f.o.Namespace == "" {
		f.o.Namespace = "assay"
	}
	if f.o.Version == "" {
		f.o.Version = "unknown"
	}
	return f
}

// ContentTypes implements events.Format: the API takes one event at a time.
func (Format) ContentTypes() (single, batch string) { return "application/json", "" }

// Wants implements events.Format.
func (Format) Wants(e events.Event) bool { return eventType(e.Type) != "" && e.Task != "" }

// Select implements events.Selective.
func (Format) Select() (fs []events.Filter) {
	for _, typ := range []string{events.TypeRunStarted, events.TypeRunCompleted, events.TypeRunFailed, events.TypeRunCancelled, events.TypeRunAborted} {
		fs = append(fs, events.Filter{"type": &typ})
	}
	return fs
}

func eventType(typ string) string {
	switch typ {
	case events.TypeRunStarted:
		return "START"
	case events.TypeRunCompleted:
		return "COMPLETE"
	case events.TypeRunFailed:
		return "FAIL"
	case events.TypeRunCancelled, events.TypeRunAborted:
		return "ABORT"
	}
	return ""
}

// payload is what a Format reads of a run event's payload.
type payload struct {
	Input    string `json:"input"`
	Output   string `json:"output"`
	Kernel   string `json:"kernel"`
	Language string `json:"language"`
	Reason   string `json:"reason"`
	Error    *struct {
		Name      string   `json:"ename"`
		Value     string   `json:"evalue"`
		Traceback []string `json:"traceback"`
	} `json:"error"`
	Parameters map[string]json.RawMessage `json:"parameters"`
	Ctx        struct {
		Notebook string `json:"notebook"`
	} `json:"ctx"`
}

// Encode implements events.Format.
func (f Format) Encode(e events.Event) ([]byte, error) {
	typ := eventType(e.Type)
	if typ == "" {
		return nil, fmt.Errorf("event %s: OpenLineage has no word for %s", e.ID, e.Type)
	}
	var p payload
	if len(e.Payload) > 0 {
		if err := json.Unmarshal(e.Payload, &p); err != nil {
			return nil, fmt.Errorf("event %s: %w", e.ID, err)
		}
	}
	name := p.Ctx.Notebook
	if name == "" {
		name = p.Input
	}
	if name == "" {
		name = "notebook"
	}
	return json.Marshal(runEvent{
		EventType: typ,
		EventTime: e.Time.UTC().Format(time.RFC3339Nano),
		Run:       run{ID: runID(e.Task), Facets: f.runFacets(typ, p)},
		Job:       job{Namespace: f.o.Namespace, Name: name, Facets: f.jobFacets()},
		Inputs:    []dataset{},
		Outputs:   outputs(p.Output),
		Producer:  f.producer(),
		SchemaURL: "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
	})
}

// runID is the task where it is a UUID, as OpenLineage asks; from another name
// one is derived, the same every time.
func runID(task string) string {
	if id, err := uuid.Parse(task); err == nil {
		return id.String()
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:assay:run:"+task)).String()
}

func (f Format) producer() string { return "urn:assay:" + f.o.Version }

func (f Format) base(schema string) facet {
	return facet{Producer: f.producer(), SchemaURL: "https://openlineage.io/spec/facets/" + schema}
}

func (f Format) jobFacets() map[string]any {
	return map[string]any{"jobType": jobTypeFacet{
		facet: f.base("2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"), ProcessingType: "BATCH", Integration: "ASSAY", JobType: "NOTEBOOK",
	}}
}

func (f Format) runFacets(typ string, p payload) map[string]any {
	facets := map[string]any{"processing_engine": engineFacet{
		facet: f.base("1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet"), Version: f.o.Version, Name: "assay",
	}}
	if len(p.Parameters) > 0 {
		facets["executionParameters"] = parametersFacet{
			facet:      f.base("1-0-0/ExecutionParametersRunFacet.json#/$defs/ExecutionParametersRunFacet"),
			Parameters: parameters(p.Parameters),
		}
	}
	if typ == "FAIL" || typ == "ABORT" {
		if m := f.errorFacet(p); m.Message != "" {
			facets["errorMessage"] = m
		}
	}
	return facets
}

func (f Format) errorFacet(p payload) errorFacet {
	m := errorFacet{
		facet:   f.base("1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"),
		Message: p.Reason, Language: p.Language,
	}
	if m.Language == "" {
		m.Language = p.Kernel
	}
	if m.Language == "" {
		m.Language = "unknown" // the facet demands one
	}
	if p.Error != nil {
		m.Message = strings.TrimSuffix(p.Error.Name+": "+p.Error.Value, ": ")
		m.StackTrace = strings.Join(p.Error.Traceback, "\n")
	}
	return m
}

func parameters(given map[string]json.RawMessage) []parameter {
	var out []parameter
	for name, raw := range given {
		var s string
		if json.Unmarshal(raw, &s) != nil || raw[0] != '"' {
			s = string(raw)
		}
		out = append(out, parameter{Key: name, Name: name, Value: s})
	}
	slices.SortFunc(out, func(a, b parameter) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// outputs names the written notebook as OpenLineage's naming rules say: object
// stores by bucket and key, files by path. What is neither is not named.
func outputs(ref string) []dataset {
	d := dataset{Namespace: "file", Name: ref}
	scheme, rest, ok := strings.Cut(ref, "://")
	switch {
	case ref == "" || ref == "-":
		return []dataset{}
	case ok && (scheme == "s3" || scheme == "gs"):
		bucket, key, _ := strings.Cut(rest, "/")
		key, _, _ = strings.Cut(key, "?")
		d = dataset{Namespace: scheme + "://" + bucket, Name: key}
	case ok && scheme == "file":
		d.Name = rest
	case ok:
		return []dataset{}
	}
	return []dataset{d}
}
