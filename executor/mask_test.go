package executor

import (
	"strings"
	"testing"

	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

const secret = `s3c"r\et` + "\né"

func secrets() *Options {
	return &Options{Secrets: []Secret{{Name: "token", Value: secret}, {Name: "pin", Value: "48151623"}, {Name: "empty"}}}
}

func TestSecretsAreMaskedEverywhere(t *testing.T) {
	t.Parallel()
	quoted := string(appendQuoted(nil, "a "+secret+" b"))
	escaped := strings.ReplaceAll(quoted, "é", `\u00e9`)
	src := say(
		"stream", streamOf("stdout", "x "+secret[:4]), "stream", streamOf("stdout", secret[4:]+" y"),
		"stream", streamOf("stderr", secret[:3]), "display_data", `{"data":{"text/plain":`+escaped+`,"application/json":{"k":[48151623,1]}},"metadata":{`+quoted+`:1}}`,
		"stream", streamOf("stderr", secret[3:]+"!"),
		"error", `{"ename":"E","evalue":`+quoted+`,"traceback":["`+"line "+`s3c\"r\\et","é line"]}`,
	)
	k := newScripted(func(k *scriptedKernel, req Message) {
		echo(k, req)
	})
	_, s := run(t, k, code(src), secrets())
	want := []string{
		"stdout:x [secret token] y", "stderr:[secret token]",
		`display_data:{"text/plain":"a [secret token] b","application/json":{"k":["[secret pin]",1]}}`,
		"stderr:!", "error:E:a [secret token] b",
	}
	if diff := cmp.Diff(want, texts(s.outputs[0])); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := string(s.outputs[0][2].Metadata); got != `{"a [secret token] b":1}` {
		t.Errorf("metadata %s", got)
	}
	if diff := cmp.Diff([]string{"line [secret token]", " line"}, s.outputs[0][4].Traceback); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"pin", "token"}, s.ended[0].Masked); diff != "" {
		t.Errorf("masked: %s", diff)
	}
	if strings.Contains(s.text.String(), secret) || !strings.Contains(s.text.String(), "x [secret token] y") {
		t.Errorf("shown: %q", s.text.String())
	}
}

// A text that only begins like a secret comes out whole.
func TestHeldBackTextIsShown(t *testing.T) {
	t.Parallel()
	_, s := run(t, newScripted(echo), code(say("stream", streamOf("stdout", "x "+secret[:5]))), secrets())
	if s.text.String() != "x "+secret[:5] || s.outputs[0][0].Text != "x "+secret[:5] {
		t.Errorf("shown %q, kept %q", s.text.String(), s.outputs[0][0].Text)
	}
}

func TestBefore(t *testing.T) {
	t.Parallel()
	fails := false
	k := newScripted(func(k *scriptedKernel, req Message) {
		reply := replyOK
		if fails {
			reply = string(append(appendQuoted([]byte(`{"status":"error","ename":"SyntaxError","evalue":`), secret), '}'))
		}
		k.cell(req, reply, "stream", streamOf("stdout", codeOf(req)))
	})
	cells := code("x")
	cells[0].Before = "token = " + secret
	res, s := run(t, k, cells, secrets())
	if res.State != RunSucceeded || len(k.sent) < 2 {
		t.Fatalf("%+v", res)
	}
	if got := string(k.sent[0].Content); !strings.Contains(got, `"silent":true,"store_history":false`) || codeOf(k.sent[0]) != cells[0].Before {
		t.Errorf("before: %s", got)
	}
	if diff := cmp.Diff([]string{"stdout:x"}, texts(s.outputs[0])); diff != "" {
		t.Error(diff)
	}
	fails = true
	res, s = run(t, k, cells, secrets())
	if res.State != RunFailed || res.Reason != ReasonCellError || res.Cells[0].State != Failed || !strings.Contains(res.Cells[0].Note, "SyntaxError") {
		t.Errorf("%+v", res)
	}
	if strings.Contains(res.Note+res.Cells[0].Note+s.text.String(), "s3c") || len(s.outputs[0]) != 0 {
		t.Errorf("the secret shows: %+v, %v", res, s.outputs)
	}
}

// FuzzMask: whatever pieces a text comes in, what is kept and what is shown are
// the text with every needle masked, of those at one place the longest.
func FuzzMask(f *testing.F) {
	f.Add("abcabcab", "abc", uint8(2), uint8(5))
	f.Add("aaaa", "aa", uint8(1), uint8(3))
	f.Add(`{"k":"a\u0062c"}`, "abc", uint8(3), uint8(9))
	f.Add(`x pa\"ss\\word99 pa"ss\word99 cGEic3Ncd29yZDk5 cGEic3Ncd29yZDk`, `pa"ss\word99`, uint8(6), uint8(50))
	f.Add(strings.Repeat("cGFzcw%3D", 9), "passpasspasspass=", uint8(3), uint8(30))
	f.Fuzz(func(t *testing.T, text, value string, a, b uint8) {
		if value == "" {
			t.Skip()
		}
		k := newMasker([]Secret{{Name: "n", Value: value}})
		i, j := min(int(a), len(text)), min(int(b), len(text))
		i, j = min(i, j), max(i, j)
		pieces := []string{text[:i], text[i:j], text[j:]}
		var live liveMask
		shown := ""
		outputs := []nbformat.Output{}
		for _, p := range pieces {
			shown += live.push(k, p, names{})
			outputs = append(outputs, nbformat.Output{Type: nbformat.StreamOutput, Name: "stdout", Text: p})
		}
		shown += live.rest(k, names{})
		k.outputs(outputs, names{})
		kept := outputs[0].Text + outputs[1].Text + outputs[2].Text
		want := maskSlowly(text, Secret{Name: "n", Value: value})
		if shown != want || kept != want {
			t.Fatalf("%q without %q: shown %q, kept %q, want %q", text, value, shown, kept, want)
		}
		k.json([]byte(text), names{})
	})
}

// maskSlowly tries every form at every place.
func maskSlowly(text string, s Secret) string {
	var pairs []string
	for _, form := range s.Forms() {
		pairs = append(pairs, form, "[secret "+s.Name+"]")
	}
	return strings.NewReplacer(pairs...).Replace(text) // the first of the pairs that fits, and those are the longest first
}

// Two secrets of which one begins like the other: the longer one is waited for.
func TestLiveMaskWaitsForTheLonger(t *testing.T) {
	t.Parallel()
	k := newMasker([]Secret{{Name: "a", Value: "abc"}, {Name: "b", Value: "abcdef"}})
	for _, c := range []struct{ first, then, want string }{
		{"x abc", "def y", "x [secret b] y"}, {"x abc", "de y", "x [secret a]de y"}, {"x abcd", "", "x [secret a]d"}, {"x ab", "", "x ab"},
	} {
		var l liveMask
		got := l.push(k, c.first, names{})
		if got != "x " {
			t.Errorf("%q shows %q at once", c.first, got)
		}
		if got += l.push(k, c.then, names{}); got+l.rest(k, names{}) != c.want {
			t.Errorf("%q, %q: %q, want %q", c.first, c.then, got, c.want)
		}
	}
}

// BenchmarkMask is what a line printed costs, and a megabyte, with a secret as
// it is usual and with a key file as one.
func BenchmarkMask(b *testing.B) {
	for name, value := range map[string]string{"token": `pa"ss\wörd99+/x`, "file": strings.Repeat(`{"key": "MIIEvQIBADANBgkqhki\n"}`, 80)} {
		k := newMasker([]Secret{{Name: "token", Value: value}})
		for size, text := range map[string]string{"line": "12345\n", "megabyte": strings.Repeat("the loss of epoch 12 is 0.6931471805599453\n", 1<<20/42)} {
			b.Run(name+"/"+size, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				seen := names{}
				for b.Loop() {
					var l liveMask
					l.push(k, text, seen)
				}
			})
		}
	}
}
