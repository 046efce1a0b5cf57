package audit

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/sumdb/note"
)

// Cosignatures of witnesses that were given, changed byte for byte: both
// verifiers say the same, and no change of them verifies.
func TestFaultCosignatures(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	key := verifier(t, l.vkey)
	given, silent := cosigner(t, "given.test/é", 1), cosigner(t, "silent.test", 2)
	r := l.receipt(1)
	r.Payloads, r.Keys = nil, nil
	r.Checkpoint = string(given.sign(t, []byte(r.Checkpoint), key))
	data := r.Encode()
	opts := &VerifyOptions{Keys: []note.Verifier{key}, Witnesses: cosignatureVerifiers(t, given, silent)}
	if v := Verify(data, opts); !v.OK {
		t.Fatal(problems(v))
	}
	ms := []mutation{flipLow, flipCase, setSpace, remove, doubled}
	from := strings.Index(string(data), "given.test")
	to := from + strings.Index(string(data[from:]), `\n`)
	var got []byte
	wrong := 0
	for i := range data {
		for _, m := range ms {
			changed := m.make(data, i)
			ok := Verify(changed, opts).OK
			got = append(got, verdictLetter(ok))
			// Under another name or hash it is nobody's that was given, as a witness's that is not known.
			if ok && string(changed) != string(data) && (i < from || i >= to-90) {
				wrong++
				t.Errorf("byte %d (%q) %s verified", i, data[i], m.name)
			}
		}
	}
	want := ask[string](t, map[string]any{"do": "flips", "receipt": data, "keys": []string{l.vkey}, "witnesses": []string{given.vkey, silent.vkey}, "ops": names(ms)})[0]
	wrong += compareVerdicts(t, string(got), want, ms)
	fault(t, "every byte of a receipt with a cosignature changed in 5 ways", len(got), wrong, "Go and Python give one verdict each time")
}

func cosignatureVerifiers(t *testing.T, ws ...*testCosigner) (vs []note.Verifier) {
	t.Helper()
	for _, w := range ws {
		v, err := NewCosignatureVerifier(w.vkey)
		if err != nil {
			t.Fatal(err)
		}
		vs = append(vs, v)
	}
	return vs
}

// Witnesses in every part that they can play, in receipts.
func TestWitnessesPython(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	key := verifier(t, l.vkey)
	plain := l.receipt(1)
	plain.Payloads = nil
	w, namesake := cosigner(t, "w.test", 1), cosigner(t, testOrigin, 5)
	foreign := newTestLog(t, "elsewhere.test", 9)
	signed := func(sign func(msg []byte) []byte) []byte {
		r := *plain
		r.Checkpoint = string(sign([]byte(r.Checkpoint)))
		return r.Encode()
	}
	at := func(when uint64) []byte {
		return signed(func(msg []byte) []byte {
			c := *w
			c.at = when
			return c.sign(t, msg, key)
		})
	}
	// with replaces the signature of the last line by what change makes of it.
	with := func(change func(raw []byte) []byte) []byte {
		return signed(func(msg []byte) []byte {
			msg = w.sign(t, msg, key)
			i := strings.LastIndexByte(string(msg), ' ') + 1
			raw := unbase64(t, strings.TrimSpace(string(msg[i:])))
			return append(append(msg[:i:i], base64.StdEncoding.EncodeToString(change(raw))...), '\n')
		})
	}
	receipts := [][]byte{
		plain.Encode(), at(w.at), at(0), at(1 << 36), at(1 << 37), at(253402300800), at(1 << 62), at(1<<64 - 1),
		signed(func(msg []byte) []byte { return namesake.sign(t, w.sign(t, msg, key), key) }),
		signed(func(msg []byte) []byte {
			n, err := note.Open(msg, note.VerifierList(key))
			if err != nil {
				t.Fatal(err)
			}
			n.Sigs = nil // the log's own signature is left out
			out, err := note.Sign(n, namesake)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}),
		with(func(raw []byte) []byte { return raw[:len(raw)-1] }),
		with(func(raw []byte) []byte { return append(raw, 0) }),
		with(func(raw []byte) []byte { return raw[:10] }),
		with(func(raw []byte) []byte { return raw[:5] }),
		with(func(raw []byte) []byte { return raw[:4] }),
		with(func(raw []byte) []byte { return slices.Delete(raw, 4, 12) }), // without its time
		with(func(raw []byte) []byte { binary.BigEndian.PutUint64(raw[4:], w.at+1); return raw }),
		with(func(raw []byte) []byte { raw[0] ^= 1; return raw }), // of a key that was not given
		foreign.receiptOf(t),
	}
	verified := 0
	for _, ws := range [][]*testCosigner{nil, {w}, {namesake}, {w, namesake}} {
		opts := &VerifyOptions{Keys: []note.Verifier{key}, Witnesses: cosignatureVerifiers(t, ws...)}
		var vkeys []string
		for _, c := range ws {
			vkeys = append(vkeys, c.vkey)
		}
		for i, a := range ask[[]string](t, map[string]any{"do": "receipts", "receipts": receipts, "keys": []string{l.vkey}, "witnesses": vkeys})[0] {
			v := Verify(receipts[i], opts)
			if v.OK != (a[0] == '.') {
				t.Errorf("receipt %d with %d witnesses: Go says %v %s, Python %s", i, len(ws), v.OK, problems(v), a)
			}
			if v.OK {
				verified++
			}
		}
	}
	if verified < 20 || verified > 60 {
		t.Errorf("%d of %d verify: the test tests little", verified, 4*len(receipts))
	}
}

// receiptOf is a receipt of another log.
func (l *testLog) receiptOf(t *testing.T) []byte {
	t.Helper()
	return l.receipt(l.add(Entry{Kind: KindRun, ID: "x", State: "succeeded"}, nil)).Encode()
}

// Of an export the checkpoint is looked at for cosignatures, its history is not.
func TestExportWitnessPython(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	key := verifier(t, l.vkey)
	w := cosigner(t, "w.test", 1)
	good := l.export()
	cosigned := w.sign(t, good["checkpoint"].Data, key)
	i := strings.LastIndexByte(string(cosigned), ' ') + 1
	raw := unbase64(t, strings.TrimSpace(string(cosigned[i:])))
	raw[len(raw)-1] ^= 1
	forged := append(append(cosigned[:i:i], base64.StdEncoding.EncodeToString(raw)...), '\n')
	history := func(msg []byte) []byte { return (&CheckpointLine{Size: 5, Note: string(msg)}).Encode() }
	for _, test := range []struct {
		name                string
		checkpoint, history []byte
		want                bool
		says                string
	}{
		{"no cosignature", good["checkpoint"].Data, nil, true, "no witness that you gave cosigned"},
		{"a cosignature", cosigned, history(cosigned), true, "proved: the witness w.test saw at 2026-11-21T17:00:00Z"},
		{"a forged one", forged, nil, false, "wrong: checkpoint: invalid signature for key w.test"},
		{"a forged one in the history", cosigned, history(forged), true, "proved: the witness w.test saw"},
	} {
		files := fstest.MapFS{}
		for name, f := range good {
			files[name] = f
		}
		files["checkpoint"], files[ExportCheckpoints] = &fstest.MapFile{Data: test.checkpoint}, &fstest.MapFile{Data: test.history}
		v := VerifyExport(files, &VerifyOptions{Keys: []note.Verifier{key}, Witnesses: cosignatureVerifiers(t, w)})
		if v.OK != test.want {
			t.Errorf("%s: Go says %v %s", test.name, v.OK, problems(v))
		}
		dir := filepath.Join(t.TempDir(), "export")
		if err := os.CopyFS(dir, files); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := verifyPy(t, "export", dir, "--key", l.vkey, "--witness", w.vkey)
		if code == 0 != test.want || !strings.Contains(stdout, test.says) || stderr != "" {
			t.Errorf("%s: Python ends with %d:\n%s%s", test.name, code, stdout, stderr)
		}
	}
}

// What is withheld is told and no failure, by both, and the same names.
func TestWithheldPython(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	full := l.receipt(3)
	dir := t.TempDir()
	for _, mask := range []int{0, 1, 0b1010101, 1<<len(full.Payloads) - 2, 1<<len(full.Payloads) - 1} {
		r := *full
		r.Payloads = nil
		for i, p := range full.Payloads {
			if mask>>i&1 == 1 {
				r.Payloads = append(r.Payloads, p)
			}
		}
		path := filepath.Join(dir, fmt.Sprint(mask))
		if err := os.WriteFile(path, r.Encode(), 0o666); err != nil {
			t.Fatal(err)
		}
		v := Verify(r.Encode(), &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}})
		_, hidden, _ := strings.Cut(strings.Join(v.NotProved, "\n")+"\n", "withheld or erased: ")
		hidden, _, _ = strings.Cut(hidden, "\n")
		code, stdout, _ := verifyPy(t, "receipt", path, "--key", l.vkey)
		_, python, told := strings.Cut(stdout, "not shown: the payloads ")
		python, _, _ = strings.Cut(python, ", withheld or erased\n")
		if !v.OK || code != 0 || python != hidden || told != (hidden != "") {
			t.Errorf("%b shown: Go says %q, Python ends with %d and says %q", mask, hidden, code, python)
		}
	}
	files := l.export()
	delete(files, ExportPayloads)
	if ok, said := pythonExport(t, files, l.vkey); !ok || !strings.Contains(said, "not shown: what 3 entries are bound to: the export has no line of their payloads\n") {
		t.Errorf("an export without payloads: %v\n%s", ok, said)
	}
}
