package params

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"assay/nbformat"
)

// YAMLError is text that is no YAML mapping.
type YAMLError struct {
	Line int // 1-based; 0 when unknown
	Msg  string
}

// Error says the line and what is wrong.
func (e *YAMLError) Error() string {
	if e.Line == 0 {
		return "parameters: " + e.Msg
	}
	return fmt.Sprintf("parameters: line %d: %s", e.Line, e.Msg)
}

// Limits on what a parameter file may expand to.
const (
	maxYAMLDepth  = 200
	maxYAMLValues = 1 << 20
	// The parser's time grows with the square of these two.
	maxYAMLLines    = 20_000
	maxYAMLBrackets = 1_000
)

// ParseYAML reads a YAML or JSON mapping of parameters with the types of
// PyYAML's SafeLoader (YAML 1.1: yes is true, 010 is 8, 1:30 is 90, 1e5 is
// text), except that dates stay text, as in papermill. Empty text is an empty
// mapping. Of two equal keys the last wins. An error is a *YAMLError.
func ParseYAML(src []byte) (*Map, error) {
	if !utf8.Valid(src) {
		return nil, &YAMLError{Msg: "this is not UTF-8 text"}
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if m := jsonAsYAML(src); m != nil {
		return m, nil
	}
	if err := checkSize(src); err != nil {
		return nil, err
	}
	file, err := parseFile(src)
	if err != nil {
		return nil, syntaxError(err)
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.DirectiveType {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) == 0 {
		return new(Map), nil
	}
	if len(bodies) > 1 {
		return nil, &YAMLError{Line: lineOf(bodies[1]), Msg: "expected one document, found another"}
	}
	r := &yamlReader{anchors: map[string]anchored{}}
	v, _, err := r.value(bodies[0], 0)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil:
		return new(Map), nil
	case *Map:
		if err := checkNames(v); err != nil {
			return nil, err
		}
		return v, nil
	}
	return nil, &YAMLError{Line: lineOf(bodies[0]), Msg: fmt.Sprintf("expected a mapping of names to values, found %s", kindOf(v))}
}

// jsonAsYAML reads a JSON object, of any size, as YAML reads it: nil when src is
// none, or when YAML could see in it what JSON does not.
func jsonAsYAML(src []byte) *Map {
	if !bytes.HasPrefix(bytes.TrimLeft(src, " \t\r\n"), []byte("{")) || bytes.Contains(src, []byte(`"<<"`)) {
		return nil
	}
	v, err := nbformat.ParseValue(src)
	if err != nil {
		return nil
	}
	m, _ := fromJSON(v, resolvePlain).(*Map)
	return m
}

// checkSize refuses what would keep the parser busy for long.
func checkSize(src []byte) error {
	depth, line := 0, 1
	for _, c := range src {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '\n', ',':
			line++
		}
		if depth > maxYAMLBrackets {
			return &YAMLError{Msg: fmt.Sprintf("more than %d brackets are open at once", maxYAMLBrackets)}
		}
	}
	if line > maxYAMLLines {
		return &YAMLError{Msg: fmt.Sprintf("more than %d lines or entries; JSON may be longer", maxYAMLLines)}
	}
	return nil
}

// ParseBase64 is ParseYAML of what base64 text holds.
func ParseBase64(text string) (*Map, error) {
	// As Python's b64decode: what is not of the alphabet is skipped.
	text = strings.Map(func(r rune) rune {
		if r < 0x80 && (asciiLetterDigit(r) && r != '_' || r == '+' || r == '/' || r == '=') {
			return r
		}
		return -1
	}, text)
	src, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, &YAMLError{Msg: "this is not base64: " + err.Error()}
	}
	return ParseYAML(src)
}

// parseFile contains the parser's panics: it was written for files one trusts.
func parseFile(src []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("this is not YAML")
		}
	}()
	return parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
}

func syntaxError(err error) error {
	var located interface {
		error
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &located) && located.GetToken() != nil {
		return &YAMLError{Line: located.GetToken().Position.Line, Msg: located.GetMessage()}
	}
	return &YAMLError{Msg: strings.SplitN(err.Error(), "\n", 2)[0]}
}

func checkNames(m *Map) error {
	for _, p := range m.pairs {
		if _, ok := p.key.(string); !ok {
			return &YAMLError{Msg: fmt.Sprintf("the name %s is not text: put it in quotes", p.name)}
		}
	}
	return nil
}

func kindOf(v Value) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a truth value"
	case string:
		return "text"
	case float64:
		return "a number"
	case []Value:
		return "a list"
	case *Map:
		return "a mapping"
	case Date, DateTime:
		return "a date"
	case Secret:
		return "a secret"
	}
	return "a number"
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}
