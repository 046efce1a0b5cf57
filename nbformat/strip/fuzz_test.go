package strip

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
)

func addSeeds(f *testing.F) {
	f.Helper()
	for i := range uint16(12) {
		f.Add([]byte(small), i*97, "cell.metadata.x")
		f.Add([]byte(oldNotebook), i*31, "metadata.a.b")
	}
	for name, text := range marked() {
		f.Add([]byte(text), uint16(len(name)), "cell.metadata.nb.x")
	}
	for _, text := range []string{
		`{"cells":[{"outputs":[1],"outputs":[2,null,{"execution_count":3}],"metadata":[],"execution_count":[]}]}`,
		`{"cells":[null,1,"x",{}],"metadata":null,"nbformat":4,"nbformat_minor":5}`,
		`{"nbformat":3,"worksheets":[{"cells":[{"cell_type":"code","outputs":{}}]},1,{"cells":1}],"worksheets":[]}`,
		"{\r\n\"cells\": [\r\n{\"metadata\": {\r\n\"collapsed\":1,\r\n\"collapsed\":2,\r\n\"tags\":[\"x\"]}}\r\n]\r\n}\r\n",
		`{"paragraphs":[{"results":{"msg":[]},"text":"x"},{"results":1},null]}`,
	} {
		f.Add([]byte(text), uint16(0), "cell.id")
		f.Add([]byte(text), uint16(0xffff), "cell.id")
	}
	for _, path := range testenv.CorpusNotebooks(f) {
		if data, err := os.ReadFile(path); err == nil && len(data) < 3000 {
			f.Add(data, uint16(len(data)), "cell.metadata.tags")
		}
	}
}

// optionsOf makes options of the bits of n.
func optionsOf(n uint16, key string) *Options {
	bit := func(i int) bool { return n>>i&1 == 1 }
	o := &Options{
		KeepCount: bit(0), KeepOutput: bit(1), DropEmpty: bit(2), StripInit: bit(3), SequentialIDs: bit(4), MaxSize: int64(n>>5&3) * 50, Keys: []string{key},
	}
	if bit(7) {
		o.KeepTypes = []string{"stream:stdout", "error"}
	}
	if bit(8) {
		o.DropTypes = []string{"stream", "pyout"}
	}
	if bit(9) {
		o.DropTags = []string{"x", "hide"}
	}
	return o
}

// FuzzStrip: whatever parses is stripped without a panic, the result parses,
// has nothing left to strip, and the cells that stay have their sources.
func FuzzStrip(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, bits uint16, key string) {
		d, err := nbformat.Parse(data)
		if err != nil {
			return
		}
		o := optionsOf(bits, key)
		before := sources(d, o)
		r, err := Strip(d, o)
		got := d.Bytes()
		if (err != nil || !r.Changed) && !bytes.Equal(got, data) {
			t.Fatalf("changed, and not said: %v", err)
		}
		if err != nil {
			return
		}
		for _, one := range r.Removed {
			if one.Line() < 1 || one.String() == "" {
				t.Fatalf("%+v: in no place", one)
			}
		}
		again, err := nbformat.Parse(got)
		if err != nil {
			t.Fatalf("does not parse: %v: %s", err, got)
		}
		if !slices.Equal(before, sources(again, nil)) {
			t.Fatalf("sources changed: %s", got)
		}
		if r, err := Strip(again, o); err != nil || r.Changed {
			t.Fatalf("again: %v %v: %s", err, r.Removed, got)
		}
	})
}

// sources are those of the cells that o does not drop.
func sources(d *nbformat.Document, o *Options) []string {
	var all []string
	var gone map[*nbformat.Cell]dropping
	if o != nil {
		gone = (&stripper{Options: *o, doc: d}).dropped()
	}
	for _, c := range d.Cells() {
		if gone[c].rule == "" {
			all = append(all, c.Source())
		}
	}
	return all
}

// FuzzZeppelin: what is stripped parses and has nothing left to strip.
func FuzzZeppelin(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, _ uint16, _ string) {
		got, r, err := Zeppelin(data)
		if err != nil {
			return
		}
		if r.Changed == bytes.Equal(got, data) {
			t.Fatal("changed, and not said")
		}
		again, r, err := Zeppelin(got)
		if err != nil || r.Changed || !bytes.Equal(again, got) {
			t.Fatalf("again: %v %v", err, r)
		}
	})
}
