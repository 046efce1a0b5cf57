package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"

	"assay/events"
)

// Events is the store as the canonical store of events and of their cursors.
// It is a type of its own because the log has an Append too.
type Events struct{ s *Store }

// Events returns the events' side of the store.
func (s *Store) Events() *Events { return &Events{s} }

var (
	_ events.Store       = (*Events)(nil)
	_ events.OutboxStore = (*Events)(nil)
)

// Append implements events.Store.
func (v *Events) Append(ctx context.Context, es ...events.Event) (out []events.Event, err error) {
	encoded, err := encodeEvents(es)
	if err != nil || len(es) == 0 {
		return nil, err
	}
	if v.s.o.ReadOnly {
		return nil, ErrReadOnly
	}
	if _, err := v.s.digests(ctx); err != nil {
		return nil, err
	}
	err = v.s.write(ctx, func(t *tx) error {
		out, err = t.appendEvents(es, encoded)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func encodeEvents(es []events.Event) ([][]byte, error) {
	encoded := make([][]byte, len(es))
	for i, e := range es {
		b, err := e.Encode()
		if err != nil {
			return nil, fmt.Errorf("append event %q: %w", e.ID, err)
		}
		encoded[i] = b
	}
	return encoded, nil
}

// appendEvents keeps events in the transaction; encoded are their bytes. The
// turn is taken after the log's where both are needed, and held until the
// commit: that is what makes Seq grow in the order of commits.
func (t *tx) appendEvents(es []events.Event, encoded [][]byte) ([]events.Event, error) {
	keyed, err := t.digests()
	if err != nil {
		return nil, err
	}
	if err := t.turn("event"); err != nil {
		return nil, err
	}
	var last int64
	if err := t.one("SELECT coalesce(max(seq), 0) FROM event", nil, &last); err != nil {
		return nil, err
	}
	out := make([]events.Event, len(es))
	fresh := map[string]int{}
	var rows, fields [][]any
	for i, e := range es {
		digest := keyed.event(encoded[i])
		if at, ok := fresh[e.ID]; ok {
			if !bytes.Equal(encoded[at], encoded[i]) {
				return nil, fmt.Errorf("append event %q: %w", e.ID, events.ErrConflict)
			}
			out[i] = out[at]
			continue
		}
		switch have, err := t.stored(e.ID, digest); {
		case err == nil:
			out[i] = have
			continue
		case !noRow(err):
			return nil, err
		}
		fresh[e.ID] = i
		last++
		sealed, err := t.s.codec.Seal(e, encoded[i])
		if err != nil {
			return nil, fmt.Errorf("seal event %q: %w", e.ID, err)
		}
		rows = append(rows, []any{last, e.ID, orNull(e.Trace), orNull(e.Task), orNull(e.Parent), e.Type, orNull(e.Source), digest, int64(0), sealed})
		for name, value := range e.Ctx() {
			fields = append(fields, []any{name, keyed.field(name, value), last})
		}
		if out[i], err = events.Parse(encoded[i]); err != nil {
			return nil, fmt.Errorf("append event %q: %w", e.ID, err)
		}
		out[i].Seq = last
	}
	if len(rows) == 0 {
		return out, nil
	}
	if err := t.s.e.insert(t, "event", []string{"seq", "id", "trace", "task", "parent", "type", "source", "digest", "erased", "data"}, rows); err != nil {
		return nil, err
	}
	return out, t.s.e.insert(t, "event_field", []string{"name", "value", "seq"}, fields)
}

// stored is the event that has the id already; ErrConflict when it was another.
// Of one that was erased nobody can tell any more.
func (t *tx) stored(id string, digest []byte) (events.Event, error) {
	var have []byte
	var erased int64
	r := eventRow{}
	err := t.one("SELECT digest, erased, "+eventColumns+" FROM event WHERE id = ?", []any{id}, append([]any{&have, &erased}, r.dest()...)...)
	if err != nil {
		return events.Event{}, err
	}
	if erased == 0 && !bytes.Equal(have, digest) {
		return events.Event{}, fmt.Errorf("append event %q: %w", id, events.ErrConflict)
	}
	return t.s.openEvent(r)
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

const eventColumns = "seq, id, trace, task, parent, type, source, data"

// eventRow is a row of the table event.
type eventRow struct {
	seq                         int64
	id, typ                     string
	trace, task, parent, source sql.NullString
	data                        []byte
}

func (r *eventRow) dest() []any {
	return []any{&r.seq, &r.id, &r.trace, &r.task, &r.parent, &r.typ, &r.source, &r.data}
}

// columns is the event as far as its columns tell it, which is what its bytes are sealed to.
func (r *eventRow) columns() events.Event {
	return events.Event{
		Seq: r.seq, ID: r.id, Trace: r.trace.String, Task: r.task.String, Parent: r.parent.String, Type: r.typ, Source: r.source.String,
	}
}

func (s *Store) openEvent(r eventRow) (events.Event, error) {
	b, err := s.codec.Open(r.columns(), r.data)
	if err != nil {
		return events.Event{}, fmt.Errorf("open event %d: %w", r.seq, err)
	}
	e, err := events.Parse(b)
	if err != nil {
		return events.Event{}, fmt.Errorf("read event %d: %w", r.seq, err)
	}
	e.Seq = r.seq
	return e, nil
}

// Query implements events.Store.
func (v *Events) Query(ctx context.Context, f events.Filter, after int64, limit int) ([]events.Event, error) {
	where, args, err := v.s.filterSQL(ctx, f)
	if err != nil {
		return nil, err
	}
	if limit < 1 {
		limit = 500
	}
	var out []events.Event
	err = v.s.rows(ctx, "SELECT "+eventColumns+" FROM event WHERE seq > ?"+where+" ORDER BY seq LIMIT ?",
		append(append([]any{after}, args...), limit), func(rows *sql.Rows) error {
			r := eventRow{}
			if err := rows.Scan(r.dest()...); err != nil {
				return err
			}
			e, err := v.s.openEvent(r)
			out = append(out, e)
			return err
		})
	return out, err
}

// filterSQL is the filter as SQL, each condition after an AND.
func (s *Store) filterSQL(ctx context.Context, f events.Filter) (where string, args []any, err error) {
	if err := f.Check(); err != nil {
		return "", nil, err
	}
	columns := map[string]string{"event_id": "id", "trace_id": "trace", "task_id": "task", "parent_id": "parent", "type": "type", "source": "source"}
	var b strings.Builder
	for _, name := range f.Names() {
		want := f[name]
		column, own := columns[name]
		switch {
		case own && want == nil:
			b.WriteString(" AND " + column + " IS NULL")
		case own:
			b.WriteString(" AND " + column + " = ?")
			args = append(args, strings.ToValidUTF8(strings.ReplaceAll(*want, "\x00", "\ufffd"), "\ufffd"))
		case want == nil:
			b.WriteString(" AND NOT EXISTS (SELECT 1 FROM event_field f WHERE f.name = ? AND f.seq = event.seq)")
			args = append(args, name)
		default:
			b.WriteString(" AND seq IN (SELECT f.seq FROM event_field f WHERE f.name = ? AND f.value = ?)")
			keyed, err := s.digests(ctx)
			if err != nil {
				return "", nil, err
			}
			args = append(args, name, keyed.field(name, *want))
		}
	}
	return b.String(), args, nil
}

// Count implements events.Store.
func (v *Events) Count(ctx context.Context, f events.Filter) (n int64, err error) {
	where, args, err := v.s.filterSQL(ctx, f)
	if err != nil {
		return 0, err
	}
	return n, v.s.one(ctx, "SELECT count(*) FROM event WHERE 1 = 1"+where, args, &n)
}

// Seq implements events.Store.
func (v *Events) Seq(ctx context.Context, id string) (seq int64, err error) {
	err = v.s.one(ctx, "SELECT seq FROM event WHERE id = ?", []any{id}, &seq)
	if noRow(err) {
		return 0, fmt.Errorf("event %q: %w", id, events.ErrNotFound)
	}
	return seq, err
}

// Last implements events.Store.
func (v *Events) Last(ctx context.Context) (seq int64, err error) {
	return seq, v.s.one(ctx, "SELECT coalesce(max(seq), 0) FROM event", nil, &seq)
}
