package params

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// yamlScalars are plain scalars whose type YAML 1.1, YAML 1.2 and their readers
// disagree on, and neighbours of them.
func yamlScalars() []string {
	words := strings.Fields(`yes Yes YES yEs no No NO nO true True TRUE tRue false False FALSE on On ON oN off Off OFF y Y n N t f
~ null Null NULL nUll none None nil -- - -a ? ?a = << @x
0 00 000 -0 +0 1 +1 -1 007 010 -010 +010 0o10 0O10 08 09 0_7 0__7 0_ 00_ 1_000 1__0 _1 1_ -_1 +_1 12345678901234567890
-12345678901234567890 0x1F 0X1F 0xfg 0x 0x_ 0x_1 -0x1f +0x1F 0xdead_beef 0b1 0b101 0b102 0b 0b_ 0b_1 -0b11 0B1
1:30 -1:30 +1:30 1:60 1:5 1:05 01:30 0:30 190:20:30 190:20:30.15 1:2:3:4 1:30: 1:30.5 -1:30.5 1:30. 1:30._ 60:00 1:99 1_0:30 1:3_0
1.0 1. .5 -.5 +.5 0.5 00.5 01.5 1.5e3 1.5e+3 1.5e-3 1.5E+3 1e5 1e+5 1E5 1e-5 1.e+5 1.e5 .5e+3 .5e3 1_0.5 1.5_0 1._5 ._5 .5_ 1.5e+1_0 1.5e+ 1.5e
. .. ... .e+1 -. +. -1. +1.5 1.2.3 1,000 1,5 0.1e+400 -0.0 0.0 1.7976931348623157e+308 5.0e-324 123456789.123456789
.nan .NaN .NAN .Nan -.nan +.nan nan NaN NAN .inf .Inf .INF .inF -.inf +.inf -.Inf +.INF inf Inf -inf infinity Infinity .infinity
2019-01-01 2019-1-1 2019-01-01T00:00:00Z 20190101 12:30 12:30:45 12:30:45.5 3.14.15 1/2 50% $5 5$ v1.0 1.0.0 1e 1e5x 0xg 1a a1 a-b a_b
a#b #c a:b a::b http://x/y?z=1#f c:\x \n \\ "q" 'q' it's é ☃ 😍 日本語 x,y (x) <x> a=b key=val & * ! | > % 1+1 1-1 -1-1 +-1 --1 ++1
0777 0o777 0888 1e3 1E+3 1.0E+3 6.02e23 6.02e+23 NULLL Nulls truee yess offf one.two .true .5.5 1:00:00 24:00 23:59:59 00:00 0:0 00:00:00`)
	return append(words, "a b", "yes no", "1 2", "1 .5", "- 1", "null null", "a  b", "1:30 x", "", " ", "2001-12-14 21:59:43", "a, b", "a: b", "a #b", "a# b", "1 # one", "yes # y", "~ # n")
}

func yamlDocuments() []string {
	docs := []string{
		"", "\n", "# only a comment\n", "---\n", "---\n...\n", "{}", "a: 1\n", "---\na: 1\n", "--- {a: 1}\n", "a: 1\n...\n", "%YAML 1.1\n---\na: 1\n",
		"a: 1\na: 2\n", "a: 1\nb: 2\na: 3\n", "{a: 1, a: 2}", "a: {b: 1, b: 2}",
		"a: [1, 2]\nb:\n- x\n- y\n", "a:\n  - 1\n  -\n  - null\n", "a: []\nb: {}\n", "a: [1, [2, {c: 3}]]", "a: [1,2,]", "{a: 1,}", "a: [a, b c, 'd', \"e\"]",
		"{\"a\":1,\"b\":[true,null,1.5,\"x\"]}", "{\"a\": 1e5, \"b\": 1.0e+5}", `{"a": "\u00e9\n\t\"\\\/"}`, "{\n  \"a\": {\n    \"b\": [1, 2]\n  }\n}\n", "{a: yes, b: 010}",
		"a: |\n  x\n  y\n", "a: |-\n  x\n  y\n", "a: |+\n  x\n\n", "a: >\n  x\n  y\n\n  z\n", "a: >-\n  x\n  y\n", "a: |2\n   x\n  y\n", "a: >\n  x\n    y\n  z\n", "a: |\n  yes\n", "a: |\n\n  x\n\n   y\n\n",
		"a: x\n  y\n", "a: x\n\n  y\n", "a:\n  x y\n  z\n", "a: 'x\n  y'\n", "a: \"x\n  y\\\n  z\"\n", "a: 'it''s'\n", "a: \"\\x41\\u0041\\U00000041\\0\\a\\b\\e\\f\\v\\_\\N\\L\\P\"\n", "a: \"\\/\"\n", "a: '\\n'\n", "a: \"\"\nb: ''\n",
		"x: &a 1\ny: *a\n", "x: &a [1, 2]\ny: *a\n", "x: &a {k: v}\ny: {<<: *a, z: 1}\n", "x: &a {k: v, z: 0}\ny:\n  z: 1\n  <<: *a\n", "x: &a {k: 1}\nw: &b {k: 2, j: 3}\ny:\n  <<: [*a, *b]\n  m: 4\n",
		"y: {<<: {a: 1}, b: 2}\n", "y:\n  <<: {a: 1}\n  <<: {a: 2, c: 3}\n", "y: {<<: 1}\n", "y: {<<: [1]}\n", "y: *nope\n", "x: &a 1\nz: &a 2\ny: *a\n", "base: &b\n  a: 1\n  c: 2\nd:\n  <<: *b\n  a: 5\ne: *b\n", "x: &a yes\ny: *a\n", "<<: {a: 1}\nb: 2\n",
		"&k a: 1\nb: *k\n", "a: &x\n  b: 1\nc: *x\n", "a: &x\n  - 1\nc: *x\n", "a: &x\nb: *x\n",
		"a: !!str 12\n", "a: !!int '12'\n", "a: !!float 1\n", "a: !!bool yes\n", "a: !!null ''\n", "a: ! 12\n", "a: !!str\n", "a: !!str yes\nb: !!str\n", "a: !!seq [1]\n", "a: !!map {b: 1}\n", "a: !!map [1]\n", "a: !!str [1]\n", "a: !foo 1\n", "a: !!python/object:os.system x\n",
		"a: !!timestamp 2019-01-01\n", "a: !!timestamp 2001-12-14T21:59:43Z\n", "a: !!timestamp '2001-12-14 21:59:43.10 -5'\n", "a: !!timestamp 2001-12-14t21:59:43.1234567\n", "a: !!float 0x10\n", "a: !!int 010\n", "a: !!int abc\n", "a: !<tag:yaml.org,2002:str> 12\n",
		"1: a\n", "n: {1: a, yes: b, null: c, 1.5: d, '1': e}\n", "n: {1: a, 1.0: b, true: c}\n", "n: {? a : b, c}\n", "? a\n: b\n", "n: {a, b: }\n", "n: {[1]: a}\n", "n: {'a':1}\n", "n: {a:1}\n", "n: {\"a\":1}\n", "n: [a: 1, b: 2]\n", "n: {? [1]: a}\n",
		"a: b: c\n", "a: 'b\n", "a: \"b\n", "a: [1\n", "a: {b\n", "\ta: 1\n", "a:\n\t- 1\n", "a: 1\n b: 2\n", " a: 1\nb: 2\n", "a: @b\n", "a: `b\n", "a: %b\n", "a\n", "- 1\n- 2\n", "12\n", "'x'\n", "a: 1\n---\nb: 2\n", "a: ]\n", "a: }\n", "a: ,b\n", "{a: 1}}\n", "a: 1 2\nb\n", "a: - 1\n", "a: 'x' y\n", "a: \"\\q\"\n", "key\nb: 1\n", "a: &\n", "a: *\n", "[a: 1\n", "}: 1",
		"a:1\n", "a : 1\n", "a:  1  \n", "'a b': 1\n\"c d\": 2\n", "a b: 1\n", "? |\n  k\n: v\n", "a: 1 # c\n# d\nb: 2\n", "a: '#x'\nb: x#y\n", "a: http://h/p?q=1#f\n", "a: c:\\dir\n", "a: -1\nb: - \n", "a: x: y\n",
		"a:\n- 1\n- - 2\n  - 3\n- b: 4\n  c: 5\n-\n  d: 6\n", "a:\n  b:\n    c:\n      - d: e\n        f: g\n", "a: {b: {c: [d, {e: f}]}}\n", "a:\n    b: 1\n    c: 2\nd: 3\n", "\ufeffa: 1\n", "a: 1\r\nb: x\r\n", "a: é☃😍\n", "é: 1\n",
		"a: 2019-01-01\nb: 2001-12-14T21:59:43Z\n", "a: 12e03\nb: 0o14\nc: 0xC\n", "a: [yes, no, 010, 1:30, 1e5, .inf, ~, '']\n", "a: !!binary aGk=\n", "a: !!set {x, y}\n", "a: !!omap [x: 1]\n", "a: [1, 2\n  , 3]\n", "a: {b: 1,\n  c: 2}\n", "a: [\n  1, # one\n  2\n]\n",
		"long: \"" + strings.Repeat("x", 3000) + "\"\n", "a: " + strings.Repeat("9", 100) + "\n", "a: x\u0085y\n", "a: \"x\u2028y\"\n", "a: 'tab\there'\n", "a: tab\there\n", "a: x\ty\n",
		"--- # c\na: 1\n", "a: !!str &x 12\nb: *x\n", "a: &x !!str 12\nb: *x\n", "- a: 1\n", "a: |\n x\n# c\nb: 1\n", "a: >2\n    x\n  y\n", "a: \"multi\n\n  line\"\n", "a: 'multi\n\n  line'\n", "a: plain\n  # comment\nb: 1\n", "a: \"x\" # c\n", "a: ? b\n", "a: 'x'\n  \nb: 1\n",
	}
	for _, s := range yamlScalars() {
		docs = append(docs, "a: "+s+"\n", "a: ["+s+"]\n", "a: '"+strings.ReplaceAll(s, "'", "''")+"'\n", "n:\n  "+s+": 1\n", "a:\n- "+s+"\n")
	}
	return docs
}

// yamlDiffers lists the documents that are read otherwise than PyYAML reads
// them, and why that is right.
func yamlDiffers(doc, got, want string) string {
	switch {
	case got == "error" && strings.HasPrefix(doc, "1:"):
		return "a parameter's name is text"
	case got == "error" && !strings.HasPrefix(want, "{"):
		return "parameters are a mapping"
	case strings.Contains(doc, "!!binary") || strings.Contains(doc, "!!set") || strings.Contains(doc, "!!omap"):
		return "no language's code, nor JSON, has such a value"
	case got == "error" && strings.Contains(doc, "{a:1}"):
		return "PyYAML reads one key a:1 here; nobody means that"
	case got == "error" && (strings.Contains(doc, "[?") || strings.Contains(doc, "- ?") || strings.Contains(doc, "  ?:")):
		return "a lone ? is half a mapping, which PyYAML completes with null"
	case doc == "a: [1:30:]\n" || doc == "a: [http://x/y?z=1#f]\n":
		return "YAML 1.2 takes ? and : inside a word in brackets"
	case want == "error" && (doc == "x: &a 1\nz: &a 2\ny: *a\n"):
		return "YAML lets an anchor be set again"
	case want == "error" && strings.Contains(doc, "\u0085"):
		return "YAML 1.2: next-line is no line break"
	case want == "error" && (strings.Contains(doc, "=") || strings.Contains(doc, "<<") || strings.Contains(doc, "0x_") || strings.Contains(doc, "0b_")):
		return "text that PyYAML only fails on for lack of a constructor"
	}
	return ""
}

func TestYAMLAgainstPyYAML(t *testing.T) {
	t.Parallel()
	docs := yamlDocuments()
	cases := make([][]any, len(docs))
	for i, d := range docs {
		cases[i] = []any{"load_yaml", d}
	}
	differ := 0
	for i, a := range oracle(t, cases) {
		want, got := "error", "error"
		if a.Error == "" {
			want = strings.Replace(a.text(t), "None", "{}", map[bool]int{true: 1}[a.text(t) == "None"])
		}
		m, err := ParseYAML([]byte(docs[i]))
		if err == nil {
			got = m.String()
		}
		if got == want {
			continue
		}
		differ++
		if yamlDiffers(docs[i], got, want) == "" {
			t.Errorf("%q\n  got  %s (%v)\n  want %s (%s)", docs[i], got, err, want, a.Error)
		}
	}
	t.Logf("%d documents, %d read otherwise for a listed reason", len(docs), differ)
}

func TestYAMLErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		src  string
		line int
		msg  string
	}{
		{"a: 1\nb: [1\n", 2, "sequence end"},
		{"- 1\n", 1, "expected a mapping of names to values, found a list"},
		{"a: 1\n---\nb: 2\n", 3, "one document"},
		{"a: 1\nb: *x\n", 2, "no anchor &x"},
		{"a: !!binary aGk=\n", 1, "tag !!binary"},
		{"a: 1\nb: x\ty\n", 2, "tab"},
		{"a: \xff", 0, "UTF-8"},
		{strings.Repeat("a: 1\n", 30000), 0, "lines"},
		{strings.Repeat("{a: ", 100000), 0, "brackets"},
		{"a: " + strings.Repeat("[", 300) + strings.Repeat("]", 300), 1, "nested more than"},
	} {
		_, err := ParseYAML([]byte(c.src))
		var ye *YAMLError
		if !errors.As(err, &ye) || ye.Line != c.line || !strings.Contains(ye.Msg, c.msg) {
			t.Errorf("%.20q: got %#v, want line %d, %s", c.src, err, c.line, c.msg)
		}
	}
}

// Nine levels of nine aliases each are three billion values in a few lines.
func TestYAMLAliasBomb(t *testing.T) {
	t.Parallel()
	doc := "a0: &a0 x\n"
	for i := 1; i < 10; i++ {
		doc += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), ","))
	}
	if _, err := ParseYAML([]byte(doc)); err == nil || !strings.Contains(err.Error(), "aliases") {
		t.Errorf("got %v", err)
	}
}

// JSON is read without the YAML parser, with YAML's types, and may be large.
func TestYAMLLargeJSON(t *testing.T) {
	t.Parallel()
	doc := `{"f": 1e5, "g": 1.0e+5, "nan": NaN, "s": "yes", "t": true, "list": [` + strings.Repeat("1,", 200000) + "1]}"
	m, err := ParseYAML([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	list, _ := m.Get("list")
	if got := m.String()[:73]; len(list.([]Value)) != 200001 || got != "{'f': '1e5', 'g': 100000.0, 'nan': 'NaN', 's': 'yes', 't': True, 'list': " {
		t.Errorf("got %s", got)
	}
}

func TestParseBase64(t *testing.T) {
	t.Parallel()
	m, err := ParseBase64("eyJmb28iOiAicmVwbGFjZWQiLCAiYmFyIjogMn0=\n")
	if err != nil || m.String() != "{'foo': 'replaced', 'bar': 2}" {
		t.Errorf("got %v, %v", m, err)
	}
	if _, err := ParseBase64("a"); err == nil {
		t.Error("no error for half a byte")
	}
}

func FuzzYAML(f *testing.F) {
	for _, d := range yamlDocuments() {
		f.Add([]byte(d))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := ParseYAML(src)
		if (m == nil) == (err == nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if err == nil {
			_ = m.String()
			_ = JSON(m)
		}
	})
}
