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

type yamlReader struct {
	anchors map[string]anchored
	total   int
}

// anchored keeps a value and how many values it is made of, so that aliases of
// aliases are counted without being copied.
type anchored struct {
	val    Value
	weight int
}

func (r *yamlReader) fail(n ast.Node, format string, args ...any) error {
	return &YAMLError{Line: lineOf(n), Msg: fmt.Sprintf(format, args...)}
}

func (r *yamlReader) value(n ast.Node, depth int) (Value, int, error) {
	if depth > maxYAMLDepth {
		return nil, 0, r.fail(n, "nested more than %d deep", maxYAMLDepth)
	}
	switch n := n.(type) {
	case nil:
		return nil, 1, nil
	case *ast.MappingNode:
		return r.mapping(n, n.Values, depth)
	case *ast.MappingValueNode:
		return r.mapping(n, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		return r.sequence(n, depth)
	case *ast.AnchorNode:
		v, w, err := r.value(n.Value, depth+1)
		if err == nil {
			err = r.anchor(n, v, w)
		}
		return v, w, err
	case *ast.AliasNode:
		a, ok := r.anchors[n.Value.GetToken().Value]
		if !ok {
			return nil, 0, r.fail(n, "there is no anchor &%s before this alias", n.Value.GetToken().Value)
		}
		return a.val, a.weight, nil
	case *ast.TagNode:
		return r.tag(n, depth)
	case *ast.LiteralNode:
		return n.Value.Value, 1, nil
	}
	s, plain, err := r.scalar(n)
	if err != nil || !plain {
		return s, 1, err
	}
	if err := r.checkPlain(n, s); err != nil {
		return nil, 0, err
	}
	return resolvePlain(s), 1, nil
}

// checkPlain refuses unquoted text that the parser takes and YAML does not; of
// a tab inside, the parser would lose the tab.
func (r *yamlReader) checkPlain(n ast.Node, s string) error {
	if s != "" && strings.IndexByte(",]}%?", s[0]) >= 0 && (s[0] != '?' || s == "?") {
		return r.fail(n, "text that begins with %q must be in quotes", s[:1])
	}
	if strings.Contains(strings.Trim(n.GetToken().Origin, " \t\r\n"), "\t") && n.Type() == ast.StringType {
		return r.fail(n, "text with a tab in it must be in quotes")
	}
	return nil
}

// checkFlow refuses, inside brackets, what has another meaning in PyYAML.
func (r *yamlReader) checkFlow(n ast.Node) error {
	switch n := n.(type) {
	case *ast.SequenceNode:
		if !n.IsFlowStyle {
			return r.fail(n, "a list entry with a dash cannot stand in brackets")
		}
	case *ast.StringNode:
		if n.Token.Type == token.StringType && strings.HasPrefix(n.Value, "?") {
			return r.fail(n, "text that begins with \"?\" must be in quotes")
		}
	}
	return nil
}

// checkColon refuses {a:1}, which PyYAML reads as one key "a:1".
func (r *yamlReader) checkColon(e *ast.MappingValueNode) error {
	colon := e.Start.Position
	if e.Value == nil || e.Value.GetToken() == nil || e.Key.GetToken().Type == token.DoubleQuoteType || e.Key.GetToken().Type == token.SingleQuoteType {
		return nil
	}
	value := e.Value.GetToken().Position
	if value.Line == colon.Line && value.Column == colon.Column+1 && e.Value.GetToken().Type != token.ImplicitNullType {
		return r.fail(e, "put a space after the colon")
	}
	return nil
}

func (r *yamlReader) anchor(n *ast.AnchorNode, v Value, weight int) error {
	name := n.Name.GetToken().Value
	if name == "" || strings.IndexFunc(name, func(c rune) bool { return c != '-' && !letterDigit(c) }) >= 0 {
		return r.fail(n, "%q is no name of an anchor", name)
	}
	r.anchors[name] = anchored{v, weight}
	return nil
}

// scalar is the text of a scalar, and whether it stood without quotes.
func (r *yamlReader) scalar(n ast.Node) (text string, plain bool, err error) {
	switch n := n.(type) {
	case *ast.StringNode:
		quoted := n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
		return n.Value, !quoted, nil
	case *ast.LiteralNode:
		return n.Value.Value, false, nil
	case *ast.NullNode:
		if n.Token.Type == token.ImplicitNullType {
			return "", true, nil
		}
		return n.Token.Value, true, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode, *ast.MergeKeyNode:
		return n.GetToken().Value, true, nil
	}
	return "", false, r.fail(n, "a value was expected here")
}

func (r *yamlReader) sequence(n *ast.SequenceNode, depth int) (Value, int, error) {
	out, weight := make([]Value, 0, len(n.Values)), 1
	for _, e := range n.Values {
		if n.IsFlowStyle {
			if err := r.checkFlow(e); err != nil {
				return nil, 0, err
			}
		}
		v, w, err := r.value(e, depth+1)
		if err != nil {
			return nil, 0, err
		}
		if weight += w; weight > maxYAMLValues {
			return nil, 0, r.fail(n, "more than %d values once its aliases are written out", maxYAMLValues)
		}
		out = append(out, v)
	}
	return out, weight, nil
}

func (r *yamlReader) mapping(n ast.Node, values []*ast.MappingValueNode, depth int) (Value, int, error) {
	own, merged, weight := new(Map), new(Map), 1
	for _, e := range values {
		if _, ok := e.Key.(*ast.MergeKeyNode); ok {
			w, err := r.merge(merged, e.Value, depth)
			if err != nil {
				return nil, 0, err
			}
			weight += w
			continue
		}
		if m, ok := n.(*ast.MappingNode); ok && m.IsFlowStyle {
			if err := r.checkColon(e); err != nil {
				return nil, 0, err
			}
		}
		key, err := r.key(e.Key, depth)
		if err != nil {
			return nil, 0, err
		}
		v, w, err := r.value(e.Value, depth+1)
		if err != nil {
			return nil, 0, err
		}
		own.setKey(key, v)
		weight += w + 1
	}
	if weight > maxYAMLValues {
		return nil, 0, r.fail(n, "more than %d values once its aliases are written out", maxYAMLValues)
	}
	// PyYAML puts what << brings in before the mapping's own names.
	if merged.Len() > 0 {
		merged.Update(own)
		own = merged
	}
	return own, weight, nil
}

// merge adds what << brings: of several mappings the first has precedence.
func (r *yamlReader) merge(into *Map, n ast.Node, depth int) (int, error) {
	v, w, err := r.value(n, depth+1)
	if err != nil {
		return 0, err
	}
	switch v := v.(type) {
	case *Map:
		into.Update(v)
		return w, nil
	case []Value:
		for i := len(v) - 1; i >= 0; i-- {
			m, ok := v[i].(*Map)
			if !ok {
				return 0, r.fail(n, "<< takes mappings, found %s", kindOf(v[i]))
			}
			into.Update(m)
		}
		return w, nil
	}
	return 0, r.fail(n, "<< takes a mapping or a list of mappings, found %s", kindOf(v))
}

func (r *yamlReader) key(n ast.Node, depth int) (Value, error) {
	if k, ok := n.(*ast.MappingKeyNode); ok {
		n = k.Value
	}
	v, _, err := r.value(n, depth+1)
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case []Value, *Map:
		return nil, r.fail(n, "%s cannot be a key", kindOf(v))
	}
	return v, nil
}

func (r *yamlReader) tag(n *ast.TagNode, depth int) (Value, int, error) {
	tag := strings.Replace(n.Start.Value, "!<tag:yaml.org,2002:", "!!", 1)
	tag = strings.TrimSuffix(tag, ">")
	switch body := n.Value.(type) {
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		_, isSeq := body.(*ast.SequenceNode)
		if tag != "!" && (tag != "!!seq" || !isSeq) && (tag != "!!map" || isSeq) {
			return nil, 0, r.fail(n, "a parameter cannot have the tag %s here", tag)
		}
		return r.value(body, depth+1)
	case *ast.AnchorNode:
		v, w, err := r.tag(&ast.TagNode{BaseNode: n.BaseNode, Start: n.Start, Value: body.Value}, depth+1)
		if err == nil {
			err = r.anchor(body, v, w)
		}
		return v, w, err
	}
	text, plain := "", true
	if n.Value != nil {
		var err error
		if text, plain, err = r.scalar(n.Value); err != nil {
			return nil, 0, err
		}
	}
	if tag == "!" && plain {
		return resolvePlain(text), 1, nil
	}
	v, err := tagged(tag, text)
	if err != nil {
		return nil, 0, r.fail(n, "%v", err)
	}
	return v, 1, nil
}
