package percent

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
)

//go:embed testdata/pyyaml_cases.py
var pyyamlCases string

// pieces are what random scalars are put together from: all that YAML has a
// rule for, and words to reach the width of a line.
var pieces = []string{
	" ", " ", " ", "  ", "\n", "\n\n", "a", "word", "longer-word", "'", `"`, "\\", ":", ": ", " #", "#", "-", "- ", "---", "...", "?", "? ",
	"[", "]", "{", "}", ",", "&", "*", "!", "|", ">", "%", "@", "`", "=", "<<", "~", "null", "yes", "no", "On", "true", "1", "0", "0x1f", "017",
	"1_0", "1.5", ".5", "1e3", "1.0e+3", ".inf", "-.inf", ".nan", "1:30", "2020-01-01", "2020-01-01 10:00:00", "é", "日本", "😀", "\u2028", "\u0085",
	"\u00a0", "\ufeff", "\t", "\a", "\x00", "\x7f", "+1", "-1", "+.5", "0b1", "08", "1.", "_", "__",
}

func randomString(r *rand.Rand) string {
	var b strings.Builder
	n := r.IntN(4)
	if r.IntN(4) == 0 {
		n = r.IntN(40)
	}
	for range n {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

func randomValue(r *rand.Rand, depth int) any {
	n := r.IntN(8)
	if depth > 3 {
		n = 3 + r.IntN(5)
	}
	switch n {
	case 0:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, randomValue(r, depth+1))
		}
		return list
	case 1, 2:
		return randomObject(r, depth)
	case 3:
		return []any{nil, true, false, number("1"), number("-12"), number("1.5"), number("1e+16"), number("1e-05"), number("0.0001")}[r.IntN(9)]
	}
	return randomString(r)
}

// libraryKeys: the YAML library does not read a plain key with these.
var libraryKeys = strings.NewReplacer("<<", "", "?", "")

func randomObject(r *rand.Rand, depth int) *object {
	o := &object{}
	for range r.IntN(4) {
		key := randomString(r)
		if r.IntN(20) == 0 {
			key = strings.Repeat("key ", 30+r.IntN(3)) + "k"
		}
		o.set(libraryKeys.Replace(key), randomValue(r, depth+1))
	}
	return o
}

// TestYAML compares the header's YAML with PyYAML's, both ways.
func TestYAML(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var in bytes.Buffer
	var values []*object
	for range 1500 {
		o := &object{}
		o.set("jupyter", randomObject(r, 0))
		values = append(values, o)
		in.WriteString(`{"dump": ` + string(appendASCII(nil, o)) + "}\n")
	}
	cmd := exec.Command(testenv.Python(t, "main"), "-c", pyyamlCases)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	written, read := 0, 0
	for _, v := range values {
		var want string
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := yamlText(v); got != want {
			t.Errorf("dump of %s:\n%s", appendASCII(nil, v), firstDifference(got, want))
			continue
		}
		written++
		back, err := parseYAML(want)
		if err != nil {
			t.Errorf("load of %q: %v", want, err)
			continue
		}
		if !equalValues(back, v) {
			t.Errorf("load of %q:\n got %s\nwant %s", want, appendASCII(nil, back), appendASCII(nil, v))
			continue
		}
		read++
	}
	t.Logf("%6d objects written as PyYAML does, %d read back", written, read)
}

func TestYAMLScalars(t *testing.T) {
	t.Parallel()
	scalars := append([]string{
		"0", "-0", "007", "0o17", "0x", "0b", "1__0", "+12", "1e5", "1.e+5", "1.5e3", "1.5e+3", "12:30:45", "12:70", "1:2.5", "-1:30", "0.0", "-.5", "+.inf",
		"y", "n", "YES", "No", "off", "OFF", "Null", "NULL", "nUll", "~", "1,000", "0.1.2", "3.10", "1e400", "9007199254740993", "123456789012345678901234567890",
	}, pieces...)
	var in bytes.Buffer
	var texts []string
	for _, s := range scalars {
		if strings.ContainsAny(s, "\n\x00\a\x7f") || blank(s) {
			continue
		}
		raw := nbformat.AppendString([]byte(`{"load": `), "jupyter:\n  a: "+s+"\n")
		in.Write(append(raw, "}\n"...))
		texts = append(texts, s)
	}
	cmd := exec.Command(testenv.Python(t, "main"), "-c", pyyamlCases)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	for _, s := range texts {
		var want string
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		got := "error"
		if v, err := parseYAML("jupyter:\n  a: " + s + "\n"); err == nil {
			got = string(appendASCII(nil, v))
		}
		// What PyYAML refuses, a `}` alone say, may be read; tags are not.
		if got != want && !strings.HasPrefix(want, "error") && s != "!" {
			t.Errorf("%q: got %s, want %s", s, got, want)
		}
	}
	t.Logf("%6d plain scalars read", len(texts))
}
