package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
)

// Every byte of a receipt, changed in six ways: nothing that was changed
// verifies, and Python says the same each time.
func TestFaultReceiptBytes(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	r := l.receipt(3)
	r.Payloads = slices.DeleteFunc(clonePayloads(r.Payloads), func(p Payload) bool {
		return p.Name != PayloadCells && p.Name != PayloadOutput && p.Name != PayloadNames
	})
	data := r.Encode()
	opts := &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}, Notebook: []byte(testNotebook)}
	var got []byte
	wrong := 0
	for i := range data {
		for _, m := range mutations {
			changed := m.make(data, i)
			ok := Verify(changed, opts).OK
			got = append(got, verdictLetter(ok))
			if ok != bytes.Equal(changed, data) {
				wrong++
				t.Errorf("byte %d (%q) %s: verified %v", i, data[i], m.name, ok)
			}
		}
	}
	want := ask[string](t, map[string]any{"do": "flips", "receipt": data, "notebook": []byte(testNotebook), "keys": []string{l.vkey}, "ops": names(mutations)})[0]
	wrong += compareVerdicts(t, string(got), want, mutations)
	fault(t, "every byte of a receipt changed in 6 ways, Go and Python", len(got), wrong, "of those that verified all were unchanged")
}

// fault is a line of the table of faults: how many changes were tried, and in
// how many the verdict was false. Nothing can be lost or doubled here.
func fault(t *testing.T, what string, tries, wrong int, remark string) {
	t.Helper()
	t.Logf("fault: %-60s | tries %d | lost 0 | doubled 0 | false %d | %s", what, tries, wrong, remark)
}

func verdictLetter(ok bool) byte {
	if ok {
		return '.'
	}
	return 'x'
}

// compareVerdicts counts the verdicts in which Go and Python differ.
func compareVerdicts(t *testing.T, got, want string, ms []mutation) (differ int) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d verdicts in Go, Python has %d (%.200s)", len(got), len(want), want)
	}
	for i := range got {
		if got[i] != want[i] {
			differ++
			t.Errorf("byte %d %s: Go %c, Python %c", i/len(ms), ms[i%len(ms)].name, got[i], want[i])
		}
	}
	return differ
}

// Signatures by keys that nobody gave are no part of what is proved, and how
// they may be spelt is: both verifiers draw the same line.
func TestFaultForeignSignatures(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	r := l.receipt(1)
	r.Payloads = nil
	other, _ := testKey(t, "witness.test/é", 9)
	n, err := note.Open([]byte(r.Checkpoint), note.VerifierList(verifier(t, l.vkey)))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := note.Sign(n, other)
	if err != nil {
		t.Fatal(err)
	}
	r.Checkpoint, r.Keys, r.Ephemeral = string(msg), nil, true
	data := r.Encode()
	opts := &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}
	if v := Verify(data, opts); !v.OK {
		t.Fatal(problems(v))
	}
	ms := []mutation{flipLow, flipCase, setSpace, remove, doubled}
	from, to := bytes.Index(data, []byte("witness.test")), bytes.Index(data, []byte(`","keys"`))
	var got []byte
	for i := range data {
		for _, m := range ms {
			ok := Verify(m.make(data, i), opts).OK
			got = append(got, verdictLetter(ok))
			if ok && !bytes.Equal(m.make(data, i), data) && (i < from || i >= to) {
				t.Errorf("byte %d (%q) %s verified", i, data[i], m.name)
			}
		}
	}
	compareVerdicts(t, string(got), ask[string](t, map[string]any{"do": "flips", "receipt": data, "keys": []string{l.vkey}, "ops": names(ms)})[0], ms)
}

// Every byte of the notebook: each change is found, and told alike.
func TestFaultNotebookBytes(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	data, ms := l.receipt(1).Encode(), []mutation{flipLow, flipCase, setSpace, remove, doubled}
	var got [][]string
	wrong := 0
	for i := range len(testNotebook) {
		for _, m := range ms {
			changed := m.make([]byte(testNotebook), i)
			got = append(got, told(l, data, changed))
			if ok := len(got[len(got)-1]) == 0; ok != (string(changed) == testNotebook) {
				wrong++
				t.Errorf("byte %d %s: found %v", i, m.name, !ok)
			}
		}
	}
	want := ask[[][]string](t, map[string]any{"do": "notebooks", "receipt": data, "notebook": []byte(testNotebook), "keys": []string{l.vkey}, "ops": names(ms)})[0]
	for i := range want {
		for j, s := range want[i] {
			want[i][j] = cut(s)
		}
		if diff := cmp.Diff(got[i], want[i]); diff != "" && len(got[i])+len(want[i]) > 0 {
			wrong++
			t.Errorf("byte %d %s: Go -, Python +\n%s", i/len(ms), ms[i%len(ms)].name, diff)
		}
	}
	fault(t, "every byte of a notebook changed in 5 ways, Go and Python", len(got), wrong, "both name the same cells and parts")
}

// told are the problems as Python words them, without what a parser says.
func told(l *testLog, receipt, notebook []byte) []string {
	var out []string
	for _, p := range Verify(receipt, &VerifyOptions{Keys: []note.Verifier{verifier(l.t, l.vkey)}, Notebook: notebook}).Problems {
		out = append(out, cut(p.String()))
	}
	return out
}

func cut(s string) string {
	for _, c := range []string{"cannot be told", "change is in the formatting"} {
		if i := strings.Index(s, c); i >= 0 {
			return s[:i+len(c)]
		}
	}
	return s
}

// Every byte of every file of a small export.
func TestFaultExportBytes(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, "x.test", 3)
	for _, id := range []string{"a", "b"} {
		l.add(Entry{Kind: KindRun, ID: id, State: "succeeded"}, []Payload{{Name: PayloadEvents, Salt: [32]byte{1}, Data: []byte(`{"count":1}`)}})
		l.checkpoint()
	}
	files := l.export()
	var paths []string
	folder := t.TempDir()
	for p, f := range files {
		paths = append(paths, p)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, p)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, p), f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	sort.Strings(paths)
	opts := &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}
	if v := VerifyExport(files, opts); !v.OK {
		t.Fatal(problems(v))
	}
	ms := []mutation{flipLow, flipCase, remove}
	var got []byte
	wrong := 0
	for _, p := range paths {
		data := files[p].Data
		for i := range data {
			for _, m := range ms {
				files[p] = &fstest.MapFile{Data: m.make(data, i)}
				ok := VerifyExport(files, opts).OK
				got = append(got, verdictLetter(ok))
				if ok && !slices.Equal(files[p].Data, data) {
					wrong++
					t.Errorf("%s byte %d %s verified", p, i, m.name)
				}
			}
		}
		files[p] = &fstest.MapFile{Data: data}
	}
	wrong += compareVerdicts(t, string(got), ask[string](t, map[string]any{"do": "exports", "folder": folder, "files": paths, "keys": []string{l.vkey}, "ops": names(ms)})[0], ms)
	fault(t, "every byte of a log's tiles, entries, checkpoints, payloads", len(got), wrong, "Go and Python give one verdict each time")
}
