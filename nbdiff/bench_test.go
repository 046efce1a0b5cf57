package nbdiff_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"assay/nbdiff"
	"assay/nbformat"
)

// differing is a notebook of n cells that shares no source with one of another word.
func differing(b *testing.B, n int, word string) *nbformat.Document {
	b.Helper()
	var cells []string
	for i := range n {
		var source strings.Builder
		for line := range 12 {
			fmt.Fprintf(&source, `%s_%d = frame.%s_%d(value, axis=%d)\n`, word, i*12+line, word, i*17+line*31, line%3)
		}
		cells = append(cells, `{"cell_type":"code","metadata":{},"execution_count":null,"outputs":[],"source":"`+source.String()+`"}`)
	}
	return parsed(b, cells...)
}

func parsed(b *testing.B, cells ...string) *nbformat.Document {
	b.Helper()
	d, err := nbformat.Parse([]byte(`{"cells":[` + strings.Join(cells, ",\n") + `],"metadata":{},"nbformat":4,"nbformat_minor":4}`))
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// Wholly different notebooks, parsing included: time grows as the number of cells.
func BenchmarkCompareDifferent(b *testing.B) {
	for _, n := range []int{200, 400, 800, 1600} {
		x, y := differing(b, n, "alpha").Bytes(), differing(b, n, "beta").Bytes()
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				compareBytes(b, x, y)
			}
		})
	}
}

func compareBytes(b *testing.B, x, y []byte) {
	b.Helper()
	one, err := nbformat.Parse(x)
	if err != nil {
		b.Fatal(err)
	}
	two, err := nbformat.Parse(y)
	if err != nil {
		b.Fatal(err)
	}
	if err := nbdiff.Compare(one, two, nil).WriteUnified(io.Discard, nil); err != nil {
		b.Fatal(err)
	}
}

// One line changed in each of 100,000 lines of output, parsing included.
func BenchmarkCompareLongOutput(b *testing.B) {
	long := func(word string) []byte {
		var lines []string
		for i := range 100_000 {
			lines = append(lines, fmt.Sprintf(`"epoch %d %s\n"`, i, word))
		}
		return parsed(b, `{"cell_type":"code","metadata":{},"execution_count":null,"source":"train()","outputs":[{"output_type":"stream","name":"stdout","text":[`+strings.Join(lines, ",\n")+`]}]}`).Bytes()
	}
	x, y := long("loss"), long("Loss")
	for b.Loop() {
		compareBytes(b, x, y)
	}
}

// All pairs of the corpus, the time for each.
func BenchmarkCorpusPairs(b *testing.B) {
	type pair struct{ a, b *nbformat.Document }
	var pairs []pair
	for _, p := range corpusPairs(b) {
		if x, y := currentDocument(b, p[0]), currentDocument(b, p[1]); x != nil && y != nil {
			pairs = append(pairs, pair{x, y})
		}
	}
	for b.Loop() {
		for _, p := range pairs {
			nbdiff.Compare(p.a, p.b, nil)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(pairs)), "µs/pair")
}
