package executor

import (
	"cmp"
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
