package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"assay/events"
	"assay/observer"
)

var _ observer.Store = (*Store)(nil)

// pasts remembers what the next row of a chain needs of the rows before it, so
// that a process which appends many rows reads them once.
type pasts struct {
	mu    sync.Mutex
	known map[string]chainPast
}

// chainPast is true of the chain whose head it was made for, and of no other.
type chainPast struct {
	head observer.Head
	rows []observer.Past
}

func (p *pasts) of(head observer.Head) ([]observer.Past, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.known[head.Slug]
	return c.rows, ok && c.head == head
}

func (p *pasts) keep(head observer.Head, rows []observer.Past) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[string]chainPast{}
	}
	p.known[head.Slug] = chainPast{head, rows}
}

// appendRow makes c the next row of its chain, and returns the row's event,
// which the caller keeps. The transaction has the log's turn.
func (t *tx) appendRow(c observer.Candidate) (events.Event, error) {
	slug := cmp.Or(c.Slug, observer.DefaultSlug)
	if err := observer.CheckSlug(slug); err != nil {
		return events.Event{}, err
	}
	head, err := t.head(slug)
	if noRow(err) {
		head = observer.Genesis(c)
		_, err = t.exec("INSERT INTO chain (slug, origin, clock, genesis, zeqond, row_hash, n) VALUES (?, ?, ?, ?, ?, ?, 0)",
			head.Slug, head.Origin, string(head.Clock), head.Genesis, head.Zeqond, head.RowHash)
	}
	if err != nil {
		return events.Event{}, err
	}
	recent, err := t.recent(head)
	if err != nil {
		return events.Event{}, err
	}
	row, next := observer.Link(head, c, recent)
	e, err := row.Event()
	if err != nil {
		return events.Event{}, err
	}
	encoded, err := row.Encode()
	if err != nil {
		return events.Event{}, err
	}
	sealed, err := t.s.seal("link", rowID(slug, row.Zeqond), encoded)
	if err != nil {
		return events.Event{}, err
	}
	if _, err := t.exec("INSERT INTO link (slug, zeqond, type, task, event, data) VALUES (?, ?, ?, ?, ?, ?)",
		slug, row.Zeqond, row.Type, orNull(row.Task), e.ID, sealed); err != nil {
		return events.Event{}, err
	}
	if _, err := t.exec("UPDATE chain SET zeqond = ?, row_hash = ?, n = ? WHERE slug = ?", next.Zeqond, next.RowHash, next.Rows, slug); err != nil {
		return events.Event{}, err
	}
	recent = append(slices.Clone(recent), row.Past())
	t.s.pasts.keep(next, recent[max(0, len(recent)-observer.Window):])
	return e, nil
}

func rowID(slug string, zeqond int64) string { return slug + "/" + strconv.FormatInt(zeqond, 10) }

const headQuery = "SELECT slug, origin, clock, genesis, zeqond, row_hash, n FROM chain WHERE slug = ?"

func (t *tx) head(slug string) (h observer.Head, err error) {
	return h, t.one(headQuery, []any{slug}, headDest(&h)...)
}

func headDest(h *observer.Head) []any {
	return []any{&h.Slug, &h.Origin, (*string)(&h.Clock), &h.Genesis, &h.Zeqond, &h.RowHash, &h.Rows}
}

// recent are the last rows of the chain, oldest first.
func (t *tx) recent(head observer.Head) ([]observer.Past, error) {
	if rows, ok := t.s.pasts.of(head); ok || head.Rows == 0 {
		return rows, nil
	}
	// One value in place of a thousand rows.
	var all sql.NullString
	err := t.one("SELECT "+t.s.e.joined("zeqond || ' ' || type")+
		" FROM (SELECT zeqond, type FROM link WHERE slug = ? ORDER BY zeqond DESC LIMIT ?) AS newest", []any{head.Slug, observer.Window}, &all)
	if err != nil {
		return nil, err
	}
	var rows []observer.Past
	for line := range strings.Lines(all.String) {
		number, typ, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		zeqond, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("chain %s: %w", head.Slug, err)
		}
		rows = append(rows, observer.Past{Zeqond: zeqond, Type: typ})
	}
	slices.SortFunc(rows, func(a, b observer.Past) int { return cmp.Compare(a.Zeqond, b.Zeqond) })
	return rows, nil
}

// Head implements observer.Store.
func (s *Store) Head(ctx context.Context, slug string) (h observer.Head, err error) {
	err = s.one(ctx, headQuery, []any{slug}, headDest(&h)...)
	if noRow(err) || err == nil && h.Rows == 0 {
		return observer.Head{}, fmt.Errorf("chain %s: %w", slug, observer.ErrNotFound)
	}
	return h, err
}

// Rows implements observer.Store. The Meta of a row whose run was erased is gone.
func (s *Store) Rows(ctx context.Context, slug string, after int64, limit int) (out []observer.Row, err error) {
	err = s.rows(ctx, "SELECT zeqond, data FROM link WHERE slug = ? AND zeqond > ? ORDER BY zeqond LIMIT ?", []any{slug, after, max(limit, 1)}, func(r *sql.Rows) error {
		var zeqond int64
		var sealed []byte
		if err := r.Scan(&zeqond, &sealed); err != nil {
			return err
		}
		b, err := s.unseal("link", rowID(slug, zeqond), sealed)
		if err != nil {
			return err
		}
		row, err := observer.ParseRow(b)
		out = append(out, row)
		return err
	})
	return out, err
}

// Reserve implements observer.Store.
func (s *Store) Reserve(ctx context.Context, epoch int, slug string, now int64) (z int64, err error) {
	err = s.write(ctx, func(t *tx) error {
		if err := t.turn("nonce"); err != nil {
			return err
		}
		var burnt, last int64
		if err := t.one("SELECT count(*) FROM burnt WHERE epoch = ?", []any{int64(epoch)}, &burnt); err != nil {
			return err
		}
		if burnt > 0 {
			return fmt.Errorf("key epoch %d: %w", epoch, observer.ErrBurnt)
		}
		switch err := t.one("SELECT zeqond FROM nonce WHERE epoch = ? AND slug = ?", []any{int64(epoch), slug}, &last); {
		case noRow(err):
			z = now
		case err != nil:
			return err
		default:
			z = max(now, last+1)
		}
		_, err := t.exec("INSERT INTO nonce (epoch, slug, zeqond) VALUES (?, ?, ?) ON CONFLICT (epoch, slug) DO UPDATE SET zeqond = excluded.zeqond", int64(epoch), slug, z)
		return err
	})
	return z, err
}

// Reserved implements observer.Store.
func (s *Store) Reserved(ctx context.Context, epoch int, slug string) (z int64, err error) {
	err = s.one(ctx, "SELECT zeqond FROM nonce WHERE epoch = ? AND slug = ?", []any{int64(epoch), slug}, &z)
	if noRow(err) {
		return 0, fmt.Errorf("key epoch %d of %s: %w", epoch, slug, observer.ErrNotFound)
	}
	return z, err
}

// Burn implements observer.Store. It waits for a Reserve that is under way.
func (s *Store) Burn(ctx context.Context, epoch int) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.turn("nonce"); err != nil {
			return err
		}
		_, err := t.exec("INSERT INTO burnt (epoch) VALUES (?) ON CONFLICT (epoch) DO NOTHING", int64(epoch))
		return err
	})
}

// Freeze implements observer.Store. Where a body was erased no other is frozen.
func (s *Store) Freeze(ctx context.Context, destination, eventID string, body []byte) error {
	if s.o.ReadOnly {
		return ErrReadOnly
	}
	keyed, err := s.digests(ctx)
	if err != nil {
		return err
	}
	digest := keyed.frozen(destination, eventID, body)
	return s.write(ctx, func(t *tx) error {
		sealed, err := s.seal("frozen", frozenID(destination, eventID), body)
		if err != nil {
			return err
		}
		n, err := t.exec("INSERT INTO frozen (destination, event, digest, body) VALUES (?, ?, ?, ?) ON CONFLICT (destination, event) DO NOTHING",
			destination, eventID, digest, sealed)
		if err != nil || n > 0 {
			return err
		}
		var have []byte
		err = t.one("SELECT digest FROM frozen WHERE destination = ? AND event = ?", []any{destination, eventID}, &have)
		if err == nil && !bytes.Equal(have, digest) {
			err = fmt.Errorf("event %s for %s: %w", eventID, destination, observer.ErrFrozen)
		}
		return err
	})
}

// Frozen implements observer.Store. What was erased is there no more.
func (s *Store) Frozen(ctx context.Context, destination, eventID string) ([]byte, error) {
	var sealed []byte
	err := s.one(ctx, "SELECT body FROM frozen WHERE destination = ? AND event = ? AND erased = 0", []any{destination, eventID}, &sealed)
	if noRow(err) {
		return nil, fmt.Errorf("event %s for %s: %w", eventID, destination, observer.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return s.unseal("frozen", frozenID(destination, eventID), sealed)
}

func frozenID(destination, event string) string { return destination + "\x1f" + event }
