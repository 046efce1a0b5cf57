-- +goose Up
INSERT INTO head VALUES ('blob', 0);

-- The name of this database's own folder at every place for blobs, which no other has: what is elsewhere there is not this one's to
-- remove. A backup and a restored store have names of their own.
CREATE TABLE home (id TEXT PRIMARY KEY) STRICT;
INSERT INTO home SELECT lower(hex(randomblob(16)));

-- A blob at a place, '' being the folder beside the database. Its state is coming while its bytes are being put, stored when they
-- are there, doomed when they are to be removed: so the database knows of bytes before they are there, and until they are gone.
-- No run ever kept one in the table that was here before.
DROP TABLE blob;
CREATE TABLE blob (digest TEXT NOT NULL, place TEXT NOT NULL, size INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (digest, place)) STRICT;
-- Which run kept a blob, as its input or its output. A blob goes with the last of these rows.
CREATE TABLE kept (run TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (run, name)) STRICT;
CREATE INDEX kept_digest ON kept (digest);
