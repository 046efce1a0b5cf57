-- +goose Up
-- The server takes samples of columns for its planner, in a table that an erasure does not reach. Of what can be erased it takes
-- none, digests included, which confirm a guess; to give a column its type again removes the samples that it has.
ALTER TABLE payload ALTER data SET STATISTICS 0, ALTER data TYPE BYTEA;
ALTER TABLE event ALTER data SET STATISTICS 0, ALTER data TYPE BYTEA, ALTER digest SET STATISTICS 0, ALTER digest TYPE BYTEA;
ALTER TABLE event_field ALTER value SET STATISTICS 0, ALTER value TYPE BYTEA;
ALTER TABLE run ALTER data SET STATISTICS 0, ALTER data TYPE BYTEA;
ALTER TABLE run_key ALTER key SET STATISTICS 0, ALTER key TYPE BYTEA;
ALTER TABLE link ALTER data SET STATISTICS 0, ALTER data TYPE BYTEA;
ALTER TABLE dead ALTER data SET STATISTICS 0, ALTER data TYPE BYTEA, ALTER why SET STATISTICS 0, ALTER why TYPE TEXT COLLATE "C";
ALTER TABLE frozen ALTER body SET STATISTICS 0, ALTER body TYPE BYTEA, ALTER digest SET STATISTICS 0, ALTER digest TYPE BYTEA;
ALTER TABLE blob ALTER digest SET STATISTICS 0, ALTER digest TYPE TEXT COLLATE "C";
ALTER TABLE kept ALTER digest SET STATISTICS 0, ALTER digest TYPE TEXT COLLATE "C";
