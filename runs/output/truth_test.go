package output

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/nbformat"
)

// TestTrueRecord is the table of papermill.md 1.7 with what is true: four
// cells, the event at the second. Each row is a way in which papermill's own
// record differs, or the reader's check that it does not.
func TestTrueRecord(t *testing.T) {
	t.Parallel()
	raise := &executor.CellError{Index: 1, Name: "ValueError", Value: "x"}
	exit := &executor.CellError{Index: 1, Name: "SystemExit", Value: "0"}
	for _, c := range []struct {
		name      string
		cell      executor.CellState
		error     *executor.CellError
		res       executor.Result
		goesOn    bool // the cells after it are run
		o         Options
		status    string // of the second cell
		exception string // of the second cell
		notebook  string // exception of the notebook
		marker    string // part of the marker above it; "": none
	}{
		{"succeeds", executor.Succeeded, nil, executor.Result{State: executor.RunSucceeded}, true, Options{}, completed, "false", "null", ""},
		{"raises", executor.Failed, raise, executor.Result{State: executor.RunFailed, Reason: "cell_error"}, false, Options{}, failed, "true", "true", "encountered an exception here"},
		{"tolerated", executor.ToleratedError, raise, executor.Result{State: executor.RunSucceeded}, true, Options{}, completed, "false", "null", ""},
		{"exits", executor.Succeeded, exit, executor.Result{State: executor.RunSucceeded, Exited: true}, false, Options{}, completed, "false", "null", ""},
		{"exits, as a failure", executor.Failed, exit, executor.Result{State: executor.RunSucceeded, Exited: true}, false, Options{}, completed, "false", "null", ""},
		{"times out", executor.TimedOut, nil, executor.Result{State: executor.RunTimedOut}, false, Options{}, failed, "true", "true", "The run timed out here"},
		{"kernel lost", executor.KernelLost, nil, executor.Result{State: executor.RunKernelLost, Exit: &executor.ExitError{Reason: "signal: killed", Signal: "killed"}}, false, Options{}, failed, "true", "true", "The kernel was lost here"},
		{"cancelled", executor.Interrupted, nil, executor.Result{State: executor.RunCancelled}, false, Options{}, failed, "true", "true", "The run was interrupted here"},
		{"incomplete", executor.Incomplete, nil, executor.Result{State: executor.RunIncomplete}, true, Options{}, failed, "true", "true", "Output was lost here"},
		{"incomplete, allowed", executor.Incomplete, nil, executor.Result{State: executor.RunSucceeded}, true, Options{AllowIncomplete: true}, completed, "false", "null", ""},
		{"output limit", executor.Failed, nil, executor.Result{State: executor.RunFailed, Reason: "output_limit"}, false, Options{}, failed, "true", "true", "The run was stopped here: too much"},
		{"never told of its end", executor.Running, nil, executor.Result{State: executor.RunCancelled}, false, Options{}, failed, "true", "true", "The run was interrupted here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			w, err := Memory(cells(t, 4), &c.o, func(write func(io.Writer) error) error { return write(&b) })
			if err != nil {
				t.Fatal(err)
			}
			last := 2
			if c.goesOn {
				last = 4
			}
			for i := 1; i <= last; i++ {
				w.CellStarted(i, time.Now())
				r := done(i, "x")
				if i == 2 {
					r.State, r.Error = c.cell, c.error
					if c.res.Reason == "output_limit" {
						r.Note = "too much <output>"
					}
				}
				if r.State != executor.Running {
					w.CellEnded(r)
				}
			}
			if err := w.Finish(c.res); err != nil {
				t.Fatal(err)
			}
			d, err := nbformat.Parse(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if f := nbformat.Validate(d); f != nil {
				t.Errorf("not valid: %+v", f)
			}
			if got := string(d.Metadata().Get("papermill", "exception").Raw()); got != c.notebook {
				t.Errorf("exception of the notebook: %s, want %s", got, c.notebook)
			}
			if f, ok := ReadFacts(d); !ok || f.State != c.res.State || f.Reason != c.res.Reason {
				t.Errorf("facts: %+v", f)
			}
			at := 2
			if c.marker != "" {
				at = 4
				if !d.Cell(0).HasTag(MarkerTag) || !strings.Contains(d.Cell(0).Source(), "In [2]") && c.cell != executor.Running {
					t.Errorf("top marker: %q", d.Cell(0).Source())
				}
				if m := d.Cell(3); !m.HasTag(MarkerTag) || !strings.Contains(m.Source(), c.marker) {
					t.Errorf("marker: %q", m.Source())
				}
			} else if n := len(d.CellsByTag(MarkerTag)); n != 0 {
				t.Errorf("%d markers", n)
			}
			m := d.Cell(at).Metadata().Get("papermill")
			if m.Get("status").Text() != c.status || string(m.Get("exception").Raw()) != c.exception {
				t.Errorf("the cell: %s", m.Raw())
			}
			if m.Get("end_time").Text() == "" || m.Get("duration").Kind() != nbformat.Number {
				t.Errorf("the cell's times: %s", m.Raw())
			}
			after := d.Cell(at + 2).Metadata().Get("papermill")
			want := pending
			if c.goesOn {
				want = completed
			}
			if got := after.Get("status").Text(); got != want {
				t.Errorf("the last cell: %s, want %s", after.Raw(), want)
			}
		})
	}
}

// TestOnlyWhatTheRunChanged: the bytes of IN stay, in their own style, but for
// what a run sets; and a second run leaves nothing of the first one.
func TestOnlyWhatTheRunChanged(t *testing.T) {
	t.Parallel()
	const in = `{
    "nbformat": 4, "nbformat_minor": 2, "own":   {"z": 1.0, "a": 1e5},
    "metadata": {"kernelspec":{"name":"python3","display_name":"P"},
        "papermill": {"version": "1.2", "parameters": {"stale": 1}, "status": "x"},
        "assay": {"version": 1, "state": "succeeded", "note": "stale"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"stale": 1}}}},
    "cells": [
        {"cell_type":"markdown","metadata":{"tags":["papermill-error-cell-tag"]},"source":"stale"},
        {"cell_type":"markdown","metadata":{"own": true},"source":"# Title\n"},
        {"cell_type":"code","execution_count":7,"metadata":{"execution":{"timeout":5,"iopub.status.busy":"stale"},"assay":{"state":"failed","note":"stale"}},
         "outputs":[{"output_type":"stream","name":"stdout","text":"stale"}],"source":["print(1)"]}
    ]
}
`
	run := func(in []byte) []byte {
		d, err := nbformat.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		w, err := Memory(d, &Options{InputRef: "in", OutputRef: "out", Parameters: []byte(`{"new": 2}`)}, func(write func(io.Writer) error) error { return write(&b) })
		if err != nil {
			t.Fatal(err)
		}
		r := done(1, "fresh\n")
		r.Timing = map[string]string{"iopub.status.busy": "2026-01-01T00:00:00.000000Z"}
		r.Masked = []string{"token"}
		w.CellEnded(r)
		if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	got := run([]byte(in))
	for _, want := range []string{
		`"nbformat": 4, "nbformat_minor": 2, "own":   {"z": 1.0, "a": 1e5},`,
		`"kernelspec":{"name":"python3","display_name":"P"}`,
		`"source":["print(1)"]}` + "\n    ]\n}\n",
		`"timeout":5`, `fresh`, `"masked_secrets"`, papermillVersion + "+assay",
	} {
		if !bytes.Contains(got, []byte(want)) {
			t.Errorf("not in the output: %s", want)
		}
	}
	if bytes.Contains(got, []byte("stale")) || bytes.Contains(got, []byte("widgets")) {
		t.Errorf("left of an earlier run:\n%s", got)
	}
	if t.Failed() {
		t.Logf("%s", got)
	}
	d, err := nbformat.Parse(run(got))
	if err != nil {
		t.Fatal(err)
	}
	if d.Len() != 2 {
		t.Errorf("%d cells after the second run", d.Len())
	}
}

func TestPythonTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 10, 12, 12, 28, 326384999, time.FixedZone("", 7200))
	for _, c := range []struct{ got, want string }{
		{pyTime(at), "2026-05-10T10:12:28.326384+00:00"},
		{pyTime(at.Truncate(time.Second)), "2026-05-10T10:12:28+00:00"},
		{pySeconds(at, at.Add(14292*time.Microsecond)), "0.014292"},
		{pySeconds(at, at.Add(2*time.Second)), "2.0"},
		{pySeconds(at, at.Add(50*time.Microsecond)), "5e-05"},
		{pySeconds(at, at), "0.0"},
		{pySeconds(at, at.Add(100*time.Microsecond)), "0.0001"},
		{pySeconds(at, at.Add(360438129*time.Microsecond)), "360.438129"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
