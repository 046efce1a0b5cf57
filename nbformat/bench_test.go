package nbformat

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// smallParts is a notebook whose outputs have many small parts, as nbformat writes it.
func smallParts(cells, outputs int) []byte {
	d := New(5)
	for i := range cells {
		c, err := d.Insert(i, NewCell{Type: "code", Source: fmt.Sprintf("for i in range(%d):\n    display(i)\n", outputs), ID: fmt.Sprintf("cell-%d", i)})
		if err != nil {
			panic(err)
		}
		var outs []Output
		for k := range outputs {
			if k%2 == 0 {
				outs = append(outs, Output{Type: StreamOutput, Name: "stdout", Text: strings.Repeat(fmt.Sprintf("epoch %d loss 0.%d\n", k, i), 5)})
				continue
			}
			outs = append(outs, Output{Type: DisplayDataOutput, Data: []byte(fmt.Sprintf(`{"text/plain":"<Figure %d>","text/html":"<b>%d</b>\n<i>x</i>"}`, k, i))})
		}
		if err := c.SetOutputs(outs); err != nil {
			panic(err)
		}
	}
	return d.Bytes()
}

// longStrings is a notebook with a few images of a megabyte each.
func longStrings() []byte {
	d := New(5)
	for i := range 8 {
		c, err := d.Insert(i, NewCell{Type: "code", Source: "plot()", ID: fmt.Sprintf("cell-%d", i)})
		if err != nil {
			panic(err)
		}
		img := strings.Repeat("iVBORw0KGgoAAAANSUhEUgAA", 1<<20/24)
		if err := c.SetOutputs([]Output{{Type: DisplayDataOutput, Data: []byte(`{"image/png":"` + img + `"}`)}}); err != nil {
			panic(err)
		}
	}
	return d.Bytes()
}

func BenchmarkParseWriteSmallParts(b *testing.B) { benchParseWrite(b, smallParts(200, 100)) }

func BenchmarkParseWriteLongStrings(b *testing.B) { benchParseWrite(b, longStrings()) }

func benchParseWrite(b *testing.B, data []byte) {
	b.Helper()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseEditWrite is what a run does: one cell put in, one cell's outputs set.
func BenchmarkParseEditWrite(b *testing.B) {
	data := smallParts(200, 100)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		c, err := d.Insert(1, NewCell{Type: "code", Source: "x = 1", ID: "new"})
		if err != nil {
			b.Fatal(err)
		}
		if err := c.SetOutputs([]Output{{Type: StreamOutput, Name: "stdout", Text: "1\n"}}); err != nil {
			b.Fatal(err)
		}
		if _, err := d.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	data := smallParts(200, 100)
	d, err := Parse(data)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Canonical(d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonicalLongStrings(b *testing.B) {
	data := longStrings()
	d, err := Parse(data)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Canonical(d); err != nil {
			b.Fatal(err)
		}
	}
}
