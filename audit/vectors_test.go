package audit

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
	"assay/nbformat"
)

var update = flag.Bool("update", false, "write testdata/digests.json anew")

const vectorsPath = "testdata/digests.json"

// vectors is testdata/digests.json: what another implementation is tested with.
type vectors struct {
	About     string
	Encodings []encodingVector
	Notebooks []notebookVector
	Payloads  []payloadVector
	Facts     []factsVector
	Secrets   []secretVector
	Events    []eventsVector
}

type encodingVector struct{ JSON, Hex string }

type notebookVector struct {
	Name, Text string
	Same       string       `json:",omitempty"` // the vector with equal Source and Outputs, by design
	Error      bool         `json:",omitempty"`
	Source     string       `json:",omitempty"`
	Outputs    string       `json:",omitempty"`
	Rest       string       `json:",omitempty"`
	Cells      []cellVector `json:",omitempty"`
}

type cellVector struct{ Source, Outputs, Rest string }

type payloadVector struct{ Name, Salt, Data, Digest string }

type factsVector struct {
	Commitments [][2]string // name, hex
	Digest      string
}

type secretVector struct{ Name, Salt, Value, Digest string }

type eventsVector struct {
	Events []string
	Digest string
}

func hexed(d Digest) string { return hex.EncodeToString(d[:]) }

// compute fills in what is to be computed, from what is given.
func (v *vectors) compute(t *testing.T) {
	for i := range v.Encodings {
		v.Encodings[i].Hex = encodeHex(t, v.Encodings[i].JSON)
	}
	for i := range v.Notebooks {
		n := &v.Notebooks[i]
		*n = notebookVector{Name: n.Name, Text: n.Text, Same: n.Same}
		d, err := digestText([]byte(n.Text))
		if err != nil {
			n.Error = true
			continue
		}
		n.Source, n.Outputs, n.Rest = hexed(d.Source), hexed(d.Outputs), hexed(d.Rest)
		for _, c := range d.Cells {
			n.Cells = append(n.Cells, cellVector{hexed(c.Source), hexed(c.Outputs), hexed(c.Rest)})
		}
	}
	for i := range v.Payloads {
		p := &v.Payloads[i]
		p.Digest = hexed(Payload{Name: p.Name, Salt: unhex(t, p.Salt), Data: []byte(p.Data)}.Commitment())
	}
	for i := range v.Facts {
		var cs []Commitment
		for _, c := range v.Facts[i].Commitments {
			cs = append(cs, Commitment{Name: c[0], Digest: unhex(t, c[1])})
		}
		v.Facts[i].Digest = hexed(FactsDigest(cs))
	}
	for i := range v.Secrets {
		s := &v.Secrets[i]
		s.Digest = hexed(CommitSecret(s.Name, unhex(t, s.Salt), []byte(s.Value)))
	}
	for i := range v.Events {
		var encoded [][]byte
		for _, e := range v.Events[i].Events {
			encoded = append(encoded, []byte(e))
		}
		v.Events[i].Digest = hexed(EventsDigest(encoded))
	}
}

func unhex(t *testing.T, s string) (out [32]byte) {
	t.Helper()
	if !decodeHex(out[:], s) {
		t.Fatalf("%q is not hexadecimal", s)
	}
	return out
}

func digestText(data []byte) (NotebookDigests, error) {
	d, err := nbformat.Parse(data)
	if err != nil {
		return NotebookDigests{}, err
	}
	return DigestNotebook(d)
}

// encodeHex is the encoding itself, before it is hashed.
func encodeHex(t *testing.T, text string) string {
	t.Helper()
	v, err := nbformat.ParseValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var kept keepHash
	e := &encoder{h: &kept}
	e.value(v)
	return hex.EncodeToString(kept)
}

// keepHash keeps what is hashed.
type keepHash []byte

func (k *keepHash) Write(b []byte) (int, error) { *k = append(*k, b...); return len(b), nil }
func (k *keepHash) Sum(b []byte) []byte         { return append(b, *k...) }
func (k *keepHash) Reset()                      { *k = nil }
func (k *keepHash) Size() int                   { return len(*k) }
func (k *keepHash) BlockSize() int              { return 1 }

func readVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile(vectorsPath)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectors(t *testing.T) {
	want := readVectors(t)
	got := readVectors(t)
	got.compute(t)
	if *update {
		data, err := json.MarshalIndent(got, "", " ")
		if err == nil {
			err = os.WriteFile(vectorsPath, append(data, '\n'), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		want = got
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	byName := map[string]notebookVector{}
	for _, n := range got.Notebooks {
		byName[n.Name] = n
	}
	for _, n := range got.Notebooks {
		if s := byName[n.Same]; n.Same != "" && (n.Source != s.Source || n.Outputs != s.Outputs || n.Source == "") {
			t.Errorf("%s has not the digests of %s", n.Name, n.Same)
		}
	}
}

// The same file through the second implementation.
func TestVectorsPython(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	var ask1, ask2 []map[string]any
	var want1 []string
	var want2 []pythonDigests
	add := func(want string, q map[string]any) { ask1, want1 = append(ask1, q), append(want1, want) }
	for _, e := range v.Encodings {
		add(e.Hex, map[string]any{"do": "encoding", "json": e.JSON})
	}
	for _, p := range v.Payloads {
		add(p.Digest, map[string]any{"do": "payload", "name": p.Name, "salt": p.Salt, "data": p.Data})
	}
	for _, f := range v.Facts {
		add(f.Digest, map[string]any{"do": "facts", "commitments": f.Commitments})
	}
	for _, s := range v.Secrets {
		add(s.Digest, map[string]any{"do": "secret", "name": s.Name, "salt": s.Salt, "value": s.Value})
	}
	for _, e := range v.Events {
		add(e.Digest, map[string]any{"do": "events", "events": e.Events})
	}
	for _, n := range v.Notebooks {
		ask2 = append(ask2, map[string]any{"do": "digests", "text": n.Text, "cells": true})
		want2 = append(want2, pythonDigests{Source: n.Source, Outputs: n.Outputs, Rest: n.Rest, Cells: n.Cells})
	}
	if diff := cmp.Diff(want1, ask[string](t, ask1...)); diff != "" {
		t.Errorf("want -, Python +\n%s", diff)
	}
	got := ask[pythonDigests](t, ask2...)
	for i := range got {
		if v.Notebooks[i].Error != (got[i].Error != "") {
			t.Errorf("%s: Python's error is %q", v.Notebooks[i].Name, got[i].Error)
		}
		got[i].Error = ""
		if len(got[i].Cells) == 0 {
			got[i].Cells = nil
		}
		if diff := cmp.Diff(want2[i], got[i]); diff != "" {
			t.Errorf("%s: want -, Python +\n%s", v.Notebooks[i].Name, diff)
		}
	}
}

type pythonDigests struct {
	Source, Outputs, Rest, Error string
	Cells                        []cellVector
}

// Every notebook of the corpus: all digests by both implementations.
func TestCorpusPython(t *testing.T) {
	t.Parallel()
	paths := testenv.CorpusNotebooks(t)
	var questions []map[string]any
	for _, p := range paths {
		questions = append(questions, map[string]any{"do": "digests", "path": p})
	}
	type answer struct{ Source, Outputs, Rest, Cells, Error string }
	answers := ask[answer](t, questions...)
	none := 0
	for i, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		var got answer
		d, err := digestText(data)
		if err == nil {
			cells := newEncoder("test")
			cells.head('l', 3*len(d.Cells))
			for _, c := range d.Cells {
				cells.str(hexed(c.Source))
				cells.str(hexed(c.Outputs))
				cells.str(hexed(c.Rest))
			}
			got = answer{Source: hexed(d.Source), Outputs: hexed(d.Outputs), Rest: hexed(d.Rest), Cells: hexed(cells.sum())}
		} else {
			none++
			got.Error = answers[i].Error
			if got.Error == "" {
				t.Errorf("%s: %v; Python has digests", filepath.Base(p), err)
			}
		}
		if diff := cmp.Diff(got, answers[i]); diff != "" {
			t.Errorf("%s: Go -, Python +\n%s", filepath.Base(p), diff)
		}
	}
	t.Logf("compared %d notebooks, %d of them without digests in both", len(paths), none)
}
