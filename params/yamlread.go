package params

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// yamlReader makes values of the parser's nodes.
type yamlReader struct {
	anchors map[string]anchored
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
