package params

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Builtins are the values of the name pm in a path template.
type Builtins struct {
	RunUUID string
	Now     time.Time // its zone is the local one
}

func (b Builtins) mapping() *Map {
	m := new(Map)
	m.Set("run_uuid", b.RunUUID)
	m.Set("current_datetime_local", DateTime{Time: b.Now, Naive: true})
	m.Set("current_datetime_utc", DateTime{Time: b.Now.UTC()})
	return m
}

// MissingError is a path template that asks for a parameter nobody gave.
type MissingError struct{ Name string }

// Error has papermill's words.
func (e *MissingError) Error() string { return "Missing parameter '" + e.Name + "'" }

// ExpandPath fills a path's {name} fields, as papermill does by Python's
// str.format: {name}, {name[key]}, {name[0]}, {name:03d}, {name!r}, {{ and }},
// {pm[run_uuid]}, {pm[current_datetime_utc]:%Y-%m-%d}. A parameter called pm
// hides the built-in one. Attributes ({name.real}) and secrets are refused.
// A *MissingError says which parameter is missing.
func ExpandPath(tmpl string, m *Map, pm Builtins) (string, error) {
	return expandPath(tmpl, m, pm, false)
}

func expandPath(tmpl string, m *Map, pm Builtins, attributes bool) (string, error) {
	all := new(Map)
	all.Set("pm", pm.mapping())
	all.Update(m)
	e := &expander{params: all, attributes: attributes}
	out, err := e.expand(tmpl, 2)
	var missing *MissingError
	if err != nil && !errors.As(err, &missing) {
		err = fmt.Errorf("path %q: %w", tmpl, err)
	}
	return out, err
}

type expander struct {
	params     *Map
	attributes bool
}

func (e *expander) expand(tmpl string, depth int) (string, error) {
	if depth == 0 {
		return "", errors.New("braces are nested too deep")
	}
	var b strings.Builder
	for s := tmpl; s != ""; {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		c := s[i]
		s = s[i+1:]
		switch {
		case s != "" && s[0] == c:
			b.WriteByte(c)
			s = s[1:]
		case c == '}' || s == "":
			return "", fmt.Errorf("a single %c: double it if the name has one", c)
		default:
			field, rest, err := parseField(s)
			if err != nil {
				return "", err
			}
			text, err := e.field(field, depth)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			s = rest
		}
	}
	return b.String(), nil
}

// field is what stands between braces: name, conversion (0 for none), format.
type field struct {
	name, spec string
	conversion rune
}

func parseField(s string) (f field, rest string, err error) {
	unclosed := errors.New("a { without its }: double it if the name has one")
	i := 0
scan:
	for ; i < len(s); i++ {
		switch s[i] {
		case '{':
			return f, "", errors.New("a { inside the name of a field")
		case '[':
			n := strings.IndexByte(s[i:], ']')
			if n < 0 {
				return f, "", unclosed
			}
			i += n
		case '}', ':', '!':
			break scan
		}
	}
	if i >= len(s) {
		return f, "", unclosed
	}
	f.name = s[:i]
	if s[i] == '!' {
		if i+2 >= len(s) || s[i+2] != '}' && s[i+2] != ':' {
			return f, "", errors.New("after ! stand one letter and then : or }")
		}
		f.conversion = rune(s[i+1])
		i += 2
	}
	if s[i] == '}' {
		return f, s[i+1:], nil
	}
	i++
	start, open := i, 1
	for ; i < len(s); i++ {
		switch s[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				f.spec = s[start:i]
				return f, s[i+1:], nil
			}
		}
	}
	return f, "", unclosed
}

func (e *expander) field(f field, depth int) (string, error) {
	v, err := e.lookup(f.name)
	if err != nil {
		return "", err
	}
	switch f.conversion {
	case 0:
	case 's':
		v = pyStr(v)
	case 'r':
		v = pyRepr(v)
	case 'a':
		v = asciiRepr(pyRepr(v))
	default:
		return "", fmt.Errorf("!%c is no conversion; there are !s, !r and !a", f.conversion)
	}
	spec := f.spec
	if strings.ContainsAny(spec, "{}") {
		if spec, err = e.expand(spec, depth-1); err != nil {
			return "", err
		}
	}
	text, err := pyFormat(v, spec)
	if err != nil {
		return "", fmt.Errorf("{%s}: %w", f.name, err)
	}
	return text, nil
}

func asciiRepr(s string) string {
	var b []byte
	for _, r := range s {
		if r < 0x80 {
			b = append(b, byte(r))
		} else {
			b = appendPyEscape(b, r)
		}
	}
	return string(b)
}

func (e *expander) lookup(name string) (Value, error) {
	n := strings.IndexAny(name, ".[")
	first, rest := name, ""
	if n >= 0 {
		first, rest = name[:n], name[n:]
	}
	if first == "" || span(first, digits) == len(first) {
		return nil, errors.New("{} and {0} have no parameter to stand for; name one, or double the braces")
	}
	v, ok := e.params.Get(first)
	if !ok {
		return nil, &MissingError{first}
	}
	for rest != "" {
		var err error
		if v, rest, err = e.step(first, v, rest); err != nil {
			return nil, err
		}
	}
	if holdsSecret(v) {
		return nil, fmt.Errorf("{%s}: a secret cannot stand in a path", first)
	}
	return v, nil
}

// step takes one [key] from v.
func (e *expander) step(name string, v Value, rest string) (Value, string, error) {
	if rest[0] == '.' {
		attr := rest[1:]
		if i := strings.IndexAny(attr, ".["); i >= 0 {
			attr = attr[:i]
		}
		if _, num := asBig(v); e.attributes && num && attr == "real" {
			return v, rest[1+len(attr):], nil
		}
		return nil, "", fmt.Errorf("{%s.%s}: attributes cannot be read here; use {%s[%s]} for an entry of a mapping", name, attr, name, attr)
	}
	end := strings.IndexByte(rest, ']')
	if rest[0] != '[' || end < 0 {
		return nil, "", fmt.Errorf("{%s}: only [ may follow ]", name)
	}
	key := rest[1:end]
	if key == "" {
		return nil, "", fmt.Errorf("{%s}: nothing stands between [ and ]", name)
	}
	rest = rest[end+1:]
	i, err := strconv.Atoi(key)
	number := err == nil && span(key, digits) == len(key)
	switch c := v.(type) {
	case *Map:
		var k Value = key
		if number {
			k = int64(i)
		}
		if got, ok := c.getKey(k); ok {
			return got, rest, nil
		}
		if got, ok := c.getKey(key); ok && number && !e.attributes {
			return got, rest, nil
		}
		return nil, "", &MissingError{key}
	case []Value:
		if number && i < len(c) {
			return c[i], rest, nil
		}
		return nil, "", fmt.Errorf("{%s[%s]}: the list has %d items, numbered from 0", name, key, len(c))
	case string:
		if r := []rune(c); number && i < len(r) {
			return string(r[i]), rest, nil
		}
	}
	return nil, "", fmt.Errorf("{%s[%s]}: %s has no such part", name, key, kindOf(v))
}

func holdsSecret(v Value) bool {
	switch v := v.(type) {
	case Secret:
		return true
	case []Value:
		for _, e := range v {
			if holdsSecret(e) {
				return true
			}
		}
	case *Map:
		for _, e := range v.All() {
			if holdsSecret(e) {
				return true
			}
		}
	}
	return false
}
