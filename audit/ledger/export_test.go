package ledger_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/audit"
	"assay/audit/ledger"
	"assay/internal/testenv"

	"golang.org/x/mod/sumdb/note"
)

// A C2SP client that shares no code with ours reads an export and checks
// every tile and entry, and finds each file that was changed.
func TestExportC2SPClient(t *testing.T) {
	t.Parallel()
	fsck := testenv.Program(t, "fsck")
	for _, size := range []int{1, 255, 256, 257, 1000, 66_000} {
		h, s := newHome(t), new(ledger.Memory)
		l := h.open(t, s)
		fill(t, l, size)
		dir := filepath.Join(t.TempDir(), "export")
		if _, err := l.Export(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(h.dir, "vkey"), []byte(l.VKey()), 0o600); err != nil {
			t.Fatal(err)
		}
		check := func() string {
			// One of its workers ends at a wrong tile and nobody takes the
			// next: it needs as many as there are tiles to find.
			cmd := exec.CommandContext(t.Context(), fsck, "--storage_url", (&url.URL{Scheme: "file", Path: dir + "/"}).String(),
				"--public_key", filepath.Join(h.dir, "vkey"), "-N", "8", "--ui=false", "--logtostderr")
			out, err := cmd.CombinedOutput()
			// It ends with 0 whatever it found, and says what that was.
			if err != nil || !strings.Contains(string(out), fmt.Sprintf("Successfully fsck'd log with size %d ", size)) {
				return fmt.Sprintf("%v: %s", err, out)
			}
			return ""
		}
		if said := check(); said != "" {
			t.Fatalf("%d entries: %s", size, said)
		}
		if v := audit.VerifyExport(os.DirFS(dir), &audit.VerifyOptions{Keys: h.believed(t)}); !v.OK {
			t.Fatalf("%d entries: %+v", size, v.Problems)
		}
		if size != 257 {
			continue
		}
		for _, name := range []string{"checkpoint", "tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/1"} {
			path := filepath.Join(dir, filepath.FromSlash(name))
			good := readFile(t, path)
			bad := append([]byte(nil), good...)
			bad[len(bad)/2] ^= 1
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if check() == "" {
				t.Errorf("%s was changed, and the client does not notice: the test shows nothing", name)
			}
			if v := audit.VerifyExport(os.DirFS(dir), &audit.VerifyOptions{Keys: h.believed(t)}); v.OK {
				t.Errorf("%s was changed, and audit does not notice", name)
			}
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// An export of a log with everything that can happen to one, in which an
// erasure, a rotation and a new log after a rollback, verifies by a program
// that shares no code with assay; and not after any file of it was changed.
func TestExportPython(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "proof")
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enterMany(t, l, "a", 300)
	checkpoint(t, l)
	if _, err := l.Erase(t.Context(), ledger.Erasure{ID: "a000007", Names: []string{"names"}, By: "ada", Reason: "asked"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	enterMany(t, l, "b", 3)
	checkpoint(t, l)
	old := copyLog(t, s, 303)
	l, err := ledger.NewLog(t.Context(), old, h.options(), "ada", "the disk died")
	if err != nil {
		t.Fatal(err)
	}
	enter(t, l, "c")
	dir := filepath.Join(t.TempDir(), "export")
	if _, err := l.Export(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	check := func() (int, string) {
		cmd := exec.CommandContext(t.Context(), python, filepath.Join(testenv.Root(), "verify", "verify.py"), "export", dir, "--key", l.VKey())
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	if code, said := check(); code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	trusted := []note.Verifier{mustKey(t, l.VKey())}
	if v := audit.VerifyExport(os.DirFS(dir), &audit.VerifyOptions{Keys: trusted}); !v.OK {
		t.Fatalf("%+v", v.Problems)
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		good := readFile(t, path)
		bad := append([]byte(nil), good...)
		bad[len(bad)/2] ^= 2
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			return err
		}
		if code, _ := check(); code != 1 {
			t.Errorf("%s was changed: exit %d", path, code)
		}
		if v := audit.VerifyExport(os.DirFS(dir), &audit.VerifyOptions{Keys: trusted}); v.OK {
			t.Errorf("%s was changed, and audit does not notice", path)
		}
		return os.WriteFile(path, good, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mustKey(t *testing.T, vkey string) note.Verifier {
	t.Helper()
	k, err := ledger.ParseVKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
