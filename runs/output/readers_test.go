package output

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"assay/executor"
	"assay/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

// TestReaders: what reads papermill's record reads ours.
func TestReaders(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.ipynb")
	w, err := Create(path, cells(t, 2), &Options{RunID: "r", InputRef: "in.ipynb", OutputRef: path, Parameters: []byte(`{"alpha": 0.5}`)})
	if err != nil {
		t.Fatal(err)
	}
	w.CellEnded(done(1, "one\n"))
	r := done(2, "")
	r.State, r.Error = executor.TimedOut, nil
	r.Ended = r.Started.Add(1500 * time.Millisecond)
	w.CellEnded(r)
	if err := w.Finish(executor.Result{State: executor.RunTimedOut}); err != nil {
		t.Fatal(err)
	}
	const script = `
import json, sys, warnings
warnings.simplefilter("ignore")
import nbformat, scrapbook
from datetime import datetime
from packaging.version import Version
nb = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(nb)
sb = scrapbook.read_notebook(sys.argv[1])
pm = nb.metadata.papermill
json.dump({
  "parameters": sb.parameters,
  "timing": [t for t in sb.cell_timing if t][-1],
  "version": str(Version(pm.version).public),
  "duration": (datetime.fromisoformat(pm.end_time) - datetime.fromisoformat(pm.start_time)).total_seconds() == pm.duration,
}, sys.stdout)
`
	out, err := exec.Command(testenv.Python(t, "main"), "-c", script, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	want := map[string]any{"parameters": map[string]any{"alpha": 0.5}, "timing": 1.5, "version": papermillVersion, "duration": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}
