package executor_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"assay/executor"
	"assay/executor/local"
	"assay/internal/testenv"
)

// pythonShows prints a secret in every form that is masked, as the libraries
// and programs make it that notebooks use for that. A line holds nothing else.
const pythonShows = `import base64, html, json, shlex, subprocess
from urllib.parse import quote, quote_plus
b = token.encode()
def sh(line): return subprocess.run(["bash", "-c", line, "-", token], capture_output=True, text=True, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}).stdout
for shown in [token, repr(token), ascii(token), repr(b), repr({1: token}), repr([token + "'"]), repr(token + '"'), repr(b + b"'\""),
              json.dumps(token), json.dumps(token, ensure_ascii=False), repr(json.dumps(token)), repr(json.dumps(token, ensure_ascii=False)), repr("'" + json.dumps(token)),
              json.dumps(json.dumps(token)), json.dumps(json.dumps(token, ensure_ascii=False), ensure_ascii=False),
              quote(token), quote(token, safe=""), quote_plus(token), html.escape(token), html.escape(token, quote=False),
              base64.b64encode(b).decode(), base64.b64encode(b).decode().rstrip("="), base64.urlsafe_b64encode(b).decode(), base64.encodebytes(b).decode().strip(),
              shlex.quote(token), sh('printf "%q" "$1"'), sh('echo "${1@Q}"'), sh('x=$1; declare -p x'), sh('printf %s "$1" | base64')]:
    print(shown.strip(), end="\n;;")
for n in range(1, 4):
    for m in range(4):
        for encode in base64.b64encode, base64.urlsafe_b64encode:
            print("inner", encode(b"x" * n + b + b"y" * m).decode(), end="\n;;")
`

// bare is what is left of a line beside the mark and quotes.
func bare(shown string) string {
	return strings.Trim(strings.NewReplacer("[secret token]", "", "declare -- x=", "", "{1: ", "", "}", "").Replace(shown), `"'\b$[]`+"\n ")
}

func TestRealFormsOfSecrets(t *testing.T) {
	t.Parallel()
	k := startPython(t, "main")
	for _, value := range []string{
		"pa\"ss\\word99", "pässwörd-99", "it's a \"test\"?/+", "<a&b>'c$d`e!", "\U0001f511 key\u00a0of\x7fgold", "line 1\r\nline\t2\\n", "ÿþ~~~???>>>///",
		strings.Repeat("eyJhbGciOiJIUzI1NiJ9.", 7) + "\"é\"",
	} {
		cells := code(pythonShows, "token", "import json; json.dumps({'k': token})", "raise ValueError({'k': token})", "for c in json.dumps(token): print(c, end='', flush=True)")
		cells[0].Before = "import json; token = json.loads(r'''" + jsonOf(t, value) + "''')"
		s := newRecord()
		executor.Run(t.Context(), k, cells, &executor.Options{AllowErrors: true, Secrets: []executor.Secret{{Name: "token", Value: value}}}, s)
		lines := strings.Split(s.outputs[0][0].Text, "\n;;")
		if len(s.outputs[0]) != 1 || len(lines) != 29+24+1 {
			t.Fatalf("%q: %+v", value, s.outputs[0])
		}
		for i, line := range lines[:53] {
			encoded, inner := strings.CutPrefix(line, "inner ")
			before, after, found := strings.Cut(encoded, "[secret token]")
			switch {
			case !found:
				t.Errorf("%q, form %d: %q shows it", value, i, line)
			case inner && (len(before) > 4 || len(strings.TrimRight(after, "=")) > 5): // three bytes take four letters, and one holds the edge
				t.Errorf("%q, form %d: more than the edges is left: %q", value, i, line)
			case !inner && bare(line) != "":
				t.Errorf("%q, form %d: %q is left of %q", value, i, bare(line), line)
			}
		}
		for i := 1; i < 5; i++ {
			o := s.outputs[i][0]
			all := o.Text + string(o.Data) + o.Evalue + strings.Join(o.Traceback, "")
			if !strings.Contains(all, "[secret token]") || !slices.Equal(s.ended[i].Masked, []string{"token"}) {
				t.Errorf("%q, cell %d: %s", value, i, all)
			}
		}
	}
}

// What R and JavaScript make of a secret is masked as well.
func TestRealFormsOfOtherLanguages(t *testing.T) {
	t.Parallel()
	const value = "pä\"ss\\w'ord/9 9"
	python := "import subprocess; print(subprocess.run(" + strings.ReplaceAll(jsonOf(t, []string{testenv.Bin(t, "main", "deno"), "eval", javaScriptShows, value}), `\u0027`, "'") + ", capture_output=True, text=True, env={'NO_COLOR': '1'}).stdout)"
	for _, c := range []struct{ kernel, source string }{{"ir", rShows}, {"python3", python}} {
		t.Run(c.kernel, func(t *testing.T) {
			t.Parallel()
			if c.kernel == "ir" && exec.Command("Rscript", "-e", "library(IRkernel)").Run() != nil {
				testenv.Missing(t, "IRkernel")
			}
			k := startPython(t, "main", func(o *local.Options) { o.Kernel = c.kernel })
			s := newRecord()
			executor.Run(t.Context(), k, code(c.source), &executor.Options{AllowErrors: true, Secrets: []executor.Secret{{Name: "token", Value: value}}}, s)
			text := ""
			for _, o := range s.outputs[0] {
				text += o.Text + o.Evalue
			}
			if strings.Count(text, "[secret token]") != 6 || strings.Contains(text, "rd") || strings.Contains(text, "cm") {
				t.Errorf("shown: %s", text)
			}
		})
	}
}

const rShows = `token <- "pä\"ss\\w'ord/9 9"
print(token); dput(token); cat(encodeString(token, quote="'"), "\n"); cat(shQuote(token), "\n"); cat(URLencode(token, reserved=TRUE), "\n"); cat(deparse(list(token)), "\n")`

const javaScriptShows = `const token = Deno.args[0]
console.log([token]); console.log(JSON.stringify(token)); console.log(encodeURIComponent(token)); console.log(btoa(unescape(encodeURIComponent(token)))); console.log({token}); console.log(new URLSearchParams({token}).toString())`

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "'", `\u0027`)
}
