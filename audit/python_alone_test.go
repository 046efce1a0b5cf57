package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"assay/internal/testenv"
)

// alone is a folder in which verify.py lies and nothing else.
func alone(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testenv.Root(), "verify", "verify.py"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(data, []byte("\n")); n >= 150 {
		t.Errorf("verify.py has %d lines, want fewer than 150", n)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "verify.py"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// One file checks a receipt and the notebook beside it. What it does not check
// without its siblings it says, or refuses to be asked.
func TestVerifyPyAlone(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	dir, files := alone(t), t.TempDir()
	write := func(name string, data []byte) string {
		p := filepath.Join(files, name)
		if err := os.WriteFile(p, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return p
	}
	rescue := newTestLog(t, testOrigin, 7) // of the same key
	index := rescue.add(Entry{Kind: KindRecovered, ID: "recovered-" + rescuedFrom, Subject: rescuedFrom}, rescued(t, testNotebook).Payloads(salts("r")))
	w := cosigner(t, "w.test", 2)
	r := l.receipt(2)
	whole := write("OUT.receipt.json", r.Encode())
	recovery := write("RECOVERED.receipt.json", rescue.receipt(index).Encode())
	r.Checkpoint = string(w.sign(t, []byte(r.Checkpoint), verifier(t, l.vkey)))
	r.Payloads, r.Ephemeral = r.Payloads[2:4], true
	part := write("PART.receipt.json", r.Encode())
	book := write("OUT.ipynb", []byte(testNotebook))
	changed := write("CHANGED.ipynb", []byte(strings.Replace(testNotebook, `"0.5\n"`, `"0.6\n"`, 1)))
	const unchecked = "not proved: that entry and payloads have the forms that assay writes: formats.py is not beside this file\n"
	for _, test := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"receipt", []string{"receipt", whole}, 0, []string{"proved: assay recorded that the run succeeded\n", "none was given to compare\n", unchecked}},
		{"notebook", []string{"receipt", whole, "--notebook", book}, 0, []string{"proved: the notebook is, byte for byte, the output of this run\n", unchecked}},
		{"changed", []string{"receipt", whole, "--notebook", changed}, 1, []string{"wrong: notebook: the file is not the run's output", "digest.py and formats.py beside this file\n", unchecked}},
		{"recovery", []string{"receipt", recovery, "--notebook", book}, 0, []string{"proved: the notebook is, byte for byte, what assay recovered\n", "it lay unsigned on the disk", unchecked}},
		{"withheld", []string{"receipt", part}, 0, []string{"not shown: the payloads input, parameters, cells, ", "its key is ephemeral", "no witness that you gave cosigned\n", unchecked}},
		{"a witness", []string{"receipt", part, "--witness", w.vkey}, 2, []string{"No such file", "witness.py"}},
		{"an export", []string{"export", files}, 2, []string{"No such file", "export.py"}},
		{"no receipt", []string{"receipt", book}, 1, []string{"wrong: receipt: not as assay writes it\n"}},
		{"no file", []string{"receipt", filepath.Join(files, "none")}, 2, []string{"No such file"}},
	} {
		code, stdout, stderr := verifyPyIn(t, dir, append(test.args, "--key", l.vkey)...)
		for _, want := range test.want {
			if code != test.code || !strings.Contains(stdout+stderr, want) || strings.Contains(stderr, "Traceback") {
				t.Errorf("%s: exit %d, want %d and %q:\n%s%s", test.name, code, test.code, want, stdout, stderr)
			}
		}
	}
}

// Every byte of a receipt with all its payloads, and of the notebook beside it:
// the one file gives the verdict that Go gives.
func TestFaultBytesPythonAlone(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	dir, data, book := alone(t), l.receipt(3).Encode(), []byte(testNotebook)
	keys := []note.Verifier{verifier(t, l.vkey)}
	var receipts, notebooks []byte
	wrong := 0
	for i := range data {
		for _, m := range mutations {
			changed := m.make(data, i)
			ok := Verify(changed, &VerifyOptions{Keys: keys, Notebook: book}).OK
			if receipts = append(receipts, verdictLetter(ok)); ok != bytes.Equal(changed, data) {
				wrong++
			}
		}
	}
	for i := range book {
		for _, m := range mutations {
			changed := m.make(book, i)
			ok := Verify(data, &VerifyOptions{Keys: keys, Notebook: changed}).OK
			if notebooks = append(notebooks, verdictLetter(ok)); ok != bytes.Equal(changed, book) {
				wrong++
			}
		}
	}
	about := func(do string) map[string]any {
		return map[string]any{"do": do, "receipt": data, "notebook": book, "keys": []string{l.vkey}, "ops": names(mutations)}
	}
	wrong += compareVerdicts(t, string(receipts), askIn[string](t, dir, about("flips"))[0], mutations)
	var python []byte
	for _, problems := range askIn[[][]string](t, dir, about("notebooks"))[0] {
		python = append(python, verdictLetter(len(problems) == 0))
	}
	wrong += compareVerdicts(t, string(notebooks), string(python), mutations)
	if wrong > 0 {
		t.Errorf("%d verdicts are false", wrong)
	}
	fault(t, "every byte of a receipt and a notebook, verify.py alone", len(receipts)+len(notebooks), wrong, "Go and the one file give one verdict each time")
}

// Whoever has the key can sign anything. Alone, verify.py takes all that Go
// takes, and refuses, without falling, much of what Go refuses.
func TestCraftedPythonAlone(t *testing.T) {
	t.Parallel()
	var receipts [][]byte
	var verdicts []*Verdict
	vkey, refused := "", 0
	all := crafts()
	for _, c := range all {
		l := c.log(t)
		data := l.receipt(0).Encode()
		vkey, receipts = l.vkey, append(receipts, data)
		verdicts = append(verdicts, Verify(data, &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}))
	}
	answers := askIn[[]string](t, alone(t), map[string]any{"do": "receipts", "receipts": receipts, "keys": []string{vkey}})[0]
	for i, c := range all {
		if verdicts[i].OK && (answers[i][0] != '.' || c.first != "" && answers[i] != ". "+c.first) {
			t.Errorf("%s: Go takes it, Python alone says %.200s", c.name, answers[i])
		}
		if answers[i][0] == 'x' {
			refused++
		}
	}
	if refused == 0 {
		t.Error("nothing is refused: the test tests little")
	}
}
