package executor

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"
	"testing"
)

func TestPackageNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Jinja2": "jinja2", "backports.tarfile": "backports-tarfile", "a__b--.c": "a-b-c", "Send2Trash": "send2trash", "": "", "Ärger_": "ärger-",
	} {
		if got := (Package{Name: name}).NormalName(); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	list := []Package{{Name: "b", Version: "1"}, {Name: "A-x", Version: "2"}, {Name: "a_x", Version: "1"}, {Name: "B", Version: "1"}, {Name: "B", Version: "1", Origin: "file:///b"}}
	slices.SortFunc(list, ComparePackages)
	want := []Package{{Name: "a_x", Version: "1"}, {Name: "A-x", Version: "2"}, {Name: "B", Version: "1"}, {Name: "B", Version: "1", Origin: "file:///b"}, {Name: "b", Version: "1"}}
	if !slices.Equal(list, want) {
		t.Errorf("sorted: %v", list)
	}
}

// The digest by hand, for one small environment: the layout is a promise.
func TestEnvironmentDigestLayout(t *testing.T) {
	t.Parallel()
	e := Environment{Interpreter: "/p", Version: "3", Platform: "x", Manager: "venv", Packages: []Package{{"n", "1", ""}}, Gaps: []string{"g"}, Source: "not in it"}
	n := func(i byte) string { return "\x00\x00\x00\x00\x00\x00\x00" + string(rune(i)) }
	bytes := n(19) + "assay environment 1" + n(2) + "/p" + n(1) + "3" + n(1) + "x" + n(4) + "venv" +
		n(1) + n(1) + "n" + n(1) + "1" + n(0) + n(1) + n(1) + "g"
	want := sha256.Sum256([]byte(bytes))
	if got := e.Digest(); got != want {
		t.Errorf("digest %s, want %s", hex.EncodeToString(got[:]), hex.EncodeToString(want[:]))
	}
}

// Every fact counts, the order of the lists does not, and moving a character
// from one text to the next makes another digest.
func TestEnvironmentDigestDiffers(t *testing.T) {
	t.Parallel()
	base := func() Environment {
		return Environment{
			Interpreter: "/usr/bin/python3", Version: "3.11.2", Platform: "linux/amd64", Manager: "system",
			Packages: []Package{{"pip", "23.0", ""}, {"six", "1.16", ""}}, Gaps: []string{"a", "b"},
		}
	}
	seen := map[[32]byte]string{}
	add := func(name string, change func(*Environment)) {
		e := base()
		change(&e)
		d := e.Digest()
		if other, ok := seen[d]; ok {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[d] = name
	}
	add("base", func(*Environment) {})
	add("interpreter", func(e *Environment) { e.Interpreter += "x" })
	add("version", func(e *Environment) { e.Version = "3.11.3" })
	add("platform", func(e *Environment) { e.Platform = "linux/arm64" })
	add("manager", func(e *Environment) { e.Manager = "venv" })
	add("name", func(e *Environment) { e.Packages[0].Name = "Pip" })
	add("package version", func(e *Environment) { e.Packages[0].Version = "23.0.1" })
	add("origin", func(e *Environment) { e.Packages[0].Origin = "file:///p" })
	add("moved", func(e *Environment) { e.Packages[0] = Package{"pip2", "3.0", ""} })
	add("one less", func(e *Environment) { e.Packages = e.Packages[:1] })
	add("gap", func(e *Environment) { e.Gaps = e.Gaps[:1] })
	add("gap moved", func(e *Environment) { e.Gaps = []string{"ab", ""} })

	shuffled := base()
	slices.Reverse(shuffled.Packages)
	slices.Reverse(shuffled.Gaps)
	before := shuffled.Packages[0]
	if shuffled.Digest() != base().Digest() {
		t.Error("the order of the lists changes the digest")
	}
	if !reflect.DeepEqual(before, shuffled.Packages[0]) {
		t.Error("Digest sorts the caller's list")
	}
	other := base()
	other.Source = "elsewhere"
	if other.Digest() != base().Digest() {
		t.Error("Source is in the digest")
	}
}
