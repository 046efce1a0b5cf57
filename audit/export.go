package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Limits of what VerifyExport reads at once, so that no export makes it take
// memory without bound.
const (
	maxBundle     = (2 + MaxLeaf) << TileHeight
	maxLine       = 256 << 20
	maxProblems   = 100    // after which one says that there are more
	maxNamedKeys  = 10_000 // of those that entries name; each counts once
	leavesPerTile = 1 << TileHeight
)

// VerifyExport checks an exported log (docs/log.md) against keys from outside:
// every entry, every tile, the signed checkpoint, earlier checkpoints, and the
// payloads as far as they are there. It reads each file once (checkpoints
// twice), in memory that does not grow with the log. Files that belong to no
// export are not looked at.
func VerifyExport(fsys fs.FS, o *VerifyOptions) *Verdict {
	if o == nil {
		o = &VerifyOptions{}
	}
	x := &exportCheck{v: &Verdict{}, fsys: fsys, o: o, kinds: map[string]int64{}, named: map[signerID]note.Verifier{}}
	x.run()
	v := x.v
	if v.OK = len(v.Problems) == 0; !v.OK {
		v.Proved, v.NotProved = nil, []string{"anything: what an export says is worth nothing while it does not verify"}
	}
	return v
}

type exportCheck struct {
	v    *Verdict
	fsys fs.FS
	o    *VerifyOptions
	tree Frontier

	head     Checkpoint
	origin   string // of the entries so far
	payloads lineReader
	payload  *PayloadLine // the next one
	history  lineReader
	earlier  *CheckpointLine

	kinds  map[string]int64
	named  map[signerID]note.Verifier // keys that entries name
	shown  int64                      // payloads that hold
	hidden int64                      // payloads that are not there
	silent int64                      // entries that are bound to payloads of which there is no line
	signed int64                      // checkpoints in the history
}

// signerID is how a signature names its key.
type signerID struct {
	name string
	hash uint32
}

func (x *exportCheck) problem(where, format string, args ...any) {
	switch n := len(x.v.Problems); {
	case n < maxProblems:
		x.v.problem(where, fmt.Sprintf(format, args...))
	case n == maxProblems:
		x.v.problem("export", "there are more problems than are shown")
	}
}

func (x *exportCheck) run() {
	data, err := readLimited(x.fsys, "checkpoint", maxNote)
	if err != nil {
		x.problem("checkpoint", "%v", err)
		return
	}
	c, n := x.v.checkpoint(data, nil, x.o)
	if n == nil {
		return
	}
	x.head = c
	x.tree.Full = x.tile
	x.payloads.open(x.fsys, ExportPayloads)
	x.history.open(x.fsys, ExportCheckpoints)
	defer x.payloads.close()
	defer x.history.close()
	x.nextPayload()
	x.nextCheckpoint()
	x.checkEarlier() // an empty log has a checkpoint too
	x.entries()
	x.tree.Partial(x.tile)
	if x.tree.Size() != c.Size || x.tree.Root() != c.Root {
		x.problem("checkpoint", "it is not that of the %d entries that are here", x.tree.Size())
	}
	if c.Size > 0 && x.origin != c.Origin {
		x.problem("checkpoint", "it is of the log %q, the last entries are of %q", c.Origin, x.origin)
	}
	if x.payload != nil {
		x.problem(ExportPayloads, "a line is of entry %d, which does not come there", x.payload.Index)
	}
	if x.earlier != nil {
		x.problem(ExportCheckpoints, "a checkpoint of size %d does not come there", x.earlier.Size)
	}
	x.signatures()
	x.tell(c, n)
}

// entries reads the bundles of leaves one after the other.
func (x *exportCheck) entries() {
	for from := int64(0); from < x.head.Size; from += leavesPerTile {
		width := min(x.head.Size-from, leavesPerTile)
		path := EntriesPath(from/leavesPerTile, int(width))
		data, err := readLimited(x.fsys, path, maxBundle)
		var leaves [][]byte
		if err == nil {
			leaves, err = SplitBundle(data)
		}
		if err == nil && int64(len(leaves)) != width {
			err = fmt.Errorf("%d entries, want %d", len(leaves), width)
		}
		if err != nil {
			x.problem(path, "%v", err)
			return // without these entries nothing behind them has its place
		}
		for i, leaf := range leaves {
			x.entry(from+int64(i), leaf)
		}
	}
}

func (x *exportCheck) entry(index int64, leaf []byte) {
	x.tree.Add(tlog.RecordHash(leaf))
	e, err := ParseEntry(leaf)
	if err != nil {
		x.problem("entry", "%d: %v", index, err)
		return
	}
	x.act(index, e)
	x.checkEarlier()
	if x.payload == nil || x.payload.Index != index {
		if !e.Facts.IsZero() {
			x.silent++
		}
		return
	}
	hidden, err := checkShown(e, x.payload.Commitments, x.payload.Payloads)
	if err != nil {
		x.problem("entry", "%d, its payloads: %v", index, err)
	}
	x.shown += int64(len(x.payload.Payloads))
	x.hidden += int64(len(hidden))
	x.nextPayload()
}

// act follows what entries say of the log itself: its name, which changes
// where a log goes on after a rollback, and its keys.
func (x *exportCheck) act(index int64, e *Entry) {
	x.kinds[e.Kind]++
	if e.Kind == KindKey || e.Kind == KindLog {
		for _, k := range append(e.Names[:len(e.Names):len(e.Names)], e.Subject) {
			kv, err := NewVerifier(k)
			if err != nil || len(x.named) >= maxNamedKeys {
				continue
			}
			if id := (signerID{kv.Name(), kv.KeyHash()}); x.named[id] == nil {
				x.named[id] = kv
			}
		}
	}
	if index == 0 || e.Kind == KindLog && e.Subject == x.origin {
		x.origin = e.Log
	}
	if e.Log != x.origin {
		x.problem("entry", "%d is of the log %q, where those before it are of %q", index, e.Log, x.origin)
	}
}

// tile holds a tile's file against the hashes that the entries give.
func (x *exportCheck) tile(t tlog.Tile, data []byte) {
	path := TilePath(t)
	got, err := readLimited(x.fsys, path, tlog.HashSize<<TileHeight)
	if err == nil && !bytes.Equal(got, data) {
		err = errors.New("its hashes are not those of the entries")
	}
	if err != nil {
		x.problem(path, "%v", err)
	}
}
