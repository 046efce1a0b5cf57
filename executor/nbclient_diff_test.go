package executor_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"assay/executor"
	"assay/executor/local"
	"assay/internal/testenv"
	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

// differential is one notebook that nbclient and Run both execute.
type differential struct {
	name     string
	cells    []executor.Cell
	raw      json.RawMessage // the notebook
	cwd      string          // a folder each for them and for us
	ours     string
	errors   bool // allow_errors
	coalesce bool
	late     bool // output of threads: as nbclient with DropLate only
}

// Corpus notebooks that need no network and no absent package, and that give
// the same outputs twice when nbclient runs them (tried once, kept as a list).
var corpusRuns = []string{
	"ipython-in-depth/examples/IPython_Kernel/nbpackage/mynotebook.ipynb",
	"ipython-in-depth/examples/Interactive_Widgets/Widget_Styling.ipynb",
	"ipython-in-depth/examples/Interactive_Widgets/Custom_Widget_-_Hello_World.ipynb",
	"ipython-in-depth/examples/Interactive_Widgets/File_Upload_Widget.ipynb",
	"ipython-in-depth/examples/Notebook/Custom_Keyboard_Shortcuts.ipynb",
	"ipython-in-depth/examples/Notebook/Running_the_Notebook_Server.ipynb",
	"nbconvert/tests/exporters/files/prompt_numbers.ipynb",
	"nbconvert/tests/files/notebook1.ipynb",
}

// TestSameAsNbclient compares outputs, counts, timing keys and widget state
// with those of nbclient itself, neighbouring streams joined on both sides.
// Run differs by decision in two things, which NoErrorOutput and DropLate turn
// off here: the error output of a reply that came without one (errors.py's
// magic) and late output (late.py), which TestRealLateOutput has.
func TestSameAsNbclient(t *testing.T) {
	t.Parallel()
	cases := ownNotebooks(t)
	cases = append(cases, corpusNotebooks(t)...)
	theirs := nbclientRuns(t, cases)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			compare(t, c, theirs[i])
		})
	}
}

func compare(t *testing.T, c *differential, theirs nbclientRun) {
	k := startPython(t, "main", func(o *local.Options) { o.Cwd = c.ours })
	s := newRecord()
	o := &executor.Options{AllowErrors: c.errors, CoalesceStreams: c.coalesce, NoErrorOutput: true, DropLate: c.late}
	res := executor.Run(t.Context(), k, c.cells, o, s)
	if !res.CompletenessProvable || res.State == executor.RunIncomplete {
		t.Errorf("%s, note %q", res.State, res.Note)
	}
	ids := map[string]int{}
	theirIDs := map[string]int{}
	for i, cell := range c.cells {
		if cell.Type != "code" {
			continue
		}
		ours, want := s.ended[i], theirs.Cells[i]
		got := outputsJSON(t, s.outputs[i])
		a, b := normal(t, want.Outputs, c.cwd, theirIDs), normal(t, got, c.ours, ids)
		if !c.coalesce {
			a = joined(a)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("cell %d (-nbclient +assay):\n%s\nsource: %s", i, diff, cell.Source)
		}
		if diff := cmp.Diff(want.Timing, timingKeys(ours)); diff != "" && ours.State != executor.NotRun && !ours.Started.IsZero() && ours.State != executor.Skipped {
			t.Errorf("cell %d timing (-nbclient +assay):\n%s", i, diff)
		}
		if want.Count != nil && ours.ExecutionCount != nil && *want.Count != *ours.ExecutionCount {
			t.Errorf("cell %d: execution_count %d, nbclient has %d", i, *ours.ExecutionCount, *want.Count)
		}
	}
	widgets := res.Widgets
	if widgets == nil {
		widgets = []byte("null")
	}
	if diff := cmp.Diff(normal(t, theirs.Widgets, c.cwd, theirIDs), normal(t, widgets, c.ours, ids)); diff != "" {
		t.Errorf("widgets (-nbclient +assay):\n%s", diff)
	}
}

func timingKeys(r executor.CellResult) []string {
	keys := []string{}
	for _, k := range []string{"iopub.execute_input", "iopub.status.busy", "iopub.status.idle", "shell.execute_reply"} {
		if r.Timing[k] != "" {
			keys = append(keys, k)
		}
	}
	return keys
}

var (
	modelID = regexp.MustCompile(`[0-9a-f]{32}`)
	address = regexp.MustCompile(`0x[0-9a-f]{8,}`)
	tempPy  = regexp.MustCompile(`ipykernel_\d+/\d+`)
)

// normal gives raw without what differs from run to run: random ids by their
// order, addresses, process ids and the folder.
func normal(t *testing.T, raw []byte, cwd string, ids map[string]int) any {
	t.Helper()
	raw = bytes.ReplaceAll(raw, []byte(cwd), []byte("CWD"))
	raw = address.ReplaceAll(raw, []byte("0xADDRESS"))
	raw = tempPy.ReplaceAll(raw, []byte("ipykernel_PID"))
	raw = modelID.ReplaceAllFunc(raw, func(id []byte) []byte {
		if _, seen := ids[string(id)]; !seen {
			ids[string(id)] = len(ids)
		}
		return fmt.Appendf(nil, "id%d", ids[string(id)])
	})
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v in %.200s", err, raw)
	}
	return v
}

// joined joins neighbouring stream outputs of one name.
func joined(outputs any) any {
	all := []any{}
	for _, o := range outputs.([]any) {
		m := o.(map[string]any)
		if n := len(all); n > 0 && m["output_type"] == "stream" {
			if last := all[n-1].(map[string]any); last["output_type"] == "stream" && last["name"] == m["name"] {
				last["text"] = last["text"].(string) + m["text"].(string)
				continue
			}
		}
		all = append(all, m)
	}
	return all
}

func outputsJSON(t *testing.T, all []nbformat.Output) []byte {
	t.Helper()
	list := []any{}
	for _, o := range all {
		v := map[string]any{"output_type": o.Type}
		switch o.Type {
		case nbformat.StreamOutput:
			v["name"], v["text"] = o.Name, o.Text
		case nbformat.ErrorOutput:
			v["ename"], v["evalue"], v["traceback"] = o.Ename, o.Evalue, o.Traceback
		default:
			v["data"], v["metadata"] = o.Data, o.Metadata
			if o.Type == nbformat.ExecuteResultOutput {
				v["execution_count"] = o.ExecutionCount
			}
		}
		list = append(list, v)
	}
	raw, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// nbclientRun is what nbclient made of a notebook.
type nbclientRun struct {
	Cells []struct {
		Outputs json.RawMessage
		Count   *int `json:"execution_count"`
		Timing  []string
	}
	Widgets json.RawMessage
}

// nbclientRuns runs all notebooks in one Python process.
func nbclientRuns(t *testing.T, cases []*differential) []nbclientRun {
	t.Helper()
	jobs := []map[string]any{}
	for _, c := range cases {
		jobs = append(jobs, map[string]any{"notebook": c.raw, "cwd": c.cwd, "allow_errors": c.errors, "coalesce": c.coalesce})
	}
	in, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	answers := filepath.Join(t.TempDir(), "answers")
	cmd := exec.CommandContext(t.Context(), testenv.Python(t, "main"), "testdata/nbclient_oracle.py", answers)
	cmd.Stdin = bytes.NewReader(in)
	// As executor/local starts it; the history of other sessions is not what is compared.
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1", "IPYTHONDIR="+t.TempDir())
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nbclient: %v\n%s", err, said)
	}
	out, err := os.ReadFile(answers)
	if err != nil {
		t.Fatal(err)
	}
	var runs []nbclientRun
	lines := bufio.NewReader(bytes.NewReader(out))
	for range cases {
		line, _ := lines.ReadBytes('\n')
		var r nbclientRun
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("nbclient's answer %.200q: %v", line, err)
		}
		runs = append(runs, r)
	}
	return runs
}

// ownNotebooks are testdata/differential/*.py: cells begin with "# %%", which
// tags may follow; the first line may say coalesce or late.
func ownNotebooks(t *testing.T) []*differential {
	t.Helper()
	files, err := filepath.Glob("testdata/differential/*.py")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d notebooks of our own, %v", len(files), err)
	}
	var all []*differential
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split("\n"+string(src), "\n# %%")
		c := &differential{name: filepath.Base(f)}
		c.coalesce, c.late = strings.Contains(parts[0], "coalesce"), strings.Contains(parts[0], "late")
		c.errors = c.name != "stops.py"
		for i, p := range parts[1:] {
			tags, source, _ := strings.Cut(p, "\n")
			c.cells = append(c.cells, executor.Cell{Index: i, Type: "code", Source: strings.TrimSuffix(source, "\n"), Tags: strings.Fields(tags)})
		}
		c.finish(t)
		all = append(all, c)
	}
	return all
}

// corpusNotebooks are those of the list above.
func corpusNotebooks(t *testing.T) []*differential {
	t.Helper()
	if p := os.Getenv("ASSAY_CORPUS"); p == "" {
		if _, err := os.Stat(filepath.Join(testenv.Root(), "..", "shared", "corpus")); err != nil && os.Getenv("CI") != "true" {
			t.Log("missing: the corpus of real notebooks; only our own are compared")
			return nil
		}
	}
	root := filepath.Join(testenv.Corpus(t), "notebooks")
	var all []*differential
	for _, name := range corpusRuns {
		raw, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		var nb struct {
			Cells []struct {
				Type     string          `json:"cell_type"`
				Source   json.RawMessage `json:"source"`
				Metadata struct{ Tags []string }
			}
		}
		if err := json.Unmarshal(raw, &nb); err != nil {
			t.Fatal(err)
		}
		c := &differential{name: name, errors: true}
		for i, cell := range nb.Cells {
			var source string
			var lines []string
			if json.Unmarshal(cell.Source, &source) != nil && json.Unmarshal(cell.Source, &lines) == nil {
				source = strings.Join(lines, "")
			}
			c.cells = append(c.cells, executor.Cell{Index: i, Type: cell.Type, Source: source, Tags: cell.Metadata.Tags})
		}
		c.finish(t)
		for _, dir := range []string{c.cwd, c.ours} {
			if err := os.CopyFS(dir, os.DirFS(filepath.Dir(filepath.Join(root, name)))); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, c)
	}
	return all
}

// finish makes the notebook for nbclient and the two folders.
func (c *differential) finish(t *testing.T) {
	t.Helper()
	cells := []any{}
	for i, cell := range c.cells {
		m := map[string]any{
			"cell_type": cell.Type, "source": cell.Source, "id": fmt.Sprint("c", i),
			"metadata": map[string]any{"tags": append([]string{}, cell.Tags...)},
		}
		if cell.Type == "code" {
			m["outputs"], m["execution_count"] = []any{}, nil
		}
		cells = append(cells, m)
	}
	raw, err := json.Marshal(map[string]any{
		"nbformat": 4, "nbformat_minor": 5, "cells": cells,
		"metadata": map[string]any{"kernelspec": map[string]any{"name": "python3", "display_name": "Python 3", "language": "python"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.raw, c.cwd, c.ours = raw, t.TempDir(), t.TempDir()
}
