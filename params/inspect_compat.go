package params

import (
	"fmt"
	"regexp"
	"strings"
)

// inspectCompat reads a Python cell as papermill does: an equals sign in a line
// begins a definition, two make it unreadable, and strings are not looked at.
func inspectCompat(src string) ([]Parameter, []string) {
	type definition struct {
		lines []string
		line  int
	}
	var defs []definition
	var cur definition
	var warnings []string
	for i, line := range splitLines(src) {
		stripped := strings.TrimFunc(line, pySpace)
		if stripped == "" || stripped[0] == '#' {
			continue
		}
		if n := strings.Count(line, "="); n > 0 {
			defs = append(defs, cur)
			cur = definition{}
			if n > 1 {
				warnings = append(warnings, fmt.Sprintf("Unable to parse line %d '%s'.", i+1, line))
				continue
			}
		}
		if len(cur.lines) == 0 {
			cur.line = i + 1
		}
		cur.lines = append(cur.lines, line)
	}
	defs = append(defs, cur)
	pattern := compatPattern()
	var params []Parameter
	for _, d := range defs {
		if p, ok := compatParameter(pattern, flatten(d.lines)); ok {
			p.Line = d.line
			params = append(params, p)
		}
	}
	return params, warnings
}

// flatten joins a definition's lines, comments out but for the last line's.
func flatten(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		if i < len(lines)-1 {
			line, _, _ = strings.Cut(line, "#")
		}
		b.WriteString(strings.TrimFunc(line, pySpace))
	}
	return b.String()
}

// compatPattern is papermill's, with Python's ideas of a word and of space.
func compatPattern() *regexp.Regexp {
	const w, s = `\p{L}\p{N}_`, `\s\v\x1c-\x1f\x85\p{Z}`
	return regexp.MustCompile(`^([` + w + `]+)[` + s + `]*(?::[` + s + `]*["']?([` + w + `][` + w + `\[\],` + s + `]*)["']?[` + s + `]*)?=[` + s + `]*(.*?)` +
		`(?:[` + s + `]*#[` + s + `]*(?:type:[` + s + `]*([^` + s + `]*)[` + s + `]*)?(.*))?$`)
}

func compatParameter(pattern *regexp.Regexp, def string) (Parameter, bool) {
	m := pattern.FindStringSubmatch(def)
	if m == nil {
		return Parameter{}, false
	}
	p := Parameter{Name: m[1], Type: m[2], Default: strings.TrimFunc(m[3], pySpace), Help: strings.TrimFunc(m[5], pySpace)}
	if p.Type == "" {
		p.Type = m[4]
	}
	p.Annotated = p.Type != ""
	if !p.Annotated {
		p.Type = "None"
	}
	p.Type = strings.TrimFunc(p.Type, pySpace)
	return p, true
}

// splitLines is Python's str.splitlines.
func splitLines(s string) []string {
	var out []string
	s = strings.ReplaceAll(s, "\r\n", "\n")
	start := 0
	for i, r := range s {
		switch r {
		case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
			out = append(out, s[start:i])
			start = i + len(string(r))
		}
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}
