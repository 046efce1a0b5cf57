package nbdiff

import (
	"bytes"
	"slices"

	"assay/nbformat"
)

// outputs are the outputs and the execution count of a cell that both sides
// have, never a conflict.
func (m *merger) outputs(b, l, r map[string]nbformat.Value, source nbformat.Value) (outputs, count nbformat.Value) {
	local := func() (nbformat.Value, nbformat.Value) { return l["outputs"], l["execution_count"] }
	remote := func() (nbformat.Value, nbformat.Value) { return r["outputs"], r["execution_count"] }
	text := source.Text()
	mixed := text != l["source"].Text() && text != r["source"].Text()
	changedL, changedR := otherOutputs(b["outputs"], l["outputs"]), otherOutputs(b["outputs"], r["outputs"])
	switch {
	case mixed && m.o.Outputs == OutputsAuto:
		return m.noOutputs()
	case !mixed && (!otherOutputs(l["outputs"], r["outputs"]) || !changedL && !changedR):
		if equal(l["execution_count"], b["execution_count"]) && equal(l["outputs"], b["outputs"]) {
			return remote()
		}
		return local()
	case !mixed && !changedL:
		return remote()
	case !mixed && !changedR:
		return local()
	}
	switch m.o.Outputs {
	case OutputsDrop:
		return m.noOutputs()
	case OutputsTheirs:
		return remote()
	case OutputsMark:
		return m.bothOutputs(l["outputs"], r["outputs"]), made([]byte("null")).val
	case OutputsAuto:
		if m.o.Strategy == Theirs || m.o.Strategy != Ours && text == r["source"].Text() && text != l["source"].Text() {
			return remote()
		}
	}
	return local()
}

func (m *merger) noOutputs() (outputs, count nbformat.Value) {
	return made([]byte("[]")).val, made([]byte("null")).val
}

// otherOutputs says whether outputs differ in more than their execution counts.
func otherOutputs(a, b nbformat.Value) bool {
	if bytes.Equal(a.Raw(), b.Raw()) {
		return false
	}
	return !slices.Equal(digests(elems(a), All&^Details), digests(elems(b), All&^Details))
}

// bothOutputs are the outputs of both sides between streams that are markers.
func (m *merger) bothOutputs(l, r nbformat.Value) nbformat.Value {
	marker := func(text string) []byte {
		raw := append([]byte(`{"name":"stderr","output_type":"stream","text":`), nbformat.AppendString(nil, text+"\n")...)
		return append(raw, '}')
	}
	raw := append([]byte{'['}, marker(markLocal+m.o.Local)...)
	put := func(side nbformat.Value) {
		for _, o := range side.Elems() {
			raw = append(append(raw, ','), o.Raw()...)
		}
	}
	put(l)
	raw = append(append(raw, ','), marker(markBetween)...)
	put(r)
	raw = append(append(raw, ','), marker(markRemote+m.o.Remote)...)
	return made(append(raw, ']')).val
}
