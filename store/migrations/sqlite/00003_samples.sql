-- +goose Up
-- SQLite takes samples only where it is told to, and assay never does. The number is PostgreSQL's.
SELECT 1;
