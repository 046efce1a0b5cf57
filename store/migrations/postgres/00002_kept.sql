-- +goose Up
INSERT INTO head VALUES ('blob', 0);

-- A blob at a place, '' being the folder beside the database. Its state is coming while its bytes are being put, stored when they
-- are there, doomed when they are to be removed: so the database knows of bytes before they are there, and until they are gone.
ALTER TABLE blob RENAME TO blob_1;
CREATE TABLE blob (digest TEXT COLLATE "C" NOT NULL, place TEXT COLLATE "C" NOT NULL, size BIGINT NOT NULL, state TEXT COLLATE "C" NOT NULL, CONSTRAINT blob_place PRIMARY KEY (digest, place));
INSERT INTO blob (digest, place, size, state) SELECT digest, '', size, 'stored' FROM blob_1;
DROP TABLE blob_1;
-- Which run kept a blob, as its input or its output. A blob goes with the last of these rows.
CREATE TABLE kept (run TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, digest TEXT COLLATE "C" NOT NULL, PRIMARY KEY (run, name));
CREATE INDEX kept_digest ON kept (digest);
