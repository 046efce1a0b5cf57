package strip

import (
	"fmt"
	"strings"
	"testing"

	"assay/nbformat"
)

// executed is a notebook of n cells with outputs of size bytes each.
func executed(n, size int) []byte {
	cells := make([]string, n)
	for i := range cells {
		cells[i] = fmt.Sprintf("  {\n   \"cell_type\": \"code\",\n   \"execution_count\": %d,\n   \"id\": \"c%d\",\n   \"metadata\": {\n    \"collapsed\": false\n   },\n   \"outputs\": [\n    {\n     \"name\": \"stdout\",\n     \"output_type\": \"stream\",\n     \"text\": [\n      %q\n     ]\n    }\n   ],\n   \"source\": [\n    \"print(1)\"\n   ]\n  }", i, i, strings.Repeat("x", size))
	}
	return []byte("{\n \"cells\": [\n" + strings.Join(cells, ",\n") + "\n ],\n \"metadata\": {},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}\n")
}

// BenchmarkStrip is what git's filter does to one notebook.
func BenchmarkStrip(b *testing.B) {
	for name, data := range map[string][]byte{"50 cells": executed(50, 2000), "10000 cells": executed(10000, 100), "50 MB": executed(5, 10<<20)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := nbformat.Parse(data)
				if err != nil {
					b.Fatal(err)
				}
				if r, err := Strip(d, nil); err != nil || !r.Changed {
					b.Fatal(r, err)
				}
				d.Bytes()
			}
		})
	}
}

// BenchmarkStripped is the same for a notebook that has nothing to strip.
func BenchmarkStripped(b *testing.B) {
	d, err := nbformat.Parse(executed(500, 200))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := Strip(d, nil); err != nil {
		b.Fatal(err)
	}
	data := d.Bytes()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := nbformat.Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		if r, err := Strip(d, nil); err != nil || r.Changed {
			b.Fatal(r, err)
		}
	}
}

// TestManyCells: the time grows with the number of cells and not with its square.
func TestManyCells(t *testing.T) {
	t.Parallel()
	d, err := nbformat.Parse(executed(20000, 10))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Strip(d, &Options{DropTags: []string{"x"}, SequentialIDs: true, DropEmpty: true})
	if err != nil || len(r.Removed) != 4*20000 {
		t.Fatalf("%d removals, %v", len(r.Removed), err)
	}
	if r.Removed[len(r.Removed)-1].Line() != 8+20*19999 {
		t.Errorf("the last is on line %d", r.Removed[len(r.Removed)-1].Line())
	}
}
