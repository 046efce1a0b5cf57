package params

import (
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"
)

// CodeOptions chooses the language that values are written in. The zero value
// finds none: one of Kernel and Language must be known.
type CodeOptions struct {
	Kernel   string // kernelspec name, tried first
	Language string // of the kernelspec or language_info
	Comment  string // the first line's; "" is an empty comment
	Compat   bool   // exactly papermill's output, its faults included
}

// Languages lists the languages that parameters can be written in.
func Languages() []string {
	return []string{
		"bash", "csharp", "fsharp", "javascript", "julia", "matlab", "powershell",
		"python", "R", "rust", "scala", "typescript",
	}
}

// Code is m as lines of code: the comment, then one assignment for each name in
// order. A Secret becomes a comment that says its name and reference; the code
// that sets it is Before's. The warnings name values that the language's own
// numbers cannot hold exactly.
func Code(m *Map, o CodeOptions) (code string, warnings []string, err error) {
	l, err := findLanguage(o)
	if err != nil {
		return "", nil, err
	}
	return l.code(m, o.Comment, nil)
}

// Literal is v as an expression of the language.
func Literal(v Value, o CodeOptions) (string, error) {
	l, err := findLanguage(o)
	if err != nil {
		return "", err
	}
	if l.expr != nil {
		return l.expr(v)
	}
	return l.value(v)
}

// language writes values as code of one language.
type language struct {
	name      string
	open, end string // of a comment
	forms
	// assign makes one statement; declare is the keyword with which the
	// parameters cell declared the name, where the language has such.
	assign func(name, code, declare string) string
	// typed replaces assign where a statement needs the value's type.
	typed func(name string, v Value) (string, error)
	// expr goes with typed: the value alone.
	expr func(v Value) (string, error)
	// checkName refuses what is not a plain variable name. nil takes anything.
	checkName func(name string) error
	// prelude is code that the values need before them.
	prelude func(m *Map) string
	// maxExact is the largest integer that arrives exactly; nil for no limit.
	maxExact *big.Int
}

// forms are the ways to write each kind of value.
type forms struct {
	null     string
	yes, no  string
	str      func(string) (string, error)
	key      func(string) (string, error) // of a dict; nil is str
	integer  func(*big.Int) (string, error)
	float    func(float64) string
	list     func(items []Value, codes []string) (string, error)
	dict     func(m *Map, keys, codes []string) (string, error)
	date     func(Date) (string, error)
	datetime func(DateTime) (string, error)
	nonull   string // why null cannot be written; "" when it can
}

func (f *forms) value(v Value) (string, error) {
	switch v := v.(type) {
	case nil:
		if f.nonull != "" {
			return "", fmt.Errorf("null: %s", f.nonull)
		}
		return f.null, nil
	case string:
		if !utf8.ValidString(v) {
			return "", fmt.Errorf("the text %q is not UTF-8", v)
		}
		return f.str(v)
	case bool:
		if v {
			return f.yes, nil
		}
		return f.no, nil
	case int64:
		return f.integer(big.NewInt(v))
	case *big.Int:
		return f.integer(v)
	case float64:
		return f.float(v), nil
	case Date:
		return f.date(v)
	case DateTime:
		return f.datetime(v)
	case []Value:
		codes := make([]string, len(v))
		for i, e := range v {
			c, err := f.value(e)
			if err != nil {
				return "", fmt.Errorf("item %d: %w", i, err)
			}
			codes[i] = c
		}
		return f.list(v, codes)
	case *Map:
		return f.mapping(v)
	case Secret:
		return "", fmt.Errorf("a secret can only be the whole value of a parameter")
	}
	return "", fmt.Errorf("a %T is no parameter value", v)
}

func (f *forms) mapping(m *Map) (string, error) {
	key := f.key
	if key == nil {
		key = f.str
	}
	keys, codes := make([]string, 0, m.Len()), make([]string, 0, m.Len())
	for name, val := range m.All() {
		k, err := key(name)
		if err != nil {
			return "", fmt.Errorf("key %q: %w", name, err)
		}
		c, err := f.value(val)
		if err != nil {
			return "", fmt.Errorf("key %q: %w", name, err)
		}
		keys, codes = append(keys, k), append(codes, c)
	}
	return f.dict(m, keys, codes)
}

// line is the comment text as a comment.
func (l *language) line(text string) string {
	return strings.TrimFunc(l.open+" "+text+l.end, pySpace)
}

// inert takes out of a comment's text what would end the comment.
func (l *language) inert(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == 0x85 || r == 0x2028 || r == 0x2029
	}), " ")
	for end := strings.TrimSpace(l.end); end != "" && strings.Contains(text, end); {
		text = strings.ReplaceAll(text, end, "")
	}
	return text
}

func (l *language) code(m *Map, comment string, declare map[string]string) (string, []string, error) {
	var b strings.Builder
	var warnings []string
	if l.checkName != nil { // papermill writes it as it is
		comment = l.inert(comment)
	}
	b.WriteString(l.line(comment) + "\n")
	if l.prelude != nil {
		b.WriteString(l.prelude(m))
	}
	for name, v := range m.All() {
		if l.checkName != nil {
			if err := l.checkName(name); err != nil {
				return "", nil, fmt.Errorf("parameter %q: %w", name, err)
			}
		}
		if s, ok := v.(Secret); ok {
			b.WriteString(l.line(l.inert(name+" is a secret from "+s.Reference)) + "\n")
			continue
		}
		stmt, err := l.statement(name, v, declare[name])
		if err != nil {
			return "", nil, fmt.Errorf("parameter %q in %s: %w", name, l.name, err)
		}
		if l.maxExact != nil && l.inexact(v) {
			warnings = append(warnings, fmt.Sprintf("parameter %q: %s rounds an integer this large; pass it as text (-r) to keep every digit", name, l.name))
		}
		b.WriteString(stmt + "\n")
	}
	return b.String(), warnings, nil
}

func (l *language) statement(name string, v Value, declare string) (string, error) {
	if l.typed != nil {
		return l.typed(name, v)
	}
	code, err := l.value(v)
	if err != nil {
		return "", err
	}
	return l.assign(name, code, declare), nil
}

// before is the code that sets the secrets of m, "" when it has none.
func (l *language) before(m *Map, declare map[string]string) (string, []Secret, error) {
	var b strings.Builder
	var secrets []Secret
	for name, v := range m.All() {
		s, ok := v.(Secret)
		if !ok {
			continue
		}
		stmt, err := l.statement(name, s.Reveal(), declare[name])
		if err != nil {
			// The cause may quote the value.
			return "", nil, fmt.Errorf("parameter %q: the secret %s cannot be written as %s text", name, s.Reference, l.name)
		}
		s.Name = name
		secrets = append(secrets, s)
		b.WriteString(stmt + "\n")
	}
	return b.String(), secrets, nil
}

func (l *language) inexact(v Value) bool {
	switch v := v.(type) {
	case int64, *big.Int:
		i, _ := asBig(v)
		return i.CmpAbs(l.maxExact) > 0
	case []Value:
		for _, e := range v {
			if l.inexact(e) {
				return true
			}
		}
	case *Map:
		for _, e := range v.All() {
			if l.inexact(e) {
				return true
			}
		}
	}
	return false
}

// equals is the assignment of most languages.
func equals(name, code, _ string) string { return name + " = " + code }

// wrap makes a list form from its opening, separator and closing.
func wrap(open, sep, end string) func([]Value, []string) (string, error) {
	return func(_ []Value, codes []string) (string, error) {
		return open + strings.Join(codes, sep) + end, nil
	}
}

// wrapPairs is wrap for dicts; mid stands between a key and its value.
func wrapPairs(open, before, mid, after, sep, end string) func(*Map, []string, []string) (string, error) {
	return func(_ *Map, keys, codes []string) (string, error) {
		parts := make([]string, len(keys))
		for i := range keys {
			parts[i] = before + keys[i] + mid + codes[i] + after
		}
		return open + strings.Join(parts, sep) + end, nil
	}
}

func rawInt(i *big.Int) (string, error) { return i.String(), nil }

// must lifts a string form that cannot fail.
func must(f func(string) string) func(string) (string, error) {
	return func(s string) (string, error) { return f(s), nil }
}
