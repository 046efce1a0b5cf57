package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"assay/audit/ledger"
	"assay/runs"
)

var _ runs.Store = (*Store)(nil)

// Put implements runs.Store.
func (s *Store) Put(ctx context.Context, r runs.Run) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.turn("run"); err != nil {
			return err
		}
		return t.putRun(r)
	})
}

// putRun keeps the row. The transaction has the turn of rows.
func (t *tx) putRun(r runs.Run) error {
	if r.ID == "" {
		return errors.New("a run without an id")
	}
	plain, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the row of run %s: %w", r.ID, err)
	}
	var n, erased int64
	var key []byte
	err = t.one("SELECT r.n, r.erased, k.key FROM run r JOIN run_key k ON k.n = r.n WHERE r.id = ?", []any{r.ID}, &n, &erased, &key)
	fresh := noRow(err)
	if err != nil && !fresh {
		return err
	}
	if erased != 0 {
		return fmt.Errorf("run %s: parts of its row were erased, so it is not written again", r.ID)
	}
	if fresh {
		if err := t.one("SELECT coalesce(max(n), 0) + 1 FROM run", nil, &n); err != nil {
			return err
		}
		key = newKey()
		if _, err := t.exec("INSERT INTO run_key (n, key) VALUES (?, ?)", n, key); err != nil {
			return err
		}
	}
	sealed, err := t.s.sealRun(r.ID, key, plain)
	if err != nil {
		return err
	}
	query := "UPDATE run SET id = ?, state = ?, cause = ?, created = ?, ended = ?, data = ? WHERE n = ?"
	if fresh {
		query = "INSERT INTO run (id, state, cause, created, ended, data, n) VALUES (?, ?, ?, ?, ?, ?, ?)"
	}
	_, err = t.exec(query, r.ID, string(r.State), string(r.Trigger), nanos(r.Created), nanos(r.Ended), sealed, n)
	return err
}

// sealRun seals a row with its own key, so that destroying the key destroys
// the row wherever a page of it still is.
func (s *Store) sealRun(id string, key, plain []byte) ([]byte, error) {
	aead, err := aeadOf(key)
	if err != nil {
		return nil, err
	}
	return s.seal("run", id, aead.Seal(nil, nil, plain, []byte(id)))
}

func (s *Store) openRun(id string, key, sealed []byte) (runs.Run, error) {
	b, err := s.unseal("run", id, sealed)
	if err != nil {
		return runs.Run{}, err
	}
	aead, err := aeadOf(key)
	if err != nil {
		return runs.Run{}, err
	}
	var r runs.Run
	plain, err := aead.Open(nil, nil, b, []byte(id))
	if err == nil {
		err = json.Unmarshal(plain, &r)
	}
	if err != nil {
		return runs.Run{}, fmt.Errorf("read the row of run %s: %w", id, err)
	}
	return r, nil
}

func newKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it does not fail: it ends the program where there is no randomness
	return key
}

// aeadOf makes nonces of its own, at random.
func aeadOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

const runQuery = "SELECT r.id, k.key, r.data FROM run r JOIN run_key k ON k.n = r.n"

// Load implements runs.Store.
func (s *Store) Load(ctx context.Context, id string) (runs.Run, error) {
	var key, sealed []byte
	err := s.one(ctx, runQuery+" WHERE r.id = ?", []any{id}, &id, &key, &sealed)
	if noRow(err) {
		return runs.Run{}, fmt.Errorf("run %s: %w", id, runs.ErrNotFound)
	}
	if err != nil {
		return runs.Run{}, err
	}
	return s.openRun(id, key, sealed)
}

// Unended implements runs.Store.
func (s *Store) Unended(ctx context.Context) ([]runs.Run, error) {
	return s.someRuns(ctx, " WHERE r.ended = 0 ORDER BY r.id")
}

// Newest returns the rows of the runs made last, newest first, at most limit.
func (s *Store) Newest(ctx context.Context, limit int) ([]runs.Run, error) {
	return s.someRuns(ctx, " ORDER BY r.created DESC, r.id DESC LIMIT ?", limit)
}

func (s *Store) someRuns(ctx context.Context, rest string, args ...any) (out []runs.Run, err error) {
	err = s.rows(ctx, runQuery+rest, args, func(rows *sql.Rows) error {
		var id string
		var key, sealed []byte
		if err := rows.Scan(&id, &key, &sealed); err != nil {
			return err
		}
		r, err := s.openRun(id, key, sealed)
		out = append(out, r)
		return err
	})
	return out, err
}

// endingOf is what an item's With is to this store.
func endingOf(with any) (*runs.Ending, error) {
	switch e := with.(type) {
	case *runs.Ending:
		if e != nil {
			return e, nil
		}
	case runs.Ending:
		return &e, nil
	}
	return nil, fmt.Errorf("the store cannot keep a %T beside an entry", with)
}

// keepWith keeps the ends of runs that come with items: each run's row, the
// events that had not been kept yet, its row in the observer's chain, and that
// row's event, last.
func (t *tx) keepWith(items []ledger.Item) error {
	for _, it := range items {
		if it.With == nil {
			continue
		}
		end, err := endingOf(it.With)
		if err != nil {
			return err
		}
		if err := t.keepEnding(end); err != nil {
			return fmt.Errorf("keep the end of %s: %w", it.ID, err)
		}
	}
	return nil
}

func (t *tx) keepEnding(end *runs.Ending) error {
	if err := t.turn("run"); err != nil {
		return err
	}
	if err := t.putRun(end.Run); err != nil {
		return err
	}
	es := end.Events
	if end.Stage != nil {
		e, err := t.appendRow(*end.Stage)
		if err != nil {
			return err
		}
		es = append(es[:len(es):len(es)], e)
	}
	if len(es) == 0 {
		return nil
	}
	encoded, err := encodeEvents(es)
	if err != nil {
		return err
	}
	_, err = t.appendEvents(es, encoded)
	return err
}
