package main

import (
	"bytes"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/testenv"
	"assay/nbformat"
)

// papermillDesk is a folder with the notebooks that papermill's documentation
// speaks of, and a shell in it whose papermill is assay.
type papermillDesk struct {
	dir string
	env []string
}

func newPapermill(t *testing.T) *papermillDesk {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the documented lines are for a Unix shell")
	}
	prefix := testenv.Prefix(t, "main")
	p := &papermillDesk{dir: papermillFiles(t)}
	home := filepath.Join(p.dir, "home")
	p.env = append(os.Environ(), "HOME="+home, "XDG_STATE_HOME=", "XDG_CACHE_HOME=", "VIRTUAL_ENV="+prefix, "NO_COLOR=1")
	// As `jupyter kernelspec install --user --name analysis_1`; silent is a kernel that never answers.
	for name, argv := range map[string]string{
		"analysis_1": `"` + filepath.Join(prefix, "bin", "python") + `", "-m", "ipykernel_launcher", "-f", "{connection_file}"`,
		"silent":     `"sleep", "600"`,
	} {
		spec := `{"argv": [` + argv + `], "display_name": "` + name + `", "language": "python"}`
		writeTo(t, filepath.Join(home, ".local", "share", "jupyter", "kernels", name, "kernel.json"), []byte(spec))
	}
	return p
}

// papermillFiles makes the folder.
func papermillFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	input := papermillNotebook(t, "alpha = 0.1\nl1_ratio = 0.9\nversion = \"0\"\nx = []\nlinear_function = {}",
		"print([alpha, l1_ratio, version, x, linear_function])")
	for name, data := range map[string][]byte{
		"local/input.ipynb": input, "my_notebook.ipynb": input, "site/input.ipynb": input,
		"parameters.yaml":         []byte("alpha: 0.6\nl1_ratio: 0.1\n"),
		"p.json":                  []byte(`{"alpha": 2, "version": 2}`),
		"credentials":             []byte("[default]\naws_access_key_id = other\naws_secret_access_key = wrong\n[dev_account]\naws_access_key_id = key\naws_secret_access_key = secret\n"),
		"path/to/input_Feb.ipynb": papermillNotebook(t, "day = 1", "print(day)"),
		"bare.ipynb":              papermillNotebook(t, "", "print('bare')"),
		"failing.ipynb":           papermillNotebook(t, "alpha = 0", "print('before')", "1 / alpha", "print('after')"),
		"streams.ipynb":           papermillNotebook(t, "", "import sys, os\nprint('to out')\nprint('to err', file=sys.stderr)\n'a value'", "print(os.path.basename(os.getcwd()))"),
		"sleeping.ipynb":          papermillNotebook(t, "", "import time; time.sleep(60)"),
		"watching.ipynb":          papermillNotebook(t, "", "import os; print(os.path.exists(PAPERMILL_OUTPUT_PATH))"),
		"elsewhere/there.txt":     nil,
		"check":                   papermillNotebook(t, "alpha = 1", "print(alpha)"),
		"papermill/tests/notebooks/complex_parameters.ipynb": papermillNotebook(t,
			"msg = None\na: float = 2.25  # Variable a\nb: List[str] = ['Hello','World']  # Nice list\nc: NoneType = None", "print(msg)"),
	} {
		writeTo(t, filepath.Join(dir, filepath.FromSlash(name)), data)
	}
	return dir
}

// papermillNotebook is a Python notebook; the first source is the cell tagged parameters, when there is one.
func papermillNotebook(t *testing.T, parameters string, sources ...string) []byte {
	t.Helper()
	d := nbformat.New(5)
	if parameters != "" {
		if _, err := d.Insert(0, nbformat.NewCell{Type: "code", Source: parameters, Tags: []string{"parameters"}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range sources {
		if _, err := d.Insert(d.Len(), nbformat.NewCell{Type: "code", Source: s}); err != nil {
			t.Fatal(err)
		}
	}
	for name, raw := range map[string]string{
		"kernelspec":    `{"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}`,
		"language_info": `{"name": "python"}`,
	} {
		if err := d.SetMetadata([]byte(raw), name); err != nil {
			t.Fatal(err)
		}
	}
	return d.Bytes()
}

func writeTo(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// told is how a command line ended.
type told struct {
	code           int
	stdout, stderr string
}

// sh runs a line of shell in the folder.
func (p *papermillDesk) sh(t *testing.T, line string, env ...string) told {
	t.Helper()
	c := exec.Command("sh", "-c", line)
	c.Dir = p.dir
	c.Env = append(append([]string{}, p.env...), env...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(2*time.Minute, func() { _ = c.Process.Kill() })
	defer late.Stop()
	_ = c.Wait()
	return told{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// bucket starts a real S3 server with the bucket bkt, and gives its folder.
func (p *papermillDesk) bucket(t *testing.T) string {
	t.Helper()
	endpoint, folder := testenv.S3(t, "bkt")
	input, err := os.ReadFile(filepath.Join(p.dir, "local", "input.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	writeTo(t, filepath.Join(folder, "input.ipynb"), input)
	for name, value := range testenv.S3Env(testenv.S3Key, testenv.S3Secret) {
		p.env = append(p.env, name+"="+value)
	}
	p.env = append(p.env, "BOTO3_ENDPOINT_URL="+endpoint) // papermill's own name for it
	return folder
}

// website serves the folder site by https, and takes what is PUT there.
func (p *papermillDesk) website(t *testing.T) {
	t.Helper()
	site := filepath.Join(p.dir, "site")
	files := http.FileServer(http.Dir(site))
	var mu sync.Mutex
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method != http.MethodPut {
			files.ServeHTTP(w, r)
			return
		}
		data, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(site, filepath.Base(r.URL.Path)), data, 0o666)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(s.Close)
	cert := filepath.Join(p.dir, "cert.pem")
	writeTo(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	p.env = append(p.env, "SITE="+s.URL, "SSL_CERT_FILE="+cert)
}

func readDocument(t *testing.T, name string) *nbformat.Document {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func injectedSource(d *nbformat.Document) string {
	var all string
	for _, c := range d.CellsByTag("injected-parameters") {
		all += c.Source()
	}
	return all
}

// printed is what the notebook's cells wrote to stdout.
func printed(d *nbformat.Document) string {
	var all strings.Builder
	for _, c := range d.Cells() {
		for _, o := range c.Outputs().Elems() {
			if o.Get("name").Text() == "stdout" {
				all.WriteString(o.Get("text").Text())
			}
		}
	}
	return all.String()
}
