package notebooks

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Same reports whether two references stand for the same place: an output
// must not replace its own input unasked. Where that cannot be known it leans
// to yes: asking once too often loses nothing. Standard input and standard
// output are two places.
func Same(a, b string) bool {
	pa, oka := IsLocal(a)
	pb, okb := IsLocal(b)
	switch {
	case oka != okb || a == "-" || b == "-":
		return false
	case oka:
		return samePath(pa, pb, maxLinks)
	}
	return place(a) == place(b)
}

// place is a reference that is no path, spelled in one way.
func place(ref string) string {
	scheme, rest, err := split(ref)
	if err != nil {
		return ref
	}
	switch scheme {
	case "http", "https":
		return webPlace(scheme, ref)
	case "s3", "gs", "azblob":
		// What follows ? are settings of the store; # is a character of a key.
		rest, _, _ = strings.Cut(rest, "?")
		bucket, key, _ := strings.Cut(rest, "/")
		return scheme + "://" + bucket + path.Clean("/"+key)
	}
	return ref
}

// webPlace follows RFC 3986, 6.2: the host's case, the scheme's own port, dot
// segments and the fragment make no difference, the query does. Who asks (user
// and password) does not say where.
func webPlace(scheme, ref string) string {
	u, err := url.Parse(ref)
	if err != nil {
		return ref
	}
	host := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" && port != map[string]string{"http": "80", "https": "443"}[scheme] {
		host += ":" + port
	}
	return scheme + "://" + host + path.Clean("/"+u.Path) + "?" + u.RawQuery
}

// maxLinks bounds a chain of links that leads nowhere, as Linux does.
const maxLinks = 40

// samePath compares what the paths lead to: the files when both are there,
// and where neither is yet, the last names and, by the same rule, the folders.
func samePath(a, b string, links int) bool {
	ia, erra := os.Stat(a)
	ib, errb := os.Stat(b)
	if erra == nil && errb == nil {
		return os.SameFile(ia, ib)
	}
	if erra == nil || errb == nil || links == 0 {
		return a == b
	}
	followedA, linkA := follow(a)
	followedB, linkB := follow(b)
	if linkA || linkB {
		return samePath(followedA, followedB, links-1)
	}
	dirA, nameA := parent(a)
	dirB, nameB := parent(b)
	if nameA != nameB {
		return false
	}
	if dirA == a || dirB == b { // nothing is left to take off
		return dirA == dirB
	}
	return samePath(dirA, dirB, links)
}

// follow gives where a link points, one step: writing through a link whose
// target is missing makes the target.
func follow(p string) (string, bool) {
	to, err := os.Readlink(p)
	if err != nil {
		return p, false
	}
	if !filepath.IsAbs(to) {
		dir, _ := parent(p)
		to = dir + string(filepath.Separator) + to // not Join, for a/link/.. is not a
	}
	return to, true
}

// parent takes the last name off a path that leads to nothing. The folder
// before it is left as it is, because link/.. is where the link leads.
func parent(p string) (dir, name string) {
	slash := func(r rune) bool { return r < 0x80 && os.IsPathSeparator(byte(r)) }
	trimmed := strings.TrimRightFunc(p, slash)
	dir, name = filepath.Split(trimmed)
	switch {
	case name == ".":
		return parent(dir)
	case name == ".." || trimmed == "":
		return filepath.Dir(filepath.Clean(p)), name
	case dir == "":
		return ".", name
	}
	return dir, name
}
