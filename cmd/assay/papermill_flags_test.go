package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
)

// flagLine tries flags of papermill's: what the line leaves behind shows that each did its work.
type flagLine struct {
	line  string
	code  int
	says  []string // on stderr
	quiet []string // not on stderr
	check func(t *testing.T, p *papermillDesk, got told)
}

// ran wants out.ipynb with these parameters and this print.
func ran(injected, stdout string) func(*testing.T, *papermillDesk, told) {
	return func(t *testing.T, p *papermillDesk, _ told) {
		t.Helper()
		d := readDocument(t, filepath.Join(p.dir, "out.ipynb"))
		want := injected
		if want != "" {
			want = "# Parameters\n" + want
		}
		if got := injectedSource(d); got != want {
			t.Errorf("injected:\n%s\nwant:\n%s", got, want)
		}
		if got := printed(d); got != stdout {
			t.Errorf("printed %q, want %q", got, stdout)
		}
	}
}

// fileIs wants a file's whole text.
func fileIs(name, want string) func(*testing.T, *papermillDesk, told) {
	return func(t *testing.T, p *papermillDesk, _ told) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(p.dir, name))
		if err != nil || string(data) != want {
			t.Errorf("%s: %q, %v; want %q", name, data, err, want)
		}
	}
}

// hidden wants metadata.jupyter.source_hidden in every code cell, or in none.
func hidden(want bool) func(*testing.T, *papermillDesk, told) {
	return func(t *testing.T, p *papermillDesk, _ told) {
		t.Helper()
		d := readDocument(t, filepath.Join(p.dir, "out.ipynb"))
		for i, c := range d.Cells() {
			if got := c.Metadata().Get("jupyter", "source_hidden"); got.Bool() != want {
				t.Errorf("cell %d: source_hidden %s, want %v", i, got.Raw(), want)
			}
		}
	}
}

func noOutput(t *testing.T, p *papermillDesk, _ told) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(p.dir, "out.ipynb")); !os.IsNotExist(err) {
		t.Errorf("there is an out.ipynb: %v", err)
	}
}

var flagLines = []flagLine{
	// The paths.
	{line: `papermill < /dev/null`, code: exitUsage, says: []string{"missing argument"}},
	{line: `papermill a.ipynb b.ipynb c.ipynb`, code: exitUsage, says: []string{"3 arguments"}},
	{line: `papermill missing.ipynb out.ipynb`, code: exitSurroundings, says: []string{"missing.ipynb", "no such file"}, check: noOutput},
	{line: `papermill local/input.ipynb nofolder/out.ipynb`, code: exitSurroundings, says: []string{"nofolder"}},
	{line: `papermill 'local/{name}.ipynb' out.ipynb`, code: exitUsage, says: []string{"name"}, check: noOutput},
	{line: `papermill local/input.ipynb 'out{pm[run_uuid]}.ipynb' --prepare-only && mv out????????-*.ipynb out.ipynb`, check: ran("", "")},
	{line: `cp local/input.ipynb out.ipynb && papermill out.ipynb out.ipynb -p alpha 5 --prepare-only`, check: ran("alpha = 5\n", "")},
	{line: `papermill check out.ipynb -p alpha 5 --prepare-only`, check: ran("alpha = 5\n", "")},
	{line: `papermill --no-such-flag`, code: exitUsage, says: []string{"no-such-flag", "papermill --help"}},

	// Parameters: the types of -p, the fixed order.
	{
		line:  `papermill local/input.ipynb out.ipynb --prepare-only -p a True -p b None -p c 007 -p d 1e5 -p e -0.6 -pf g --parameters h -p --parameters_raw i True --parameters=j 1`,
		check: ran("a = True\nb = None\nc = 7\nd = 100000.0\ne = -0.6\nf = \"g\"\nh = \"-p\"\nj = 1\ni = \"True\"\n", ""),
	},
	{
		line:  `papermill local/input.ipynb out.ipynb --prepare-only -r alpha raw -p l1_ratio 4 -p alpha 4 --parameters_yaml 'version: 3' -y '{alpha: 3, l1_ratio: 3}' --parameters_file p.json -f parameters.yaml --parameters_base64 eDogMQ== -b YWxwaGE6IDE=`,
		check: ran("x = 1\nalpha = \"raw\"\nversion = 3\nl1_ratio = 4\n", ""),
	},
	{line: `papermill local/input.ipynb out.ipynb -p alpha`, code: exitUsage, says: []string{"a name and a value"}, check: noOutput},
	{line: `papermill local/input.ipynb out.ipynb -f nofile.yaml`, code: exitSurroundings, says: []string{"nofile.yaml"}, check: noOutput},
	{line: `papermill local/input.ipynb out.ipynb -b '!'`, code: exitUsage, says: []string{"base64"}, check: noOutput},
	{line: `papermill local/input.ipynb out.ipynb -y 'a: ['`, code: exitUsage, says: []string{"-y"}, check: noOutput},
	{line: `papermill local/input.ipynb out.ipynb --prepare-only --inject-input-path`, check: ran("PAPERMILL_INPUT_PATH = \"local/input.ipynb\"\n", "")},
	{line: `papermill local/input.ipynb out.ipynb --prepare-only --inject-output-path`, check: ran("PAPERMILL_OUTPUT_PATH = \"out.ipynb\"\n", "")},
	{
		line:  `papermill local/input.ipynb out.ipynb --prepare-only --inject-paths`,
		check: ran("PAPERMILL_INPUT_PATH = \"local/input.ipynb\"\nPAPERMILL_OUTPUT_PATH = \"out.ipynb\"\n", ""),
	},

	// What runs it.
	{line: `papermill local/input.ipynb out.ipynb --engine nbclient -p alpha 2`, check: ran("alpha = 2\n", "[2, 0.9, '0', [], {}]\n")},
	{line: `papermill local/input.ipynb out.ipynb --engine papermill`, code: exitUsage, says: []string{`no engine named "papermill"`}, check: noOutput},
	{line: `papermill local/input.ipynb out.ipynb --kernel python3`, check: ran("", printedDefaults)},
	{line: `papermill local/input.ipynb out.ipynb -k nosuchkernel`, code: exitSurroundings, says: []string{"nosuchkernel"}, check: noOutput},
	{line: `papermill local/input.ipynb out.ipynb -l R -p alpha True --prepare-only`, check: ran("alpha = TRUE\n", "")},
	{line: `papermill local/input.ipynb out.ipynb --language R -p x None --prepare-only`, check: ran("x = NULL\n", "")},
	{line: `papermill local/input.ipynb out.ipynb -k silent --start-timeout 1`, code: exitSurroundings, says: []string{"did not answer in time", "--start-timeout"}, check: noOutput},
	{line: `papermill local/input.ipynb out.ipynb -k silent --start_timeout 1`, code: exitSurroundings, says: []string{"did not answer in time", "--start-timeout"}, check: noOutput},
	{line: `papermill local/input.ipynb out.ipynb --start-timeout soon`, code: exitUsage, says: []string{"soon"}, check: noOutput},
	{line: `papermill sleeping.ipynb out.ipynb --execution-timeout 1`, code: exitFailed, says: []string{"timed out", "--execution-timeout"}},
	{line: `papermill streams.ipynb out.ipynb --cwd elsewhere`, says: []string{"Working directory: elsewhere"}, check: ran("", "to out\nelsewhere\n")},
	{line: `papermill streams.ipynb out.ipynb --cwd nowhere`, code: exitSurroundings, says: []string{"nowhere"}, check: noOutput},
	{line: `papermill failing.ipynb out.ipynb`, code: exitFailed, says: []string{"ZeroDivisionError"}, check: ran("", "before\n")},

	// What is written, and when.
	{line: `papermill watching.ipynb out.ipynb --inject-paths --request-save-on-cell-execute`, check: func(t *testing.T, p *papermillDesk, _ told) { watched(t, p, "True\n") }},
	{line: `papermill watching.ipynb out.ipynb --inject-paths --no-request-save-on-cell-execute`, check: func(t *testing.T, p *papermillDesk, _ told) { watched(t, p, "False\n") }},
	{line: `papermill local/input.ipynb out.ipynb --autosave-cell-every 5`, check: ran("", printedDefaults)},
	{line: `papermill local/input.ipynb out.ipynb --prepare-only --autosave-cell-every 0`, check: ran("", "")},
	{line: `papermill local/input.ipynb out.ipynb --autosave-cell-every often`, code: exitUsage, says: []string{"often"}, check: noOutput},
	{line: `papermill local/input.ipynb out.ipynb --prepare-only --prepare-execute`, check: ran("", printedDefaults)},
	{line: `papermill local/input.ipynb out.ipynb --prepare-only --report-mode -p alpha 1`, check: hidden(true)},
	{line: `papermill local/input.ipynb out.ipynb --prepare-only --report-mode --no-report-mode -p alpha 1`, check: hidden(false)},
	{line: `papermill local/input.ipynb out.ipynb --prepare-only --report-mode --not-report-mode -p alpha 1`, check: hidden(false)},

	// What is said.
	{line: `papermill streams.ipynb out.ipynb`, says: []string{"Input Notebook:  streams.ipynb", "Output Notebook: out.ipynb", "Executing notebook with kernel: python3"}, quiet: []string{"to out", "Executing Cell"}},
	{line: `papermill streams.ipynb out.ipynb --log-output`, says: []string{"to out\n", "to err\n", "'a value'\n", "Executing Cell 1---", "Ending Cell 1---"}},
	{line: `papermill streams.ipynb out.ipynb --log-output --no-log-output`, quiet: []string{"to out", "to err", "Executing Cell"}},
	{line: `papermill streams.ipynb out.ipynb --log-output --log-level WARNING`, says: []string{"to err\n"}, quiet: []string{"to out", "Input Notebook", "Executing Cell"}},
	{line: `papermill streams.ipynb out.ipynb --log-level loud`, code: exitUsage, says: []string{"loud", "WARNING"}, check: noOutput},
	{line: `papermill streams.ipynb out.ipynb --stdout-file so.txt --cwd elsewhere`, check: fileIs("so.txt", "to out\nelsewhere\n")},
	{line: `papermill streams.ipynb out.ipynb --stdout-file /dev/full`, code: exitSurroundings, says: []string{"/dev/full"}},
	{line: `papermill streams.ipynb out.ipynb --stdout-file nofolder/so.txt`, code: exitSurroundings, says: []string{"nofolder/so.txt"}, check: noOutput},
	{line: `papermill streams.ipynb out.ipynb --cwd elsewhere --stdout-file - > so.txt`, check: fileIs("so.txt", "to out\nelsewhere\n")},
	{line: `echo 'alpha: 8' | papermill local/input.ipynb out.ipynb --prepare-only -f - -y '' -f elsewhere/there.txt`, check: ran("alpha = 8\n", "")},
	{line: `papermill streams.ipynb out.ipynb --stderr-file se.txt`, check: fileIs("se.txt", "to err\n")},
	{line: `papermill streams.ipynb out.ipynb --progress-bar`, says: []string{"Executing", "2/2"}},
	{line: `papermill streams.ipynb out.ipynb --no-progress-bar`, quiet: []string{"2/2"}},
	{line: `papermill streams.ipynb - > out.ipynb`, check: func(t *testing.T, _ *papermillDesk, got told) {
		if got.stderr != "" {
			t.Errorf("with the notebook on stdout, stderr has:\n%s", got.stderr)
		}
	}},
	{line: `papermill --version`, check: stdoutHas("assay in papermill's place")},
	{line: `papermill --help`, check: stdoutHas("--inject-output-path", "--autosave-cell-every", "papermill NOTEBOOK_PATH [OUTPUT_PATH]")},
	{line: `papermill -h`, check: stdoutHas("--parameters_raw")},
	{line: `papermill --help-notebook check`, check: stdoutHas("alpha: ")},
}

func stdoutHas(texts ...string) func(*testing.T, *papermillDesk, told) {
	return func(t *testing.T, _ *papermillDesk, got told) {
		t.Helper()
		for _, want := range texts {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("no %q in:\n%s", want, got.stdout)
			}
		}
	}
}

// watched wants what the notebook saw of its output while it ran.
func watched(t *testing.T, p *papermillDesk, want string) {
	t.Helper()
	if got := printed(readDocument(t, filepath.Join(p.dir, "out.ipynb"))); got != want {
		t.Errorf("the output was there while the notebook ran: %q, want %q", got, want)
	}
}

// TestPapermillFlags tries every flag of papermill's, in every spelling.
func TestPapermillFlags(t *testing.T) {
	t.Parallel()
	for _, c := range flagLines {
		t.Run(strings.TrimPrefix(c.line, "papermill "), func(t *testing.T) {
			t.Parallel()
			p := newPapermill(t)
			got := p.sh(t, c.line)
			if got.code != c.code {
				t.Fatalf("exit code %d, want %d\n%s", got.code, c.code, got.stderr)
			}
			for _, want := range c.says {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("does not say %q:\n%s", want, got.stderr)
				}
			}
			for _, unwanted := range c.quiet {
				if strings.Contains(got.stderr, unwanted) {
					t.Errorf("says %q:\n%s", unwanted, got.stderr)
				}
			}
			if c.check != nil {
				c.check(t, p, got)
			}
		})
	}
}

// No flag that papermill's own --help lists is left untried above.
func TestPapermillFlagsAreAllTried(t *testing.T) {
	t.Parallel()
	help, err := exec.Command(testenv.Bin(t, "main", "papermill"), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, options, found := strings.Cut(string(help), "Options:")
	if !found {
		t.Fatalf("papermill --help:\n%s", help)
	}
	var tried []string
	for _, c := range flagLines {
		tried = append(tried, strings.Fields(c.line)...)
	}
	// Flags begin their line of the help, or follow one: "-p, --parameters", "--x / --no-x".
	spelled := regexp.MustCompile(`(?m)^ {2}(-.*?)(?: {2}|$)`)
	flag := regexp.MustCompile(`(?:^|[ ,/])(--?[a-z][a-z0-9_-]*)`)
	n := 0
	for _, m := range spelled.FindAllStringSubmatch(options, -1) {
		for _, f := range flag.FindAllStringSubmatch(m[1], -1) {
			n++
			if !slices.Contains(tried, f[1]) {
				t.Errorf("no line tries %s", f[1])
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d flags found in:\n%s", n, help)
	}
}

// peerLines are lines that papermill itself and assay --papermill-compat carry
// out alike, to the byte but for times and ids.
var peerLines = []string{
	`papermill local/input.ipynb out.ipynb -p alpha 0.6 -p l1_ratio 0.1`,
	`papermill local/input.ipynb out.ipynb -r version 1.0 --report-mode`,
	`papermill local/input.ipynb out.ipynb -f parameters.yaml --inject-input-path --inject-output-path`,
	"papermill local/input.ipynb out.ipynb --prepare-only -y \"\nx:\n    - 0.0\n    - 1.0\nlinear_function:\n    slope: 3.0\n    intercept: 1.0\"",
	`papermill local/input.ipynb out.ipynb --prepare-only -r alpha raw -p l1_ratio 4 -p alpha 4 -y 'version: 3' -y '{alpha: 3, l1_ratio: 3}' -f p.json -f parameters.yaml -b eDogMQ== -b YWxwaGE6IDE=`,
	`papermill local/input.ipynb out.ipynb --prepare-only -b YWxwaGE6IDAuNgpsMV9yYXRpbzogMC4xCg==`,
	`papermill local/input.ipynb out.ipynb --prepare-only -l R -p alpha None -p x True`,
	`papermill streams.ipynb out.ipynb --cwd elsewhere -k python3`,
	`papermill failing.ipynb out.ipynb -p alpha 0`,
	// Long enough for both kernels to have begun with the cell, which the output tells.
	`papermill sleeping.ipynb out.ipynb --execution-timeout 10`,
}

// peer runs the lines by papermill's own command in one process, each in its
// folder, and prints their exit codes.
const peer = `
import json, os, shlex, sys, traceback
from papermill.cli import papermill
codes = []
for folder, line in json.load(open(sys.argv[1])):
    os.chdir(folder)
    try:
        papermill.main(shlex.split(line)[1:], standalone_mode=False)
        codes.append(0)
    except SystemExit as e:
        codes.append(e.code)
    except Exception:
        codes.append(1)
print(json.dumps(codes))
`

func TestPapermillPeer(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "main")
	cases := make([][2]string, len(peerLines))
	for i, line := range peerLines {
		cases[i] = [2]string{papermillFiles(t), line}
	}
	data, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "cases.json")
	writeTo(t, list, data)
	c := exec.Command(python, "-c", peer, list)
	c.Env = append(os.Environ(), "HOME="+t.TempDir(), "PYDEVD_DISABLE_FILE_VALIDATION=1")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var codes []int
	if err := json.Unmarshal(out, &codes); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i, line := range peerLines {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			p := newPapermill(t)
			if got := p.sh(t, line+" --papermill-compat"); got.code != codes[i] {
				t.Errorf("exit code %d, papermill's %d\n%s", got.code, codes[i], got.stderr)
			}
			got, want := masked(t, p.dir), masked(t, cases[i][0])
			if got != want {
				t.Errorf("%s\n%s", line, firstDifference(got, want))
			}
		})
	}
}

// masked is the output without what differs from run to run.
func masked(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "out.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nbformat.Parse(data); err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, m := range []struct{ find, put string }{
		{`("(?:start|end)_time"): "[^"]*"`, `$1: TIME`},
		{`("(?:iopub|shell)\.[a-z_.]+"): "[^"]*"`, `$1: TIME`},
		{`("duration"): [0-9.e-]+`, `$1: SECONDS`},
		{`(?m)^(   "id"): "[^"]*"`, `$1: ID`},
		// A loaded kernel sends one print in two messages, which this form does not join.
		{`\\n"` + nextStream, "\\n\",\n      \""},
		{`"` + nextStream, ""},
	} {
		text = regexp.MustCompile(m.find).ReplaceAllString(text, m.put)
	}
	return text
}

// nextStream is what stands between the texts of two neighbouring outputs.
const nextStream = `\n     \]\n    \},\n    \{\n     "name": "stdout",\n     "output_type": "stream",\n     "text": \[\n      "`

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			from := max(0, i-4)
			return "assay:\n" + strings.Join(g[from:min(i+4, len(g))], "\n") + "\npapermill:\n" + strings.Join(w[from:min(i+4, len(w))], "\n")
		}
	}
	return "one is longer: assay " + strings.Join(g[min(len(g), len(w)):], "\n") + "\npapermill: " + strings.Join(w[min(len(g), len(w)):], "\n")
}
