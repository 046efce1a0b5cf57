package nbdiff

import (
	"bytes"
	"crypto/sha256"
	"strings"

	"assay/nbformat"
)

// OutputDiff is an output that changed: added, removed or edited.
type OutputDiff struct {
	Kind  Kind
	A, B  int        // index in the cell's outputs, -1 when it is on one side only
	Parts []PartDiff // of an edited one
}

// PartDiff is a part of an output that changed: text, a mime type of its data,
// ename, evalue, traceback, metadata, execution_count or a field that nbformat
// does not know.
type PartDiff struct {
	Name     string
	Data     bool // Name is a mime type
	Old, New nbformat.Value
	Lines    []Hunk // of text that is on both sides, in lines of SplitLines
}

// outputPair is an output on both sides.
type outputPair struct {
	A, B  int
	equal bool
}

// pairOutputs pairs outputs that are equal, and between those the ones of one
// kind in their order.
func pairOutputs(x, y []nbformat.Value, looked Parts) []outputPair {
	var pairs []outputPair
	low := 0
	for low < len(x) && low < len(y) && bytes.Equal(x[low].Raw(), y[low].Raw()) {
		pairs = append(pairs, outputPair{low, low, true})
		low++
	}
	if len(x) == low+1 && len(y) == low+1 { // as most cells have it: no need to read the outputs twice
		if outputKind(x[low]) == outputKind(y[low]) {
			pairs = append(pairs, outputPair{A: low, B: low})
		}
		return pairs
	}
	i, j := low, low
	hunks := Lines(digests(x[low:], looked), digests(y[low:], looked))
	for n := range hunks {
		h := &hunks[n]
		h.A0, h.A1, h.B0, h.B1 = h.A0+low, h.A1+low, h.B0+low, h.B1+low
	}
	for _, h := range append(hunks, Hunk{len(x), len(x), len(y), len(y)}) {
		for ; i < h.A0; i, j = i+1, j+1 {
			pairs = append(pairs, outputPair{i, j, true})
		}
		next := map[string][]int{}
		for n := h.B0; n < h.B1; n++ {
			kind := outputKind(y[n])
			next[kind] = append(next[kind], n)
		}
		for ; i < h.A1; i++ {
			kind := outputKind(x[i])
			at := next[kind]
			for len(at) > 0 && at[0] < j {
				at = at[1:]
			}
			if len(at) > 0 {
				pairs = append(pairs, outputPair{A: i, B: at[0]})
				j, at = at[0]+1, at[1:]
			}
			next[kind] = at
		}
		j = h.B1
	}
	return pairs
}

// compareOutputs are the outputs that changed.
func compareOutputs(a, b nbformat.Value, looked Parts) []OutputDiff {
	x, y := elems(a), elems(b)
	var found []OutputDiff
	i, j := 0, 0
	for _, p := range append(pairOutputs(x, y, looked), outputPair{len(x), len(y), true}) {
		for ; i < p.A; i++ {
			found = append(found, OutputDiff{Kind: Removed, A: i, B: -1})
		}
		for ; j < p.B; j++ {
			found = append(found, OutputDiff{Kind: Added, A: -1, B: j})
		}
		if !p.equal {
			if parts := compareOutput(x[i], y[j], looked); len(parts) > 0 {
				found = append(found, OutputDiff{Kind: Edited, A: i, B: j, Parts: parts})
			}
		}
		i, j = p.A+1, p.B+1
	}
	return found
}

func elems(v nbformat.Value) []nbformat.Value {
	var all []nbformat.Value
	for _, e := range v.Elems() {
		all = append(all, e)
	}
	return all
}

// outputKind tells apart outputs of which one cannot be the other's new form.
func outputKind(v nbformat.Value) string {
	kind := v.Get("output_type").Text()
	if kind == nbformat.StreamOutput {
		kind += " " + v.Get("name").Text()
	}
	return kind
}

// digests tell outputs apart by what they hold.
func digests(outputs []nbformat.Value, looked Parts) []string {
	all := make([]string, len(outputs))
	h := sha256.New()
	field := func(name string, v nbformat.Value, plain bool) {
		h.Write(nbformat.AppendString(nil, name))
		if plain && isText(v) {
			h.Write([]byte(v.Text()))
		} else {
			h.Write(canonical(v))
		}
		h.Write([]byte{0})
	}
	for i, out := range outputs {
		h.Reset()
		m := members(out)
		for _, name := range names(m, nil) {
			switch {
			case passedOver(name, looked):
			case name == "data":
				data := members(m[name])
				for _, mime := range names(data, nil) {
					field(mime, data[mime], !isJSONType(mime))
				}
			default:
				field(name, m[name], name == "text")
			}
		}
		all[i] = string(h.Sum(nil))
	}
	return all
}

// passedOver says whether a field of an output is not looked at. A count alone
// makes no other output: the cell says that it has a new one.
func passedOver(name string, looked Parts) bool {
	return name == "execution_count" || name == "metadata" && looked&Metadata == 0
}

// compareOutput is what changed in an output.
func compareOutput(a, b nbformat.Value, looked Parts) []PartDiff {
	var parts []PartDiff
	x, y := members(a), members(b)
	for _, name := range names(x, y) {
		if passedOver(name, looked) {
			continue
		}
		if name != "data" {
			parts = comparePart(parts, name, false, x[name], y[name])
			continue
		}
		dataA, dataB := members(x[name]), members(y[name])
		for _, mime := range names(dataA, dataB) {
			parts = comparePart(parts, mime, true, dataA[mime], dataB[mime])
		}
	}
	return parts
}

func comparePart(parts []PartDiff, name string, data bool, a, b nbformat.Value) []PartDiff {
	if bytes.Equal(a.Raw(), b.Raw()) {
		return parts
	}
	p := PartDiff{Name: name, Data: data, Old: a, New: b}
	if (name == "text" || data && !isJSONType(name) || p.IsText()) && isText(a) && isText(b) {
		x, y := p.Text(a), p.Text(b)
		if x == y {
			return parts
		}
		if p.IsText() {
			p.Lines = diffText(x, y)
		}
		return append(parts, p)
	}
	if equal(a, b) || vacant(a) && vacant(b) {
		return parts
	}
	return append(parts, p)
}

// IsText says whether the part is text that people read by lines.
func (p *PartDiff) IsText() bool {
	if !p.Data {
		return p.Name == "text" || p.Name == "traceback" || p.Name == "ename" || p.Name == "evalue"
	}
	return TextMime(p.Name)
}

// Text is one side of the part as text: v is Old or New.
func (p *PartDiff) Text(v nbformat.Value) string {
	if p.Name == "traceback" && !p.Data {
		var lines []string
		for _, e := range v.Elems() {
			lines = append(lines, e.Text())
		}
		return strings.Join(lines, "\n")
	}
	return v.Text()
}

// TextMime says whether people read data of a mime type by lines.
func TextMime(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}
