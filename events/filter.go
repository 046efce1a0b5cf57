package events

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrFilter is wrapped by what Filter.Check says.
var ErrFilter = errors.New("unknown filter field")

// Filter names fields and the values they must have; all must match, exactly. A
// nil value asks that the field say nothing. The names are zu-core's event_id,
// trace_id, task_id, parent_id, type and source, and, from the payload's object
// "ctx", run_id, notebook, schedule_id, actor and slug. A nil Filter matches all.
type Filter map[string]*string

// FilterFields returns the names that a Filter may have: first the event's own
// columns, then those of the payload's ctx.
func FilterFields() (columns, ctx []string) {
	return []string{"event_id", "trace_id", "task_id", "parent_id", "type", "source"},
		[]string{"run_id", "notebook", "schedule_id", "actor", "slug"}
}

// Check refuses a name that is not allowed, and lists those that are.
func (f Filter) Check() error {
	columns, ctx := FilterFields()
	all := append(columns, ctx...)
	for _, name := range f.Names() {
		if !slices.Contains(all, name) {
			slices.Sort(all)
			return fmt.Errorf("%w: %q; allowed: %s", ErrFilter, name, strings.Join(all, ", "))
		}
	}
	return nil
}

// Names returns the filter's names, sorted.
func (f Filter) Names() []string {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Match says whether the event has what the filter asks. A name that is not
// allowed matches nothing.
func (f Filter) Match(e Event) bool {
	for name, want := range f {
		got, ok := e.Field(name)
		if ok != (want != nil) || ok && got != *want {
			return false
		}
		if !ok && (Filter{name: nil}).Check() != nil {
			return false
		}
	}
	return true
}

// Field returns the value that a filter sees under name; ok is false where the
// event says nothing there. A value of ctx that is no string is its JSON text;
// null, an empty string, an object, an array and what has a NUL byte or more
// than 512 bytes say nothing. A store that has columns for the fields fills
// them from here, NULL where ok is false.
func (e Event) Field(name string) (value string, ok bool) {
	for _, c := range e.columns() {
		if c.name == name {
			return c.value, c.value != ""
		}
	}
	value, ok = e.Ctx()[name]
	return value, ok
}

// Ctx returns the fields of the payload's ctx that a filter may name and that
// say something: one walk for all of them.
func (e Event) Ctx() map[string]string {
	if !bytes.Contains(e.Payload, []byte(`"ctx"`)) {
		return nil
	}
	_, names := FilterFields()
	out := map[string]string{}
	// What cannot be read says nothing; Check has refused it before it could be stored.
	_ = eachMember(e.Payload, func(name string, v jsontext.Value) error {
		if name != "ctx" || v.Kind() != '{' {
			return nil
		}
		return eachMember(v, func(name string, v jsontext.Value) error {
			if s := scalar(v); s != "" && slices.Contains(names, name) {
				out[name] = s
			}
			return nil
		})
	})
	return out
}

func scalar(v jsontext.Value) string {
	var s string
	switch v.Kind() {
	case '{', '[', 'n':
		return ""
	case '"':
		if text(v, &s) != nil {
			return ""
		}
	default:
		s = string(v)
	}
	if len(s) > maxColumn || strings.ContainsRune(s, 0) {
		return ""
	}
	return s
}
