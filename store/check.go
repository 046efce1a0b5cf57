package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"assay/audit"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// CheckOptions of Check. nil is the default.
type CheckOptions struct {
	// Keys verify checkpoints. Without any, a checkpoint's text is compared with
	// the tree, and who signed it is not asked.
	Keys []note.Verifier
	// Progress hears of each table that begins; nil: nobody.
	Progress func(table string)
}

// Finding is one thing that is wrong: the table, the row's key, and what.
type Finding struct{ Table, Key, What string }

func (f Finding) String() string {
	if f.Key == "" {
		return f.Table + ": " + f.What
	}
	return f.Table + " " + f.Key + ": " + f.What
}

// maxFindings is how many findings a report lists: a table that is gone has as many as it had rows.
const maxFindings = 10_000

// Report is what Check saw.
type Report struct {
	Entries, Payloads, Erased, Tiles, Checkpoints int64
	Events, Rows, Runs, Blobs                     int64
	Findings                                      []Finding
	More                                          int64 // findings beyond those listed

	// Notes are what is no fault and shows nowhere else: blobs of runs that were
	// killed before their entries could state them.
	Notes []Finding
}

// OK says that nothing was found.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// Check walks one moment of the whole store and compares everything that is
// there twice: entries with tiles and checkpoints, payloads with commitments,
// rows of runs with entries, events with the digests that entries hold, the
// observer's chains link by link, columns with what they were taken from, and
// blobs with their names. It changes nothing. An error means that it could not
// be done; what is wrong is in the report.
func (s *Store) Check(ctx context.Context, o *CheckOptions) (*Report, error) {
	if o == nil {
		o = &CheckOptions{}
	}
	c := &check{s: s, ctx: ctx, o: o, acts: map[string]map[string]bool{}, facts: map[string]runFacts{}, empty: map[string]bool{}, report: &Report{}}
	if err := s.explain(s.e.check(ctx, s, c.found)); errors.Is(err, ErrDamaged) {
		c.found(Finding{"database", "", err.Error()})
	} else if err != nil {
		return nil, fmt.Errorf("check the database: %w", err)
	}
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{Isolation: s.e.moment(), ReadOnly: true})
	if err != nil {
		return nil, s.explain(err)
	}
	defer func() { _ = tx.Rollback() }()
	c.tx = tx
	for _, pass := range []struct {
		table string
		run   func() error
	}{
		{"head", c.heads},
		{"secret", c.secret},
		{"origin", c.origins},
		{"checkpoint", c.sizes},
		{"home", c.home},
		{"kept", c.kept},
		{"entry", c.entries},
		{"payload", c.payloads},
		{"tile", c.tiles},
		{"checkpoint", c.checkpoints},
		{"event", c.events},
		{"event_field", c.fields},
		{"run", c.eventDigests},
		{"chain", c.chains},
		{"run", c.runs},
		{"outbox", c.outbox},
		{"dead", c.dead},
		{"frozen", c.frozen},
		{"nonce", c.nonces},
		{"blob", c.blobs},
	} {
		if o.Progress != nil {
			o.Progress(pass.table)
		}
		if err := pass.run(); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err = s.explain(err); !errors.Is(err, ErrDamaged) {
				return nil, fmt.Errorf("check %s: %w", pass.table, err)
			}
			c.found(Finding{pass.table, "", err.Error()}) // and what can be read is walked on
		}
	}
	return c.report, nil
}

// check is one Check.
type check struct {
	s      *Store
	ctx    context.Context
	tx     *sql.Tx
	o      *CheckOptions
	report *Report

	keyed   *keyed // of what digests are made
	size    int64
	names   []origin
	roots   map[int64]tlog.Hash        // of the tree at the sizes of checkpoints
	tile    map[tileID]audit.Digest    // tiles that must be there, by what they must hold
	acts    map[string]map[string]bool // entry's id: names that an act says were erased
	emptied []emptied                  // payloads that are erased
	empty   map[string]bool            // entries of which something is
	facts   map[string]runFacts        // what entries say of their runs
	keeps   map[string][]keptBlob      // what runs keep, by digest
	keepers map[string][]keptBlob      // and by run
}

type tileID struct{ level, n int64 }

type emptied struct {
	index    int64
	id, name string
}

// runFacts is what the payloads of an entry say about rows elsewhere.
type runFacts struct {
	result *audit.ResultFacts
	events *audit.EventFacts
}

func (c *check) found(f Finding) {
	if len(c.report.Findings) >= maxFindings {
		c.report.More++
		return
	}
	c.report.Findings = append(c.report.Findings, f)
}

// wrong reports a row.
func (c *check) wrong(table string, key any, format string, args ...any) {
	c.found(Finding{table, fmt.Sprint(key), fmt.Sprintf(format, args...)})
}

// each calls scan for each row of the query; a row that cannot be scanned is a
// finding of table, because its types are what was damaged.
func (c *check) each(query string, scan func(*sql.Rows) error, args ...any) error {
	rows, err := c.tx.QueryContext(c.ctx, c.s.e.text(query), args...)
	return each(rows, err, scan)
}

// secret reads the key of the store's digests, which is there once an event or a frozen body is.
func (c *check) secret() error {
	c.keyed = &keyed{}
	err := c.each("SELECT name, value FROM secret", func(r *sql.Rows) error {
		var name string
		var sealed []byte
		if err := r.Scan(&name, &sealed); err != nil {
			return err
		}
		if name != "digest" {
			c.wrong("secret", name, "nothing has that name")
			return nil
		}
		k, err := c.s.openKey(sealed)
		if err != nil {
			c.wrong("secret", name, "%v", err)
			return nil
		}
		c.keyed = k
		return nil
	})
	return err
}

func (c *check) heads() error {
	want := map[string]bool{"log": true, "run": true, "event": true, "nonce": true, "scrub": true, "blob": true}
	err := c.each("SELECT name, value FROM head", func(r *sql.Rows) error {
		var name string
		var value int64
		if err := r.Scan(&name, &value); err != nil {
			return err
		}
		switch {
		case !want[name]:
			c.wrong("head", name, "nothing has that name")
		case name == "scrub" && value != 0:
			c.wrong("head", name, "traces of something erased may still be in the database's files: run assay store scrub")
		case value != 0:
			c.wrong("head", name, "its value is %d, not 0", value)
		}
		delete(want, name)
		return nil
	})
	for name := range want {
		c.wrong("head", name, "it is missing")
	}
	return err
}

type origin struct {
	n, first int64
	name     string
}

func (c *check) origins() error {
	return c.each("SELECT n, name, first FROM origin ORDER BY n", func(r *sql.Rows) error {
		var o origin
		if err := r.Scan(&o.n, &o.name, &o.first); err != nil {
			return err
		}
		last := origin{}
		if len(c.names) > 0 {
			last = c.names[len(c.names)-1]
		}
		switch {
		case o.n != last.n+1:
			c.wrong("origin", o.n, "the name before it has number %d", last.n)
		case o.name == "" || o.name == last.name:
			c.wrong("origin", o.n, "the name is %q, the one before it %q", o.name, last.name)
		case last.n == 0 && o.first != 0 || o.first < last.first:
			c.wrong("origin", o.n, "it begins at entry %d, the name before it at %d", o.first, last.first)
		}
		c.names = append(c.names, o)
		return nil
	})
}

// nameAt is the log's name when entry index was written.
func (c *check) nameAt(index int64) string {
	name := ""
	for _, o := range c.names {
		if o.first <= index {
			name = o.name
		}
	}
	return name
}

// sizes notes at which sizes the tree's root is wanted.
func (c *check) sizes() error {
	c.roots = map[int64]tlog.Hash{}
	return c.each("SELECT DISTINCT size FROM checkpoint", func(r *sql.Rows) error {
		var size int64
		err := r.Scan(&size)
		c.roots[size] = tlog.Hash{}
		return err
	})
}

func (c *check) checkpoints() error {
	var last, size int64
	return c.each("SELECT n, size, note FROM checkpoint ORDER BY n", func(r *sql.Rows) error {
		var n, have int64
		var msg []byte
		if err := r.Scan(&n, &have, &msg); err != nil {
			return err
		}
		c.report.Checkpoints++
		if n != last+1 {
			c.wrong("checkpoint", n, "the one before it has number %d", last)
		}
		if have < size {
			c.wrong("checkpoint", n, "it is of %d entries, after one of %d", have, size)
		}
		last, size = n, have
		signed, _, err := audit.OpenCheckpoint(msg, c.o.Keys...)
		var untrusted *audit.UntrustedError
		if errors.As(err, &untrusted) && len(c.o.Keys) == 0 {
			err = nil
		}
		switch {
		case err != nil:
			c.wrong("checkpoint", n, "%v", err)
		case signed.Size != have:
			c.wrong("checkpoint", n, "the note is of %d entries, the row says %d", signed.Size, have)
		case have > c.size:
			c.wrong("checkpoint", n, "it is of %d entries, and there are %d: entries were lost", have, c.size)
		case signed.Root != c.roots[have]:
			c.wrong("checkpoint", n, "its root is %s, that of the first %d entries is %s", signed.Root, have, c.roots[have])
		case !c.named(signed.Origin):
			c.wrong("checkpoint", n, "it is of the log %q, which this log was never called", signed.Origin)
		}
		return nil
	})
}

func (c *check) named(name string) bool {
	for _, o := range c.names {
		if o.name == name {
			return true
		}
	}
	return false
}

// guards finds out whether the triggers are there that keep the log from being changed.
func guards(ctx context.Context, s *Store, found func(Finding), query string) error {
	missing := map[string]bool{
		"entry_update": true, "entry_delete": true, "checkpoint_update": true, "checkpoint_delete": true, "tile_update": true, "tile_delete": true,
	}
	rows, err := s.r.QueryContext(ctx, query)
	err = each(rows, err, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		delete(missing, name)
		return err
	})
	for name := range missing {
		found(Finding{"database", name, "the trigger that keeps the log from being changed is missing"})
	}
	return err
}
