package store

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"assay/events"
	"assay/observer"
)

// chains follows the observer's chains link by link.
func (c *check) chains() error {
	heads, ends := map[string]observer.Head{}, map[string]observer.Head{}
	err := c.each("SELECT slug, origin, clock, genesis, zeqond, row_hash, n FROM chain", func(r *sql.Rows) error {
		var h observer.Head
		if err := r.Scan(headDest(&h)...); err != nil {
			return err
		}
		heads[h.Slug] = h
		ends[h.Slug] = observer.Head{
			Slug: h.Slug, Origin: h.Origin, Clock: h.Clock, Genesis: h.Genesis, Zeqond: h.Genesis, RowHash: observer.GenesisHash(h.Origin, h.Genesis),
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = c.each(`SELECT l.slug, l.zeqond, l.type, l.task, l.event, l.erased, l.data, e.digest, e.erased FROM link l LEFT JOIN event e ON e.id = l.event
		ORDER BY l.slug, l.zeqond`, func(r *sql.Rows) error {
		var l linkRow
		if err := r.Scan(&l.slug, &l.zeqond, &l.typ, &l.task, &l.event, &l.erased, &l.data, &l.digest, &l.eventErased); err != nil {
			return err
		}
		c.report.Rows++
		head, ok := ends[l.slug]
		if !ok {
			c.wrong("link", l.key(), "there is no chain %q", l.slug)
			return nil
		}
		row, err := c.link(l)
		if err != nil {
			c.wrong("link", l.key(), "%v", err)
			return nil
		}
		if head, err = observer.Follow(head, row); err != nil {
			c.wrong("link", l.key(), "%v", err)
			// The rest of the chain is held against this row, not against what it should have been.
			head.Zeqond, head.RowHash, head.Rows = row.Zeqond, row.Hash(), head.Rows+1
		}
		ends[l.slug] = head
		return nil
	})
	for _, slug := range slices.Sorted(maps.Keys(heads)) {
		if heads[slug] != ends[slug] {
			c.wrong("chain", slug, "its head is %+v, that of its rows %+v", heads[slug], ends[slug])
		}
	}
	return err
}

type linkRow struct {
	slug, typ, event string
	zeqond, erased   int64
	task             sql.NullString
	data, digest     []byte
	eventErased      sql.NullInt64
}

func (l *linkRow) key() string { return rowID(l.slug, l.zeqond) }

// link reads a row and compares it with its columns and its event.
func (c *check) link(l linkRow) (row observer.Row, err error) {
	b, err := c.s.unseal("link", l.key(), l.data)
	if err != nil {
		return row, err
	}
	if row, err = observer.ParseRow(b); err != nil {
		return row, err
	}
	e, err := row.Event()
	if err != nil {
		return row, err
	}
	encoded, err := e.Encode()
	again, _ := row.Encode()
	switch {
	case err != nil:
	case row.Slug != l.slug || row.Zeqond != l.zeqond || row.Type != l.typ || row.Task != l.task.String || e.ID != l.event:
		err = fmt.Errorf("its columns are %s %d %s %q %s, its bytes say %s %d %s %q %s",
			l.slug, l.zeqond, l.typ, l.task.String, l.event, row.Slug, row.Zeqond, row.Type, row.Task, e.ID)
	case l.digest == nil:
		err = fmt.Errorf("its event %s is not there", l.event)
	case (l.erased != 0) != (l.eventErased.Int64 != 0):
		err = fmt.Errorf("it and its event %s differ in whether they were erased", l.event)
	case l.erased != 0 && (row.Meta != nil || row.Observation != ""):
		err = fmt.Errorf("it counts as erased, and is still there")
	case l.erased == 0 && !bytes.Equal(l.digest, c.keyed.event(encoded)):
		err = fmt.Errorf("it is not the row that its event %s has", l.event)
	case l.erased == 0 && string(again) != string(b):
		err = fmt.Errorf("its bytes are not as they were written")
	}
	return row, err
}

// runs compares rows with their columns, their keys and their entries.
func (c *check) runs() error {
	var last int64
	err := c.each("SELECT r.n, r.id, r.state, r.cause, r.created, r.ended, r.erased, r.data, k.key FROM run r LEFT JOIN run_key k ON k.n = r.n ORDER BY r.n", func(rows *sql.Rows) error {
		var n, created, ended, erased int64
		var id, state, cause string
		var data, key []byte
		if err := rows.Scan(&n, &id, &state, &cause, &created, &ended, &erased, &data, &key); err != nil {
			return err
		}
		c.report.Runs++
		if n != last+1 {
			c.wrong("run", id, "the row before it has number %d, this one %d: rows are missing", last, n)
		}
		last = n
		run, err := c.s.openRun(id, key, data)
		if err != nil {
			c.wrong("run", id, "%v", err)
			return nil
		}
		facts := c.facts[id].result
		switch {
		case run.ID != id || string(run.State) != state || string(run.Trigger) != cause || nanos(run.Created) != created || nanos(run.Ended) != ended:
			c.wrong("run", id, "its columns are %s %s %d %d, its bytes say %s %s %s %d %d", state, cause, created, ended, run.ID, run.State, run.Trigger, nanos(run.Created), nanos(run.Ended))
		case erased != 0 && !c.empty[id]:
			c.wrong("run", id, "parts of it are erased, and no payload of it is")
		case facts != nil && (facts.State != state || facts.Trigger != cause || facts.Reason != run.Reason):
			c.wrong("run", id, "it ended as %s (%s) by %s, its entry says %s (%s) by %s", state, run.Reason, cause, facts.State, facts.Reason, facts.Trigger)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.each("SELECT k.n FROM run_key k LEFT JOIN run r ON r.n = k.n WHERE r.n IS NULL", func(r *sql.Rows) error {
		var n int64
		err := r.Scan(&n)
		c.wrong("run_key", n, "there is no such run")
		return err
	})
}

func (c *check) outbox() error {
	return c.each(`SELECT `+cursorColumns+`, owner, until, (SELECT coalesce(max(seq), 0) FROM event)
		FROM outbox ORDER BY destination`, func(r *sql.Rows) error {
		var owner string
		var until, last int64
		cur, err := scanCursor(r.Scan, &owner, &until, &last)
		if err != nil {
			return err
		}
		switch {
		case cur.Destination == "":
			c.wrong("outbox", "", "a destination without a name")
		case cur.Seq < 0 || cur.Seq > last:
			c.wrong("outbox", cur.Destination, "it is at event %d, and there are %d", cur.Seq, last)
		case cur.Failures < 0 || cur.Delivered < 0 || cur.Dropped < 0:
			c.wrong("outbox", cur.Destination, "%d failures, %d delivered and %d dropped cannot be", cur.Failures, cur.Delivered, cur.Dropped)
		case nanos(cur.NextTry) < 0 || until < 0 || (owner == "") != (until == 0):
			c.wrong("outbox", cur.Destination, "its lease or its next try are of no time")
		}
		return nil
	})
}

func (c *check) dead() error {
	var last int64
	return c.each("SELECT d.n, d.destination, d.event, d.at, d.erased, d.data, e.digest, o.destination FROM dead d LEFT JOIN event e ON e.id = d.event LEFT JOIN outbox o ON o.destination = d.destination ORDER BY d.n", func(r *sql.Rows) error {
		var n, at, erased int64
		var destination, id string
		var known sql.NullString
		var data, digest []byte
		if err := r.Scan(&n, &destination, &id, &at, &erased, &data, &digest, &known); err != nil {
			return err
		}
		b, err := c.s.unseal("dead", id, data)
		var e events.Event
		if err == nil {
			e, err = events.Parse(b)
		}
		switch {
		case n != last+1:
			c.wrong("dead", n, "the one before it is %d: letters are missing", last)
		case err != nil:
			c.wrong("dead", n, "%v", err)
		case e.ID != id || digest == nil:
			c.wrong("dead", n, "its event is %q, its bytes say %q", id, e.ID)
		case !known.Valid:
			c.wrong("dead", n, "there is no destination %q", destination)
		case at <= 0:
			c.wrong("dead", n, "it is of no time")
		case erased == 0 && !bytes.Equal(c.keyed.event(b), digest):
			c.wrong("dead", n, "it is not the event %s", id)
		case erased != 0 && !c.empty[e.Task]:
			c.wrong("dead", n, "it is erased, and of run %q nothing else is", e.Task)
		}
		last = n
		return nil
	})
}

func (c *check) frozen() error {
	return c.each("SELECT f.destination, f.event, f.digest, f.body, f.erased, coalesce(e.erased, 0) FROM frozen f LEFT JOIN event e ON e.id = f.event ORDER BY f.destination, f.event", func(r *sql.Rows) error {
		var destination, event string
		var digest, body []byte
		var erased, eventErased int64
		if err := r.Scan(&destination, &event, &digest, &body, &erased, &eventErased); err != nil {
			return err
		}
		b, err := c.s.unseal("frozen", frozenID(destination, event), body)
		have := c.keyed.frozen(destination, event, b)
		switch {
		case err != nil:
			c.wrong("frozen", destination+" "+event, "%v", err)
		case erased != 0 && (slices.ContainsFunc(b, func(b byte) bool { return b != 0 }) || !bytes.Equal(digest, noDigest())):
			c.wrong("frozen", destination+" "+event, "it counts as erased, and is still there")
		case erased != 0 && eventErased == 0:
			c.wrong("frozen", destination+" "+event, "it is erased, and its event is not")
		case erased == 0 && !bytes.Equal(have, digest):
			c.wrong("frozen", destination+" "+event, "its bytes have the digest %x, and had %x", have, digest)
		}
		return nil
	})
}

func (c *check) nonces() error {
	err := c.each("SELECT epoch, slug, zeqond FROM nonce", func(r *sql.Rows) error {
		var epoch, zeqond int64
		var slug string
		if err := r.Scan(&epoch, &slug, &zeqond); err != nil {
			return err
		}
		if err := observer.CheckSlug(slug); err != nil || epoch < 0 || zeqond < 0 {
			c.wrong("nonce", fmt.Sprintf("%d %s", epoch, slug), "number %d of epoch %d of %q cannot be", zeqond, epoch, slug)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.each("SELECT epoch FROM burnt WHERE epoch < 0", func(r *sql.Rows) error {
		var epoch int64
		err := r.Scan(&epoch)
		c.wrong("burnt", epoch, "there is no such epoch")
		return err
	})
}
