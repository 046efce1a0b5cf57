package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/events"
)

// nanos keeps a time as nanoseconds since 1970; 0 is the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// words makes text of what may be any bytes, as an error's words can be: a
// database keeps UTF-8 without zeros only.
func words(s string, limit int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\ufffd"), "\ufffd")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return s
}

const cursorColumns = "destination, seq, failures, next_try, last_error, delivered, dropped"

func scanCursor(scan func(...any) error, more ...any) (c events.Cursor, err error) {
	var next int64
	err = scan(append([]any{&c.Destination, &c.Seq, &c.Failures, &next, &c.LastError, &c.Delivered, &c.Dropped}, more...)...)
	c.NextTry = fromNanos(next)
	return c, err
}

// Begin implements events.OutboxStore.
func (v *Events) Begin(ctx context.Context, destination string, seq int64) error {
	return v.s.write(ctx, func(t *tx) error { return t.beginCursor(destination, seq) })
}

func (t *tx) beginCursor(destination string, seq int64) error {
	_, err := t.exec("INSERT INTO outbox ("+cursorColumns+", owner, until) VALUES (?, ?, 0, 0, '', 0, 0, '', 0) ON CONFLICT (destination) DO NOTHING", destination, seq)
	return err
}

// Lease implements events.OutboxStore.
func (v *Events) Lease(ctx context.Context, destination, owner string, d time.Duration) (c events.Cursor, err error) {
	var free bool
	err = v.s.write(ctx, func(t *tx) error {
		if err := t.beginCursor(destination, 0); err != nil {
			return err
		}
		// Who comes second waits here for the first's commit, and sees it.
		if _, err := t.exec("UPDATE outbox SET seq = seq WHERE destination = ?", destination); err != nil {
			return err
		}
		var holder string
		var held int64
		c, err = scanCursor(func(dest ...any) error {
			return t.one("SELECT "+cursorColumns+", owner, until FROM outbox WHERE destination = ?", []any{destination}, dest...)
		}, &holder, &held)
		if err != nil {
			return err
		}
		now, err := t.s.e.now(t) // only now: the wait for the row took its time too
		if err != nil {
			return err
		}
		var until time.Time
		if until, free = events.LeaseUntil(holder, fromNanos(held), owner, now, d); free {
			holder = owner
		}
		if nanos(until) == held { // somebody else's, as it stands
			return nil
		}
		_, err = t.exec("UPDATE outbox SET owner = ?, until = ? WHERE destination = ?", holder, nanos(until), destination)
		return err
	})
	if err == nil && !free {
		err = fmt.Errorf("lease %s: %w", destination, events.ErrLeased)
	}
	if err != nil {
		return events.Cursor{}, err
	}
	return c, nil
}

// Advance implements events.OutboxStore.
func (v *Events) Advance(ctx context.Context, destination, owner string, c events.Cursor) error {
	return v.s.write(ctx, func(t *tx) error {
		n, err := t.exec("UPDATE outbox SET seq = ?, failures = ?, next_try = ?, last_error = ?, delivered = ?, dropped = ? WHERE destination = ? AND owner = ?",
			c.Seq, c.Failures, nanos(c.NextTry), words(c.LastError, 500), c.Delivered, c.Dropped, destination, owner)
		if err == nil && n == 0 {
			err = fmt.Errorf("advance %s: %w", destination, events.ErrLeased)
		}
		return err
	})
}

// Release implements events.OutboxStore.
func (v *Events) Release(ctx context.Context, destination, owner string) error {
	return v.s.write(ctx, func(t *tx) error {
		_, err := t.exec("UPDATE outbox SET owner = '', until = 0 WHERE destination = ? AND owner = ?", destination, owner)
		return err
	})
}

// Status implements events.OutboxStore.
func (v *Events) Status(ctx context.Context) (out []events.Cursor, err error) {
	err = v.s.rows(ctx, "SELECT "+cursorColumns+" FROM outbox ORDER BY destination", nil, func(r *sql.Rows) error {
		c, err := scanCursor(r.Scan)
		out = append(out, c)
		return err
	})
	return out, err
}

// Dead implements events.OutboxStore.
func (v *Events) Dead(ctx context.Context, destination string, e events.Event, why string, at time.Time) error {
	encoded, err := e.Encode()
	if err != nil {
		return err
	}
	sealed, err := v.s.seal("dead", e.ID, encoded)
	if err != nil {
		return err
	}
	return v.s.write(ctx, func(t *tx) error {
		if err := t.turn("event"); err != nil {
			return err
		}
		var n, same int64
		if err := t.one("SELECT coalesce(max(n), 0) FROM dead", nil, &n); err != nil {
			return err
		}
		if err := t.one("SELECT count(*) FROM dead WHERE destination = ? AND event = ?", []any{destination, e.ID}, &same); err != nil || same > 0 {
			return err
		}
		_, err := t.exec("INSERT INTO dead (n, destination, event, why, at, data) VALUES (?, ?, ?, ?, ?, ?)",
			n+1, destination, e.ID, words(why, 2000), nanos(at), sealed)
		return err
	})
}

// Letters implements events.OutboxStore.
func (v *Events) Letters(ctx context.Context, destination string, limit int) (out []events.DeadLetter, err error) {
	query := "SELECT d.destination, d.why, d.at, d.event, d.data, coalesce(e.seq, 0) FROM dead d LEFT JOIN event e ON e.id = d.event"
	var args []any
	if destination != "" {
		query, args = query+" WHERE d.destination = ?", []any{destination}
	}
	err = v.s.rows(ctx, query+" ORDER BY d.n DESC LIMIT ?", append(args, limit), func(rows *sql.Rows) error {
		var l events.DeadLetter
		var at, seq int64
		var id string
		var sealed []byte
		if err := rows.Scan(&l.Destination, &l.Why, &at, &id, &sealed, &seq); err != nil {
			return err
		}
		b, err := v.s.unseal("dead", id, sealed)
		if err != nil {
			return err
		}
		if l.Event, err = events.Parse(b); err != nil {
			return fmt.Errorf("read dead letter %s: %w", id, err)
		}
		l.Time, l.Event.Seq = fromNanos(at), seq
		out = append(out, l)
		return nil
	})
	return out, err
}

// CountBetween implements events.Store.
func (v *Events) CountBetween(ctx context.Context, f events.Filter, after, upTo int64) (n int64, err error) {
	where, args, err := v.s.filterSQL(ctx, f)
	if err != nil {
		return 0, err
	}
	return n, v.s.one(ctx, "SELECT count(*) FROM event WHERE seq > ? AND seq <= ?"+probing(where), append([]any{after, upTo}, args...), &n)
}

// Newest implements events.Store.
func (v *Events) Newest(ctx context.Context, f events.Filter, after, upTo int64, limit int) (out []events.Event, err error) {
	where, args, err := v.s.filterSQL(ctx, f)
	if err != nil || limit < 1 {
		return nil, err
	}
	err = v.s.rows(ctx, "SELECT "+eventColumns+" FROM event WHERE seq > ? AND seq <= ?"+probing(where)+" ORDER BY seq DESC LIMIT ?",
		append(append([]any{after, upTo}, args...), limit), func(rows *sql.Rows) error {
			r := eventRow{}
			if err := rows.Scan(r.dest()...); err != nil {
				return err
			}
			e, err := v.s.openEvent(r)
			out = append(out, e)
			return err
		})
	slices.Reverse(out)
	return out, err
}

// probing is filterSQL's conditions for a part of the store that is walked
// anyway: each event is looked up, no list of all that have the field is made.
func probing(where string) string {
	return strings.ReplaceAll(where, "seq IN (SELECT f.seq FROM event_field f WHERE f.name = ? AND f.value = ?)",
		"EXISTS (SELECT 1 FROM event_field f WHERE f.name = ? AND f.value = ? AND f.seq = event.seq)")
}
