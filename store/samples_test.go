package store_test

import (
	"database/sql"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/events"
	"assay/internal/testenv"
)

// PostgreSQL samples columns whenever it likes, and keeps the values where no
// erasure finds them. It must have none of those that can be erased, nor those
// that it took before it was told so.
func TestNoSamples(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t)
	s := open(t, url, nil)
	for _, id := range []string{"r1", "r2", "r3"} {
		appendAll(t, s, ended(id))
	}
	es, err := s.Events().Query(t.Context(), events.Filter{"task_id": ptr("r1")}, 0, 1)
	if err != nil || len(es) != 1 {
		t.Fatal(es, err)
	}
	if err := s.Events().Dead(t.Context(), "hook", es[0], "refused: in-r1.ipynb", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Freeze(t.Context(), "wire", es[0].ID, []byte("body of in-r1.ipynb")); err != nil {
		t.Fatal(err)
	}
	migration, err := os.ReadFile("migrations/postgres/00003_samples.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, fill := range []string{"INSERT INTO blob VALUES ('00ff', '', 1, 'stored')", "INSERT INTO kept VALUES ('r1', 'input', '00ff')"} {
		if _, err := db.Exec(fill); err != nil {
			t.Fatal(err)
		}
	}
	erasable := []string{
		"event.data", "event.digest", "event_field.value", "run.data", "run_key.key", "link.data", "dead.data", "dead.why",
		"frozen.body", "frozen.digest", "blob.digest", "kept.digest",
	}
	sampled := func(do ...string) (found []string) {
		t.Helper()
		for _, text := range do {
			if _, err := db.Exec(text); err != nil {
				t.Fatal(err)
			}
		}
		for _, column := range erasable {
			var n int
			if err := db.QueryRow(`SELECT count(*) FROM pg_stats WHERE tablename || '.' || attname = $1`, column).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				found = append(found, column)
			}
		}
		return found
	}
	if found := sampled("ANALYZE"); found != nil {
		t.Errorf("sampled: %v", found)
	}
	// A payload is sampled only where it has less than a kilobyte; what is set holds for every length.
	for _, column := range append([]string{"payload.data"}, erasable...) {
		table, name, _ := strings.Cut(column, ".")
		var target int
		if err := db.QueryRow(`SELECT attstattarget FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2`, table, name).Scan(&target); err != nil || target != 0 {
			t.Errorf("%s: %d samples are to be taken, %v", column, target, err)
		}
	}
	var asBefore []string
	for _, column := range erasable {
		table, name, _ := strings.Cut(column, ".")
		asBefore = append(asBefore, "ALTER TABLE "+table+" ALTER "+name+" SET STATISTICS 100")
	}
	before := sampled(append(asBefore, "ANALYZE")...)
	if !slices.Equal(before, erasable) {
		t.Fatalf("of a database of before, sampled: %v: this test finds nothing", before)
	}
	if found := sampled(string(migration)); found != nil {
		t.Errorf("left when the tables were brought up to date: %v", found)
	}
}
