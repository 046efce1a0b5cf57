package percent

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/nbformat"
)

// FuzzRead: no script makes Read panic, and one that was written is read back
// to what it was written from.
func FuzzRead(f *testing.F) {
	for name, text := range handmade {
		f.Add([]byte(text), extOf(name))
	}
	f.Add([]byte("(* --- *)\n(* jupyter: {a: &a [*a]} *)\n(* --- *)\n(* %% a=(((( *)\n"), ".ml")
	f.Fuzz(func(t *testing.T, src []byte, ext string) {
		d, err := Read(src, ext)
		if err != nil {
			return
		}
		if findings := d.Bytes(); !bytes.HasSuffix(findings, []byte("}\n")) {
			t.Fatalf("not a notebook: %q", findings)
		}
		text, err := Write(d, ext, nil)
		if err != nil {
			t.Fatalf("%q: %v", src, err)
		}
		if _, err := Read(text, ext); err != nil {
			t.Fatalf("written from %q, not read: %v\n%q", src, err, text)
		}
	})
}

// FuzzWrite: no notebook makes Write panic.
func FuzzWrite(f *testing.F) {
	f.Add([]byte(`{"cells": [{"cell_type": "code", "source": "%%bash\nx", "metadata": {"tags": ["a"]}}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}`), ".py")
	f.Add([]byte(`{"cells": [{"cell_type": "raw", "source": 1, "metadata": 2}], "metadata": {"jupytext": {"formats": 1}, "kernelspec": []}, "nbformat": 4}`), ".ml")
	f.Fuzz(func(t *testing.T, raw []byte, ext string) {
		d, err := nbformat.Parse(raw)
		if err != nil {
			return
		}
		text, err := Write(d, ext, nil)
		if err != nil {
			return
		}
		_, _ = Read(text, ext)
	})
}

// TestBombs: hostile scripts cost little time and memory.
func TestBombs(t *testing.T) {
	t.Parallel()
	lines := func(format string, n int) string { return strings.Repeat(format, n) }
	aliases := "# ---\n# jupyter:\n#   a0: &a0 [x, x]\n"
	for i := range 40 {
		aliases += fmt.Sprintf("#   a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	for name, text := range map[string]string{
		"aliases":          aliases + "# ---\n",
		"brackets in yaml": "# ---\n# jupyter:\n#   a: " + lines("[", 5000) + "\n# ---\n",
		"brackets":         "# %% a=" + lines("[", 30_000) + "\n",
		"parentheses":      "# %% a=" + lines("(", 30_000) + "\n",
		"equals signs":     "# %% " + lines("a=", 16_000) + "\n",
		"keys":             "# %% x=1 " + lines("a ", 16_000) + "\n",
		"quotes":           "# %% a=" + lines("'' ", 10_000) + "\n",
		"cells":            lines("# %%\n", 20_000),
		"fences":           "# %% [markdown]\n" + lines("# ```a\n", 20_000),
		"tildes":           "# %% [markdown]\n" + lines("# ~~~~ ~\n# ~~~ `\n", 10_000),
		"comments":         "# %%\ndef f(): pass\n" + lines("# %%\n# c\n", 10_000),
		"definitions":      lines("# %%\ndef f(): pass\n\n", 10_000),
	} {
		start := time.Now()
		_, err := Read([]byte(text), ".py")
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("%s: %s", name, took)
		} else {
			t.Logf("%s: %s, %v", name, took.Round(time.Millisecond), err)
		}
	}
}
