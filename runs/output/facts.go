package output

import (
	"bytes"
	"encoding/json"
	"time"

	"assay/executor"
	"assay/nbformat"
)

// FactsVersion is the version of metadata.assay; docs/metadata.md describes it.
const FactsVersion = 1

// Facts is metadata.assay of a notebook.
type Facts struct {
	AssayVersion string         `json:"assay_version,omitempty"`
	Completeness string         `json:"completeness,omitempty"` // see the constants
	EndTime      string         `json:"end_time,omitempty"`
	Exited       bool           `json:"exited,omitempty"` // the notebook ended itself
	InputDigest  string         `json:"input_digest,omitempty"`
	Kernel       *KernelFacts   `json:"kernel,omitempty"`
	Note         string         `json:"note,omitempty"`
	Reason       string         `json:"reason,omitempty"`
	Recovered    bool           `json:"recovered,omitempty"` // put together from the journal after a crash
	RunID        string         `json:"run_id,omitempty"`
	StartTime    string         `json:"start_time,omitempty"`
	State        executor.State `json:"state"`
	Version      int            `json:"version"`
}

// What is known of the completeness of a run's outputs.
const (
	CompletenessProven   = "proven"       // the kernel's message ids show no gap
	CompletenessUnproven = "not_provable" // the kernel's message ids prove nothing, and no loss was seen
	CompletenessLost     = "lost"         // output is known to be lost
)

// KernelFacts says which kernel ran a notebook.
type KernelFacts struct {
	DisplayName           string     `json:"display_name,omitempty"`
	Exit                  *ExitFacts `json:"exit,omitempty"`
	Implementation        string     `json:"implementation,omitempty"`
	ImplementationVersion string     `json:"implementation_version,omitempty"`
	Language              string     `json:"language,omitempty"`
	Name                  string     `json:"name,omitempty"` // the kernelspec that ran
	ProtocolVersion       string     `json:"protocol_version,omitempty"`
	Ready                 string     `json:"ready_time,omitempty"`
	Requested             string     `json:"requested,omitempty"` // what the caller asked for; empty: nothing
	Via                   string     `json:"via,omitempty"`       // local or gateway
}

// ExitFacts says how a kernel ended that was lost.
type ExitFacts struct {
	Code      int    `json:"code"`
	OOM       bool   `json:"out_of_memory,omitempty"`
	Reason    string `json:"reason"`
	Restarted bool   `json:"restarted,omitempty"`
	Signal    string `json:"signal,omitempty"`
}

// CellFacts is metadata.assay of a code cell.
type CellFacts struct {
	Lost   int                `json:"lost_messages,omitempty"` // -1: some, number unknown
	Masked []string           `json:"masked_secrets,omitempty"`
	Note   string             `json:"note,omitempty"`
	State  executor.CellState `json:"state"`
}

// setFacts writes v at metadata.assay of a notebook or a cell.
func setFacts(set func(raw []byte, path ...string) error, v any) error {
	raw, err := marshal(v)
	if err != nil {
		return err
	}
	return set(raw, "assay")
}

// marshal writes v without the escapes that encoding/json adds for browsers.
// The fields of our structs stand in the order of their keys, so that a
// notebook in canonical form stays in it.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return pyTime(t)
}

// kernelFacts describes the kernel of a run.
func kernelFacts(requested string, k *executor.Info, exit *executor.ExitError) *KernelFacts {
	f := KernelFacts{Requested: requested}
	if k != nil {
		f.Name, f.DisplayName, f.Language = k.Name, k.DisplayName, k.Language
		f.Implementation, f.ImplementationVersion = k.Implementation, k.ImplementationVersion
		f.ProtocolVersion, f.Via, f.Ready = k.ProtocolVersion, k.Via, stamp(k.Ready)
	}
	if exit != nil {
		f.Exit = &ExitFacts{Reason: exit.Reason, Code: exit.Code, Signal: exit.Signal, OOM: exit.OOM, Restarted: exit.Restarted}
	}
	if f == (KernelFacts{}) {
		return nil
	}
	return &f
}

// ReadFacts reads metadata.assay of a notebook; ok is false when there is none
// or it is of a version that we do not know.
func ReadFacts(d *nbformat.Document) (f Facts, ok bool) {
	v := d.Metadata().Get("assay")
	if v.Kind() != nbformat.Object || json.Unmarshal(v.Raw(), &f) != nil || f.Version != FactsVersion {
		return Facts{}, false
	}
	return f, true
}
