package percent

import (
	"slices"
	"strconv"
	"strings"

	"assay/nbformat"
)

// Metadata is held as nil, bool, string, number, []any and *object.

// A number is the text that Python writes for it.
type number string

// An object is a JSON object with its keys in order. A nil object is empty.
type object struct {
	keys   []string
	values map[string]any
}

func (o *object) len() int {
	if o == nil {
		return 0
	}
	return len(o.keys)
}

func (o *object) all() []string {
	if o == nil {
		return nil
	}
	return o.keys
}

func (o *object) has(key string) bool {
	if o == nil {
		return false
	}
	_, ok := o.values[key]
	return ok
}

func (o *object) get(key string) any {
	if o == nil {
		return nil
	}
	return o.values[key]
}

// text is the string at key.
func (o *object) text(key string) (string, bool) {
	s, ok := o.get(key).(string)
	return s, ok
}

// object is the object at key, nil when there is none.
func (o *object) object(key string) *object {
	sub, _ := o.get(key).(*object)
	return sub
}

// within is the object at key, made when there is none.
func (o *object) within(key string) *object {
	sub := o.object(key)
	if sub == nil {
		sub = &object{}
		o.set(key, sub)
	}
	return sub
}

func (o *object) set(key string, value any) {
	if !o.has(key) {
		o.keys = append(o.keys, key)
	}
	if o.values == nil {
		o.values = map[string]any{}
	}
	o.values[key] = value
}

func (o *object) remove(key string) {
	if o.has(key) {
		o.keys = slices.DeleteFunc(o.keys, func(k string) bool { return k == key })
		delete(o.values, key)
	}
}

// take removes the value at key and returns it.
func (o *object) take(key string) (any, bool) {
	v, ok := o.get(key), o.has(key)
	o.remove(key)
	return v, ok
}

// copy is shallow.
func (o *object) copy() *object {
	c := &object{}
	for _, k := range o.all() {
		c.set(k, o.values[k])
	}
	return c
}

// strings are the strings in the array at key.
func (o *object) strings(key string) []string {
	list, _ := o.get(key).([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// deepCopy copies what edits may reach into.
func deepCopy(v any) any {
	switch v := v.(type) {
	case *object:
		c := &object{}
		for _, k := range v.all() {
			c.set(k, deepCopy(v.values[k]))
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = deepCopy(v[i])
		}
		return c
	}
	return v
}

// truthy is Python's truth of a value.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case number:
		return strings.Trim(string(v), "0.-") != ""
	case []any:
		return len(v) > 0
	case *object:
		return v.len() > 0
	}
	return true
}

// equalValues: the same JSON, whatever the order of keys.
func equalValues(a, b any) bool {
	switch a := a.(type) {
	case *object:
		b, ok := b.(*object)
		if !ok || a.len() != b.len() {
			return false
		}
		for _, k := range a.all() {
			if !b.has(k) || !equalValues(a.values[k], b.values[k]) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equalValues)
	}
	switch b.(type) {
	case *object, []any:
		return false
	}
	return a == b
}

// fromJSON copies a value of a document.
func fromJSON(v nbformat.Value) any {
	switch v.Kind() {
	case nbformat.Bool:
		return v.Bool()
	case nbformat.String:
		return v.Text()
	case nbformat.Number:
		return canonicalNumber(string(v.Raw()))
	case nbformat.Array:
		list := []any{}
		for _, e := range v.Elems() {
			list = append(list, fromJSON(e))
		}
		return list
	case nbformat.Object:
		o := &object{}
		for k, e := range v.Members() {
			o.set(k, fromJSON(e))
		}
		return o
	}
	return nil
}

// scriptKeys are the notebook metadata that a script can be about when no
// filter asks for more: the rest, widget states among it, is not even copied.
var scriptKeys = []string{
	"jupytext", "kernelspec", "kernel_info", "orphan", "tocdepth", "language_info", "main_language", "encoding",
	"executable", "jupytext_formats", "jupytext_format_version", "nbrmd_formats", "nbrmd_format_version",
}

// unshownKeys no script has: nbformat drops them whenever it reads or writes a
// notebook, or they are facts about runs and pairs of our own.
var unshownKeys = []string{"orig_nbformat", "orig_nbformat_minor", "signature", "assay"}

func notebookObject(v nbformat.Value, all bool) *object {
	o := &object{}
	if v.Kind() != nbformat.Object {
		return o
	}
	for k, e := range v.Members() {
		if all && !slices.Contains(unshownKeys, k) || slices.Contains(scriptKeys, k) {
			o.set(k, fromJSON(e))
		}
	}
	return o
}

func cellObject(v nbformat.Value) *object {
	o := &object{}
	if v.Kind() != nbformat.Object {
		return o
	}
	for k, e := range v.Members() {
		if k != "trusted" {
			o.set(k, fromJSON(e))
		}
	}
	return o
}

func intText(n int) number { return number(strconv.Itoa(n)) }

// asText is a value inside a line of text.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case nil:
		return "None"
	}
	return string(appendASCII(nil, v))
}

// asInt is a whole number, 0 for anything else.
func asInt(v any) int {
	switch v := v.(type) {
	case number:
		n, _ := strconv.Atoi(string(v))
		return n
	case bool:
		if v {
			return 1
		}
	}
	return 0
}
