// Package ledger keeps the tamper-evident log: entries appended in order,
// checkpoints signed over their Merkle tree, and the keys that sign.
//
// The mathematics and the formats are package audit's. What a log is kept in
// is a [Store]; this package decides when something may be signed, and refuses
// when the store is older than what was signed already.
package ledger
