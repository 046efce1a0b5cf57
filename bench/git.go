package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assay/nbdiff"
	"assay/nbformat"
)

// gitTool is a program of the peers that work in git: nbdime, nbstripout, nbconvert.
func (b *bench) gitTool(name string) string {
	return filepath.Join(filepath.Dir(b.env), "git", "bin", name)
}

// story is a cell's source of a dozen lines; no two with other seeds share one.
func story(seed string, edited bool) string {
	var t strings.Builder
	for i := range 12 {
		fmt.Fprintf(&t, "%s_%d = compute(%q, %d)\n", seed, i, seed+fmt.Sprint(i*7), i)
	}
	if edited {
		fmt.Fprintf(&t, "print(%s_3)\n", seed)
	}
	return t.String()
}

// stories is a notebook of n cells; every tenth is edited where edited says so.
func (b *bench) stories(name, seed string, n int, edited bool) (string, error) {
	cells := make([]string, n)
	for i := range cells {
		cells[i] = story(fmt.Sprintf("%s%d", seed, i), edited && i%10 == 4)
	}
	return b.notebook(name, cells...)
}

func (b *bench) diff() error {
	old, err := b.stories("old.ipynb", "a", 50, false)
	if err != nil {
		return err
	}
	edited, err := b.stories("edited.ipynb", "a", 50, true)
	if err != nil {
		return err
	}
	ours, err := b.times(15, b.assay, "diff", old, edited)
	if err != nil {
		return err
	}
	theirs, err := b.times(5, b.gitTool("nbdiff"), old, edited)
	if err != nil {
		return err
	}
	b.add("diff of 50 cells, 5 edited, whole process", seconds(ours.wall), "nbdiff "+seconds(theirs.wall), ratio(theirs.wall, ours.wall), ">= 50x")
	if err := b.different(); err != nil {
		return err
	}
	if err := b.pairs(); err != nil {
		return err
	}
	return b.manyLines()
}

// different compares notebooks that have nothing in common.
func (b *bench) different() error {
	for _, n := range []int{200, 400, 800, 1600} {
		x, err := b.stories("x.ipynb", "x", n, false)
		if err != nil {
			return err
		}
		y, err := b.stories("y.ipynb", "y", n, false)
		if err != nil {
			return err
		}
		ours, err := b.times(5, b.assay, "diff", x, y)
		if err != nil {
			return err
		}
		peer, rat, goal := "–", "–", "grows no worse than n log n"
		if n == 200 {
			goal = "<= 100 ms"
			if !b.quick {
				theirs, err := b.once(nil, b.gitTool("nbdiff"), x, y)
				if err != nil {
					return err
				}
				peer, rat = "nbdiff "+seconds(theirs.wall), ratio(theirs.wall, ours.wall)
			}
		}
		b.add(fmt.Sprintf("diff of %d cells with %d wholly different ones, whole process", n, n), seconds(ours.wall), peer, rat, goal)
	}
	return nil
}

// pairs compares the real revisions of the corpus in this process.
func (b *bench) pairs() error {
	dir := os.Getenv("ASSAY_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "shared", "corpus")
	}
	olds, err := filepath.Glob(filepath.Join(dir, "pairs", "*.a.ipynb"))
	if err != nil {
		return err
	}
	var took []time.Duration
	for _, name := range olds {
		x, errX := readNotebook(name)
		y, errY := readNotebook(strings.TrimSuffix(name, "a.ipynb") + "b.ipynb")
		if errX != nil || errY != nil {
			continue // two of the files are no notebooks
		}
		began := time.Now()
		nbdiff.Compare(x, y, nil)
		took = append(took, time.Since(began))
	}
	if len(took) == 0 {
		b.add("pairs of the corpus", "the corpus is not here", "–", "–", "p99 <= 20 ms, none over 100 ms")
		return nil
	}
	slices.Sort(took)
	b.add(fmt.Sprintf("%d pairs of the corpus, in process", len(took)),
		fmt.Sprintf("median %s, p99 %s, max %s", seconds(median(took)), seconds(took[len(took)*99/100]), seconds(took[len(took)-1])), "–", "–", "p99 <= 20 ms, none over 100 ms")
	return nil
}

func readNotebook(name string) (*nbformat.Document, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return nbformat.Parse(data)
}

// manyLines compares outputs of 100,000 lines, a character of each line another.
func (b *bench) manyLines() error {
	var docs [2]*nbformat.Document
	for i := range docs {
		var text strings.Builder
		for l := range 100000 {
			fmt.Fprintf(&text, "step %d loss %d.%d\n", l, l%7, i)
		}
		quoted, err := json.Marshal(text.String())
		if err != nil {
			return err
		}
		docs[i], err = nbformat.Parse([]byte(`{"cells": [{"cell_type": "code", "execution_count": 1, "id": "a", "metadata": {}, "source": "train()", "outputs": [` +
			`{"output_type": "stream", "name": "stdout", "text": ` + string(quoted) + `}]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}`))
		if err != nil {
			return err
		}
	}
	var all []time.Duration
	for range 5 {
		began := time.Now()
		nbdiff.Compare(docs[0], docs[1], nil)
		all = append(all, time.Since(began))
	}
	b.add("100,000 lines of output, each changed, in process", seconds(median(all)), "–", "–", "<= 200 ms")
	return nil
}

// executed is a notebook with outputs, as people commit them.
func (b *bench) executed(name, seed string) error {
	nb, err := b.stories(name, seed, 20, false)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(nb)
	if err != nil {
		return err
	}
	outputs := `"outputs": [{"name": "stdout", "output_type": "stream", "text": ["` + strings.Repeat("a line of output\\n\", \"", 40) + `the end\n"]}]`
	return os.WriteFile(nb, bytes.ReplaceAll(text, []byte(`"outputs": []`), []byte(outputs)), 0o666)
}

func (b *bench) strip() error {
	if err := b.executed("one.ipynb", "s"); err != nil {
		return err
	}
	filter := func(n int, command string) (measured, error) {
		return b.times(n, "sh", "-c", command+" < one.ipynb > stripped.ipynb")
	}
	ours, err := filter(15, quote(b.assay)+" strip -")
	if err != nil {
		return err
	}
	theirs, err := filter(5, quote(b.gitTool("nbstripout")))
	if err != nil {
		return err
	}
	b.add("strip as a filter, one file, whole process", seconds(ours.wall), "nbstripout "+seconds(theirs.wall), ratio(theirs.wall, ours.wall), ">= 100x")

	ourAdd, err := b.gitAdd("ours", quote(b.assay)+" git install")
	if err != nil {
		return err
	}
	theirAdd, err := b.gitAdd("theirs", quote(b.gitTool("nbstripout"))+" --install")
	if err != nil {
		return err
	}
	b.add("git add of 50 executed notebooks", seconds(ourAdd), "nbstripout "+seconds(theirAdd), ratio(theirAdd, ourAdd), ">= 150x")
	return nil
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// gitAdd makes a repository with 50 executed notebooks and a filter, and times git add.
func (b *bench) gitAdd(name, install string) (time.Duration, error) {
	dir := b.path(name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return 0, err
	}
	for i := range 50 {
		if err := b.executed(filepath.Join(name, fmt.Sprintf("n%02d.ipynb", i)), fmt.Sprintf("n%d_", i)); err != nil {
			return 0, err
		}
	}
	in := func(script string) error {
		c := exec.Command("sh", "-e", "-c", script)
		c.Dir = dir
		c.Env = append(os.Environ(), "HOME="+b.work, "GIT_CONFIG_GLOBAL="+b.path("gitconfig"), "GIT_CONFIG_NOSYSTEM=1")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", script, err, out)
		}
		return nil
	}
	if err := in("git init -q . && " + install); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := in("git add ."); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, in("! git show :n00.ipynb | grep -q 'a line of output'") // or nothing was filtered
}

// render measures a page of a notebook of 5 MB: text, tables and images.
func (b *bench) render() error {
	const cells = 100
	var parts []string
	table := "<table>" + strings.Repeat("<tr><td>1</td><td>2.5</td><td>name</td></tr>", 200) + "</table>"
	image := strings.Repeat("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk", 400)
	for i := range cells {
		out, err := json.Marshal([]any{
			map[string]any{"output_type": "stream", "name": "stdout", "text": strings.Repeat("a line of \x1b[31mred\x1b[0m text\n", 250)},
			map[string]any{"output_type": "execute_result", "execution_count": i, "metadata": map[string]any{}, "data": map[string]any{"text/html": table, "text/plain": "a table"}},
			map[string]any{"output_type": "display_data", "metadata": map[string]any{}, "data": map[string]any{"image/png": image, "text/plain": "an image"}},
		})
		if err != nil {
			return err
		}
		source, err := json.Marshal(story(fmt.Sprintf("r%d_", i), false))
		if err != nil {
			return err
		}
		parts = append(parts, fmt.Sprintf(`{"cell_type": "markdown", "id": "m%d", "metadata": {}, "source": "## Part %d\n\nSome *text* with $x^2$ and a [link](https://example.org).\n"}`, i, i),
			fmt.Sprintf(`{"cell_type": "code", "execution_count": %d, "id": "c%d", "metadata": {}, "source": %s, "outputs": %s}`, i, i, source, out))
	}
	text := `{"cells": [` + strings.Join(parts, ",\n") + `], "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}`
	nb := b.path("page.ipynb")
	if err := os.WriteFile(nb, []byte(text), 0o666); err != nil {
		return err
	}
	ours, err := b.times(5, b.assay, "render", nb, "--out", b.path("page.html"))
	if err != nil {
		return err
	}
	theirs, err := b.times(3, b.gitTool("jupyter-nbconvert"), "--to", "html", "--output", b.path("theirs.html"), nb)
	if err != nil {
		return err
	}
	b.add(fmt.Sprintf("render of a notebook of %.1f MB", float64(len(text))/1e6), seconds(ours.wall), "nbconvert "+seconds(theirs.wall), ratio(theirs.wall, ours.wall), ">= 20x")
	return nil
}
