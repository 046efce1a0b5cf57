package local

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// environ is a whole environment by name.
type environ map[string]string

// newEnviron reads NAME=VALUE lines; nil means the environment of this process.
func newEnviron(list []string) environ {
	if list == nil {
		list = os.Environ()
	}
	e := make(environ, len(list))
	for _, line := range list {
		if i := strings.IndexByte(line[min(1, len(line)):], '='); i >= 0 { // Windows has names that begin with =
			e[line[:i+1]] = line[i+2:]
		}
	}
	return e
}

func (e environ) list() []string {
	list := make([]string, 0, len(e))
	for k, v := range e {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	return list
}

func (e environ) home() string {
	if h := e["HOME"]; h != "" {
		return h
	}
	if h := e["USERPROFILE"]; h != "" {
		return h
	}
	if h, err := os.UserHomeDir(); err == nil {
		return h
	}
	return string(filepath.Separator)
}

// set tells whether a variable is on as Jupyter reads switches: anything but
// the named words, the empty string included, is on.
func (e environ) set(name string) (on, known bool) {
	v, known := e[name]
	return known && !slices.Contains([]string{"no", "n", "false", "off", "0", "0.0"}, strings.ToLower(v)), known
}

func expandHome(p string, env environ) string {
	if p == "~" || strings.HasPrefix(p, "~/") {
		return env.home() + p[1:]
	}
	return p
}

// lookPath finds a program on PATH of the environment given, not of ours.
func lookPath(name string, env environ) string {
	if filepath.IsAbs(name) {
		if executable(name) {
			return name
		}
		return ""
	}
	names := []string{name}
	if runtime.GOOS == "windows" && filepath.Ext(name) == "" {
		names = []string{name + ".exe", name + ".cmd", name + ".bat"}
	}
	for _, dir := range filepath.SplitList(env["PATH"]) {
		for _, n := range names {
			if p := filepath.Join(dir, n); dir != "" && executable(p) {
				return p
			}
		}
	}
	return ""
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && (runtime.GOOS == "windows" || st.Mode()&0o111 != 0)
}

// substitute replaces $name and ${name} as Python's
// string.Template.safe_substitute: what is not known stays as it is, $$ is a dollar.
func substitute(s string, env environ) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i == len(s)-1 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		name, size := templateName(s)
		value, known := env[name]
		switch {
		case s[1] == '$':
			b.WriteByte('$')
			s = s[2:]
		case name != "" && known:
			b.WriteString(value)
			s = s[size:]
		default:
			size = max(size, 1)
			b.WriteString(s[:size])
			s = s[size:]
		}
	}
}

// templateName is the name after the $ that s begins with, and how many bytes both take.
func templateName(s string) (string, int) {
	rest, braces := s[1:], 0
	if rest[0] == '{' {
		rest, braces = rest[1:], 2
	}
	n := 0
	for n < len(rest) && (rest[n] == '_' || rest[n] >= 'a' && rest[n] <= 'z' || rest[n] >= 'A' && rest[n] <= 'Z' || n > 0 && rest[n] >= '0' && rest[n] <= '9') {
		n++
	}
	if n == 0 || braces > 0 && (n == len(rest) || rest[n] != '}') {
		return "", 0
	}
	return rest[:n], 1 + n + braces
}
