-- +goose Up
-- One row for each thing that writers take turns at, or that must be remembered across processes.
CREATE TABLE head (name TEXT COLLATE "C" PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO head VALUES ('log', 0), ('run', 0), ('event', 0), ('nonce', 0), ('scrub', 0);

-- The log. A leaf is the exact text that the tree hashes; commitments outlive what they commit to.
CREATE TABLE entry (idx BIGINT PRIMARY KEY, id TEXT COLLATE "C" NOT NULL UNIQUE, leaf BYTEA NOT NULL, commitments BYTEA NOT NULL);
-- What can be erased: one row for an entry, which never changes its size, so that SQLite overwrites it where it stands.
CREATE TABLE payload (idx BIGINT PRIMARY KEY, data BYTEA NOT NULL);
-- Hash tiles: on level 0 full ones only (the rest are hashes of entries), above it as far as they are known.
CREATE TABLE tile (level BIGINT NOT NULL, n BIGINT NOT NULL, data BYTEA NOT NULL, PRIMARY KEY (level, n));
CREATE TABLE origin (n BIGINT PRIMARY KEY, name TEXT COLLATE "C" NOT NULL, first BIGINT NOT NULL);
CREATE TABLE checkpoint (n BIGINT PRIMARY KEY, size BIGINT NOT NULL, note BYTEA NOT NULL);

-- The key of the digests below, sealed as everything is: without it they confirm no guess.
CREATE TABLE secret (name TEXT COLLATE "C" PRIMARY KEY, value BYTEA NOT NULL);

-- Events: data is the event's bytes, digest their HMAC, zeros when the payload was erased.
CREATE TABLE event (
  seq BIGINT PRIMARY KEY, id TEXT COLLATE "C" NOT NULL UNIQUE, trace TEXT COLLATE "C", task TEXT COLLATE "C", parent TEXT COLLATE "C", type TEXT COLLATE "C" NOT NULL, source TEXT COLLATE "C",
  digest BYTEA NOT NULL, erased BIGINT NOT NULL DEFAULT 0, data BYTEA NOT NULL
);
CREATE INDEX event_task ON event (task, seq) WHERE task IS NOT NULL;
CREATE INDEX event_type ON event (type, seq);
-- The fields of a payload's ctx, as HMACs: filters ask for equality only.
CREATE TABLE event_field (name TEXT COLLATE "C" NOT NULL, value BYTEA NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (name, value, seq));
CREATE INDEX event_field_seq ON event_field (seq);

CREATE TABLE outbox (
  destination TEXT COLLATE "C" PRIMARY KEY, seq BIGINT NOT NULL, failures BIGINT NOT NULL, next_try BIGINT NOT NULL, last_error TEXT COLLATE "C" NOT NULL,
  delivered BIGINT NOT NULL, dropped BIGINT NOT NULL, owner TEXT COLLATE "C" NOT NULL, until BIGINT NOT NULL
);
CREATE TABLE dead (n BIGINT PRIMARY KEY, destination TEXT COLLATE "C" NOT NULL, event TEXT COLLATE "C" NOT NULL, why TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL, erased BIGINT NOT NULL DEFAULT 0, data BYTEA NOT NULL, UNIQUE (destination, event));

-- The observer's chains.
CREATE TABLE chain (
  slug TEXT COLLATE "C" PRIMARY KEY, origin TEXT COLLATE "C" NOT NULL, clock TEXT COLLATE "C" NOT NULL, genesis BIGINT NOT NULL,
  zeqond BIGINT NOT NULL, row_hash TEXT COLLATE "C" NOT NULL, n BIGINT NOT NULL
);
CREATE TABLE link (
  slug TEXT COLLATE "C" NOT NULL, zeqond BIGINT NOT NULL, type TEXT COLLATE "C" NOT NULL, task TEXT COLLATE "C", event TEXT COLLATE "C" NOT NULL, erased BIGINT NOT NULL DEFAULT 0, data BYTEA NOT NULL,
  PRIMARY KEY (slug, zeqond)
);
CREATE INDEX link_past ON link (slug, zeqond, type);
CREATE INDEX link_task ON link (task) WHERE task IS NOT NULL;
CREATE TABLE nonce (epoch BIGINT NOT NULL, slug TEXT COLLATE "C" NOT NULL, zeqond BIGINT NOT NULL, PRIMARY KEY (epoch, slug));
CREATE TABLE burnt (epoch BIGINT PRIMARY KEY);
CREATE TABLE frozen (destination TEXT COLLATE "C" NOT NULL, event TEXT COLLATE "C" NOT NULL, digest BYTEA NOT NULL, body BYTEA NOT NULL, erased BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (destination, event));

-- Rows of runs: data is the row's JSON, the columns what lists ask for. Rows
-- grow, and a page of SQLite's may keep what was moved off it: the row is
-- sealed with the key beside it, which stands still and can be destroyed.
CREATE TABLE run (
  n BIGINT PRIMARY KEY, id TEXT COLLATE "C" NOT NULL UNIQUE, state TEXT COLLATE "C" NOT NULL, cause TEXT COLLATE "C" NOT NULL,
  created BIGINT NOT NULL, ended BIGINT NOT NULL, erased BIGINT NOT NULL DEFAULT 0, data BYTEA NOT NULL
);
CREATE TABLE run_key (n BIGINT PRIMARY KEY, key BYTEA NOT NULL);
CREATE INDEX run_created ON run (created, id);
CREATE INDEX run_unended ON run (id) WHERE ended = 0;
CREATE TABLE blob (digest TEXT COLLATE "C" PRIMARY KEY, size BIGINT NOT NULL);

-- +goose StatementBegin
CREATE FUNCTION assay_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;
-- +goose StatementEnd
CREATE TRIGGER entry_update BEFORE UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION assay_refuse('entries of the log are never changed');
CREATE TRIGGER entry_delete BEFORE DELETE ON entry FOR EACH ROW EXECUTE FUNCTION assay_refuse('entries of the log are never removed');
CREATE TRIGGER entry_truncate BEFORE TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION assay_refuse('entries of the log are never removed');
CREATE TRIGGER checkpoint_update BEFORE UPDATE ON checkpoint FOR EACH ROW EXECUTE FUNCTION assay_refuse('checkpoints are never changed');
CREATE TRIGGER checkpoint_delete BEFORE DELETE ON checkpoint FOR EACH ROW EXECUTE FUNCTION assay_refuse('checkpoints are never removed');
CREATE TRIGGER checkpoint_truncate BEFORE TRUNCATE ON checkpoint FOR EACH STATEMENT EXECUTE FUNCTION assay_refuse('checkpoints are never removed');
CREATE TRIGGER tile_update BEFORE UPDATE ON tile FOR EACH ROW
  WHEN (NEW.level <> OLD.level OR NEW.n <> OLD.n OR substr(NEW.data, 1, length(OLD.data)) <> OLD.data) EXECUTE FUNCTION assay_refuse('tiles only grow');
CREATE TRIGGER tile_delete BEFORE DELETE ON tile FOR EACH ROW EXECUTE FUNCTION assay_refuse('tiles are never removed');
CREATE TRIGGER tile_truncate BEFORE TRUNCATE ON tile FOR EACH STATEMENT EXECUTE FUNCTION assay_refuse('tiles are never removed');
-- The whole of an append but for tiles, in one call: each way to the server and back costs as much as the work there. It has the
-- log's turn from its first statement on; later ones see what others committed before. Gives where the log ended, and each item's index.
-- An id that is known with another leaf is refused (SQLSTATE AS001). Different says that no id is given twice.
-- A table that grows faster than its statistics would be read whole: hence the settings.
-- +goose StatementBegin
CREATE FUNCTION assay_append(ids TEXT[], leaves BYTEA[], commitments BYTEA[], payloads BYTEA[], alone BOOLEAN, different BOOLEAN, OUT size BIGINT, OUT indexes BIGINT[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  other TEXT;
BEGIN
  PERFORM value FROM head WHERE name = 'log' FOR UPDATE;
  SELECT coalesce(max(e.idx) + 1, 0) INTO size FROM entry e;
  -- Alone, without a transaction around it, it does nothing where a tile may become full, which the caller has to keep.
  IF alone AND size / 256 <> (size + cardinality(ids)) / 256 THEN
    RETURN;
  END IF;
  IF different AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.id = ANY (ids)) THEN
    INSERT INTO entry (idx, id, leaf, commitments)
      SELECT assay_append.size - 1 + g.place, g.id, g.leaf, g.commitments FROM unnest(ids, leaves, commitments) WITH ORDINALITY AS g (id, leaf, commitments, place);
    INSERT INTO payload (idx, data)
      SELECT assay_append.size - 1 + g.place, g.payload FROM unnest(payloads) WITH ORDINALITY AS g (payload, place) WHERE g.payload IS NOT NULL;
    indexes := ARRAY(SELECT generate_series(assay_append.size, assay_append.size - 1 + cardinality(ids)));
    RETURN;
  END IF;
  WITH given AS (
    SELECT * FROM unnest(ids, leaves, commitments, payloads) WITH ORDINALITY AS g (id, leaf, commitments, payload, place)
  ), fresh AS (
    SELECT DISTINCT ON (g.id) * FROM given g WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.id = g.id) ORDER BY g.id, g.place
  ), numbered AS (
    SELECT *, assay_append.size - 1 + row_number() OVER (ORDER BY f.place) AS idx FROM fresh f
  ), entered AS (
    INSERT INTO entry (idx, id, leaf, commitments) SELECT n.idx, n.id, n.leaf, n.commitments FROM numbered n
  )
  INSERT INTO payload (idx, data) SELECT n.idx, n.payload FROM numbered n WHERE n.payload IS NOT NULL;
  SELECT array_agg(e.idx ORDER BY g.place) INTO indexes FROM unnest(ids) WITH ORDINALITY AS g (id, place) JOIN entry e ON e.id = g.id;
  SELECT g.id INTO other FROM unnest(ids, leaves) AS g (id, leaf) JOIN entry e ON e.id = g.id WHERE e.leaf <> g.leaf LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '%', other USING ERRCODE = 'AS001';
  END IF;
END $$;
-- +goose StatementEnd
