package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"assay/audit/ledger"
	"assay/events"
	"assay/observer"
	"assay/runs"
)

// ErrTraces says that an erasure is done and cannot be undone, but that the
// database's files or blobs may still hold bytes of what was erased: call Scrub again.
var ErrTraces = errors.New("erased, but the database's files or blobs may still hold traces")

// Erase implements ledger.Store. What repeats the payloads elsewhere goes too:
// see repeats. When Erase returns nil no file of an SQLite database holds the
// bytes any more, and none of PostgreSQL's tables.
//
// Everything erased is overwritten by as many other bytes, because SQLite
// leaves a row of the same size where it stands and overwrites it there.
func (s *Store) Erase(ctx context.Context, act ledger.Item, id string, names []string) (index int64, err error) {
	if err := checkItems([]ledger.Item{act}); err != nil {
		return 0, err
	}
	if err := s.readyFor(ctx, []ledger.Item{act}); err != nil {
		return 0, err
	}
	err = s.write(ctx, func(t *tx) error {
		indexes, err := t.erase(act, id, names)
		if err == nil {
			index = indexes[0]
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	if err := s.Scrub(ctx); err != nil {
		return index, fmt.Errorf("%w: %w", ErrTraces, err)
	}
	return index, nil
}

// Scrub removes the blobs that nobody keeps any more, and from the database's
// files what an erasure that was cut short, or that another process's reading
// kept from finishing, may have left in them. It does nothing where nothing is
// left to do.
func (s *Store) Scrub(ctx context.Context) error {
	var due int64
	if err := s.one(ctx, "SELECT value FROM head WHERE name = 'scrub'", nil, &due); err != nil || due == 0 {
		return err
	}
	removed := s.removeBlobs(ctx)
	if err := s.e.scrub(ctx, s); err != nil {
		return errors.Join(removed, s.e.explain(err))
	}
	if removed != nil {
		return removed
	}
	return s.write(ctx, func(t *tx) error {
		// Another erasure in the meantime has made its own note.
		_, err := t.exec("UPDATE head SET value = 0 WHERE name = 'scrub' AND value = ?", due)
		return err
	})
}

func (t *tx) erase(act ledger.Item, id string, names []string) ([]int64, error) {
	for _, turn := range []string{"log", "run", "event", "blob"} {
		if err := t.turn(turn); err != nil {
			return nil, err
		}
	}
	var index int64
	if err := t.one("SELECT idx FROM entry WHERE id = ?", []any{id}, &index); err != nil {
		if noRow(err) {
			err = fmt.Errorf("%s: %w", id, ledger.ErrNotFound)
		}
		return nil, err
	}
	if err := t.erasePayloads(index, id, names); err != nil {
		return nil, err
	}
	if err := t.eraseRun(id, names); err != nil {
		return nil, err
	}
	if err := t.eraseBlobs(index, id, names); err != nil {
		return nil, err
	}
	if repeatsEvents(names) {
		if err := t.eraseEvents(id); err != nil {
			return nil, err
		}
		if err := t.eraseRows(id); err != nil {
			return nil, err
		}
	}
	if _, err := t.exec("UPDATE head SET value = value + 1 WHERE name = 'scrub'"); err != nil {
		return nil, err
	}
	payloads, err := t.s.sealPayloads([]ledger.Item{act})
	if err != nil {
		return nil, err
	}
	return t.appendItems([]ledger.Item{act}, payloads)
}

func (t *tx) erasePayloads(index int64, id string, names []string) error {
	var sealed []byte
	err := t.one("SELECT data FROM payload WHERE idx = ?", []any{index}, &sealed)
	if noRow(err) {
		return nil
	}
	if err != nil {
		return err
	}
	parts, err := t.s.openPayloads(id, sealed)
	if err != nil {
		return err
	}
	var b []byte
	for _, p := range parts {
		if slices.Contains(names, p.Name) {
			p.erased, p.Salt = true, [32]byte{}
			clear(p.Data)
		}
		b = appendPart(b, p)
	}
	if sealed, err = t.s.seal("payload", id, b); err != nil {
		return err
	}
	_, err = t.exec("UPDATE payload SET data = ? WHERE idx = ?", sealed, index)
	return err
}

// repeatsEvents says whether events of a run, its row in an observer's chain
// and what was sent of both can repeat what the named payloads say.
func repeatsEvents(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		switch name {
		case "environment", "kernel", "input", "secrets":
			return false
		}
		return true
	})
}

// eraseRun takes out of a run's row what the named payloads say, and gives it
// another key.
func (t *tx) eraseRun(id string, names []string) error {
	var n int64
	var key, sealed []byte
	err := t.one("SELECT r.n, k.key, r.data FROM run r JOIN run_key k ON k.n = r.n WHERE r.id = ?", []any{id}, &n, &key, &sealed)
	if noRow(err) {
		return nil
	}
	if err != nil {
		return err
	}
	r, err := t.s.openRun(id, key, sealed)
	if err != nil {
		return err
	}
	if !blank(&r, names) {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	key = newKey()
	if sealed, err = t.s.sealRun(id, key, b); err != nil {
		return err
	}
	if _, err := t.exec("UPDATE run_key SET key = ? WHERE n = ?", key, n); err != nil {
		return err
	}
	_, err = t.exec("UPDATE run SET data = ?, erased = 1 WHERE n = ?", sealed, n)
	return err
}

// blank empties the fields of a row that say what the named payloads say, and
// tells whether there was one.
func blank(r *runs.Run, names []string) (changed bool) {
	for _, name := range names {
		switch name {
		case "names": // a short notebook can be guessed, and its digest would say so
			r.Input, r.Output, r.AskedBy, r.Failing = "", "", "", nil
			r.InputDigest, r.OutputDigest = "", ""
		case "input":
			r.InputDigest = ""
		case "parameters":
			r.Parameters = nil
		case "cells", "result", "output":
			r.Cells, r.Failing, r.Error, r.Note, r.Hint, r.Warnings = nil, nil, nil, "", "", nil
			if name == "output" {
				r.OutputDigest = ""
			}
		default:
			continue
		}
		changed = true
	}
	return changed
}

// eraseEvents empties the payloads of the run's events; the events stay.
func (t *tx) eraseEvents(task string) error {
	var all []eventRow
	err := t.rows("SELECT "+eventColumns+" FROM event WHERE task = ? AND erased = 0 ORDER BY seq", []any{task}, func(rows *sql.Rows) error {
		r := eventRow{}
		err := rows.Scan(r.dest()...)
		all = append(all, r)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range all {
		e, err := t.s.openEvent(r)
		if err != nil {
			return err
		}
		e.Payload = erasedPayload(len(e.Payload))
		b, err := e.Encode()
		if err != nil {
			return err
		}
		sealed, err := t.s.codec.Seal(e, b)
		if err != nil {
			return fmt.Errorf("seal event %q: %w", e.ID, err)
		}
		if _, err := t.exec("UPDATE event SET data = ?, digest = ?, erased = 1 WHERE seq = ?", sealed, noDigest(), e.Seq); err != nil {
			return err
		}
		if _, err := t.exec("DELETE FROM event_field WHERE seq = ?", e.Seq); err != nil {
			return err
		}
		if err := t.eraseCopies(e, b); err != nil {
			return err
		}
	}
	return nil
}

// erasedPayload is a payload of size bytes that says that it was erased, where
// there is room to say so.
func erasedPayload(size int) json.RawMessage {
	const said = `{"erased":true`
	b := bytes.Repeat([]byte{' '}, max(size, 2))
	if len(b) > len(said) {
		copy(b, said)
	} else {
		b[0] = '{'
	}
	b[len(b)-1] = '}'
	return b
}

// eraseCopies empties what was kept of an event beside it: encoded are its
// bytes without payload.
func (t *tx) eraseCopies(e events.Event, encoded []byte) error {
	sealed, err := t.s.seal("dead", e.ID, encoded)
	if err != nil {
		return err
	}
	if _, err := t.exec("UPDATE dead SET data = ?, why = '', erased = 1 WHERE event = ?", sealed, e.ID); err != nil {
		return err
	}
	var destinations []string
	err = t.rows("SELECT destination FROM frozen WHERE event = ? AND erased = 0", []any{e.ID}, func(rows *sql.Rows) error {
		var d string
		err := rows.Scan(&d)
		destinations = append(destinations, d)
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range destinations {
		var body []byte
		if err := t.one("SELECT body FROM frozen WHERE destination = ? AND event = ?", []any{d, e.ID}, &body); err != nil {
			return err
		}
		plain, err := t.s.unseal("frozen", frozenID(d, e.ID), body)
		if err != nil {
			return err
		}
		clear(plain)
		if body, err = t.s.seal("frozen", frozenID(d, e.ID), plain); err != nil {
			return err
		}
		if _, err := t.exec("UPDATE frozen SET body = ?, digest = ?, erased = 1 WHERE destination = ? AND event = ?", body, noDigest(), d, e.ID); err != nil {
			return err
		}
	}
	return nil
}

// eraseRows takes what is free-form out of the run's rows in the observer's
// chains. Their links hold without it.
func (t *tx) eraseRows(task string) error {
	type linked struct {
		slug   string
		zeqond int64
		data   []byte
	}
	var all []linked
	err := t.rows("SELECT slug, zeqond, data FROM link WHERE task = ? AND erased = 0", []any{task}, func(rows *sql.Rows) error {
		var l linked
		err := rows.Scan(&l.slug, &l.zeqond, &l.data)
		all = append(all, l)
		return err
	})
	if err != nil {
		return err
	}
	for _, l := range all {
		b, err := t.s.unseal("link", rowID(l.slug, l.zeqond), l.data)
		if err != nil {
			return err
		}
		row, err := observer.ParseRow(b)
		if err != nil {
			return err
		}
		row.Meta, row.Observation = nil, ""
		short, err := row.Encode()
		if err != nil {
			return err
		}
		// White space after a JSON value is none of its meaning.
		short = append(short, bytes.Repeat([]byte{' '}, max(0, len(b)-len(short)))...)
		sealed, err := t.s.seal("link", rowID(l.slug, l.zeqond), short)
		if err != nil {
			return err
		}
		if _, err := t.exec("UPDATE link SET data = ?, erased = 1 WHERE slug = ? AND zeqond = ?", sealed, l.slug, l.zeqond); err != nil {
			return err
		}
	}
	return nil
}
