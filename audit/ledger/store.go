package ledger

import (
	"context"
	"errors"

	"assay/audit"

	"golang.org/x/mod/sumdb/tlog"
)

var (
	// ErrNotFound says that the log has no such entry, tile or payload.
	ErrNotFound = errors.New("the log has no such entry")

	// ErrConflict says that somebody else was first: another checkpoint was
	// saved, the log got another name, or an entry's ID is that of an entry
	// with another leaf. Read again and decide anew.
	ErrConflict = errors.New("the log has something else in that place")
)

// TileHeight is the height of the log's tiles, C2SP tlog-tiles' 8: a full tile
// is 256 hashes of 32 bytes.
const TileHeight = 8

// MaxLeaf is the most bytes that a leaf may have: C2SP tlog-tiles writes an
// entry's length in two bytes.
const MaxLeaf = 65535

// Item is one entry to append.
type Item struct {
	// ID is unique in a log. Appending an ID again with the same leaf gives
	// the index of the entry that has it and does nothing else. With another
	// leaf it is ErrConflict: what the caller says happened would be nowhere.
	ID string

	// Leaf is the exact text that the tree hashes: audit.Entry's Encode, 1 to
	// MaxLeaf bytes.
	Leaf []byte

	// Commitments are what the leaf's facts digest was made of, in its order.
	// They outlive the payloads.
	Commitments []audit.Commitment

	// Payloads are the erasable parts, each with its salt.
	Payloads []audit.Payload

	// Log is the name that the log must have when the item is entered; "" is
	// any. Where it has another by then the call is ErrMoved.
	Log string

	// With is what the store keeps in the same transaction, of a type that
	// the store knows. Nil is nothing. A store refuses what it does not know.
	With any
}

// Stored is an entry as the store has it.
type Stored struct {
	Index       int64
	ID          string
	Leaf        []byte
	Commitments []audit.Commitment
}

// Signed is a checkpoint: the size of its tree and the signed note. The zero
// value stands for none.
type Signed struct {
	Size int64
	Note []byte
}

// Store keeps a log. All methods may be called at the same time, by any number
// of processes on one store. What a call returns without an error is durable.
// Slices handed in are not kept and slices handed out are the caller's.
//
// A call that returns an error may all the same have been done, when the error
// came after the commit. Every method that writes can therefore be called
// again: with the same arguments the second call changes nothing.
//
// Package storetest holds the suite that every store passes.
type Store interface {
	// Append adds items in their order in one transaction, all or none, and
	// returns their indexes, which go on from Size without a gap. Tiles,
	// payloads and With are kept in the same transaction. An item whose ID the
	// log has, or an earlier item of the call, gives that entry's index when
	// the leaf is the same, byte for byte, and ErrConflict for all when not. An
	// item with no ID, or a leaf of the wrong length, is an error for all.
	Append(ctx context.Context, items []Item) ([]int64, error)

	// Erase appends act and destroys the salts and data of the named payloads
	// of the entry id, in one transaction, and returns the act's index. The
	// entry, its leaf and its commitments stay. An id that the log does not
	// have is ErrNotFound and then nothing is appended; names without a
	// payload are passed over. When the log has act's ID already nothing is
	// appended, and what is left of the payloads is destroyed; when that entry
	// has another leaf the error is ErrConflict and nothing is destroyed.
	Erase(ctx context.Context, act Item, id string, names []string) (int64, error)

	// Size is the number of entries.
	Size(ctx context.Context) (int64, error)

	// Tile returns the first t.W hashes of tile t.N on level t.L, 32*t.W
	// bytes: t.H is TileHeight and W 1 to 256. Where the tree has fewer the
	// error is ErrNotFound. Hashes in a tile never change once they are there.
	Tile(ctx context.Context, t tlog.Tile) ([]byte, error)

	// Entry returns the entry at index, Find the one with the ID. The error is
	// ErrNotFound when there is none.
	Entry(ctx context.Context, index int64) (Stored, error)
	Find(ctx context.Context, id string) (Stored, error)

	// Entries calls yield for the entries from <= index < to in order and
	// stops with yield's first error, which it returns as it is. It must not
	// hold more than a bounded part of them in memory, and must not keep
	// writers out for the time of the walk. The leaf is valid only until yield
	// returns. A range that goes beyond Size is ErrNotFound.
	Entries(ctx context.Context, from, to int64, yield func(index int64, leaf []byte) error) error

	// Payloads returns those payloads of the entry id that were not erased, in
	// the order in which they were given. An unknown id is ErrNotFound.
	Payloads(ctx context.Context, id string) ([]audit.Payload, error)

	// Origin is the log's name, "" before it has one.
	Origin(ctx context.Context) (string, error)

	// SetOrigin names the log when its name is prev ("" for the first time),
	// else the error is ErrConflict; when the name is origin already it does
	// nothing. A name is changed only where a rolled-back log ends.
	SetOrigin(ctx context.Context, prev, origin string) error

	// Checkpoint is the last one saved; the zero Signed when there is none.
	Checkpoint(ctx context.Context) (Signed, error)

	// Checkpoints calls yield for all notes ever saved, in their order, and
	// stops with its first error, which it returns as it is.
	Checkpoints(ctx context.Context, yield func(Signed) error) error

	// SaveCheckpoint adds s when the last checkpoint's size is prev (0 for
	// none), else the error is ErrConflict; and nothing when s is already the
	// last, byte for byte. s.Size may equal prev: another note on the same
	// tree, with more signatures. It may be neither less than prev nor more
	// than Size. All notes ever saved are kept.
	SaveCheckpoint(ctx context.Context, prev int64, s Signed) error
}
