package audit

import (
	"bytes"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"assay/nbformat"
)

const testOrigin = "assay.test/log"

// testKey is a key pair whose seed is one byte repeated, so that receipts in
// tests are the same each time.
func testKey(t testing.TB, origin string, seed byte) (note.Signer, string) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)), origin)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return s, vkey
}

func verifier(t testing.TB, vkey string) note.Verifier {
	t.Helper()
	v, err := NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// testLog is a log in memory, built by tlog alone and none of our code.
type testLog struct {
	t      testing.TB
	signer note.Signer
	vkey   string
	origin string
	leaves [][]byte
	lines  []*PayloadLine
	hashes []tlog.Hash
	notes  []CheckpointLine
}

func newTestLog(t testing.TB, origin string, seed byte) *testLog {
	l := &testLog{t: t, origin: origin}
	l.signer, l.vkey = testKey(t, origin, seed)
	return l
}

func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		out[i] = l.hashes[n]
	}
	return out, nil
}

func (l *testLog) add(e Entry, payloads []Payload) int64 {
	l.t.Helper()
	e.Log = l.origin
	cs := Commitments(payloads)
	if len(cs) > 0 {
		e.Facts = FactsDigest(cs)
	}
	if err := e.Check(); err != nil {
		l.t.Fatal(err)
	}
	n := int64(len(l.leaves))
	leaf := e.Encode()
	hashes, err := tlog.StoredHashes(n, leaf, l)
	if err != nil {
		l.t.Fatal(err)
	}
	l.hashes = append(l.hashes, hashes...)
	l.leaves = append(l.leaves, leaf)
	if len(cs) > 0 {
		var shown []Payload
		for _, p := range payloads {
			if p.Name != SecretsPayload {
				shown = append(shown, p)
			}
		}
		l.lines = append(l.lines, &PayloadLine{Index: n, Commitments: cs, Payloads: shown})
	}
	return n
}

func (l *testLog) checkpoint() []byte {
	l.t.Helper()
	size := int64(len(l.leaves))
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		l.t.Fatal(err)
	}
	msg, err := SignCheckpoint(Checkpoint{Origin: l.origin, Size: size, Root: root}, l.signer)
	if err != nil {
		l.t.Fatal(err)
	}
	l.notes = append(l.notes, CheckpointLine{Size: size, Note: string(msg)})
	return msg
}

func (l *testLog) receipt(index int64) *Receipt {
	l.t.Helper()
	proof, err := tlog.ProveRecord(int64(len(l.leaves)), index, l)
	if err != nil {
		l.t.Fatal(err)
	}
	r := &Receipt{Log: l.origin, Index: index, Entry: string(l.leaves[index]), Proof: proof, Checkpoint: string(l.checkpoint()), Keys: []string{l.vkey}}
	for _, line := range l.lines {
		if line.Index == index {
			r.Commitments, r.Payloads = line.Commitments, line.Payloads
		}
	}
	return r
}

// export is the log as files.
func (l *testLog) export() fstest.MapFS {
	l.t.Helper()
	size := int64(len(l.leaves))
	files := fstest.MapFS{"checkpoint": {Data: l.checkpoint()}}
	for _, tile := range tlog.NewTiles(TileHeight, 0, size) {
		data, err := tlog.ReadTileData(tile, l)
		if err != nil {
			l.t.Fatal(err)
		}
		if tile.W == 256 || tile.N == size>>(8*tile.L)>>8 { // tlog lists partial tiles that became full too
			files[TilePath(tile)] = &fstest.MapFile{Data: data}
		}
	}
	for from := int64(0); from < size; from += 256 {
		width := min(256, size-from)
		var bundle []byte
		for _, leaf := range l.leaves[from : from+width] {
			var err error
			if bundle, err = AppendLeaf(bundle, leaf); err != nil {
				l.t.Fatal(err)
			}
		}
		files[EntriesPath(from/256, int(width))] = &fstest.MapFile{Data: bundle}
	}
	var payloads, notes []byte
	for _, p := range l.lines {
		payloads = append(payloads, p.Encode()...)
	}
	last := int64(-1)
	for _, n := range l.notes {
		if n.Size > last {
			notes = append(notes, n.Encode()...)
			last = n.Size
		}
	}
	files[ExportPayloads] = &fstest.MapFile{Data: payloads}
	files[ExportCheckpoints] = &fstest.MapFile{Data: notes}
	return files
}

const testNotebook = `{
 "cells": [
  {"cell_type": "markdown", "id": "m1", "metadata": {}, "source": ["# Title\n", "text"]},
  {"cell_type": "code", "id": "c1", "execution_count": 1, "metadata": {"tags": ["parameters"]}, "source": "alpha = 0.5", "outputs": []},
  {"cell_type": "code", "id": "c2", "execution_count": 2, "metadata": {}, "source": ["print(alpha)\n", "alpha"], "outputs": [
   {"output_type": "stream", "name": "stdout", "text": ["0.5\n"]},
   {"output_type": "execute_result", "execution_count": 2, "metadata": {}, "data": {"text/plain": "0.5", "application/json": [0.5, "é"]}}
  ]}
 ],
 "metadata": {"kernelspec": {"name": "python3"}, "papermill": {"duration": 1.25}},
 "nbformat": 4,
 "nbformat_minor": 5
}
`

// salts gives salts that differ and are the same in each test.
func salts(id string) func() [32]byte {
	n := 0
	return func() [32]byte {
		n++
		return [32]byte(DigestBytes(fmt.Appendf(nil, "salt %s %d", id, n)))
	}
}

// testRun is an entry of a run that wrote the notebook, and its payloads.
func testRun(t testing.TB, id, notebook string) (Entry, []Payload) {
	t.Helper()
	start := time.Date(2026, 11, 21, 17, 0, 0, 123456789, time.UTC)
	d, err := nbformat.Parse([]byte(notebook))
	if err != nil {
		t.Fatal(err)
	}
	nb, err := DigestNotebook(d)
	if err != nil {
		t.Fatal(err)
	}
	facts := &RunFacts{
		Input: &InputFacts{File: DigestBytes([]byte("in")), Source: nb.Source, Size: 2},
		Parameters: []ParameterFact{
			{Name: "alpha", Value: "0.5"},
			{Name: "password", Secret: "@env:PASSWORD", Commitment: CommitSecret("password", [32]byte{1}, []byte("hunter2"))},
		},
		Kernel:      &KernelFacts{Name: "python3", DisplayName: "Python 3", Language: "python", LanguageVersion: "3.13.1", Implementation: "ipykernel", ImplementationVersion: "7.4.0", ProtocolVersion: "5.4", Via: "local"},
		Environment: &EnvironmentFacts{Interpreter: "/usr/bin/python3", Version: "3.13.1", Platform: "linux-x86_64", Manager: "pip", Source: "dist-info", Packages: []PackageFact{{"ipykernel", "7.4.0", ""}, {"numpy", "2.4.0", ""}}},
		Output:      &OutputFacts{File: DigestBytes([]byte(notebook)), Source: nb.Source, Outputs: nb.Outputs, Rest: nb.Rest, Size: int64(len(notebook))},
		Scraps:      []ScrapFact{{Name: "answer", Digest: DigestBytes([]byte("42"))}},
		Names:       NameFacts{Input: "in.ipynb", Output: "out \"1\".ipynb", User: "zoë", Host: "h", AskedBy: "cli\n\x01\x7f\u2028"},
		Result:      ResultFacts{State: "succeeded", Trigger: "cli", Start: start, End: start.Add(time.Second), Assay: "0.1", Completeness: "proven"},
		Events:      EventFacts{Digest: DigestBytes([]byte("events")), Count: 12},
		Secrets:     []SecretFact{{Name: "password", Salt: [32]byte{1}}},
	}
	for i, c := range nb.Cells {
		cell := CellFacts{CellDigests: c}
		if n, ok := d.Cell(i).ExecutionCount(); ok {
			cell.ExecutionCount, cell.State = &n, "succeeded"
		}
		facts.Cells = append(facts.Cells, cell)
	}
	return Entry{Kind: KindRun, ID: id, Time: start, State: "succeeded"}, facts.Payloads(salts(id))
}

// smallLog has a few runs, an act on the key and an erasure.
func smallLog(t testing.TB) *testLog {
	l := newTestLog(t, testOrigin, 7)
	l.add(Entry{Kind: KindKey, ID: "key-1", Time: time.Unix(1, 0), Subject: l.vkey}, nil)
	for i := range 3 {
		e, ps := testRun(t, fmt.Sprintf("run-%d", i), testNotebook)
		l.add(e, ps)
		l.checkpoint()
	}
	l.add(Entry{Kind: KindErased, ID: "erase-1", Time: time.Unix(2, 0), Subject: "run-0", Names: []string{PayloadNames}}, nil)
	l.lines[0].Payloads = append(l.lines[0].Payloads[:7:7], l.lines[0].Payloads[8:]...)
	return l
}
