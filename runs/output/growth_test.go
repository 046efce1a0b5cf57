package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

// shownModel is what a cell shows, kept in the plainest way.
type shownModel struct {
	all     []nbformat.Output
	ids     []string
	clearOn bool
}

func (m *shownModel) clear(wait bool) {
	if m.clearOn = wait; !wait {
		m.all, m.ids = nil, nil
	}
}

func (m *shownModel) add(o nbformat.Output, id string) {
	if m.clearOn {
		m.clear(false)
	}
	if n := len(m.all); n > 0 && o.Type == nbformat.StreamOutput && m.all[n-1].Type == o.Type && m.all[n-1].Name == o.Name {
		m.all[n-1].Text += o.Text
		return
	}
	m.all, m.ids = append(m.all, o), append(m.ids, id)
}

func (m *shownModel) update(id string, data []byte) {
	for i := range m.all {
		if id != "" && m.ids[i] == id {
			m.all[i].Data = data
		}
	}
}

// TestGrowth lets a cell show, clear and update by chance; what the journal
// has must give the same at every moment at which it was written.
func TestGrowth(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		now := time.Now()
		live, model, back := &growth{index: 1, began: now}, &shownModel{}, &grown{index: 1}
		journal := []byte(journalMagic)
		var fw frameWriter
		for step := range 60 {
			bundle := json.RawMessage(fmt.Sprintf(`{"text/plain":"%d"}`, step))
			id := []string{"", "a", "b"}[r.IntN(3)]
			switch k := r.IntN(10); {
			case k < 5:
				name, text := []string{"stdout", "stderr"}[k%2], fmt.Sprintf("é%d\n", step)
				live.text(name, text, now)
				model.add(nbformat.Output{Type: nbformat.StreamOutput, Name: name, Text: text}, "")
			case k < 7:
				o := nbformat.Output{Type: nbformat.DisplayDataOutput, Data: bundle, Metadata: json.RawMessage("{}")}
				live.display(o, id, now)
				model.add(o, id)
			case k < 8:
				o := nbformat.Output{Type: nbformat.ErrorOutput, Ename: "E", Traceback: []string{"a", "b"}}
				live.display(o, "", now)
				model.add(o, "")
			case k < 9:
				live.update(id, bundle, []byte("{}"), now)
				model.update(id, bundle)
			default:
				wait := r.IntN(2) == 0
				live.clear(wait, now)
				model.clear(wait)
			}
			if r.IntN(4) > 0 || live.since.IsZero() {
				continue
			}
			if _, err := fw.add(live.take(now)); err != nil {
				t.Fatal(err)
			}
			frame, err := fw.frame()
			if err != nil {
				t.Fatal(err)
			}
			journal = append(journal, frame...)
			*back = grown{}
			torn, err := readJournal(bytes.NewReader(journal), int64(len(journal)), back.add)
			if err != nil || torn != 0 {
				t.Fatalf("seed %d: %v, %d bytes torn", seed, err, torn)
			}
			if diff := cmp.Diff(asJSON(model.all), asJSON(back.all())); diff != "" {
				t.Fatalf("seed %d, step %d: shown -, kept +:\n%s", seed, step, diff)
			}
			size := int64(0)
			for _, o := range model.all {
				size += int64(len(o.Text) + len(o.Data) + len(o.Metadata) + len(o.Ename) + len(strings.Join(o.Traceback, "")))
			}
			if live.size() != size || live.pending() != 0 {
				t.Fatalf("seed %d, step %d: size %d, want %d; %d pending", seed, step, live.size(), size, live.pending())
			}
		}
	}
}

func asJSON(all []nbformat.Output) []string {
	var lines []string
	for _, o := range all {
		lines = append(lines, string(o.AppendJSON(nil)))
	}
	return lines
}

// TestRecoverRunning: the cell that a killed run was in has what it had shown,
// and what an earlier cell showed before it ended is not there twice.
func TestRecoverRunning(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.ipynb")
	w, err := Create(path, cells(t, 3), nil)
	if err != nil {
		t.Fatal(err)
	}
	alone(w)
	flush := func() {
		t.Helper()
		w.mu.Lock()
		if g := w.growth; g != nil && !g.since.IsZero() {
			g.since = g.since.Add(-growAfter) // as if it had waited
		}
		w.mu.Unlock()
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
	}
	w.Stream(1, "stdout", "before any cell\n")
	w.CellStarted(1, time.Now())
	w.Stream(1, "stdout", "one\n")
	flush()
	w.Stream(1, "stdout", "more\n")
	flush()
	w.CellEnded(done(1, "one\nmore\n"))
	w.CellStarted(2, time.Now())
	w.Stream(2, "stdout", "a")
	w.Stream(1, "stdout", "late, and not this cell's")
	flush()
	w.Stream(2, "stdout", "b\n")
	w.Displayed(2, nbformat.Output{Type: nbformat.DisplayDataOutput, Data: []byte(`{"text/plain":"old"}`)}, "d")
	w.Stream(2, "display", "old\n")
	flush()
	w.Updated(2, "d", []byte(`{"text/plain":"new"}`), []byte("{}"))
	flush()
	w.Stream(2, "stderr", "never written")
	crash(w)
	rep, err := Recover(path)
	if err != nil || len(rep.Interrupted) != 1 || rep.Interrupted[0] != 2 {
		t.Fatalf("%+v, %v", rep, err)
	}
	d := read(t, path)
	for id, want := range map[string][]string{
		"c1": {`{"name":"stdout","output_type":"stream","text":["one\n","more\n"]}`},
		"c2": {
			`{"name":"stdout","output_type":"stream","text":["ab\n"]}`,
			`{"data":{"text/plain":["new"]},"metadata":{},"output_type":"display_data"}`,
		},
		"c3": nil,
	} {
		c := d.CellByID(id)
		var got []string
		for _, v := range c.Outputs().Elems() {
			var b bytes.Buffer
			if err := json.Compact(&b, v.Raw()); err != nil {
				t.Fatal(err)
			}
			got = append(got, b.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
	if got := d.CellByID("c2").Metadata().Get("assay", "state").Text(); got != string(executor.Interrupted) {
		t.Errorf("the cell that ran is %q", got)
	}
}

// TestBudgetGrowth runs cells of every kind with their outputs in the journal
// as they grow, and wants the bound on all bytes written to hold at every end.
func TestBudgetGrowth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		cell, step int64 // bytes of a cell, and of each piece
		frames     bool  // each piece takes the place of the one before
	}{
		{"lines", 1 << 20, 40, false},
		{"one long log", 64 << 20, 2 << 20, false},
		{"pictures", 8 << 20, 1 << 20, false},
		{"a progress bar", 200, 200, true},
		{"an animation", 100_000, 100_000, true},
		{"a huge animation", 20 << 20, 20 << 20, true},
	} {
		w := newWriter("", nil)
		now := w.o.Start
		w.written, w.size, w.stats.Output = now, 10_000, 10_000
		records := 0
		for cell := range 8 {
			g := &growth{index: cell, began: now}
			w.growth = g
			piece := strings.Repeat("x", int(c.step))
			for range max(100, min(c.cell/c.step, 3000)) {
				now = now.Add(flushAfter)
				if c.frames {
					g.clear(true, now.Add(-flushAfter))
				} else if g.size() >= c.cell {
					break
				}
				g.text("stdout", piece, now.Add(-flushAfter))
				before := g.pending()
				if r := w.takeGrowth(now); r != nil {
					w.stats.Journal += int64(packed*float64(before)) + frameCost
					records++
				}
				if wait, ok := w.due(now); ok && wait <= 0 {
					w.stats.Output += w.size
					w.written, w.stale = now, false
				}
			}
			w.stats.Journal += int64(packed * float64(g.size()))
			w.size += g.size()
			w.growth, w.stale = nil, true
			if all := w.stats.Journal + w.stats.Output + w.size; all > 3*w.size+rewriteFree {
				t.Fatalf("%s: after cell %d there are %d bytes for %d", c.name, cell, all, w.size)
			}
		}
		t.Logf("%s: %d records of running cells; %.2f times the size, and %d bytes", c.name, records,
			float64(w.stats.Journal+w.stats.Output+w.size)/float64(w.size), w.size)
		if records < 8 && c.cell < 1<<20 {
			t.Errorf("%s: %d records", c.name, records)
		}
	}
}
