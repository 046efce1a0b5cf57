package params

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// roundtripValues are the values of papermill's vectors and some that are
// harder on a particular language.
func roundtripValues(t testing.TB) []Value {
	t.Helper()
	var out []Value
	vs, err := os.ReadFile("testdata/papermill_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(vs, &v); err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Translate {
		if c.Lang == "python" {
			out = append(out, testValue(t, c.Value))
		}
	}
	for _, s := range []string{
		"é0", "\x01f", "\u00e9\x07", "a\u2028b\u2029c", "\u201cq\u201d", "`n`t", "$a ${b} $(c) `d`", "\\$x", "%d%%", "\\u0041", "\\x41", "'\"'\"'", "{{x}}", "*?[a-z]~", "~", "-n", "!x", "a\\", "\u0080\u00ff", "\U0010ffff", "\ufffd", "#not", "//not", "/*x*/", "--", "<<<", "\v\f\b\a\x1b", strings.Repeat("long ", 500),
	} {
		out = append(out, s)
	}
	proto := new(Map)
	proto.Set("__proto__", int64(1))
	proto.Set("a b", "c")
	proto.Set("$x", []Value{})
	return append(out, int64(1<<53), int64(1<<53+1), int64(-1<<63), int64(1<<63-1), 1e22, 123456789.125, 0.1+0.2, []Value{true, int64(1), 2.5}, []Value{int64(1), 2.5}, []Value{nil}, []Value{[]Value{}, []Value{nil}}, proto, []Value{"", " ", "\n"}, []Value{nil, int64(2)}, []Value{2.5, nil})
}

// sayValue writes a value the way each language's checker below does: a type
// letter and text, so that 1, 1.0, "1" and true differ.
func sayValue(v Value, one bool) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprintf("b:%t", v)
	case float64:
		if one {
			return "n:" + sayFloat(v)
		}
		return "f:" + sayFloat(v)
	case string:
		return fmt.Sprintf("s:%x", v)
	case []Value:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = sayValue(e, one)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case *Map:
		var parts []string
		for k, e := range v.All() {
			parts = append(parts, fmt.Sprintf("%x=%s", k, sayValue(e, one)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	if i, _ := asBig(v); one && i.CmpAbs(exactFloat()) <= 0 {
		f, _ := i.Float64()
		return "n:" + sayFloat(f)
	}
	return "i:" + pyStr(v)
}

// sayFloat is %.17g of C with its words for what is no number.
func sayFloat(f float64) string {
	s, _ := pyFormat(f, ".17g")
	return s
}

// program writes each value by itself, so that one that a language refuses
// does not hide the others: it returns the code, the values in it, and how many
// were refused.
func program(t testing.TB, language string, values []Value) (code []string, in []Value, refused []string) {
	t.Helper()
	for i, v := range values {
		m := new(Map)
		m.Set(fmt.Sprintf("v%d", len(in)), v)
		c, warnings, err := Code(m, CodeOptions{Language: language, Comment: "Parameters"})
		if err != nil {
			refused = append(refused, fmt.Sprintf("%d %.40s: %v", i, pyRepr(v), err))
			continue
		}
		if len(warnings) > 0 {
			refused = append(refused, fmt.Sprintf("%d %.40s: %v", i, pyRepr(v), warnings))
			continue
		}
		code, in = append(code, c), append(in, v)
	}
	return code, in, refused
}

// arrive runs a program that says each of its values on a line of its own.
func arrive(t *testing.T, cmd *exec.Cmd, in []Value, one bool) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%.2000s", cmd.Args[0], err, stderr.Bytes())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(in) {
		t.Fatalf("%d lines for %d values: %.300s\n%s", len(lines), len(in), out, stderr.Bytes())
	}
	for i, v := range in {
		if want := sayValue(v, one); lines[i] != want {
			t.Errorf("value %d, %.80s: arrived as %.200s, want %.200s", i, pyRepr(v), lines[i], want)
		}
	}
	t.Logf("%d values arrived", len(in))
}

func writeProgram(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestArrivePython(t *testing.T) {
	t.Parallel()
	code, in, refused := program(t, "python", roundtripValues(t))
	if len(refused) > 0 {
		t.Error(refused)
	}
	src := strings.Join(code, "") + `
def say(v):
    if v is None: return "null"
    if v is True or v is False: return "b:" + str(v).lower()
    if isinstance(v, int): return "i:%d" % v
    if isinstance(v, float): return "f:%.17g" % v
    if isinstance(v, str): return "s:" + v.encode().hex()
    if isinstance(v, list): return "[" + ",".join(map(say, v)) + "]"
    return "{" + ",".join(k.encode().hex() + "=" + say(e) for k, e in v.items()) + "}"
`
	for i := range in {
		src += fmt.Sprintf("print(say(v%d))\n", i)
	}
	arrive(t, exec.Command(testenv.Python(t, "main"), writeProgram(t, "p.py", src)), in, false)
}

const sayJS = `
function hex(s) { return Array.from(new TextEncoder().encode(s)).map(b => b.toString(16).padStart(2, "0")).join(""); }
function say(v) {
  if (v === null) return "null";
  if (typeof v === "boolean") return "b:" + v;
  if (typeof v === "bigint") return "i:" + v;
  if (typeof v === "number") return "n:" + (Object.is(v, -0) ? "-0" : String(v));
  if (typeof v === "string") return "s:" + hex(v);
  if (Array.isArray(v)) return "[" + v.map(say).join(",") + "]";
  return "{" + Object.keys(v).map(k => hex(k) + "=" + say(v[k])).join(",") + "}";
}
`

func testArriveJS(t *testing.T, language string, run func(path string) *exec.Cmd) {
	t.Helper()
	code, in, refused := program(t, language, roundtripValues(t))
	if len(refused) > 0 {
		t.Error(refused)
	}
	src := strings.Join(code, "") + sayJS
	for i, v := range in {
		// What JavaScript prints of a number is its own; equality is exact.
		if f, ok := v.(float64); ok {
			src += fmt.Sprintf("console.log(Object.is(v%d, Number(%q)) ? %q : say(v%d));\n", i, jsNumber(f), sayValue(v, true), i)
			continue
		}
		src += fmt.Sprintf("console.log(say(v%d).replace(/n:NaN/g, \"n:nan\").replace(/n:(-?)Infinity/g, \"n:$1inf\"));\n", i)
	}
	arrive(t, run(writeProgram(t, "p."+map[string]string{"typescript": "ts", "javascript": "mjs"}[language], src)), in, true)
}

func jsNumber(f float64) string {
	return specialFloat(f, "NaN", "Infinity", "-Infinity")
}

func TestArriveJavaScript(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		testenv.Missing(t, "node")
	}
	testArriveJS(t, "javascript", func(p string) *exec.Cmd { return exec.Command(node, p) })
}

func TestArriveTypeScript(t *testing.T) {
	t.Parallel()
	deno := testenv.Bin(t, "main", "deno")
	dir := t.TempDir()
	testArriveJS(t, "typescript", func(p string) *exec.Cmd {
		cmd := exec.Command(deno, "run", "--no-check", "--no-remote", p)
		cmd.Env = append(os.Environ(), "DENO_DIR="+dir, "NO_COLOR=1")
		return cmd
	})
}

func TestArriveBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		testenv.Missing(t, "bash")
	}
	code, in, refused := program(t, "bash", roundtripValues(t))
	t.Log(refused)
	var src strings.Builder
	want := make([]Value, len(in))
	for i, v := range in {
		// Everything is text in a shell; an array is a list of texts.
		src.WriteString(code[i])
		ref := fmt.Sprintf(`"$v%d"`, i)
		if items, ok := v.([]Value); ok {
			out := make([]Value, len(items))
			for j, e := range items {
				out[j] = shellText(e)
			}
			want[i], ref = out, fmt.Sprintf(`"${v%d[@]}"`, i)
			fmt.Fprintf(&src, "say_list %s\n", ref)
			continue
		}
		want[i] = shellText(v)
		fmt.Fprintf(&src, "say %s; echo\n", ref)
	}
	head := "hex() { printf %s \"$1\" | od -An -v -tx1 | tr -d ' \\n'; }\nsay() { printf s:; hex \"$1\"; }\n" +
		"say_list() { printf '['; local sep=; for e in \"$@\"; do printf %s \"$sep\"; say \"$e\"; sep=,; done; echo ']'; }\n"
	arrive(t, exec.Command(bash, writeProgram(t, "p.sh", head+src.String())), want, false)
}

func shellText(v Value) Value {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return fmt.Sprint(v)
	}
	return pyStr(v)
}

func TestArriveR(t *testing.T) {
	t.Parallel()
	rscript, err := exec.LookPath("Rscript")
	if err != nil {
		testenv.Missing(t, "Rscript")
	}
	code, in, refused := program(t, "R", roundtripValues(t))
	t.Log(refused)
	src := strings.Join(code, "") + `
hex <- function(s) paste(format(charToRaw(enc2utf8(s))), collapse = "")
num <- function(v) {
  if (is.nan(v)) return("nan")
  if (is.infinite(v)) return(if (v > 0) "inf" else "-inf")
  if (v == 0 && 1 / v < 0) return("-0")
  sprintf("%.17g", v)
}
say <- function(v) {
  if (is.null(v)) return("null")
  if (is.list(v)) {
    parts <- vapply(v, say, "")
    if (is.null(names(v))) {
      if (length(v) == 0) return("[]")
      return(paste0("[", paste(parts, collapse = ","), "]"))
    }
    return(paste0("{", paste(paste0(vapply(names(v), hex, ""), "=", parts), collapse = ","), "}"))
  }
  if (is.logical(v)) return(if (v) "b:true" else "b:false")
  if (is.character(v)) return(paste0("s:", hex(v)))
  paste0("n:", num(v))
}
`
	for i, v := range in {
		if m, ok := v.(*Map); ok && m.Len() == 0 {
			in[i] = []Value{} // list() is both in R
		}
		src += fmt.Sprintf("cat(say(v%d), \"\\n\", sep = \"\")\n", i)
	}
	cmd := exec.Command(rscript, "--vanilla", writeProgram(t, "p.R", src))
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	arrive(t, cmd, in, true)
}

func TestArriveRust(t *testing.T) {
	t.Parallel()
	rustc := "rustc"
	if exec.Command(rustc, "--version").Run() != nil { // rustup's stand-in may have no toolchain behind it
		rustc = "/usr/bin/rustc"
	}
	if exec.Command(rustc, "--version").Run() != nil {
		testenv.Missing(t, "rustc")
	}
	code, in, refused := program(t, "rust", roundtripValues(t))
	t.Log(refused)
	src := `#![allow(unused)]
use std::collections::BTreeMap;
trait Say { fn say(&self) -> String; }
impl Say for bool { fn say(&self) -> String { format!("b:{}", self) } }
impl Say for i64 { fn say(&self) -> String { format!("i:{}", self) } }
impl Say for i128 { fn say(&self) -> String { format!("i:{}", self) } }
impl Say for f64 { fn say(&self) -> String { format!("f:{:x}", self.to_bits()) } }
impl Say for String { fn say(&self) -> String { format!("s:{}", self.bytes().map(|b| format!("{:02x}", b)).collect::<String>()) } }
impl<T: Say> Say for Option<T> { fn say(&self) -> String { match self { None => "null".into(), Some(v) => v.say() } } }
impl<T: Say> Say for Vec<T> { fn say(&self) -> String { format!("[{}]", self.iter().map(|v| v.say()).collect::<Vec<_>>().join(",")) } }
impl<T: Say> Say for BTreeMap<String, T> { fn say(&self) -> String { format!("{{{}}}", self.iter().map(|(k, v)| format!("{}={}", &k.say()[2..], v.say())).collect::<Vec<_>>().join(",")) } }
fn main() {
`
	for i := range in {
		src += code[i] + fmt.Sprintf("println!(\"{}\", v%d.say());\n", i)
	}
	dir := t.TempDir()
	build := exec.Command(rustc, "--edition", "2021", "-o", filepath.Join(dir, "p"), writeProgram(t, "p.rs", src+"}\n"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("rustc: %v\n%.3000s", err, out)
	}
	cmd := exec.Command(filepath.Join(dir, "p"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(in) {
		t.Fatalf("%d lines for %d values", len(lines), len(in))
	}
	for i, v := range in {
		if want := rustSays(v); lines[i] != want {
			t.Errorf("value %d, %.80s: arrived as %.200s, want %.200s", i, pyRepr(v), lines[i], want)
		}
	}
	t.Logf("%d values arrived", len(in))
}

// rustSays is sayValue with floats as their bits.
func rustSays(v Value) string {
	switch v := v.(type) {
	case float64:
		bits := math.Float64bits(v)
		if math.IsNaN(v) {
			bits = 0x7ff8000000000000
		}
		return fmt.Sprintf("f:%x", bits)
	case []Value:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = rustSays(e)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case *Map:
		var parts []string
		for k, e := range v.All() {
			parts = append(parts, fmt.Sprintf("%x=%s", k, rustSays(e)))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	}
	return sayValue(v, false)
}

// Deno's kernel lets a cell declare a name again only with the keyword of the
// first declaration, so the injected cell uses that one.
func TestArriveDenoAgain(t *testing.T) {
	t.Parallel()
	deno := testenv.Bin(t, "main", "deno")
	var in strings.Builder
	for i, keyword := range []string{"let", "const", "var"} {
		cell := fmt.Sprintf("%s v%d: number = 1", keyword, i)
		d := parse(t, testNotebook("deno", "typescript", "code parameters "+cell))
		if _, err := Inject(d, pairs(fmt.Sprintf("v%d", i), 2), nil); err != nil {
			t.Fatal(err)
		}
		in.WriteString(cell + "\n" + strings.ReplaceAll(d.Cell(1).Source(), "// Parameters\n", "") + fmt.Sprintf("`value ${v%d}`\n", i))
	}
	cmd := exec.Command(deno, "repl", "--quiet")
	cmd.Env = append(os.Environ(), "DENO_DIR="+t.TempDir(), "NO_COLOR=1")
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), `"value 2"`) != 3 {
		t.Errorf("%v: %s", err, out)
	}
}
