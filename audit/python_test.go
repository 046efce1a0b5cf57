package audit

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"assay/internal/testenv"
)

// verifyPy runs the Python verifier as people do.
func verifyPy(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return verifyPyIn(t, filepath.Join(testenv.Root(), "verify"), args...)
}

// verifyPyIn runs the one that lies in dir.
func verifyPyIn(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(testenv.Python(t, "proof"), append([]string{"-B", filepath.Join(dir, "verify.py")}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// One character of an output changed: exit 1, and the cell is named, as Go names it.
func TestVerifyPy(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	_, other := testKey(t, testOrigin, 8)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return p
	}
	data := l.receipt(2).Encode()
	receipt := write("OUT.receipt.json", data)
	book := write("OUT.ipynb", []byte(testNotebook))
	changed := []byte(strings.Replace(testNotebook, `"0.5\n"`, `"0.6\n"`, 1))
	wrong := write("CHANGED.ipynb", changed)
	odd := write("ODD.ipynb", []byte(strings.Replace(testNotebook, `"c2"`, `"\ud800\u001b[31m"`, 1)))
	folder := filepath.Join(dir, "export")
	if err := os.CopyFS(folder, l.export()); err != nil {
		t.Fatal(err)
	}
	w := cosigner(t, "w.test", 2)
	r := l.receipt(2)
	r.Checkpoint = string(w.sign(t, []byte(r.Checkpoint), verifier(t, l.vkey)))
	r.Payloads, r.Ephemeral = r.Payloads[2:4], true
	part := write("PART.receipt.json", r.Encode())
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"receipt", []string{"receipt", receipt, "--key", l.vkey}, 0, "proved: the entry of run run-1 stands at place 2 of the log assay.test/log"},
		{"notebook", []string{"receipt", receipt, "--notebook", book, "--key", l.vkey}, 0, "byte for byte"},
		{"changed", []string{"receipt", receipt, "--notebook", wrong, "--key", l.vkey}, 1, "wrong: notebook: cell 3 (id c2) differs in its outputs"},
		{"another key", []string{"receipt", receipt, "--key", other}, 1, "no key that was given signed"},
		{"both keys", []string{"receipt", receipt, "--key", other, "--key", l.vkey}, 0, "proved"},
		{"an id that no terminal should see", []string{"receipt", receipt, "--notebook", odd, "--key", l.vkey}, 1, "wrong: notebook: cell 3 (id ??[31m) differs in its id"},
		{"no receipt", []string{"receipt", book, "--key", l.vkey}, 1, "wrong: receipt: not as assay writes it"},
		{"no file", []string{"receipt", filepath.Join(dir, "none"), "--key", l.vkey}, 2, "No such file"},
		{"no key", []string{"receipt", receipt}, 2, "--key"},
		{"a bad key", []string{"receipt", receipt, "--key", "zoë+x"}, 2, "error"},
		{"withheld", []string{"receipt", part, "--key", l.vkey}, 0, "not shown: the payloads input, parameters, cells, output, scraps, names, result, events, withheld or erased\n"},
		{"nothing withheld", []string{"receipt", receipt, "--key", l.vkey}, 0, "none was given to compare\n"},
		{"no output shown", []string{"receipt", part, "--notebook", book, "--key", l.vkey}, 1, "wrong: notebook: the receipt shows no output"},
		{"ephemeral", []string{"receipt", part, "--key", l.vkey}, 0, "not proved: whose log it is beyond this one job"},
		{"a witness that was not given", []string{"receipt", part, "--key", l.vkey}, 0, "no witness that you gave cosigned"},
		{"a witness", []string{"receipt", part, "--key", l.vkey, "--witness", w.vkey}, 0, "proved: the witness w.test saw at 2026-11-21T17:00:00Z that the log went on from all it had seen before\n"},
		{"a witness that did not sign", []string{"receipt", receipt, "--key", l.vkey, "--witness", w.vkey}, 0, "no witness that you gave cosigned"},
		{"a witness as a log", []string{"receipt", part, "--key", w.vkey}, 2, "error: argument --key"},
		{"a log as a witness", []string{"receipt", part, "--key", l.vkey, "--witness", l.vkey}, 2, "error: argument --witness"},
		{"export, something erased", []string{"export", folder, "--key", l.vkey}, 0, "not shown: 1 payloads, which were withheld or erased\n"},
		{"export", []string{"export", folder, "--key", l.vkey}, 0, "proved: the export holds the whole log assay.test/log: 5 entries"},
		{"export, another key", []string{"export", folder, "--key", other}, 1, "no key that was given signed"},
		{"no export", []string{"export", dir, "--key", l.vkey}, 1, "wrong: checkpoint: No such file"},
	} {
		code, stdout, stderr := verifyPy(t, test.args...)
		if code != test.code || !strings.Contains(stdout+stderr, test.want) || strings.Contains(stderr, "Traceback") {
			t.Errorf("%s: exit %d, want %d and %q:\n%s%s", test.name, code, test.code, test.want, stdout, stderr)
		}
	}
	v := Verify(data, &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}, Notebook: changed})
	if at := slices.IndexFunc(v.Problems, func(p Problem) bool { return p.Cell == 2 && p.CellID == "c2" }); v.OK || at < 0 || v.Problems[at].String() != "notebook: cell 3 (id c2) differs in its outputs" {
		t.Errorf("Go says %+v", v.Problems)
	}
}

// The verifier shares no code with assay, and each of its files is short enough
// to be read; how long they are is told as it is.
func TestVerifyPySmall(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testenv.Root(), "verify", "*.py"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	told := wordsOf(t, "verify/verify.py") + wordsOf(t, "docs/receipt.md")
	imports := regexp.MustCompile(`(?m)^\s*(?:from (\S+)|import (.*))`)
	known := regexp.MustCompile(`^(argparse|base64|contextlib|hashlib|importlib|json|os|pathlib|re|struct|sys|time|cryptography[.\w]*|verify)$`)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n, name := bytes.Count(data, []byte("\n")), filepath.Base(f)
		if n >= 150 {
			t.Errorf("%s has %d lines, want fewer than 150", name, n)
		}
		// docs/digests.md says that a hundred lines of it are the digests.
		if before, _, _ := bytes.Cut(data, []byte("\ndef differences(")); name == "digest.py" && bytes.Count(before, []byte("\n")) > 100 {
			t.Errorf("the digests take %d lines, want at most 100", bytes.Count(before, []byte("\n")))
		}
		// Both places say how long it is, each file by its name.
		if said := regexp.MustCompile("`?"+regexp.QuoteMeta(name)+"`?,? "+strconv.Itoa(n)+`\b`).FindAllString(told, -1); len(said) != 2 {
			t.Errorf("%s has %d lines, which is told %d times, want 2", name, n, len(said))
		}
		for _, m := range imports.FindAllStringSubmatch(string(data), -1) {
			for _, module := range strings.Split(m[1]+m[2], ", ") {
				if !known.MatchString(module) {
					t.Errorf("%s imports %q", name, module)
				}
			}
		}
	}
}

// wordsOf is a file's text in one line.
func wordsOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testenv.Root(), filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(data)), " ") + "\n"
}
