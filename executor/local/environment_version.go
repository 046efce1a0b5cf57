package local

import (
	"bytes"
	"path/filepath"
	"runtime"
	"strings"
)

// exactVersion is the version of the interpreter, from the best witness there
// is: the header that was installed with it, the text inside its binary or its
// library, pyvenv.cfg (which tells what it was when the environment was made),
// and at last the name of its folder, which has two numbers alone.
func (h pythonHome) exactVersion() string {
	include := filepath.Join(h.Base, "include", h.tag, "patchlevel.h")
	if runtime.GOOS == "windows" {
		include = filepath.Join(h.Base, "include", "patchlevel.h")
	}
	if data, err := (&environmentReader{}).read(include, maxMetadata); err == nil {
		if v := patchLevel(data); v != "" {
			return v
		}
	}
	short := strings.TrimRight(strings.TrimPrefix(h.tag, "python"), "t")
	if strings.HasPrefix(h.tag, "python3.") {
		real, err := filepath.EvalSymlinks(h.Exe)
		if err != nil {
			real = h.Exe
		}
		for _, path := range []string{real, filepath.Join(h.Base, "lib", "lib"+h.tag+".so.1.0"), filepath.Join(h.Base, "lib", "lib"+h.tag+".dylib")} {
			if v := versionInside(path, short); v != "" {
				return v
			}
		}
	}
	if h.version != "" && plain(h.version) {
		return h.version
	}
	if strings.HasPrefix(h.tag, "python3.") {
		return short
	}
	return "" // the folder of another Python says little: pypy3.10 is not 3.10 of CPython
}

// patchLevel reads PY_VERSION from patchlevel.h.
func patchLevel(data []byte) string {
	_, rest, ok := bytes.Cut(data, []byte("#define PY_VERSION "))
	if !ok {
		return ""
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	v := strings.Trim(strings.TrimSpace(string(line)), `"`)
	if v == "" || !plain(v) || !isVersion(v) {
		return ""
	}
	return v
}

// versionInside finds the text "3.11.7" of Python 3.11 in a binary, where it
// stands between two zero bytes.
func versionInside(path, short string) string {
	return findInFile(path, 64<<20, "\x00"+short+".", func(rest []byte) (string, bool) {
		patch, _, ok := bytes.Cut(rest, []byte{0})
		v := short + "." + string(patch)
		return v, ok && len(patch) > 0 && len(patch) < 12 && isVersion(v)
	})
}

// isVersion tells whether s is of the form 3.11.7, 3.14.0rc1 or 3.12.1+.
func isVersion(s string) bool {
	digit := false
	for _, c := range s {
		if c >= '0' && c <= '9' {
			digit = true
		} else if !strings.ContainsRune(".abrc+", c) {
			return false
		}
	}
	return digit && s[0] != '.'
}
