// Package output keeps the notebook that a run writes: valid from its first
// second to its last, with a journal beside it, and with metadata.papermill
// and metadata.assay (docs/metadata.md) that say what happened.
//
// # The journal
//
// The journal of DIR/OUT is DIR/.OUT.journal. It is there while a run writes
// OUT, is locked as long as that run is alive, and holds every cell that ended
// more than a second ago, and what the running cell showed by then. It begins with the eight bytes "assayj1\n", then
// come frames: the length of the payload and its CRC-32C, four bytes each,
// little endian, then the payload, which is records under DEFLATE. A record is
// a JSON object (kind, cell, what happened to it) and the JSON array of the
// cell's outputs, each with its length in front as a varint. A frame that is
// cut off or damaged ends the journal. Records are only added, and OUT never
// has what the journal has not, so applying all of them to any version of OUT
// gives the last state.
//
// Of a running cell a record has what is new since the one before: more text of
// the last output (a string in the array), more outputs, displays that changed,
// by position, and whether all before is cleared. The record of the cell's end
// has its outputs whole and takes the place of these. OUT has none of them;
// Recover puts them into the cell that never ended.
//
// # Bytes written
//
// OUT is replaced by rename: when the run starts, when it ends, and in between
// at growing intervals, each a third of the run's age at the one before.
// A version in between is left out where it could bring all bytes written, the
// journal's included, above 2.9 times the final size and one MiB. For the same
// bound a running cell that clears and shows again and again (a progress bar,
// an animation) is written at growing intervals, too, and not at all where
// bytes are short. Only output that is written and then cleared for good, by a
// cell that ends with less, is no part of a final size.
package output
