package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What changes the configuration folder is refused where it cannot be written,
// before anything is changed: the log goes on as it was, and the act can be had
// when the folder was made writable.
func TestSealedConfigActs(t *testing.T) {
	t.Parallel()
	for _, act := range [][]string{{"log", "new", "--reason", "the test asks for it"}, {"log", "rotate"}} {
		t.Run(act[1], func(t *testing.T) {
			t.Parallel()
			u := sealedConfig(t)
			config := filepath.Join(u.dir, "home", ".config")
			want := func(code int, says []string, args ...string) string {
				t.Helper()
				got, said := u.run(t, true, args...)
				if got != code {
					t.Fatalf("%v: exit code %d, want %d\n%s", args, got, code, said)
				}
				for _, s := range says {
					if !strings.Contains(said, s) {
						t.Errorf("%v does not say %q:\n%s", args, s, said)
					}
				}
				return said
			}
			want(exitOK, nil, "run", "in.ipynb", "home/a.ipynb")
			before := want(exitOK, nil, "log", "show")
			for range 2 {
				want(exitSurroundings, []string{"nothing was changed", "permission denied", "hint: make " + filepath.Join(config, "assay") + " a folder that can be written"}, act...)
			}
			if after := want(exitOK, nil, "log", "show"); after != before {
				t.Errorf("the log is\n%sand was\n%s", after, before)
			}
			want(exitOK, []string{"Receipt: "}, "run", "in.ipynb", "home/b.ipynb")
			if err := os.Chmod(config, 0o777); err != nil {
				t.Fatal(err)
			}
			want(exitOK, []string{"assay.local/"}, act...)
			want(exitOK, []string{"Receipt: "}, "run", "in.ipynb", "home/c.ipynb")
			want(exitOK, nil, "receipt", "verify", "home/c.ipynb")
			if said := want(exitOK, nil, "log", "verify"); strings.Contains(said, "there is no second copy") {
				t.Errorf("no second copy was made:\n%s", said)
			}
			if entries := strings.Count(want(exitOK, nil, "log", "show", "--json"), `"index":`); entries != 4 {
				t.Errorf("%d entries, want 4", entries)
			}
			if act[1] == "new" { // there is a copy now, by which the log is known to be as it was signed
				want(exitSurroundings, []string{"the log is as it was signed"}, act...)
			}
		})
	}
}

// A new log that could not be filed, or whose process was killed before it was,
// says so, and is filed when it is asked for again.
func TestLogNewHalfNamed(t *testing.T) {
	t.Parallel()
	p := newLogAfterPutBack(t)
	places, err := filepath.Glob(filepath.Join(p.dir("config"), "checkpoints", "at-*"))
	if err != nil || len(places) != 1 {
		t.Fatalf("%v, %v", places, err)
	}
	now, err := os.ReadFile(places[0])
	if err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(filepath.Join(p.saved, "config", "checkpoints", filepath.Base(places[0])))
	if err != nil {
		t.Fatal(err)
	}
	name := func(origin []byte) string {
		return filepath.Join(p.dir("config"), "checkpoints", shortHash(strings.TrimSpace(string(origin))))
	}
	if err := os.Rename(name(now), name(was)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the copy is there under the new name when the second time begins
		if err := os.WriteFile(places[0], was, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, said := p.assay(t, exitOK, nil, "log", "new", "--reason", "again"); !strings.Contains(said, "the log is now "+strings.TrimSpace(string(now))) {
			t.Errorf("it says %s", said)
		}
		if text, err := os.ReadFile(places[0]); err != nil || string(text) != string(now) || !exists(name(now)) || exists(name(was)) {
			t.Errorf("it was not filed: %q, %v", text, err)
		}
	}
	p.assay(t, exitSurroundings, nil, "log", "new", "--reason", "again")
	p.assay(t, exitOK, nil, "log", "verify")
}

// A log of which nothing was kept is remembered before a new one is begun, and
// a call that was killed after the new one was signed is gone on with by that.
func TestLogNewKilled(t *testing.T) {
	t.Parallel()
	k := &killed{home: t.TempDir()}
	dir := filepath.Join(k.home, ".config", "assay", "checkpoints")
	first, _ := k.assay(t, exitOK, nil, "log", "checkpoint")
	was, _, _ := strings.Cut(first, "\n")
	at := filepath.Join(dir, "at-"+shortHash(filepath.Join(k.home, ".local", "state", "assay", "assay.db")))
	forget := func() {
		t.Helper()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	forget()
	if err := os.MkdirAll(filepath.Join(dir, shortHash(was)), 0o700); err != nil { // a second copy that is none ends the call
		t.Fatal(err)
	}
	k.assay(t, exitSurroundings, nil, "log", "new", "--reason", "the first time")
	if text, err := os.ReadFile(at); err != nil || string(text) != was+"\n" {
		t.Fatalf("remembered is %q, %v, want %s", text, err, was)
	}
	forget()
	k.assay(t, exitOK, nil, "log", "new", "--reason", "the second time")
	second, _ := k.assay(t, exitOK, nil, "log", "checkpoint")
	forget()
	for name, text := range map[string]string{at: was + "\n", filepath.Join(dir, shortHash(was)): first} { // as it is then
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k.assay(t, exitOK, nil, "log", "new", "--reason", "the third time")
	if third, _ := k.assay(t, exitOK, nil, "log", "checkpoint"); third != second {
		t.Errorf("another log was begun:\n%safter\n%s", third, second)
	}
	if now, _, _ := strings.Cut(second, "\n"); !exists(filepath.Join(dir, shortHash(now))) || exists(filepath.Join(dir, shortHash(was))) {
		t.Error("it was not filed")
	}
}
