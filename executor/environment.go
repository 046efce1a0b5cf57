package executor

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// Environment is what a kernel's code runs in: the program that interprets the
// cells and the packages that are installed for it. It is read from files, so
// it says what a kernel started at that moment would find, and not what a cell
// imported, or installed and removed while it ran.
type Environment struct {
	Interpreter string    `json:"interpreter"`       // path of the program, as it was started
	Version     string    `json:"version,omitempty"` // of its language, as exact as its files tell: "3.11.7", else "3.11"; empty: unknown
	Platform    string    `json:"platform"`          // GOOS/GOARCH, and where it is known the distribution: "linux/amd64 debian-12"
	Manager     string    `json:"manager,omitempty"` // who made the environment: venv, virtualenv, uv, conda, system, R; empty: unknown
	Packages    []Package `json:"packages"`          // in the order of ComparePackages, none twice
	Source      string    `json:"source"`            // how all this was learnt, in words

	// Gaps are sentences about what could not be read or was left out, sorted.
	// None means that nothing is known to be missing.
	Gaps []string `json:"gaps,omitempty"`
}

// Package is an installed package.
type Package struct {
	Name    string `json:"name"`    // as its metadata spells it
	Version string `json:"version"` // as its metadata spells it; may be empty

	// Origin is where it came from when that was no package index
	// (direct_url.json, PEP 610): "git+https://host/repo@<commit>", or
	// "file:///src/tool (editable)", whose code can change while the version
	// stays. Passwords and queries are left out.
	Origin string `json:"origin,omitempty"`
}

// NormalName is the name under which two spellings of a package are one
// (PEP 503): lower case, with runs of "-", "_" and "." as one "-".
func (p Package) NormalName() string {
	var b strings.Builder
	b.Grow(len(p.Name))
	dash := false
	for _, r := range p.Name {
		if r == '-' || r == '_' || r == '.' {
			dash = true
			continue
		}
		if dash {
			b.WriteByte('-')
			dash = false
		}
		b.WriteRune(r)
	}
	if dash {
		b.WriteByte('-')
	}
	return strings.ToLower(b.String())
}

// ComparePackages orders by normal name, then by version, name and origin as bytes.
func ComparePackages(a, b Package) int {
	return cmp.Or(
		strings.Compare(a.NormalName(), b.NormalName()),
		strings.Compare(a.Version, b.Version),
		strings.Compare(a.Name, b.Name),
		strings.Compare(a.Origin, b.Origin),
	)
}

// Digest is the SHA-256 of all that the environment says, Source apart. Each
// text is written as its length in eight bytes, big-endian, and its bytes;
// each list as its length in the same way and its items. The order: the text
// "assay environment 1", Interpreter, Version, Platform, Manager, Packages
// (Name, Version, Origin), Gaps. The lists are taken in their sorted order.
func (e Environment) Digest() [32]byte {
	h := sha256.New()
	number := func(n int) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	text := func(s string) {
		number(len(s))
		h.Write([]byte(s))
	}
	for _, s := range []string{"assay environment 1", e.Interpreter, e.Version, e.Platform, e.Manager} {
		text(s)
	}
	packages := slices.Clone(e.Packages)
	slices.SortFunc(packages, ComparePackages)
	number(len(packages))
	for _, p := range packages {
		text(p.Name)
		text(p.Version)
		text(p.Origin)
	}
	gaps := slices.Sorted(slices.Values(e.Gaps))
	number(len(gaps))
	for _, g := range gaps {
		text(g)
	}
	var d [32]byte
	h.Sum(d[:0])
	return d
}
