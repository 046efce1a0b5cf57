package percent

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parseYAML reads one YAML document with the scalars of YAML 1.1, as PyYAML's
// safe_load does. The library reads the syntax; what a plain scalar is, is
// decided here, since the library follows YAML 1.2.
func parseYAML(text string) (any, error) {
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(line)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, nil
	}
	r := &yamlReader{anchors: map[string]any{}}
	return r.value(file.Docs[0].Body, 0)
}

// maxAliased bounds the values that aliases stand for, all together.
const maxAliased = 10_000

type yamlReader struct {
	anchors map[string]any
	aliased int
}

// size counts the values within v.
func size(v any) int {
	n := 1
	switch v := v.(type) {
	case *object:
		for _, k := range v.all() {
			n += size(v.values[k])
		}
	case []any:
		for _, e := range v {
			n += size(e)
		}
	}
	return n
}

func (r *yamlReader) value(n ast.Node, depth int) (any, error) {
	if depth > maxNesting {
		return nil, errors.New("yaml nested too deep")
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.mapping(n.Values, depth)
	case *ast.MappingValueNode:
		return r.mapping([]*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		list := make([]any, 0, len(n.Values))
		for _, e := range n.Values {
			v, err := r.value(e, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.AnchorNode:
		v, err := r.value(n.Value, depth+1)
		r.anchors[n.Name.GetToken().Value] = v
		return v, err
	case *ast.AliasNode:
		v, ok := r.anchors[n.Value.GetToken().Value]
		if !ok {
			return nil, fmt.Errorf("yaml alias %s of nothing", n.Value.GetToken().Value)
		}
		if r.aliased += size(v); r.aliased > maxAliased {
			return nil, errors.New("yaml aliases stand for too much")
		}
		return deepCopy(v), nil
	case ast.ScalarNode:
		return scalarValue(n), nil
	}
	return nil, fmt.Errorf("yaml %s is not supported in a header", n.Type())
}

func scalarValue(n ast.ScalarNode) any {
	if _, null := n.(*ast.NullNode); null {
		return nil
	}
	t := n.GetToken()
	if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType {
		return t.Value
	}
	if v, other := resolvePlain(t.Value); other {
		return v
	}
	return t.Value
}

func (r *yamlReader) mapping(members []*ast.MappingValueNode, depth int) (any, error) {
	o := &object{}
	for _, m := range members {
		var key ast.Node = m.Key
		if k, ok := key.(*ast.MappingKeyNode); ok {
			key = k.Value
		}
		k, err := r.value(key, depth+1)
		if err != nil {
			return nil, err
		}
		v, err := r.value(m.Value, depth+1)
		if err != nil {
			return nil, err
		}
		name, isText := k.(string)
		if !isText {
			name = string(appendASCII(nil, k))
		}
		o.set(name, v)
	}
	return o, nil
}
