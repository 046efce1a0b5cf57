package audit

import (
	"bytes"
	"encoding/json"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/sumdb/note"

	"assay/nbformat"
)

// What a parser takes is what the writer writes of it, byte for byte: then two
// texts never mean the same, and a change never goes unseen.

func FuzzParseReceipt(f *testing.F) {
	l := smallLog(f)
	f.Add(l.receipt(1).Encode())
	r := l.receipt(0)
	f.Add(r.Encode())
	r.Keys, r.Proof, r.Ephemeral = nil, nil, true
	f.Add(r.Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseReceipt(data)
		if err == nil && !bytes.Equal(r.Encode(), data) {
			t.Errorf("%q is written as %q", data, r.Encode())
		}
	})
}

func FuzzVerify(f *testing.F) {
	l := smallLog(f)
	f.Add(l.receipt(1).Encode(), []byte(testNotebook))
	f.Add(l.receipt(4).Encode(), []byte(nil))
	f.Add([]byte("{}\n"), []byte("{}"))
	valid := map[string]bool{}
	for i := range l.leaves {
		valid[string(l.leaves[i])] = true
	}
	keys := []note.Verifier{verifier(f, l.vkey)}
	f.Fuzz(func(t *testing.T, data, notebook []byte) {
		v := Verify(data, &VerifyOptions{Keys: keys, Notebook: notebook})
		if v.OK != (len(v.Problems) == 0) {
			t.Errorf("OK is %v with %d problems", v.OK, len(v.Problems))
		}
		if r, err := ParseReceipt(data); v.OK && (err != nil || !valid[r.Entry]) {
			t.Errorf("an entry verified that was never in the log: %q", data)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	for _, leaf := range smallLog(f).leaves {
		f.Add(leaf)
	}
	f.Fuzz(func(t *testing.T, leaf []byte) {
		if e, err := ParseEntry(leaf); err == nil && !bytes.Equal(e.Encode(), leaf) {
			t.Errorf("%q is written as %q", leaf, e.Encode())
		}
	})
}

// A string that is taken is spelt as it is written, and JSON's readers agree.
func FuzzString(f *testing.F) {
	for _, s := range []string{`""`, `"a\u001f\n\"\\é"`, `"\ud800"`, `"\/"`, `"\u0041"`, `"\u000a"`, `"\u001F"`, "\"\x7f\u2028\"", `"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newReader([]byte(`{"a":` + string(data) + `}`))
		s := r.str("a")
		if r.done() != nil {
			return
		}
		var want string
		if err := json.Unmarshal(data, &want); err != nil || s != want {
			t.Errorf("%q is read as %q, JSON has %q, %v", data, s, want, err)
		}
		if got := appendString(nil, s); !bytes.Equal(got, data) {
			t.Errorf("%q is written as %q", data, got)
		}
	})
}

func FuzzParseFacts(f *testing.F) {
	_, ps := testRun(f, "r", testNotebook)
	for _, p := range ps {
		f.Add(p.Name, p.Data)
	}
	f.Add("other", []byte(`{"version":1,"by":"assay"}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		facts, err := ParseFacts([]Payload{{Name: name, Data: data}})
		if err != nil {
			return
		}
		for _, p := range facts.Payloads(salts("")) {
			if p.Name == name && !bytes.Equal(p.Data, data) {
				t.Errorf("%s %q is written as %q", name, data, p.Data)
			}
		}
		_ = facts.sentence(name)
	})
}

func FuzzParseLines(f *testing.F) {
	l := smallLog(f)
	for _, p := range l.lines {
		f.Add(p.Encode())
	}
	for _, n := range l.notes {
		f.Add(n.Encode())
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if p, err := ParsePayloadLine(line); err == nil && !bytes.Equal(p.Encode(), append(line, '\n')) {
			t.Errorf("%q is written as %q", line, p.Encode())
		}
		if c, err := ParseCheckpointLine(line); err == nil && !bytes.Equal(c.Encode(), append(line, '\n')) {
			t.Errorf("%q is written as %q", line, c.Encode())
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	l := smallLog(f)
	msg := l.checkpoint()
	f.Add(msg)
	f.Add([]byte("a\n1\n" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" + "\n\n— a AAAAAAAA\n"))
	key := verifier(f, l.vkey)
	text, _, _ := bytes.Cut(msg, []byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseCheckpoint(string(data)); err == nil && c.Format() != string(data) {
			t.Errorf("%q is written as %q", data, c.Format())
		}
		c, _, err := OpenCheckpoint(data, key)
		if err == nil && c.Format() != string(text)+"\n" {
			t.Errorf("verified what was not signed: %q", data)
		}
	})
}

func FuzzKeys(f *testing.F) {
	_, vkey := testKey(f, testOrigin, 1)
	f.Add(vkey)
	f.Add(cosigner(f, "w.test", 2).vkey)
	f.Add("sha256:" + string(bytes.Repeat([]byte("a"), 64)))
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := NewVerifier(s); err == nil {
			if again, err := note.NewVerifier(s); err != nil || again.KeyHash() != v.KeyHash() {
				t.Errorf("%q: note says %v", s, err)
			}
		}
		if v, err := NewCosignatureVerifier(s); err == nil && v.Verify(nil, []byte(s)) {
			t.Errorf("%q verified", s)
		}
		if d, err := ParseDigest(s); err == nil && d.String() != s {
			t.Errorf("%q is written as %q", s, d)
		}
	})
}

// The digests of any notebook are those of the same notebook as nbformat
// writes it anew: no spacing, order or splitting counts.
func FuzzDigestNotebook(f *testing.F) {
	f.Add([]byte(testNotebook))
	for _, n := range []string{`{"cells":[7,{"outputs":[{"data":{"a":["b",1]}}]}],"nbformat":4}`, `{"cells":[],"nbformat":4,"a":{"b":-0,"c":1e400,"d":"\ud800"}}`} {
		f.Add([]byte(n))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := nbformat.Parse(data)
		if err != nil {
			return
		}
		first, err := DigestNotebook(d)
		if err != nil || len(nbformat.Validate(d)) > 0 {
			return
		}
		text, err := nbformat.Canonical(d)
		if err != nil {
			return
		}
		again, err := digestText(text)
		if err != nil || again.Source != first.Source || again.Outputs != first.Outputs {
			t.Errorf("%q has other digests as %q, %v", data, text, err)
		}
	})
}

func FuzzVerifyExport(f *testing.F) {
	l := smallLog(f)
	files := l.export()
	f.Add("tile/entries/000.p/5", files["tile/entries/000.p/5"].Data)
	f.Add(ExportPayloads, files[ExportPayloads].Data)
	f.Add(ExportCheckpoints, files[ExportCheckpoints].Data)
	f.Add("checkpoint", files["checkpoint"].Data)
	keys := []note.Verifier{verifier(f, l.vkey)}
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		if files[path] == nil {
			return
		}
		changed := fstest.MapFS{}
		for p, file := range files {
			changed[p] = file
		}
		same := bytes.Equal(data, files[path].Data)
		changed[path] = &fstest.MapFile{Data: data}
		v := VerifyExport(changed, &VerifyOptions{Keys: keys})
		optional := path == ExportPayloads || path == ExportCheckpoints // of these, lines may be left out
		if v.OK != same && !optional {
			t.Errorf("%s changed to %q: OK is %v", path, data, v.OK)
		}
	})
}

// A log may sign whatever it likes: nothing that is rightly proved makes the
// verifier fall over.
func FuzzVerifySigned(f *testing.F) {
	_, ps := testRun(f, "r", testNotebook)
	for _, p := range ps {
		f.Add(KindRun, p.Name, p.Data, []byte(testNotebook))
		f.Add(KindErased, p.Name, p.Data, []byte("{}"))
	}
	for _, p := range rescued(f, testNotebook).Payloads(salts("r")) {
		f.Add(KindRecovered, p.Name, p.Data, []byte(testNotebook))
	}
	f.Add("other", "", []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, kind, name string, data, notebook []byte) {
		e := Entry{Kind: kind, ID: "x", State: "succeeded", Log: testOrigin}
		if e.Check() != nil || name == SecretsPayload {
			return
		}
		l := newTestLog(t, testOrigin, 7)
		l.add(e, []Payload{{Name: name, Data: data}})
		v := Verify(l.receipt(0).Encode(), &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}, Notebook: notebook})
		if v.OK != (len(v.Problems) == 0) {
			t.Errorf("OK is %v with %d problems", v.OK, len(v.Problems))
		}
	})
}
