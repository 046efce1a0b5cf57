package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	"assay/internal/testenv"
	"assay/store"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// full is a store that has something in every table: 261 entries, so that
// there are tiles, and of one of its runs something was erased.
func full(t testing.TB, url string) note.Verifier {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	s, err := store.Open(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var items []ledger.Item
	for i := range 10 {
		items = append(items, ended(fmt.Sprintf("run%03d", i)))
	}
	for i := range 240 { // entries that are quickly made
		e := audit.Entry{Kind: audit.KindKey, ID: fmt.Sprintf("key%03d", i), Log: origin, Subject: "none"}
		items = append(items, ledger.Item{ID: e.ID, Leaf: e.Encode()})
	}
	for i := range 10 {
		items = append(items, ended(fmt.Sprintf("run%03d", 10+i)))
	}
	appendAll(t, s, items[:150]...)
	signer, verifier := key(t)
	sign(t, s, signer)
	appendAll(t, s, items[150:]...)
	if _, err := s.Erase(ctx, act("erase", "run007", "names", "parameters"), "run007", []string{"names", "parameters"}); err != nil {
		t.Fatal(err)
	}
	sign(t, s, signer)
	ev := s.Events()
	must(t, ev.Begin(ctx, "hook", 0))
	_, err = ev.Lease(ctx, "hook", "me", time.Minute)
	must(t, err)
	es, err := ev.Query(ctx, nil, 0, 2)
	must(t, err)
	must(t, ev.Dead(ctx, "hook", es[1], "refused", time.Now()))
	must(t, s.Freeze(ctx, "wire", es[0].ID, []byte("frozen")))
	_, err = s.Reserve(ctx, 1, "assay", 5)
	must(t, err)
	must(t, s.Burn(ctx, 0))
	if strings.HasPrefix(url, "sqlite:") {
		must(t, keep(s, "run000", "input", []byte("run000")))
	}
	if r := checkOK(t, s); r.Entries != 261 || r.Events != 20*5 || r.Rows != 20 || r.Runs != 20 || r.Tiles != 2 || r.Checkpoints != 2 || r.Erased != 2 {
		t.Fatalf("%+v", r)
	}
	return verifier
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func key(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, origin)
	must(t, err)
	signer, err := note.NewSigner(private)
	must(t, err)
	verifier, err := note.NewVerifier(public)
	must(t, err)
	return signer, verifier
}

// sign saves a checkpoint of the log as it is.
func sign(t testing.TB, s *store.Store, signer note.Signer) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	tree := audit.Frontier{Full: func(tlog.Tile, []byte) {}}
	size, err := s.Size(ctx)
	must(t, err)
	must(t, s.Entries(ctx, 0, size, func(_ int64, leaf []byte) error { tree.Add(tlog.RecordHash(leaf)); return nil }))
	msg, err := audit.SignCheckpoint(audit.Checkpoint{Origin: origin, Size: size, Root: tree.Root()}, signer)
	must(t, err)
	last, err := s.Checkpoint(ctx)
	must(t, err)
	must(t, s.SaveCheckpoint(ctx, last.Size, ledger.Signed{Size: size, Note: msg}))
}

// damage is one statement after which Check must find something.
type damage struct{ name, sql string }

// damages are one for each column of each table, and a row removed from each.
// What is not among them says nothing that is written elsewhere too: when and
// by whom a destination was last tried, which numbers were reserved.
func damages(pg bool) []damage {
	flip := func(column string) string { // the byte in the middle is another
		if pg {
			return column + " = set_byte(" + column + ", length(" + column + ")/2, get_byte(" + column + ", length(" + column + ")/2) # 1)"
		}
		middle := "substr(" + column + ", length(" + column + ")/2 + 1, 1)"
		return column + " = CAST(substr(" + column + ", 1, length(" + column + ")/2) || CASE WHEN " + middle + " = x'61' THEN x'62' ELSE x'61' END || substr(" + column + ", length(" + column + ")/2 + 2) AS BLOB)"
	}
	var all []damage
	of := func(table, where string, sets ...string) {
		for _, set := range sets {
			column, _, _ := strings.Cut(set, " ")
			all = append(all, damage{table + "." + column, "UPDATE " + table + " SET " + set + " WHERE " + where})
		}
		all = append(all, damage{table + " removed", "DELETE FROM " + table + " WHERE " + where})
	}
	other := " || 'x'"
	of("secret", "name = 'digest'", "name = 'digests'", flip("value"))
	of("head", "name = 'log'", "name = 'lag'", "value = 7")
	of("home", "length(id) = 32", "id = id"+other)
	of("entry", "idx = 252", "idx = 100000", "id = id"+other, flip("leaf"), flip("commitments"))
	of("payload", "idx = 252", "idx = 100000", flip("data"))
	of("tile", "level = 0", "level = 4", "n = 9", flip("data"))
	of("origin", "n = 1", "n = 2", "name = name"+other, "first = 3")
	of("checkpoint", "n = 1", "n = 9", "size = 149", flip("note"))
	of("event", "id = 'run012-1'", "seq = 100000", "id = id"+other, "trace = trace"+other, "task = task"+other, "parent = parent"+other,
		"type = type"+other, "source = source"+other, flip("digest"), "erased = 1", flip("data"))
	of("event_field", "seq = 21 AND name = 'notebook'", "name = 'actor'", flip("value"), "seq = 100000")
	of("outbox", "destination = 'hook'", "seq = 100000", "failures = -1", "next_try = -5", "delivered = -1", "dropped = -1", "until = 0", "owner = ''")
	of("dead", "n = 1", "n = 3", "destination = 'nowhere'", "event = event"+other, "at = 0", "erased = 1", flip("data"))
	of("chain", "slug = 'assay'", "slug = 'other'", "origin = origin"+other, "clock = 'zeqond/ns777000777'", "genesis = genesis + 1", "zeqond = zeqond + 1", flip2("row_hash"), "n = n + 1")
	of("link", "task = 'run012'", "slug = 'other'", "zeqond = zeqond + 100000", "type = type"+other, "task = task"+other, "event = event"+other, "erased = 1", flip("data"))
	of("nonce", "epoch = 1", "epoch = -1", "slug = 'NO'", "zeqond = -1")
	of("burnt", "epoch = 0", "epoch = -1")
	of("frozen", "destination = 'wire'", "destination = 'other'", "event = event"+other, flip("digest"), flip("body"), "erased = 1")
	of("run", "id = 'run012'", "n = 100000", "id = id"+other, "state = 'failed'", "cause = cause"+other, "created = created + 1", "ended = ended + 1", "erased = 1", flip("data"))
	of("run_key", "n = 13", "n = 100000", flip("key"))
	if !pg {
		of("blob", "size > 0", "digest = digest"+other, "size = size + 1", "state = 'doomed'")
		of("kept", "name = 'input'", "run = run"+other, "name = 'output'", "digest = digest"+other)
	}
	// Rows whose absence nothing can tell: a destination that was never
	// begun, a number that was never reserved.
	return slices.DeleteFunc(all, func(d damage) bool {
		return slices.Contains([]string{"nonce removed", "burnt removed", "frozen removed", "dead removed", "origin removed"}, d.name)
	})
}

func flip2(column string) string { return column + " = '0' || substr(" + column + ", 2)" }

// Each column of each table is damaged in turn, past the triggers, and Check
// has to find it.
func TestFaultDamage(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		url := sqliteURL(t)
		keys := &store.CheckOptions{Keys: []note.Verifier{full(t, url)}}
		path := strings.TrimPrefix(url, "sqlite:")
		whole, err := os.ReadFile(path)
		must(t, err)
		damageAll(t, keys, damages(false), func(d damage) (*sql.DB, string) {
			name := filepath.Join(t.TempDir(), "assay.db")
			must(t, os.WriteFile(name, whole, 0o600))
			must(t, os.CopyFS(name+".blobs", os.DirFS(path+".blobs")))
			db, err := sql.Open("sqlite", "file:"+name)
			must(t, err)
			must(t, execute(db, "DROP TRIGGER entry_update; DROP TRIGGER entry_delete; DROP TRIGGER checkpoint_update; DROP TRIGGER checkpoint_delete; DROP TRIGGER tile_update; DROP TRIGGER tile_delete"))
			return db, "sqlite:" + name
		}, "SQLite")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		url := testenv.Postgres(t)
		keys := &store.CheckOptions{Keys: []note.Verifier{full(t, url)}}
		db, err := sql.Open("pgx", url)
		must(t, err)
		defer db.Close()
		db.SetMaxOpenConns(1) // the setting is the session's
		must(t, execute(db, "SET session_replication_role = replica"))
		damageAll(t, keys, damages(true), func(damage) (*sql.DB, string) { return db, url }, "PostgreSQL")
	})
}

func execute(db *sql.DB, query string) error { _, err := db.Exec(query); return err }

// damageAll damages what fresh gives. PostgreSQL's is one database for all, in
// which the damage is made in a transaction of its own and taken back.
func damageAll(t *testing.T, keys *store.CheckOptions, all []damage, fresh func(damage) (*sql.DB, string), engine string) {
	missed := 0
	for _, d := range all {
		db, url := fresh(d)
		s, err := store.Open(t.Context(), url, nil)
		must(t, err)
		restore := copyOf(t, db, engine, d)
		r, err := db.Exec(d.sql)
		if err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		if n, _ := r.RowsAffected(); n == 0 {
			t.Fatalf("%s: %s changes nothing", d.name, d.sql)
		}
		report, err := s.Check(t.Context(), keys)
		if err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		found := slices.DeleteFunc(report.Findings, func(f store.Finding) bool { return f.Table == "database" })
		if len(found) == 0 {
			missed++
			t.Errorf("%s: not found (%s)", d.name, d.sql)
		} else if testing.Verbose() {
			t.Logf("%-22s %d findings, the first: %s", d.name, len(found), found[0])
		}
		restore()
		must(t, s.Close())
		if engine == "SQLite" {
			must(t, db.Close())
		}
	}
	if !t.Failed() {
		t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "one column or row damaged, "+engine, len(all), missed, 0, 0, "store check found each")
	}
}

// copyOf keeps the table and returns what puts it back: for a database that all damages share.
func copyOf(t *testing.T, db *sql.DB, engine string, d damage) (restore func()) {
	if engine == "SQLite" {
		return func() {}
	}
	table := strings.FieldsFunc(d.name, func(r rune) bool { return r == '.' || r == ' ' })[0]
	must(t, execute(db, "CREATE TEMP TABLE kept AS SELECT * FROM "+table))
	return func() {
		must(t, execute(db, "DELETE FROM "+table+"; INSERT INTO "+table+" SELECT * FROM kept; DROP TABLE kept"))
	}
}

// A check of the untouched store finds nothing, with the log's key too, and
// says so of a key that did not sign.
func TestCheckKeys(t *testing.T) {
	t.Parallel()
	url := sqliteURL(t)
	verifier := full(t, url)
	s := open(t, url, &store.Options{ReadOnly: true})
	r, err := s.Check(t.Context(), &store.CheckOptions{Keys: []note.Verifier{verifier}})
	if err != nil || !r.OK() {
		t.Errorf("%v, %v", r.Findings, err)
	}
	_, other := key(t)
	if r, err = s.Check(t.Context(), &store.CheckOptions{Keys: []note.Verifier{other}}); err != nil || len(r.Findings) != 2 || r.Findings[0].Table != "checkpoint" {
		t.Errorf("%v, %v", r.Findings, err)
	}
}
