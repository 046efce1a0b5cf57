package params

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Secret is a value named by reference: @env:NAME or @file:PATH. The value
// itself never shows: printing, formatting and marshalling a Secret give its
// reference. Reveal is the one way to it.
type Secret struct {
	Name      string // of the parameter
	Reference string // as the caller wrote it
	reveal    func() string
}

// NewSecret makes a Secret with the value it stands for.
func NewSecret(name, reference, value string) Secret {
	return Secret{Name: name, Reference: reference, reveal: func() string { return value }}
}

// Reveal is the value.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Short reports that the value is too short to be masked in output without
// masking harmless text as well: shorter than eight bytes.
func (s Secret) Short() bool { return len(s.Reveal()) < 8 }

// String is the reference.
func (s Secret) String() string { return s.Reference }

// GoString is the reference.
func (s Secret) GoString() string { return s.Reference }

// Format writes the reference for every verb, those that would otherwise print
// the fields included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.Reference) }

// MarshalJSON is the reference as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return appendJSONString(nil, s.Reference), nil }

// MarshalText is the reference.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.Reference), nil }

// Lookup reads what a reference names: kind is "env" or "file". It reports
// false when the variable is not set. Its error should say why a file could not
// be read; neither may hold the value.
type Lookup func(kind, name string) (string, bool, error)

// minSecret is the shortest secret taken: a shorter value would be masked
// wherever a cell prints those few letters, and proves nothing when it is not.
const minSecret = 4

// ResolveArgSecret types a -p argument as ResolveArg does, and takes the
// references @env:NAME and @file:PATH (whose one final newline is dropped). A
// doubled @@ at the start stands for one literal @; any other text that begins
// with @ is itself. Values of -r, -y, -f and -b are never references: a
// parameter file may come from elsewhere, and must not be able to read
// this machine's environment.
func ResolveArgSecret(name, arg string, lookup Lookup) (Value, error) {
	if strings.HasPrefix(arg, "@@") {
		return arg[1:], nil
	}
	kind, target, found := strings.Cut(arg, ":")
	if !found || kind != "@env" && kind != "@file" {
		return ResolveArg(arg), nil
	}
	kind = kind[1:]
	fail := func(format string, args ...any) (Value, error) {
		return nil, fmt.Errorf("parameter %s: %s: %s", name, arg, fmt.Sprintf(format, args...))
	}
	if target == "" {
		return fail("the reference names nothing; write @env:NAME or @file:PATH, or @%s for this text itself", arg)
	}
	if lookup == nil {
		return fail("references to secrets are not allowed here")
	}
	value, ok, err := lookup(kind, target)
	if err != nil {
		return nil, fmt.Errorf("parameter %s: %s: %w", name, arg, err)
	}
	if !ok && kind == "env" {
		return fail("the environment variable %s is not set", target)
	}
	if !ok {
		return fail("there is no file %s", target)
	}
	if kind == "file" {
		value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
	}
	switch {
	case value == "":
		return fail("the secret is empty")
	case len(value) < minSecret:
		return fail("the secret is shorter than %d bytes and cannot be masked in output; pass it with -r if it need not be", minSecret)
	case !utf8.ValidString(value):
		return fail("the secret is not UTF-8 text")
	}
	return NewSecret(name, arg, value), nil
}

// Mask replaces every occurrence of a secret's exact value in text by its name
// in brackets, and reports whether there was one. A value that the text holds in
// another form (encoded, cut in two) is not found.
func Mask(text string, secrets []Secret) (masked string, found bool) {
	byLength := slices.SortedFunc(slices.Values(secrets), func(a, b Secret) int { return len(b.Reveal()) - len(a.Reveal()) })
	for _, s := range byLength {
		if v := s.Reveal(); v != "" && strings.Contains(text, v) {
			text, found = strings.ReplaceAll(text, v, "[secret "+s.Name+"]"), true
		}
	}
	return text, found
}
