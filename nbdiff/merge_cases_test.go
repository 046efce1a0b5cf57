package nbdiff_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
)

// change makes a copy of a notebook and changes it as a person would, n times,
// the same way for the same random numbers.
func change(t testing.TB, d *nbformat.Document, rng *rand.Rand, who string, n int) *nbformat.Document {
	t.Helper()
	d = parse(t, string(d.Bytes()))
	for k := range n {
		if err := changeOnce(d, rng, fmt.Sprintf("%s %d", who, k)); err != nil {
			t.Fatal(err)
		}
	}
	return parse(t, string(d.Bytes()))
}

func changeOnce(d *nbformat.Document, rng *rand.Rand, mark string) error {
	i := rng.IntN(d.Len() + 1)
	c := d.Cell(min(i, d.Len()-1))
	if c == nil || rng.IntN(8) == 0 {
		kind := []string{"code", "markdown", "raw"}[rng.IntN(3)]
		_, err := d.Insert(i, nbformat.NewCell{Type: kind, Source: "# new by " + mark + "\nx = '" + mark + "'\nprint(x)"})
		return err
	}
	lines := strings.Split(c.Source(), "\n")
	at := rng.IntN(len(lines))
	switch rng.IntN(14) {
	case 0:
		return d.Delete(c.Index())
	case 12:
		return convert(d, c)
	case 13:
		return attach(c, mark)
	case 1:
		return d.Move(c.Index(), rng.IntN(d.Len()))
	case 2:
		return c.SetMetadata(nbformat.AppendString(nil, mark), []string{"name2", "other", "collapsed2"}[rng.IntN(3)])
	case 3:
		return c.SetTags(append(c.Tags(), strings.ReplaceAll(mark, " ", "-")))
	case 4, 5:
		if c.Type() != "code" {
			return nil
		}
		count := rng.IntN(100)
		if err := c.SetExecutionCount(&count); err != nil {
			return err
		}
		return c.SetOutputsRaw([][]byte{[]byte(`{"output_type":"stream","name":"stdout","text":` + string(nbformat.AppendString(nil, mark+"\n")) + `}`)})
	case 6:
		return d.SetMetadata(nbformat.AppendString(nil, mark), "title"+fmt.Sprint(rng.IntN(3)))
	case 7:
		lines = append(lines[:at], lines[at+1:]...)
	case 8, 9:
		lines = append(lines[:at], append([]string{"inserted = '" + mark + "'"}, lines[at:]...)...)
	default:
		lines[at] += "  # edited by " + mark
	}
	return c.SetSource(strings.Join(lines, "\n"))
}

// convert makes a code cell markdown, and any other code.
func convert(d *nbformat.Document, c *nbformat.Cell) error {
	kind := "code"
	if c.Type() == kind {
		kind = "markdown"
	}
	at, source, id := c.Index(), c.Source(), c.ID()
	if err := d.Delete(at); err != nil {
		return err
	}
	if d.Minor() < 5 {
		id = ""
	}
	_, err := d.Insert(at, nbformat.NewCell{Type: kind, ID: id, Source: source, Metadata: c.Metadata().Raw()})
	return err
}

// attach changes the first attachment of a markdown cell that has any.
func attach(c *nbformat.Cell, mark string) error {
	files, ok := c.Place().Get("attachments")
	if !ok {
		return nil
	}
	for name := range files.Value().Members() {
		file, _ := files.Get(name)
		return file.Set([]byte(`{"text/plain":` + string(nbformat.AppendString(nil, mark)) + `}`))
	}
	return nil
}

// threeWay is a case for Merge.
type threeWay struct {
	name                string
	base, local, remote *nbformat.Document
}

// mergeable are the corpus's notebooks of nbformat 4 that are valid, up to a size.
func mergeable(t testing.TB, size int) []string {
	t.Helper()
	var names []string
	for _, name := range testenv.CorpusNotebooks(t) {
		data := readFile(t, name)
		if len(data) > size {
			continue
		}
		d, err := nbformat.Parse(data)
		if err != nil || d.Major() != 4 || len(nbformat.Validate(d)) > 0 || d.Len() == 0 {
			continue
		}
		names = append(names, name)
	}
	return names
}

// revisions are cases in which one side is a real next revision, and the other made.
func revisions(t testing.TB, each int) []threeWay {
	t.Helper()
	var cases []threeWay
	for n, pair := range corpusPairs(t) {
		base, err := nbformat.Parse(readFile(t, pair[0]))
		next, errNext := nbformat.Parse(readFile(t, pair[1]))
		if err != nil || errNext != nil || base.Major() != 4 || next.Major() != 4 || len(nbformat.Validate(base)) > 0 || len(nbformat.Validate(next)) > 0 {
			continue
		}
		for k := range each {
			rng := rand.New(rand.NewPCG(uint64(n), uint64(100+k)))
			c := threeWay{name: fmt.Sprintf("%s %d", pair[1], k), base: base, local: next}
			c.remote = change(t, base, rng, "remote", 1+rng.IntN(8))
			cases = append(cases, c, threeWay{c.name + " back", next, base, change(t, next, rng, "remote", 4)})
		}
	}
	return cases
}

// strangers are cases of three notebooks that have little to do with one another.
func strangers(t testing.TB, n int) []threeWay {
	t.Helper()
	names := mergeable(t, 50_000)
	var cases []threeWay
	for i := 2; i < len(names) && len(cases) < n; i += 3 {
		cases = append(cases, threeWay{
			name: fmt.Sprintf("%s, %s, %s", names[i-2], names[i-1], names[i]),
			base: readDocument(t, names[i-2]), local: readDocument(t, names[i-1]), remote: readDocument(t, names[i]),
		})
	}
	return cases
}

// synthetic are three-way cases made of the corpus's notebooks.
func synthetic(t testing.TB, each int) []threeWay {
	t.Helper()
	var cases []threeWay
	for n, name := range mergeable(t, 100_000) {
		base := readDocument(t, name)
		for k := range each {
			rng := rand.New(rand.NewPCG(uint64(n), uint64(k)))
			c := threeWay{name: fmt.Sprintf("%s %d", name, k), base: base}
			c.local = change(t, base, rng, "local", 1+rng.IntN(6))
			c.remote = change(t, base, rng, "remote", 1+rng.IntN(6))
			cases = append(cases, c)
		}
	}
	return cases
}
