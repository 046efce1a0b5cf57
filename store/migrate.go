package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// version is the number of the newest migration.
const version = 3

// upToDate brings the tables up to version. A database that is there already
// costs one query.
func (s *Store) upToDate(ctx context.Context) error {
	have, err := s.version(ctx)
	switch {
	case err != nil && s.o.ReadOnly && s.e.noTables(err):
		return fmt.Errorf("%w: %w", ErrNoStore, err)
	case err != nil && s.o.ReadOnly:
		return s.e.explain(err)
	case have == version:
		return nil
	case have > version:
		return fmt.Errorf("%w: it has tables of version %d, and this one knows %d", ErrNewer, have, version)
	case s.o.ReadOnly:
		return fmt.Errorf("its tables are of version %d: open it once for writing, which makes them version %d", have, version)
	}
	// err is not asked further: a database without tables gives one, and what
	// else can be wrong the migration finds out.
	if err := s.e.migrate(ctx, s); err != nil {
		return fmt.Errorf("bring its tables to version %d: %w", version, s.explain(err))
	}
	return nil
}

// version is that of the tables; an error where there are none.
func (s *Store) version(ctx context.Context) (v int64, err error) {
	err = s.w.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&v)
	return v, err
}

// up runs the migrations that db lacks, while l, where there is one, is held.
func up(ctx context.Context, dialect string, db *sql.DB, l lock.SessionLocker) error {
	name := "postgres"
	if dialect == string(goose.DialectSQLite3) {
		name = "sqlite"
	}
	files, err := fs.Sub(migrations, "migrations/"+name)
	if err != nil {
		return err
	}
	o := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if l != nil {
		o = append(o, goose.WithSessionLocker(l))
	}
	p, err := goose.NewProvider(goose.Dialect(dialect), db, files, o...)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}
