-- +goose Up
-- One row for each thing that writers take turns at, or that must be remembered across processes.
CREATE TABLE head (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO head VALUES ('log', 0), ('run', 0), ('event', 0), ('nonce', 0), ('scrub', 0);

-- The log. A leaf is the exact text that the tree hashes; commitments outlive what they commit to.
CREATE TABLE entry (idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, leaf BLOB NOT NULL, commitments BLOB NOT NULL) STRICT;
-- What can be erased: one row for an entry, which never changes its size, so that SQLite overwrites it where it stands.
CREATE TABLE payload (idx INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
-- Hash tiles: on level 0 full ones only (the rest are hashes of entries), above it as far as they are known.
CREATE TABLE tile (level INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (level, n)) STRICT;
CREATE TABLE origin (n INTEGER PRIMARY KEY, name TEXT NOT NULL, first INTEGER NOT NULL) STRICT;
CREATE TABLE checkpoint (n INTEGER PRIMARY KEY, size INTEGER NOT NULL, note BLOB NOT NULL) STRICT;

-- The key of the digests below, sealed as everything is: without it they confirm no guess.
CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;

-- Events: data is the event's bytes, digest their HMAC, zeros when the payload was erased.
CREATE TABLE event (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, trace TEXT, task TEXT, parent TEXT, type TEXT NOT NULL, source TEXT,
  digest BLOB NOT NULL, erased INTEGER NOT NULL DEFAULT 0, data BLOB NOT NULL
) STRICT;
CREATE INDEX event_task ON event (task, seq) WHERE task IS NOT NULL;
CREATE INDEX event_type ON event (type, seq);
-- The fields of a payload's ctx, as HMACs: filters ask for equality only.
CREATE TABLE event_field (name TEXT NOT NULL, value BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (name, value, seq)) STRICT, WITHOUT ROWID;
CREATE INDEX event_field_seq ON event_field (seq);

CREATE TABLE outbox (
  destination TEXT PRIMARY KEY, seq INTEGER NOT NULL, failures INTEGER NOT NULL, next_try INTEGER NOT NULL, last_error TEXT NOT NULL,
  delivered INTEGER NOT NULL, dropped INTEGER NOT NULL, owner TEXT NOT NULL, until INTEGER NOT NULL
) STRICT;
CREATE TABLE dead (n INTEGER PRIMARY KEY, destination TEXT NOT NULL, event TEXT NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL, erased INTEGER NOT NULL DEFAULT 0, data BLOB NOT NULL, UNIQUE (destination, event)) STRICT;

-- The observer's chains.
CREATE TABLE chain (
  slug TEXT PRIMARY KEY, origin TEXT NOT NULL, clock TEXT NOT NULL, genesis INTEGER NOT NULL,
  zeqond INTEGER NOT NULL, row_hash TEXT NOT NULL, n INTEGER NOT NULL
) STRICT;
CREATE TABLE link (
  slug TEXT NOT NULL, zeqond INTEGER NOT NULL, type TEXT NOT NULL, task TEXT, event TEXT NOT NULL, erased INTEGER NOT NULL DEFAULT 0, data BLOB NOT NULL,
  PRIMARY KEY (slug, zeqond)
) STRICT;
CREATE INDEX link_past ON link (slug, zeqond, type);
CREATE INDEX link_task ON link (task) WHERE task IS NOT NULL;
CREATE TABLE nonce (epoch INTEGER NOT NULL, slug TEXT NOT NULL, zeqond INTEGER NOT NULL, PRIMARY KEY (epoch, slug)) STRICT;
CREATE TABLE burnt (epoch INTEGER PRIMARY KEY) STRICT;
CREATE TABLE frozen (destination TEXT NOT NULL, event TEXT NOT NULL, digest BLOB NOT NULL, body BLOB NOT NULL, erased INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (destination, event)) STRICT;

-- Rows of runs: data is the row's JSON, the columns what lists ask for. Rows
-- grow, and a page of SQLite's may keep what was moved off it: the row is
-- sealed with the key beside it, which stands still and can be destroyed.
CREATE TABLE run (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, cause TEXT NOT NULL,
  created INTEGER NOT NULL, ended INTEGER NOT NULL, erased INTEGER NOT NULL DEFAULT 0, data BLOB NOT NULL
) STRICT;
CREATE TABLE run_key (n INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;
CREATE INDEX run_created ON run (created, id);
CREATE INDEX run_unended ON run (id) WHERE ended = 0;
CREATE TABLE blob (digest TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT;

-- +goose StatementBegin
CREATE TRIGGER entry_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries of the log are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entry_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries of the log are never removed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'checkpoints are never removed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tile_update BEFORE UPDATE ON tile WHEN NEW.level <> OLD.level OR NEW.n <> OLD.n OR substr(NEW.data, 1, length(OLD.data)) <> OLD.data
BEGIN SELECT RAISE(ABORT, 'tiles only grow'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tile_delete BEFORE DELETE ON tile BEGIN SELECT RAISE(ABORT, 'tiles are never removed'); END;
-- +goose StatementEnd
