package inkernel_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/executor/inkernel"
	"assay/executor/local"
	"assay/internal/testenv"
	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

// outputs is a Sink that keeps the outputs of each cell.
type outputs map[int][]nbformat.Output

func (o outputs) CellStarted(int, time.Time)                  {}
func (o outputs) Stream(int, string, string)                  {}
func (o outputs) CellEnded(r executor.CellResult)             { o[r.Index] = r.Outputs }
func (o outputs) OutputsChanged(i int, all []nbformat.Output) { o[i] = all }

// run runs sources in a kernel of the test environment with the module on its path.
func run(t *testing.T, env string, sources ...string) (outputs, executor.Result) {
	t.Helper()
	path, err := inkernel.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	k, err := local.Start(t.Context(), &local.Options{
		Kernel: "python3", Python: testenv.Prefix(t, env), Env: os.Environ(), PythonPath: []string{path}, Cwd: t.TempDir(), StartTimeout: 5 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		_ = k.Close(ctx) // the executor's tests are about Close
	})
	var cells []executor.Cell
	for i, s := range sources {
		cells = append(cells, executor.Cell{Index: i, Type: "code", Source: s})
	}
	got := outputs{}
	return got, executor.Run(t.Context(), k, cells, &executor.Options{AllowErrors: true}, got)
}

// The same calls to scrapbook and to assay must leave the same outputs.
func TestSameOutputsAsScrapbook(t *testing.T) {
	t.Parallel()
	calls := []string{
		`glue("text", "one\ntwo é")`,
		`glue("json-looking text", "123")`,
		`glue("number", 1.5)`,
		`glue("big", 12345678901234567890)`,
		`glue("truth", True)`,
		`glue("list", [1, "a", None, {"b": 2.0}])`,
		`glue("dict", {"z": 1, "a": [2]}, display=True)`,
		`glue("as json", "{\"a\": 1}", "json")`,
		`glue("as text", 7, "text")`,
		`glue("frame", pd.DataFrame({"a": [1, 2], "b": ["x", None]}))`,
		`glue("frame shown", pd.DataFrame({"a": [1]}), display=["text/plain"])`,
		`glue("only shown", pd.DataFrame({"a": [1]}), "display")`,
		`glue("html", IPython.display.HTML("<b>x</b>"))`,
		`glue("kwargs", [1], display={"exclude": ["text/html"]})`,
		`glue("anything", object, display=True)`,
		`glue("nothing", None)`,
	}
	sources := []string{"import pandas as pd, IPython.display, warnings\nwarnings.simplefilter('ignore')\nimport scrapbook, assay"}
	for _, c := range calls {
		sources = append(sources, "scrapbook."+c, "assay."+c)
	}
	got, res := run(t, "main", sources...)
	if res.Cells[0].State != executor.Succeeded {
		t.Fatalf("imports: %+v", res.Cells[0].Error)
	}
	for i, call := range calls {
		theirs, ours := shape(t, got[1+2*i]), shape(t, got[2+2*i])
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("%s (-scrapbook +assay):\n%s", call, diff)
		}
	}
}

// shape is what of the outputs must be equal; of an error its name.
func shape(t *testing.T, all []nbformat.Output) []any {
	t.Helper()
	if len(all) == 0 {
		t.Error("no output")
	}
	var list []any
	for _, o := range all {
		if o.Type == nbformat.ErrorOutput {
			list = append(list, o.Ename)
			continue
		}
		var data, meta any
		if err := json.Unmarshal(o.Data, &data); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(o.Metadata, &meta); err != nil {
			t.Fatal(err)
		}
		list = append(list, o.Type, data, meta)
	}
	return list
}

func TestTableWithoutPyarrow(t *testing.T) {
	t.Parallel()
	got, res := run(t, "main",
		"import sys\nsys.modules['pyarrow'] = None\nimport pandas as pd, numpy as np, assay",
		`assay.glue("frame", pd.DataFrame({"a": [1, 2], "b": [0.1, None]}))`,
		`assay.glue("scalar", np.int64(3))`,
		`assay.glue("x", 1, "arrow")`,
	)
	if len(got[1]) != 1 || len(got[2]) != 1 || res.Cells[3].Error == nil || res.Cells[3].Error.Name != "ValueError" {
		t.Fatalf("outputs %v, cells %+v", got, res.Cells)
	}
	for i := range got {
		if o := got[i]; i < 3 && len(o) > 0 && o[0].Type == nbformat.ErrorOutput {
			t.Fatalf("cell %d: %s: %s\n%s", i, o[0].Ename, o[0].Evalue, strings.Join(o[0].Traceback, "\n"))
		}
	}
	want := `{"application/scrapbook.scrap.table+json":{"name":"frame","data":{"schema":{"fields":[` +
		`{"name":"index","type":"integer"},{"name":"a","type":"integer"},{"name":"b","type":"number"}],` +
		`"primaryKey":["index"],"pandas_version":"1.4.0"},` +
		`"data":[{"index":0,"a":1,"b":0.1},{"index":1,"a":2,"b":null}]},"encoder":"table","version":1}}`
	if diff := cmp.Diff(plain(t, want), plain(t, string(got[1][0].Data))); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if s := string(got[2][0].Data); !strings.Contains(s, `"data": 3`) && !strings.Contains(s, `"data":3`) {
		t.Errorf("scalar %s", s)
	}
}

func plain(t *testing.T, s string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

// The module must work in old kernels: nothing newer than Python 3.8.
func TestSyntaxIsOfPython38(t *testing.T) {
	t.Parallel()
	path, err := inkernel.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	check := "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 8))"
	out, err := exec.Command(testenv.Python(t, "main"), "-c", check, path+"/assay.py").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, bytes.TrimSpace(out))
	}
}

func TestWriteTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := inkernel.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := inkernel.Write(dir); err != nil || first != second {
		t.Errorf("second Write: %q, %v", second, err)
	}
	if _, err := inkernel.Write("/dev/null"); err == nil {
		t.Error("no error for a folder that cannot be")
	}
}
