package drivers

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
	"assay/nbformat"
)

// repository is a new repository in a folder of its own, which knows no settings of this machine.
func repository(t *testing.T) Git {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		testenv.Missing(t, "git")
	}
	dir := t.TempDir()
	g := Git{Dir: filepath.Join(dir, "a repo"), Env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org",
	}}
	if err := os.Mkdir(g.Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := g.run(t.Context(), nil, "init", "-q", "-b", "main"); err != nil {
		t.Fatal(err)
	}
	return g
}

func put(t *testing.T, g Git, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.Dir, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, g Git, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(g.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// notebook is a notebook with one code cell for each source.
func notebook(sources ...string) string {
	var cells []string
	for _, s := range sources {
		cells = append(cells, `{"cell_type":"code","execution_count":null,"metadata":{},"outputs":[],"source":`+string(nbformat.AppendString(nil, s))+`}`)
	}
	return `{"cells":[` + strings.Join(cells, ",\n") + `],"metadata":{},"nbformat":4,"nbformat_minor":4}`
}

func TestKnown(t *testing.T) {
	t.Parallel()
	g := repository(t)
	put(t, g, "a", "here")
	if _, err := g.run(t.Context(), nil, "add", "a"); err != nil {
		t.Fatal(err)
	}
	if !g.Known(t.Context(), []byte("here")) {
		t.Error("what git add took is not known")
	}
	if g.Known(t.Context(), []byte("not here")) {
		t.Error("what nobody took is known")
	}
	g.Dir = t.TempDir()
	if g.Known(t.Context(), []byte("here")) {
		t.Error("known outside of a repository")
	}
}

// Install, Apply, Install again: nothing to do; Uninstall: all as before.
func TestInstallAndBack(t *testing.T) {
	t.Parallel()
	g := repository(t)
	ctx := t.Context()
	config := get(t, g, ".git/config")
	o := InstallOptions{Binary: "/opt/my bin/assay", Strip: []string{"--keep-count", "--extra-keys=metadata.a metadata.b"}}
	apply := func(p *Plan, err error) {
		t.Helper()
		if err == nil {
			err = p.Apply(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	apply(g.Install(ctx, o))
	got, err := g.line(ctx, "config", "filter.assay.process")
	if want := `'/opt/my bin/assay' git filter-process --keep-count '--extra-keys=metadata.a metadata.b'`; err != nil || got != want {
		t.Errorf("filter.assay.process is %s, %v; want %s", got, err, want)
	}
	o.Strip = nil // stays as it was
	again, err := g.Install(ctx, o)
	if err != nil || again.Changed() {
		t.Errorf("installing again: %v, would change %q", err, again.Lines())
	}
	apply(g.Uninstall(ctx, Local, ""))
	if diff := cmp.Diff(config, get(t, g, ".git/config")); diff != "" {
		t.Errorf("after uninstall (-want +got)\n%s", diff)
	}
	if text := get(t, g, ".git/info/attributes"); text != "" {
		t.Errorf("attributes after uninstall: %q", text)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	g := repository(t)
	base, ours, theirs := notebook("a\nb\nc"), notebook("a\nb\nc", "mine"), notebook("new\na\nb\nc")
	tests := map[string]struct {
		base, ours, theirs string
		conflicts          int
		text               bool
		has                []string
	}{
		"clean":              {base, ours, theirs, 0, false, []string{"mine", "new"}},
		"conflict":           {base, notebook("a\nX\nc"), notebook("a\nY\nc"), 1, false, []string{"X", "Y", "<<<<<<< ours"}},
		"no base":            {"", ours, notebook("other"), 0, false, []string{"mine", "other"}},
		"base is broken":     {"{", ours, notebook("other"), 0, false, []string{"mine", "other"}},
		"ours is broken":     {base + "\n", base + "\n<<<<<<<\n", base + "\n", 0, true, []string{"<<<<<<<"}},
		"theirs is cut":      {base, ours, theirs[:50], 1, true, []string{"mine", theirs[:50], "<<<<<<< ours"}},
		"theirs is nothing":  {base, ours, "", 1, true, []string{"mine"}},
		"markers are longer": {"1\n", "2\n", "3\n", 1, true, []string{"<<<<<<<<< ours\n2\n=========\n3\n>>>>>>>>> theirs\n"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := Git{Dir: t.TempDir(), Env: g.Env}
			put(t, g, "-base", tt.base)
			put(t, g, "-ours", tt.ours)
			put(t, g, "-theirs", tt.theirs)
			r, err := g.Merge(t.Context(), MergeFiles{Base: "-base", Ours: "-ours", Theirs: "-theirs", MarkerSize: 9}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Conflicts != tt.conflicts || (r.Notebook == nil) != tt.text || (r.Why != nil) != tt.text {
				t.Errorf("%d conflicts, as text: %v", r.Conflicts, r.Why)
			}
			got := get(t, g, "-ours")
			for _, want := range tt.has {
				if !strings.Contains(got, want) {
					t.Errorf("the result has no %q:\n%s", want, got)
				}
			}
			if d, err := nbformat.Parse([]byte(got)); !tt.text && (err != nil || len(nbformat.Validate(d)) > 0) {
				t.Errorf("the result is no valid notebook: %v\n%s", err, got)
			}
		})
	}
}

// A merge that fails leaves what is there.
func TestMergeFails(t *testing.T) {
	t.Parallel()
	g := repository(t)
	put(t, g, "ours", notebook("a"))
	_, err := g.Merge(t.Context(), MergeFiles{Base: "gone", Ours: "ours", Theirs: "ours"}, nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a base: %v", err)
	}
	put(t, g, "binary", "\x00\x01")
	put(t, g, "other", "\x00\x02")
	_, err = g.Merge(t.Context(), MergeFiles{Ours: "ours", Theirs: "binary"}, nil)
	if err == nil {
		t.Error("a binary file was merged")
	}
	if got := get(t, g, "ours"); got != notebook("a") {
		t.Errorf("ours is now %q", got)
	}
}

func TestParseChange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		want Change
	}{
		{[]string{"p"}, Change{Path: "p", NewPath: "p", Unmerged: true}},
		{
			[]string{"p", "/tmp/1", "abc", "100644", "/dev/null", ".", "."},
			Change{Path: "p", NewPath: "p", OldFile: "/tmp/1", OldMode: "100644", NewFile: "/dev/null", NewMode: "."},
		},
		{
			[]string{"p", "/tmp/1", "abc", "100644", "q", "000", "100755", "q", "similarity index 90%\n"},
			Change{Path: "p", NewPath: "q", OldFile: "/tmp/1", OldMode: "100644", NewFile: "q", NewMode: "100755", Headers: "similarity index 90%\n"},
		},
	}
	for _, tt := range tests {
		got, err := ParseChange(tt.args)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("ParseChange(%q): %v (-want +got)\n%s", tt.args, err, diff)
		}
	}
	for _, n := range []int{0, 2, 6, 8, 10} {
		if _, err := ParseChange(make([]string, n)); err == nil {
			t.Errorf("%d arguments were taken", n)
		}
	}
}

// Names and headers come from the repository: none of them may steer a terminal.
func TestDiffHostileNames(t *testing.T) {
	t.Parallel()
	g := repository(t)
	put(t, g, "a", notebook("1"))
	put(t, g, "b", "not\x1b]0;x\x07 a notebook")
	c := Change{Path: "p\x1b[2J", NewPath: "q\n+++ b/other", OldFile: "a", OldMode: "100644", NewFile: "b", NewMode: "100755", Headers: "rename to \x1b[2J\n"}
	var out bytes.Buffer
	if err := g.Diff(context.Background(), &out, c, DiffOptions{}); err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsRune(out.Bytes()[:bytes.Index(out.Bytes(), []byte("@@"))], '\x1b') || strings.Contains(out.String(), "\n+++ b/other") {
		t.Errorf("%q", out.String())
	}
}
