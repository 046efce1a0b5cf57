// Package audit holds the mathematics and the formats of proof: digests of
// notebooks, entries and checkpoints of a Merkle log, receipts, and what it
// takes to verify them. It opens no file, reads no clock and keeps no key;
// docs/digests.md and docs/receipt.md specify what it computes.
package audit
