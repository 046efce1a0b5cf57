package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxPayload is the size of the largest payload that is kept, in bytes: what is
// larger belongs in a blob that the event names.
const MaxPayload = 1 << 20

const maxColumn = 512 // bytes of one of the event's strings

// Check refuses what must not be kept: no id, a type outside the two
// namespaces, a time that RFC 3339 cannot say, control characters or more than
// 512 bytes in a column, a payload that is no JSON object, is larger than
// MaxPayload, names a member twice or is not UTF-8.
func (e Event) Check() error {
	for _, c := range e.columns() {
		switch {
		case len(c.value) > maxColumn:
			return fmt.Errorf("%w: %s has %d bytes; at most %d are allowed", ErrInvalid, c.name, len(c.value), maxColumn)
		case !utf8.ValidString(c.value) || strings.ContainsFunc(c.value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return fmt.Errorf("%w: %s %q is not plain text", ErrInvalid, c.name, c.value)
		}
	}
	switch year := e.Time.UTC().Year(); {
	case e.ID == "":
		return fmt.Errorf("%w: it has no event_id", ErrInvalid)
	case !validType(e.Type):
		return fmt.Errorf("%w: type %q is no dotted name below harness or data", ErrInvalid, e.Type)
	case year < 1 || year > 9999:
		return fmt.Errorf("%w: its time is in the year %d", ErrInvalid, year)
	case len(e.Payload) > MaxPayload:
		return fmt.Errorf("%w: the payload has %d bytes; at most %d are allowed", ErrInvalid, len(e.Payload), MaxPayload)
	}
	return checkObject(e.Payload)
}

type column struct{ name, value string }

func (e Event) columns() [6]column {
	return [...]column{
		{"event_id", e.ID},
		{"trace_id", e.Trace},
		{"task_id", e.Task},
		{"parent_id", e.Parent},
		{"type", e.Type},
		{"source", e.Source},
	}
}

func validType(t string) bool {
	rest, ok := strings.CutPrefix(t, "harness.")
	if !ok {
		rest, ok = strings.CutPrefix(t, "data.")
	}
	return ok && rest != "" && !strings.HasSuffix(rest, ".") && !strings.ContainsAny(rest, " \"\\")
}

func checkObject(b []byte) error {
	if len(b) == 0 {
		return nil // written as {}
	}
	v := jsontext.Value(b)
	if v.Kind() != '{' || !v.IsValid() || v[0] != '{' || v[len(v)-1] != '}' {
		return fmt.Errorf("%w: the payload is not one JSON object in UTF-8 with each name once", ErrInvalid)
	}
	return nil
}

// Encode returns the event's bytes, the ones that are kept and hashed; Parse is
// its inverse. The same event always gives the same bytes.
func (e Event) Encode() ([]byte, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 256+len(e.Payload))
	b = append(b, '{')
	member := func(name, value string) {
		if value == "" {
			return
		}
		b = append(b, '"')
		b = append(append(b, name...), `":`...)
		b, _ = jsontext.AppendQuote(b, value) // Check has seen that it is UTF-8
		b = append(b, ',')
	}
	member("event_id", e.ID)
	member("trace_id", e.Trace)
	member("task_id", e.Task)
	member("parent_id", e.Parent)
	member("type", e.Type)
	member("ts", e.Time.UTC().Format(time.RFC3339Nano))
	member("source", e.Source)
	b = append(b, `"payload":`...)
	if len(e.Payload) == 0 {
		b = append(b, "{}"...)
	}
	b = append(b, e.Payload...)
	b = append(b, `,"schema_version":`...)
	b = strconv.AppendInt(b, int64(e.Version), 10)
	return append(b, '}'), nil
}

// Parse reads what Encode wrote, and what zu-core writes, whose own members
// (hash, prev_hash, sig) it passes over. Member names are exact and each stands
// at most once. Errors wrap ErrInvalid.
func Parse(b []byte) (Event, error) {
	e, err := parse(b)
	if err != nil {
		if !errors.Is(err, ErrInvalid) {
			err = fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		return Event{}, err
	}
	return e, e.Check()
}

func parse(b []byte) (e Event, err error) {
	missing := map[string]bool{"event_id": true, "type": true, "ts": true, "payload": true, "schema_version": true}
	err = eachMember(b, func(name string, v jsontext.Value) error {
		delete(missing, name)
		switch name {
		case "event_id":
			return text(v, &e.ID)
		case "trace_id":
			return text(v, &e.Trace)
		case "task_id":
			return text(v, &e.Task)
		case "parent_id":
			return text(v, &e.Parent)
		case "type":
			return text(v, &e.Type)
		case "source":
			return text(v, &e.Source)
		case "payload":
			e.Payload = json.RawMessage(bytes.Clone(v))
		case "schema_version":
			e.Version, err = strconv.Atoi(string(v))
		case "ts":
			var s string
			if err = text(v, &s); err == nil {
				e.Time, err = time.Parse(time.RFC3339Nano, s)
				e.Time = e.Time.UTC()
			}
		}
		return err
	})
	for name := range missing {
		if err == nil {
			err = errors.New("it has no " + name)
		}
	}
	return e, err
}

// eachMember calls visit for each member of the one object that b is.
func eachMember(b []byte, visit func(name string, v jsontext.Value) error) error {
	d := jsontext.NewDecoder(bytes.NewReader(b))
	tok, err := d.ReadToken()
	if err != nil {
		return err
	}
	if tok.Kind() != '{' {
		return errors.New("it is not a JSON object")
	}
	for d.PeekKind() != '}' {
		tok, err := d.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		v, err := d.ReadValue()
		if err != nil {
			return err
		}
		if err := visit(name, v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return errors.New("something follows the object")
	}
	return nil
}

func text(v jsontext.Value, to *string) error {
	switch v.Kind() {
	case 'n':
		return nil
	case '"':
		s, err := jsontext.AppendUnquote(nil, v)
		*to = string(s)
		return err
	}
	return fmt.Errorf("%s is not a string", v)
}
