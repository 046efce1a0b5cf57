package params

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/right.tsv anew")

// whyRight says why a translation is not papermill's; "" is no reason.
func whyRight(language string, v Value) string {
	text, number := pyRepr(v), language
	huge := false
	walkValues(v, func(e Value) {
		i, ok := asBig(e)
		huge = huge || ok && i.BitLen() > 63
	})
	special := strings.Contains(text, "nan") || strings.Contains(text, "inf")
	dollar := strings.Contains(text, "$")
	other := strings.Contains(text, "\\") || strings.IndexFunc(text, func(r rune) bool { return r > '~' }) >= 0
	_, list := v.([]Value)
	switch {
	case text == `'nul\x00'` && (number == "R" || number == "bash"):
		return "a text there cannot hold NUL"
	case huge && language != "R" && language != "julia" && language != "matlab":
		return "a long has 64 bits: papermill's code does not compile or is inexact"
	case special && !isText(v):
		return "nan and inf are no names of that language"
	case dollar && (language == "julia" || language == ".net-powershell"):
		return "$ in double quotes runs code"
	case strings.Contains(text, "`") && language == ".net-powershell":
		return "the backtick is PowerShell's escape"
	case (language == "matlab" || language == ".net-powershell") && other:
		return "the language does not read backslash escapes"
	case (language == "R" || language == "julia" || language == "scala") && other:
		return `\xNN is a byte or illegal there, \UNNNNNNNN too in Scala`
	case language == ".net-csharp" && (strings.Contains(text, "None") || text == "[]"):
		return "null has no type of its own in C#, nor has an empty or mixed array"
	case language == ".net-fsharp" && (strings.Contains(text, "None") || text == "{}"):
		return "an F# list holds one type, and an empty map needs its types"
	case language == "bash" && list && strings.Contains(text, "None"):
		return "an element without text vanishes from a shell array"
	case language == "bash" && list:
		return "an array in bash holds no arrays or mappings"
	}
	return ""
}

func isText(v Value) bool { _, ok := v.(string); return ok }

func walkValues(v Value, visit func(Value)) {
	visit(v)
	switch v := v.(type) {
	case []Value:
		for _, e := range v {
			walkValues(e, visit)
		}
	case *Map:
		for _, e := range v.All() {
			walkValues(e, visit)
		}
	}
}

// TestTranslateRight holds every vector that is translated otherwise than
// papermill does, with papermill's answer, the right one and the reason, in
// testdata/right.tsv; all others are papermill's.
func TestTranslateRight(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	n, total := 0, 0
	for _, v := range readVectors(t).Translate {
		total++
		value := testValue(t, v.Value)
		got, err := Literal(value, CodeOptions{Kernel: v.Lang})
		if err != nil {
			got = "refused: " + err.Error()
		}
		want := "refused: " + v.Error
		if v.OK != nil {
			want = *v.OK
		}
		if got == want || err != nil && v.OK == nil {
			continue
		}
		n++
		why := whyRight(v.Lang, value)
		if why == "" {
			t.Errorf("%s %s: got %s, papermill %s: no reason", v.Lang, v.Value, got, want)
		}
		var compact bytes.Buffer
		_ = json.Compact(&compact, v.Value)
		fmt.Fprintf(&b, "%s\t%s\t%q\t%q\t%s\n", v.Lang, compact.Bytes(), want, got, why)
	}
	t.Logf("%d of %d vectors are translated otherwise", n, total)
	const name = "testdata/right.tsv"
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

// By default the code vectors hold but for names that are none, the types of
// C# and the values above.
func TestCodeRight(t *testing.T) {
	t.Parallel()
	differ := map[string]int{}
	for _, v := range readVectors(t).Codify {
		m := testValue(t, v.Params).(*Map)
		got, _, err := Code(m, CodeOptions{Language: v.Lang, Comment: v.Comment})
		if v.OK != nil && err == nil && got == *v.OK || v.OK == nil && err != nil {
			continue
		}
		dotted, null := false, false
		for name, e := range m.All() {
			dotted = dotted || strings.Contains(name, ".")
			null = null || e == nil
		}
		why := ""
		switch {
		case dotted && err != nil && v.Lang != "R":
			why = "x.y is no variable name"
		case strings.Contains(string(v.Params), `"_`) && v.Lang == "matlab" && err != nil:
			why = "a MATLAB name begins with a letter"
		case null && v.Lang == ".net-csharp" && strings.Contains(got, "object "):
			why = "null in C# needs the type object"
		}
		if why == "" {
			t.Errorf("%s %s: got %s, %v; papermill %v %s", v.Lang, v.Params, got, err, v.OK, v.Error)
		}
		differ[why]++
	}
	t.Log(differ)
}

func TestLiteralDates(t *testing.T) {
	t.Parallel()
	day := Date{2024, 2, 9}
	utc := DateTime{Time: testBuiltins().Now}
	naive := DateTime{Time: testBuiltins().Now, Naive: true}
	for _, c := range []struct {
		language        string
		day, utc, naive string
	}{
		{"python", `__import__("datetime").date(2024, 2, 9)`, `__import__("datetime").datetime.fromisoformat("2024-02-09T05:07:03.000042+02:00")`, `__import__("datetime").datetime.fromisoformat("2024-02-09T05:07:03.000042")`},
		{"R", `as.Date("2024-02-09")`, `as.POSIXct("2024-02-09 03:07:03.000042", tz = "UTC")`, `as.POSIXct("2024-02-09 05:07:03.000042")`},
		{"scala", `java.time.LocalDate.parse("2024-02-09")`, `java.time.OffsetDateTime.parse("2024-02-09T05:07:03.000042+02:00")`, `java.time.LocalDateTime.parse("2024-02-09T05:07:03.000042")`},
		{"julia", `Dates.Date(2024, 2, 9)`, "", `Dates.DateTime(2024, 2, 9, 5, 7, 3, 0)`},
		{"matlab", `datetime(2024, 2, 9)`, `datetime(2024, 2, 9, 5, 7, 3.000042, "TimeZone", "+02:00")`, `datetime(2024, 2, 9, 5, 7, 3.000042)`},
		{"csharp", `new DateOnly(2024, 2, 9)`, `System.DateTimeOffset.Parse("2024-02-09T05:07:03.000042+02:00", System.Globalization.CultureInfo.InvariantCulture)`, `System.DateTime.Parse("2024-02-09T05:07:03.000042", System.Globalization.CultureInfo.InvariantCulture)`},
		{"fsharp", `System.DateOnly(2024, 2, 9)`, `System.DateTimeOffset.Parse("2024-02-09T05:07:03.000042+02:00", System.Globalization.CultureInfo.InvariantCulture)`, `System.DateTime.Parse("2024-02-09T05:07:03.000042", System.Globalization.CultureInfo.InvariantCulture)`},
		{"powershell", `[datetime]"2024-02-09"`, `[datetimeoffset]"2024-02-09T05:07:03.000042+02:00"`, `[datetime]"2024-02-09T05:07:03.000042"`},
		{"bash", `2024-02-09`, `'2024-02-09 05:07:03.000042+02:00'`, `'2024-02-09 05:07:03.000042'`},
		{"typescript", `new Date("2024-02-09")`, `new Date("2024-02-09T05:07:03.000042+02:00")`, `new Date("2024-02-09T05:07:03.000042")`},
		{"rust", "", "", ""},
	} {
		for i, v := range []Value{day, utc, naive} {
			want := []string{c.day, c.utc, c.naive}[i]
			got, err := Literal(v, CodeOptions{Language: c.language})
			if got != want || (err == nil) != (want != "") {
				t.Errorf("%s: got %s, %v; want %s", c.language, got, err, want)
			}
		}
	}
	if got, _, _ := Code(pairs("d", day), CodeOptions{Language: "julia", Comment: "P"}); got != "# P\nimport Dates\nd = Dates.Date(2024, 2, 9)\n" {
		t.Errorf("got %q", got)
	}
	if got, _ := Literal(day, CodeOptions{Language: "python", Compat: true}); got != `"2024-02-09"` {
		t.Errorf("got %s", got)
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kernel, language, want string }{
		{"python3", "python", "python"},
		{"ir", "R", "R"},
		{"ir", "", "R"},
		{"julia-1.10", "julia", "julia"},
		{"julia-1.10", "", "julia"},
		{".net-csharp", "C#", "csharp"},
		{"x", "C#", "csharp"},
		{"x", "F#", "fsharp"},
		{"x", "PowerShell", "powershell"},
		{"deno", "typescript", "typescript"},
		{"deno", "", "typescript"},
		{"x", "javascript", "javascript"},
		{"rust", "Rust", "rust"},
		{"bash", "bash", "bash"},
		{"pysparkkernel", "scala", "python"},
		{"sparkrkernel", "python", "R"},
		{"xpython", "", "python"},
		{"spylon-kernel", "Scala", "scala"},
		{"x", "MATLAB", "matlab"},
	} {
		l, err := findLanguage(CodeOptions{Kernel: c.kernel, Language: c.language})
		if err != nil || l.name != c.want {
			t.Errorf("%s %s: %v", c.kernel, c.language, err)
		}
	}
	_, _, err := Code(new(Map), CodeOptions{Kernel: "xcpp17", Language: "C++17"})
	if err == nil || !strings.Contains(err.Error(), "python, R, rust") || !strings.Contains(err.Error(), `"xcpp17"`) {
		t.Errorf("got %v", err)
	}
	for _, l := range Languages() {
		if _, err := findLanguage(CodeOptions{Language: l}); err != nil {
			t.Error(err)
		}
	}
}

// What a comment holds must not become code.
func TestCommentStaysComment(t *testing.T) {
	t.Parallel()
	for _, l := range Languages() {
		got, _, err := Code(pairs("a", 1), CodeOptions{Language: l, Comment: "x\nrm -rf /\r\n*) evil() (*\u2028y"})
		if err != nil || strings.Count(got, "\n") != 2 || l == "fsharp" && strings.Count(got, "*)") != 1 {
			t.Errorf("%s: %q, %v", l, got, err)
		}
		for _, compat := range []bool{false, true} {
			s := NewSecret("a", "@file:/x\n*)evil()*)\ny", "hunter22")
			got, _, err := Code(pairs("a", s), CodeOptions{Language: l, Compat: compat})
			if err != nil || strings.Count(got, "\n") != 2 || l == "fsharp" && strings.Count(got, "*)") != 2 {
				t.Errorf("%s: %q, %v", l, got, err)
			}
		}
	}
}

func TestHostileText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ language, text, want string }{
		{"powershell", "\u201d; iex x; \u201c $(id) `", "\"`\u201d; iex x; `\u201c `$(id) ``\""},
		{"julia", "$(run(`id`))\\", `"\$(run(` + "`id`" + `))\\"`},
		{"csharp", "\u00e9f\x07g", `"\u00e9f\x07g"`},
		{"matlab", "a\"b\n", `"a""b" + char(10)`},
		{"matlab", "\n", `"" + char(10)`},
		{"bash", "$(id) `id` 'q'", `'$(id) ` + "`id`" + ` '"'"'q'"'"''`},
		{"scala", "${x}\U0001f60d", `"${x}\ud83d\ude0d"`},
		{"rust", "{}\x00\u00e9", `String::from("{}\u{0}\u{e9}")`},
		{"typescript", "${x}`\u2028", `"${x}` + "`" + `\u2028"`},
	} {
		got, err := Literal(c.text, CodeOptions{Language: c.language})
		if err != nil || got != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.language, got, err, c.want)
		}
	}
	if _, err := Literal("\xff", CodeOptions{Language: "python"}); err == nil {
		t.Error("text that is not UTF-8 was taken")
	}
	if got, err := Literal(pairs("A", 1, "a", 2), CodeOptions{Language: "powershell"}); err == nil {
		t.Errorf("got %s", got)
	}
}

func TestJSONAgainstPython(t *testing.T) {
	t.Parallel()
	m := pairs("z", 1, "a", 1.5, "é", "x\n\"\\\x01\u2028\x7f☃", "n", nil, "t", true, "big", bigInt("123456789012345678901234567890"), "f", []any{1e16, 1e-5, 0.1, negZero(), 100.0})
	inner := new(Map)
	for _, k := range []Value{int64(1), true, nil, 1.5, "s"} {
		inner.setKey(k, "v")
	}
	m2 := pairs("nan", nan(), "inf", []any{inf(), -inf()})
	answers := oracle(t, [][]any{{"json_dumps", m.String()}, {"json_dumps", m2.String()}})
	if got, want := string(JSON(m)), answers[0].text(t); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := string(JSONCompat(m2)), answers[1].text(t); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(JSON(m2)); got != `{"inf":["Infinity","-Infinity"],"nan":"NaN"}` || !json.Valid([]byte(got)) {
		t.Errorf("got %s", got)
	}
	back, err := ParseJSON(JSON(m))
	if err != nil || !bytes.Equal(JSON(back), JSON(m)) {
		t.Errorf("got %s, %v", JSON(back), err)
	}
	if back, err = ParseJSON(JSONCompat(m2)); err != nil || !bytes.Equal(JSONCompat(back), JSONCompat(m2)) {
		t.Errorf("got %s, %v", JSONCompat(back), err)
	}
	for _, bad := range []string{"[1]", "1", "{", ""} {
		if _, err := ParseJSON([]byte(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if got := string(JSON(inner)); got != `{"1":"v","1.5":"v","null":"v","s":"v"}` {
		t.Errorf("got %s", got)
	}
}

func TestResolveAgainstPython(t *testing.T) {
	t.Parallel()
	args := append(yamlScalars(), "٣", "１２", "-٣", "𝟘𝟙", "१२.५", "1e٣", "\u00a05", "\u20035\u2003", "5\x1c", "5\u200b", "½", "²", "1e400", "-1e400", "1e-400", "+nan", "-Infinity", "infinit", "1_0e1_0", "1e_1", "1._0", "1_.0", "0x1p3", "١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠", "+ 5", "--5", "5-", "00", "0_0", "-0", "-0.0", "1\t", "\n1\n", "1 2", strings.Repeat("9", 400), strings.Repeat("9", 4300), strings.Repeat("9", 4301), "1e", "e1", "Truе", "1.0f", "1l", "0b1", "1__0", "९")
	var cases [][]any
	for _, s := range args {
		cases = append(cases, []any{"resolve", s})
	}
	for i, a := range oracle(t, cases) {
		v := ResolveArg(args[i])
		kind := map[bool]string{true: "int", false: "str"}[isInt(v)]
		switch v.(type) {
		case nil:
			kind = "NoneType"
		case bool:
			kind = "bool"
		case float64:
			kind = "float"
		}
		if got := kind + " " + pyRepr(v); got != a.text(t) {
			t.Errorf("%q: got %.60s, want %.60s", args[i], got, a.OK)
		}
	}
	t.Logf("%d arguments", len(args))
}

func FuzzTranslatePython(f *testing.F) {
	f.Add("x\n$(id)\u2028", 1.5, int64(3))
	f.Fuzz(func(t *testing.T, s string, x float64, i int64) {
		v := []Value{s, x, i, new(big.Int).Mul(big.NewInt(i), big.NewInt(i)), pairs(s, s)}
		for _, l := range Languages() {
			code, err := Literal(v, CodeOptions{Language: l})
			if err == nil && l == "python" && strings.ContainsAny(code, "\n\r\x00") {
				t.Errorf("%q", code)
			}
		}
		_ = JSON(v)
		_ = ResolveArg(s)
	})
}
