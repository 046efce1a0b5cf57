package notebooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
	"assay/nbformat"
	"assay/nbformat/percent"
)

var update = flag.Bool("update", false, "make the shipped notebooks from their scripts")

func TestBuiltins(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"system-health", "tour"}, Builtins()); diff != "" {
		t.Error(diff)
	}
	ctx := context.Background()
	for _, name := range Builtins() {
		b, err := Read(ctx, "builtin:"+name, nil)
		if err != nil || len(b.Data) == 0 || b.Digest != Digest(b.Data) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "nope", "../builtin/tour", "./tour"} {
		if _, err := Read(ctx, "builtin:"+name, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "there are system-health, tour") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := Write(ctx, "builtin:tour", text("x"), Condition{}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("written: %v", err)
	}
}

// The .ipynb is what the .py says, and the .py what the .ipynb says, by our
// own converter: go test -update makes the notebooks anew.
func TestBuiltinsInStep(t *testing.T) {
	t.Parallel()
	for _, name := range Builtins() {
		script, err := os.ReadFile("builtin/" + name + ".py")
		if err != nil {
			t.Fatal(err)
		}
		d, err := percent.Read(script, ".py")
		if err != nil {
			t.Fatal(name, err)
		}
		want, err := nbformat.Canonical(d)
		if err != nil {
			t.Fatal(name, err)
		}
		if *update {
			if err := os.WriteFile("builtin/"+name+".ipynb", want, 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-script +notebook; go test -update makes it anew):\n%s", name, diff)
		}
		back, err := nbformat.Parse(got)
		if err != nil {
			t.Fatal(name, err)
		}
		if findings := nbformat.Validate(back); len(findings) > 0 {
			t.Errorf("%s: not valid: %v", name, findings)
		}
		for i, c := range back.Cells() {
			if n := c.Outputs().Len(); n > 0 {
				t.Errorf("%s: cell %d has %d outputs", name, i, n)
			}
		}
		again, err := percent.Write(back, ".py", nil)
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(string(script), unversioned(again)); diff != "" {
			t.Errorf("%s (-script +notebook's script):\n%s", name, diff)
		}
	}
}

// unversioned is a script without the line that says which jupytext wrote it.
func unversioned(script []byte) string {
	lines := strings.SplitAfter(string(script), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, "jupytext_version:") }), "")
}

// jupytext makes the same script of the notebook, but for its own version.
func TestBuiltinsByJupytext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"-q", "--to", "py:percent"}
	for _, name := range Builtins() {
		data, err := Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		p := filepath.Join(dir, name+".ipynb")
		if err := os.WriteFile(p, data, 0o666); err != nil {
			t.Fatal(err)
		}
		args = append(args, p)
	}
	if out, err := exec.Command(testenv.Bin(t, "main", "jupytext"), args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range Builtins() {
		want, err := os.ReadFile(filepath.Join(dir, name+".py"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile("builtin/" + name + ".py")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(unversioned(want), string(got)); diff != "" {
			t.Errorf("%s (-jupytext +ours):\n%s", name, diff)
		}
	}
}

// Nothing but Python's standard library and the kernel's own IPython is needed.
func TestBuiltinsNeedNothing(t *testing.T) {
	t.Parallel()
	for _, name := range Builtins() {
		script, err := os.ReadFile("builtin/" + name + ".py")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(script)) {
			fields := strings.Fields(line)
			if len(fields) < 2 || fields[0] != "import" && fields[0] != "from" {
				continue
			}
			if !slices.Contains([]string{"os", "shutil", "time", "sys", "struct", "zlib", "IPython.display", "assay", "scrapbook"}, fields[1]) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

// nbclient runs them as they are: what they show and glue is there.
func TestBuiltinsRun(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(testenv.Python(t, "main"), "testdata/run.py", "builtin/system-health.ipynb", "builtin/tour.ipynb")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var got []struct {
		Kinds  []string // "stream stdout", "error ValueError", a mime type
		Glued  map[string]any
		Report string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	health, tour := got[0], got[1]
	score, _ := health.Glued["health_score"].(float64)
	load, isNumber := health.Glued["avg_load"].(float64)
	needed, isBool := health.Glued["intervention_needed"].(bool)
	if len(health.Glued) != 3 || score < 0 || score > 100 || !isNumber || load < 0 || !isBool {
		t.Errorf("system-health glued %v", health.Glued)
	}
	if verdict := map[bool]string{true: "somebody should step in", false: "all is well"}[needed]; !strings.HasPrefix(health.Report, "# localhost: "+verdict) {
		t.Errorf("system-health reports\n%s", health.Report)
	}
	if slices.ContainsFunc(health.Kinds, func(k string) bool { return strings.HasPrefix(k, "error") }) {
		t.Errorf("system-health shows %q", health.Kinds)
	}
	for _, kind := range []string{
		"stream stdout", "stream stderr", "text/plain", "text/html", "text/markdown", "text/latex", "application/json",
		"image/svg+xml", "image/png", "error ValueError", "application/scrapbook.scrap.json+json", "application/scrapbook.scrap.text+json",
	} {
		if !slices.Contains(tour.Kinds, kind) {
			t.Errorf("tour shows no %s", kind)
		}
	}
	want := map[string]any{"greeting": "Hello, world!", "steps": 5.0, "squares": []any{0.0, 1.0, 4.0, 9.0, 16.0}}
	if diff := cmp.Diff(want, tour.Glued); diff != "" {
		t.Errorf("tour glued:\n%s", diff)
	}
}
