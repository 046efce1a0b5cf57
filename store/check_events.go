package store

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/audit"
	"assay/events"
)

// events compares each event's columns, digest and fields with its bytes.
func (c *check) events() error {
	var last int64
	query := "SELECT " + eventColumns + `, digest, erased,
		(SELECT ` + c.s.e.joined("f.name || ' ' || "+c.s.e.hex("f.value")) + ` FROM event_field f WHERE f.seq = event.seq) FROM event ORDER BY seq`
	return c.each(query, func(rows *sql.Rows) error {
		r := eventRow{}
		var digest []byte
		var erased int64
		var fields sql.NullString
		if err := rows.Scan(append(r.dest(), &digest, &erased, &fields)...); err != nil {
			return err
		}
		c.report.Events++
		if r.seq != last+1 {
			c.wrong("event", r.seq, "the one before it is %d: events are missing", last)
		}
		last = r.seq
		e, err := c.s.openEvent(r)
		if err != nil {
			c.wrong("event", r.seq, "%v", err)
			return nil
		}
		c.event(r, e, digest, erased != 0, fields.String)
		return nil
	})
}

func (c *check) event(r eventRow, e events.Event, digest []byte, erased bool, fields string) {
	want := r.columns()
	for _, d := range []struct{ name, column, bytes string }{
		{"id", want.ID, e.ID},
		{"trace", want.Trace, e.Trace},
		{"task", want.Task, e.Task},
		{"parent", want.Parent, e.Parent},
		{"type", want.Type, e.Type},
		{"source", want.Source, e.Source},
	} {
		if d.column != d.bytes {
			c.wrong("event", r.seq, "its %s is %q, its bytes say %q", d.name, d.column, d.bytes)
		}
	}
	encoded, err := e.Encode()
	have := c.keyed.event(encoded)
	switch {
	case err != nil:
		c.wrong("event", r.seq, "%v", err)
	case !erased && !bytes.Equal(digest, have):
		c.wrong("event", r.seq, "its bytes have the digest %x, and had %x", have, digest)
	case erased && (string(e.Payload) != string(erasedPayload(len(e.Payload))) || !bytes.Equal(digest, noDigest())):
		c.wrong("event", r.seq, "it counts as erased, and its payload is still there")
	case erased && !c.empty[e.Task]:
		c.wrong("event", r.seq, "it is erased, and of run %q nothing else is", e.Task)
	}
	var expected []string
	if !erased {
		for name, value := range e.Ctx() {
			expected = append(expected, fmt.Sprintf("%s %x", name, c.keyed.field(name, value)))
		}
	}
	found := strings.FieldsFunc(fields, func(r rune) bool { return r == '\n' })
	slices.Sort(expected)
	slices.Sort(found)
	if !slices.Equal(expected, found) {
		c.wrong("event_field", r.seq, "its fields are %q, those of its bytes %q", found, expected)
	}
}

func (c *check) fields() error {
	return c.each("SELECT f.name, f.seq FROM event_field f LEFT JOIN event e ON e.seq = f.seq WHERE e.seq IS NULL ORDER BY f.seq", func(r *sql.Rows) error {
		var name string
		var seq int64
		err := r.Scan(&name, &seq)
		c.wrong("event_field", seq, "%s is of an event that is not there", name)
		return err
	})
}

// eventDigests compares the events of each run with what its entry says of them.
func (c *check) eventDigests() error {
	var task string
	var encoded [][]byte
	erased := false
	seen := map[string]bool{}
	end := func() {
		facts := c.facts[task].events
		if task == "" || facts == nil {
			return
		}
		seen[task] = true
		// What came after the run's end, such as its row's event, is no part of it.
		encoded = encoded[:min(int64(len(encoded)), facts.Count)]
		switch {
		case erased:
		case int64(len(encoded)) != facts.Count:
			c.wrong("event", "of "+task, "there are %d, and the run's entry says %d", len(encoded), facts.Count)
		case audit.EventsDigest(encoded) != facts.Digest:
			c.wrong("event", "of "+task, "they have the digest %s, and the run's entry says %s", audit.EventsDigest(encoded), facts.Digest)
		}
	}
	err := c.each("SELECT "+eventColumns+", erased FROM event WHERE task IS NOT NULL AND type <> ? ORDER BY task, seq", func(rows *sql.Rows) error {
		r := eventRow{}
		var gone int64
		if err := rows.Scan(append(r.dest(), &gone)...); err != nil {
			return err
		}
		if r.task.String != task {
			end()
			task, encoded, erased = r.task.String, nil, false
		}
		erased = erased || gone != 0
		if e, err := c.s.openEvent(r); err == nil { // events has said what is wrong
			b, _ := e.Encode()
			encoded = append(encoded, b)
		}
		return nil
	}, events.TypeStageCompleted)
	end()
	for _, id := range slices.Sorted(maps.Keys(c.facts)) {
		if f := c.facts[id].events; f != nil && f.Count > 0 && !seen[id] {
			c.wrong("event", "of "+id, "there are none, and the run's entry says %d", f.Count)
		}
	}
	return err
}
