package drivers

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What Quote writes, a real shell reads back.
func TestQuote(t *testing.T) {
	t.Parallel()
	words := []string{"", "a", "/opt/assay 1/assay", "it's", `"`, `\`, "$HOME", "`x`", "ü☃", "a\nb", "-x", "*", "~", "a;b", "a=b", "%f", "!"}
	line := "printf '%s\\0'" + joinWords(words)
	out, err := exec.Command("sh", "-c", line).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(words, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")); diff != "" {
		t.Errorf("sh reads %s otherwise (-want +got)\n%s", line, diff)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		`"/opt/my env/bin/python" -m nbstripout --extra-keys "a b"`: {"/opt/my env/bin/python", "-m", "nbstripout", "--extra-keys", "a b"},
		`'a'\''b' "x\"y\z" q\ r`:                                    {"a'b", `x"y\z`, "q r"},
		" \t a\n ''":                                                {"a", ""},
		"":                                                          nil,
	}
	for line, want := range tests {
		got, err := Split(line)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Split(%q): %v (-want +got)\n%s", line, err, diff)
		}
	}
	for _, line := range []string{`"a`, `'a`, `a\`} {
		if words, err := Split(line); err == nil {
			t.Errorf("Split(%q) = %q, want an error", line, words)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("it's", `"a" \ 'b`)
	f.Fuzz(func(t *testing.T, a, line string) {
		Split(line)
		got, err := Split(Quote(a) + " " + Quote(line))
		if diff := cmp.Diff([]string{a, line}, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	})
}
