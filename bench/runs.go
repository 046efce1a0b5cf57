package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// notebook writes a notebook of Python cells and returns its path.
func (b *bench) notebook(name string, sources ...string) (string, error) {
	cells := make([]map[string]any, len(sources))
	for i, s := range sources {
		cells[i] = map[string]any{
			"cell_type": "code", "execution_count": nil, "id": fmt.Sprintf("cell-%d", i),
			"metadata": map[string]any{}, "outputs": []any{}, "source": s,
		}
	}
	text, err := json.MarshalIndent(map[string]any{
		"cells": cells, "nbformat": 4, "nbformat_minor": 5,
		"metadata": map[string]any{
			"kernelspec":    map[string]any{"name": "python3", "display_name": "Python 3", "language": "python"},
			"language_info": map[string]any{"name": "python"},
		},
	}, "", " ")
	if err != nil {
		return "", err
	}
	return b.path(name), os.WriteFile(b.path(name), append(text, '\n'), 0o666)
}

// floor runs the sources on a bare kernel, its start and end included, and says what the cells alone took.
func (b *bench) floor(sources ...string) (whole, cells time.Duration, err error) {
	began := time.Now()
	k, err := startBare(b.tool("python"))
	if err != nil {
		return 0, 0, err
	}
	ready := time.Now()
	for _, s := range sources {
		if err := k.execute(s); err != nil {
			return 0, 0, err
		}
	}
	cells = time.Since(ready)
	err = k.close()
	return time.Since(began), cells, err
}

// nbclient runs a notebook by nbclient and says what the cells alone took, start and end of the kernel apart.
const nbclientScript = `
import sys, time, nbformat, resource
from nbclient import NotebookClient
nb = nbformat.read(sys.argv[1], as_version=4)
c = NotebookClient(nb, timeout=None, kernel_name="python3")
with c.setup_kernel():
    t = time.perf_counter()
    for i, cell in enumerate(nb.cells):
        c.execute_cell(cell, i)
    print(time.perf_counter() - t)
nbformat.write(nb, sys.argv[2])
`

func (b *bench) nbclient(in string) (cells time.Duration, rss int64, err error) {
	m, err := b.once(nil, b.tool("python"), "-c", nbclientScript, in, b.path("nbclient.ipynb"))
	if err != nil {
		return 0, 0, err
	}
	var s float64
	_, err = fmt.Sscan(m.out, &s)
	return time.Duration(s * float64(time.Second)), m.rss, err
}

func (b *bench) start() error {
	m, err := b.times(15, b.assay, "--version")
	if err != nil {
		return err
	}
	empty, err := b.emptyProgram()
	if err != nil {
		return err
	}
	b.add("`assay --version`: start and memory", seconds(m.wall)+", "+megabytes(m.rss), "an empty Go program "+seconds(empty.wall), "–", "<= 10 ms, <= 30 MB")
	return nil
}

// emptyProgram measures what any Go program costs here: machines differ.
func (b *bench) emptyProgram() (measured, error) {
	src := b.path("empty.go")
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() {}\n"), 0o666); err != nil {
		return measured{}, err
	}
	if _, err := b.once(nil, "go", "build", "-o", b.path("empty"), src); err != nil {
		return measured{}, err
	}
	return b.times(15, b.path("empty"))
}

var threeCells = []string{"x = 1", "y = x + 1\nprint(y)", "x + y"}

func (b *bench) cold() error {
	nb, err := b.notebook("three.ipynb", threeCells...)
	if err != nil {
		return err
	}
	n := 9
	var floors []time.Duration
	var assay measured
	for range n {
		whole, _, err := b.floor(threeCells...)
		if err != nil {
			return err
		}
		floors = append(floors, whole)
	}
	if assay, err = b.times(n, b.assay, "run", nb, b.path("a.ipynb")); err != nil {
		return err
	}
	pm, err := b.times(3, b.tool("papermill"), nb, b.path("p.ipynb"))
	if err != nil {
		return err
	}
	floor := median(floors)
	b.add("cold run of three cells, end of the kernel included", seconds(assay.wall), "papermill "+seconds(pm.wall)+", floor "+seconds(floor),
		ratio(pm.wall, assay.wall)+" papermill, "+share(assay.wall, floor)+" floor", ">= 6x papermill, <= 1.10x floor")
	b.add("peak memory of assay itself, three cells", megabytes(assay.rss), "papermill "+megabytes(pm.rss), fmt.Sprintf("%.1fx", float64(pm.rss)/float64(assay.rss)), "<= 40 MB")
	return nil
}

// compareCells measures sources on assay, nbclient and the bare loop, what cells alone take.
func (b *bench) compareCells(name string, sources ...string) (ours, client, floor time.Duration, rss, clientRSS int64, err error) {
	nb, err := b.notebook(name, sources...)
	if err != nil {
		return
	}
	var floors, all []time.Duration
	for range 3 { // in turn, so that a busy moment meets both
		var f, o time.Duration
		if _, f, err = b.floor(sources...); err != nil {
			return
		}
		if o, rss, err = b.assayCells(nb); err != nil {
			return
		}
		floors, all = append(floors, f), append(all, o)
	}
	floor, ours = median(floors), median(all)
	client, clientRSS, err = b.nbclient(nb)
	return
}

// assayCells runs a notebook by assay and says what the cells alone took, from
// the first cell's start to the last one's end as the notebook has them.
func (b *bench) assayCells(nb string, flags ...string) (time.Duration, int64, error) {
	args := append([]string{"run", nb, b.path("assay.ipynb")}, flags...)
	m, err := b.once(nil, b.assay, args...)
	if err != nil {
		return 0, 0, err
	}
	text, err := os.ReadFile(b.path("assay.ipynb"))
	if err != nil {
		return 0, 0, err
	}
	var out struct {
		Cells []struct {
			Metadata struct {
				Papermill struct {
					Start time.Time `json:"start_time"`
					End   time.Time `json:"end_time"`
				}
			}
		}
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return 0, 0, err
	}
	first, last := out.Cells[0].Metadata.Papermill, out.Cells[len(out.Cells)-1].Metadata.Papermill
	return last.End.Sub(first.Start), m.rss, nil
}

func (b *bench) cells() error {
	sources := trivial(1000)
	ours, client, floor, _, _, err := b.compareCells("cells.ipynb", sources...)
	if err != nil {
		return err
	}
	peers, rat := fmt.Sprintf("nbclient %s, bare loop %s", seconds(client), seconds(floor)), share(ours, floor)+" bare loop"
	if !b.quick {
		whole, err := b.once(nil, b.assay, "run", b.path("cells.ipynb"), b.path("a.ipynb"))
		if err != nil {
			return err
		}
		pm, err := b.once(nil, b.tool("papermill"), "--no-progress-bar", b.path("cells.ipynb"), b.path("p.ipynb"))
		if err != nil {
			return err
		}
		peers = fmt.Sprintf("papermill %s (whole process; assay %s), ", seconds(pm.wall), seconds(whole.wall)) + peers
		rat = ratio(pm.wall, whole.wall) + " papermill, " + rat
	}
	b.add("1,000 trivial cells", seconds(ours), peers, rat, ">= 28x papermill, <= 1.0x bare loop")
	return nil
}

const fiftyMegabytes = "line = 'x' * 499\nfor i in range(100000):\n    print(line)"

func (b *bench) lines() error {
	ours, client, floor, rss, clientRSS, err := b.compareCells("lines.ipynb", fiftyMegabytes)
	if err != nil {
		return err
	}
	got, err := countLines(b.path("assay.ipynb"))
	if err != nil {
		return err
	}
	goal := ">= 3x nbclient, <= 200 MB, every line"
	b.add("100,000 lines, 50 MB from one cell: the cell alone", fmt.Sprintf("%s, %s, %d lines kept", seconds(ours), megabytes(rss), got),
		fmt.Sprintf("nbclient %s, %s; bare %s", seconds(client), megabytes(clientRSS), seconds(floor)),
		ratio(client, ours)+" nbclient, "+share(ours, floor)+" bare", goal)
	nb := b.path("lines.ipynb")
	whole, err := b.times(3, b.assay, "run", nb, b.path("a.ipynb"))
	if err != nil {
		return err
	}
	theirs, err := b.times(3, b.tool("python"), "-c", nbclientScript, nb, b.path("nbclient.ipynb"))
	if err != nil {
		return err
	}
	pm, err := b.times(3, b.tool("papermill"), "--no-progress-bar", nb, b.path("p.ipynb"))
	if err != nil {
		return err
	}
	bare, _, err := b.floor(fiftyMegabytes)
	if err != nil {
		return err
	}
	b.add("the same as a whole process", seconds(whole.wall), fmt.Sprintf("nbclient %s, papermill %s; bare kernel from start to end %s", seconds(theirs.wall), seconds(pm.wall), seconds(bare)),
		ratio(theirs.wall, whole.wall)+" nbclient, "+ratio(pm.wall, whole.wall)+" papermill, "+share(whole.wall, bare)+" bare", goal)
	return nil
}

// countLines counts the lines of stdout in an executed notebook.
func countLines(file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	var nb struct {
		Cells []struct {
			Outputs []struct{ Text []string }
		}
	}
	if err := json.Unmarshal(text, &nb); err != nil {
		return 0, err
	}
	n := 0
	for _, c := range nb.Cells {
		for _, o := range c.Outputs {
			n += len(o.Text)
		}
	}
	return n, nil
}

func (b *bench) prints() error {
	ours, client, floor, _, _, err := b.compareCells("prints.ipynb", "for i in range(20000):\n    print(i, flush=True)")
	if err != nil {
		return err
	}
	got, err := countLines(b.path("assay.ipynb"))
	if err != nil {
		return err
	}
	b.add("20,000 flushed prints", fmt.Sprintf("%s, %d kept", seconds(ours), got), fmt.Sprintf("nbclient %s, bare loop %s", seconds(client), seconds(floor)),
		share(ours, floor)+" bare loop", "<= 1.10x bare loop, none lost")
	return nil
}

func (b *bench) many() error {
	dir := b.path("many")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for i := range 20 {
		if _, err := b.notebook(filepath.Join("many", fmt.Sprintf("n%02d.ipynb", i)), threeCells...); err != nil {
			return err
		}
	}
	ours, err := b.times(3, b.assay, "run", "-j", "2", "--out-dir", b.path("out"), dir)
	if err != nil {
		return err
	}
	pm, err := b.once(nil, "sh", "-c", "mkdir -p pm && ls many/*.ipynb | xargs -P2 -I{} sh -c '"+b.tool("papermill")+" --no-progress-bar {} pm/$(basename {})'")
	if err != nil {
		return err
	}
	b.add("20 three-cell notebooks, 2 at a time", seconds(ours.wall), "xargs -P2 papermill "+seconds(pm.wall), ratio(pm.wall, ours.wall), ">= 5x")
	return nil
}

func (b *bench) convert() error {
	nb, err := b.notebook("three.ipynb", threeCells...)
	if err != nil {
		return err
	}
	ours, err := b.times(15, b.assay, "convert", nb, b.path("a.py"))
	if err != nil {
		return err
	}
	peer, err := b.times(3, b.tool("jupytext"), "--to", "py:percent", "-o", b.path("j.py"), nb)
	if err != nil {
		return err
	}
	b.add("convert to percent, whole process", seconds(ours.wall), "jupytext "+seconds(peer.wall), ratio(peer.wall, ours.wall), ">= 50x")
	return nil
}
