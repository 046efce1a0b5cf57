-- +goose Up
INSERT INTO head VALUES ('blob', 0);

-- The name of this database's own folder at every place for blobs, which no other has: what is elsewhere there is not this one's to
-- remove. A backup and a restored store have names of their own.
CREATE TABLE home (id TEXT COLLATE "C" PRIMARY KEY);
INSERT INTO home SELECT replace(gen_random_uuid()::text, '-', '');

-- A blob at a place, '' being the folder beside the database. Its state is coming while its bytes are being put, stored when they
-- are there, doomed when they are to be removed: so the database knows of bytes before they are there, and until they are gone.
-- No run ever kept one in the table that was here before.
DROP TABLE blob;
CREATE TABLE blob (digest TEXT COLLATE "C" NOT NULL, place TEXT COLLATE "C" NOT NULL, size BIGINT NOT NULL, state TEXT COLLATE "C" NOT NULL, PRIMARY KEY (digest, place));
-- Which run kept a blob, as its input or its output. A blob goes with the last of these rows.
CREATE TABLE kept (run TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, digest TEXT COLLATE "C" NOT NULL, PRIMARY KEY (run, name));
CREATE INDEX kept_digest ON kept (digest);

-- As before, and the log must have the one name that the items are for, if they name one (SQLSTATE AS002, with the name it has).
DROP FUNCTION assay_append(TEXT[], BYTEA[], BYTEA[], BYTEA[], BOOLEAN, BOOLEAN);
-- +goose StatementBegin
CREATE FUNCTION assay_append(logs TEXT[], ids TEXT[], leaves BYTEA[], commitments BYTEA[], payloads BYTEA[], alone BOOLEAN, different BOOLEAN, OUT size BIGINT, OUT indexes BIGINT[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  other TEXT;
BEGIN
  PERFORM value FROM head WHERE name = 'log' FOR UPDATE;
  SELECT o.name INTO other FROM origin o ORDER BY o.n DESC LIMIT 1;
  IF EXISTS (SELECT 1 FROM unnest(logs) AS g (name) WHERE g.name IS DISTINCT FROM other) THEN
    RAISE EXCEPTION '%', coalesce(other, '') USING ERRCODE = 'AS002';
  END IF;
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
