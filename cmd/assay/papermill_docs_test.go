package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/nbformat"
)

// docLine is a command line of papermill's documentation, run by a shell as it
// stands there, with the link called papermill on the path.
type docLine struct {
	page string // where papermill shows it
	line string
	env  []string
	out  string // the notebook it makes
	// What it puts in, and what the notebook then prints.
	injected, printed string
}

// printedDefaults is what local/input.ipynb prints without parameters.
const printedDefaults = "[0.1, 0.9, '0', [], {}]\n"

var s3Lines = []docLine{
	{
		page: "README, Execute via CLI", line: `papermill local/input.ipynb s3://bkt/output.ipynb -p alpha 0.6 -p l1_ratio 0.1`,
		injected: "alpha = 0.6\nl1_ratio = 0.1\n", printed: "[0.6, 0.1, '0', [], {}]\n",
	},
	{
		page: "README, AWS accounts", line: `AWS_PROFILE=dev_account papermill local/input.ipynb s3://bkt/output.ipynb -p alpha 0.6 -p l1_ratio 0.1`,
		env:      []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_SHARED_CREDENTIALS_FILE=credentials"},
		injected: "alpha = 0.6\nl1_ratio = 0.1\n", printed: "[0.6, 0.1, '0', [], {}]\n",
	},
	{
		page: "usage-execute, raw strings", line: `papermill local/input.ipynb s3://bkt/output.ipynb -r version 1.0`,
		injected: "version = \"1.0\"\n", printed: "[0.1, 0.9, '1.0', [], {}]\n",
	},
	{
		page: "usage-execute, a parameters file", line: `papermill local/input.ipynb s3://bkt/output.ipynb -f parameters.yaml`,
		injected: "alpha = 0.6\nl1_ratio = 0.1\n", printed: "[0.6, 0.1, '0', [], {}]\n",
	},
	{
		page: "README, a YAML string", line: "papermill local/input.ipynb s3://bkt/output.ipynb -y \"\nalpha: 0.6\nl1_ratio: 0.1\"",
		injected: "alpha = 0.6\nl1_ratio = 0.1\n", printed: "[0.6, 0.1, '0', [], {}]\n",
	},
	{
		page: "README, base64", line: `papermill local/input.ipynb s3://bkt/output.ipynb -b YWxwaGE6IDAuNgpsMV9yYXRpbzogMC4xCg==`,
		injected: "alpha = 0.6\nl1_ratio = 0.1\n", printed: "[0.6, 0.1, '0', [], {}]\n",
	},
	{
		page: "usage-execute, arrays and dictionaries", line: "papermill local/input.ipynb s3://bkt/output.ipynb -y \"\n" +
			"x:\n    - 0.0\n    - 1.0\n    - 2.0\n    - 3.0\nlinear_function:\n    slope: 3.0\n    intercept: 1.0\"",
		injected: "x = [0.0, 1.0, 2.0, 3.0]\nlinear_function = {\"slope\": 3.0, \"intercept\": 1.0}\n",
		printed:  "[0.1, 0.9, '0', [0.0, 1.0, 2.0, 3.0], {'slope': 3.0, 'intercept': 1.0}]\n",
	},
	{
		page: "README, name handlers: s3:// is read, too", line: `papermill s3://bkt/input.ipynb out.ipynb -p alpha 0.6`, out: "out.ipynb",
		injected: "alpha = 0.6\n", printed: "[0.6, 0.9, '0', [], {}]\n",
	},
}

var localLines = []docLine{
	{
		page: "troubleshooting, NoSuchKernel", line: `papermill my_notebook.ipynb output_notebook.ipynb -k analysis_1`, out: "output_notebook.ipynb",
		printed: printedDefaults,
	},
	{
		page: "--help: by the presence of pipes", line: `cat local/input.ipynb | papermill | cat > out.ipynb`, out: "out.ipynb",
		printed: printedDefaults,
	},
	{
		page: "--help: papermill - -", line: `papermill - - < local/input.ipynb > out.ipynb`, out: "out.ipynb",
		printed: printedDefaults,
	},
	{
		page: "--help: OUTPUT_PATH behind a pipe", line: `cat local/input.ipynb | papermill out.ipynb -p alpha 0.6`, out: "out.ipynb",
		injected: "alpha = 0.6\n", printed: "[0.6, 0.9, '0', [], {}]\n",
	},
	{
		page: "--help: OUTPUT_PATH left out", line: `papermill local/input.ipynb < /dev/null > out.ipynb`, out: "out.ipynb",
		printed: printedDefaults,
	},
	{
		page: "README, name handlers: http(s)://", line: `papermill "$SITE/input.ipynb" "$SITE/out.ipynb" -p alpha 0.6`, out: "site/out.ipynb",
		injected: "alpha = 0.6\n", printed: "[0.6, 0.9, '0', [], {}]\n",
	},
	{
		page: "workflow, one parameter for the path, too", line: `papermill 'local/{name}.ipynb' 'out-{alpha:.2f}.ipynb' -p name input -p alpha 0.6`, out: "out-0.60.ipynb",
		injected: "name = \"input\"\nalpha = 0.6\n", printed: "[0.6, 0.9, '0', [], {}]\n",
	},
}

// refusedLines are the documented lines that assay does not carry out; each says what to use instead.
var refusedLines = []struct {
	page, line string
	code       int
	says       []string
}{
	{"name handlers", `papermill adl://store.azuredatalakestore.net/in.ipynb out.ipynb`, exitSurroundings, []string{"Gen1 was shut down", "use azblob://"}},
	{"name handlers", `papermill local/input.ipynb adl://store.azuredatalakestore.net/out.ipynb`, exitSurroundings, []string{"Gen1 was shut down", "use azblob://"}},
	{"name handlers", `papermill abs://acct.blob.core.windows.net/box/in.ipynb?sig=s3cr3t out.ipynb`, exitSurroundings, []string{"abs:// is not served", "use azblob://CONTAINER/KEY", "AZURE_STORAGE_ACCOUNT"}},
	{"name handlers", `papermill local/input.ipynb abs://acct.blob.core.windows.net/box/out.ipynb?sig=s3cr3t`, exitSurroundings, []string{"abs:// is not served", "use azblob://CONTAINER/KEY"}},
	{"name handlers", `papermill hdfs://node/in.ipynb out.ipynb`, exitSurroundings, []string{"hdfs:// is not served", "hdfs dfs -get"}},
	{"name handlers", `papermill local/input.ipynb hdfs://node/out.ipynb`, exitSurroundings, []string{"hdfs:// is not served", "mount HDFS"}},
	{"name handlers", `papermill https://github.com/nteract/papermill/blob/main/a/b.ipynb out.ipynb`, exitSurroundings, []string{"GitHub's page", "https://raw.githubusercontent.com/nteract/papermill/main/a/b.ipynb"}},
	{"extending, an I/O handler", `papermill sftp://my_ftp_server.co.uk/input.ipynb sftp://my_ftp_server.co.uk/output.ipynb`, exitSurroundings, []string{"unknown kind of address sftp://", "assay knows paths"}},
	{"extending, an engine", `papermill local/input.ipynb out.ipynb --engine timer_engine`, exitUsage, []string{`no engine named "timer_engine"`, "leave --engine out"}},
	{"extending, a remote engine", `papermill local/input.ipynb out.ipynb --engine tenki`, exitUsage, []string{`no engine named "tenki"`, "leave --engine out"}},
}

// TestPapermillDocs runs every command line that papermill's README and
// documentation show, unchanged.
func TestPapermillDocs(t *testing.T) {
	t.Parallel()
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		p := newPapermill(t)
		bucket := p.bucket(t)
		for _, c := range s3Lines {
			t.Run(c.page, func(t *testing.T) {
				result := filepath.Join(bucket, "output.ipynb")
				if c.out != "" {
					result = filepath.Join(p.dir, c.out)
				}
				c.run(t, p, result)
			})
		}
	})
	for _, c := range localLines {
		t.Run(c.page, func(t *testing.T) {
			t.Parallel()
			p := newPapermill(t)
			if strings.Contains(c.line, "$SITE") {
				p.website(t)
			}
			c.run(t, p, filepath.Join(p.dir, c.out))
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		p := newPapermill(t)
		for _, c := range refusedLines {
			got := p.sh(t, c.line)
			if got.code != c.code {
				t.Errorf("%s: %s: exit code %d, want %d\n%s", c.page, c.line, got.code, c.code, got.stderr)
			}
			for _, want := range c.says {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("%s: does not say %q:\n%s", c.line, want, got.stderr)
				}
			}
			if strings.Contains(got.stderr, "s3cr3t") {
				t.Errorf("%s: shows a signature:\n%s", c.line, got.stderr)
			}
		}
		if _, err := os.Stat(filepath.Join(p.dir, "out.ipynb")); err == nil {
			t.Error("a refused line left an output")
		}
	})
}

func (c *docLine) run(t *testing.T, p *papermillDesk, result string) {
	t.Helper()
	before, _ := os.ReadFile(result) // the lines of one bucket write over each other
	got := p.sh(t, c.line, c.env...)
	if got.code != exitOK {
		t.Fatalf("%s\nexit code %d\n%s", c.line, got.code, got.stderr)
	}
	d := readDocument(t, result)
	if bytes.Equal(before, d.Bytes()) {
		t.Errorf("%s\ndid not write %s", c.line, result)
	}
	want := c.injected
	if want != "" {
		want = "# Parameters\n" + want
	}
	if got := injectedSource(d); got != want {
		t.Errorf("%s\ninjected:\n%s\nwant:\n%s", c.line, got, want)
	}
	if got := printed(d); got != c.printed {
		t.Errorf("%s\nprinted %q, want %q", c.line, got, c.printed)
	}
	if got := d.Metadata().Get("assay", "state").Text(); got != "succeeded" {
		t.Errorf("%s\nstate %q", c.line, got)
	}
	if got := d.Metadata().Get("papermill", "exception"); got.Kind() != nbformat.Null {
		t.Errorf("%s\nmetadata.papermill.exception: %s", c.line, got.Raw())
	}
}

// The documented output of papermill --help-notebook, in both ways to call it.
func TestPapermillHelpNotebook(t *testing.T) {
	t.Parallel()
	p := newPapermill(t)
	const usage = "Usage: papermill [OPTIONS] NOTEBOOK_PATH [OUTPUT_PATH]\n\n"
	for _, c := range []struct {
		line, want string
		code       int
	}{
		{`papermill --help-notebook ./papermill/tests/notebooks/complex_parameters.ipynb`, usage +
			"Parameters inferred for notebook './papermill/tests/notebooks/complex_parameters.ipynb':\n" +
			"  msg: Unknown type (default None)\n" +
			"  a: float (default 2.25)         Variable a\n" +
			"  b: List[str] (default ['Hello','World'])\n" +
			"                                  Nice list\n" +
			"  c: NoneType (default None)\n", exitOK},
		{`cat /dev/null | papermill --help-notebook 'path/to/input_{month}.ipynb' -p month Feb`, usage +
			"Parameters inferred for notebook 'path/to/input_Feb.ipynb':\n  day: int (default 1)\n", exitOK},
		{`papermill --help-notebook bare.ipynb`, usage +
			"Parameters inferred for notebook 'bare.ipynb':\n\n  No cell tagged 'parameters'\n", exitFailed},
	} {
		got := p.sh(t, c.line)
		if got.code != c.code {
			t.Errorf("%s: exit code %d, want %d\n%s", c.line, got.code, c.code, got.stderr)
		}
		if said := trimLines(got.stdout); said != c.want {
			t.Errorf("%s\n%s\nwant:\n%s", c.line, said, c.want)
		}
	}
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
