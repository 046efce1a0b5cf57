package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"assay/audit"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxProblems is how many problems Verify tells one by one.
const maxProblems = 100

// Verify reads the whole log and checks that its entries are those that the
// tiles hold, that its last checkpoint, the second copy outside and what this
// process saw are all of this tree and signed by keys that are known here, and
// that its entries about keys and names follow one from the other to those it has now. What is
// wrong are the verdict's problems; the error is for what could not be read.
// progress, which may be nil, is told from time to time how many entries were
// read.
//
// It costs one pass over the leaves, in memory that does not depend on their
// number. Payloads are held against their entries by Receipt, Export and the
// store's own check.
func (l *Ledger) Verify(ctx context.Context, progress func(done, total int64)) (*audit.Verdict, error) {
	v := &verification{ctx: ctx, l: l, progress: progress, verdict: &audit.Verdict{}}
	if err := v.run(); err != nil {
		return nil, fmt.Errorf("verify the log: %w", err)
	}
	return v.verdict, nil
}

type verification struct {
	ctx      context.Context // of the one call
	l        *Ledger
	progress func(done, total int64)
	verdict  *audit.Verdict
	more     int // problems beyond maxProblems

	signed []claim // what was signed, by size
	tree   audit.Frontier
	err    error // of reading a tile
	size   int64
	copied int64  // size of the second copy's checkpoint, 0 without one
	log    string // the name that entries must carry here
	vkey   string // the key that the last handover named; "" before one
	runs   []byte // how the leaf of a run begins, as it is nearly always
	named  []byte // and the log's name in it
	kinds  map[string]int64
}

// claim is a signed tree and where it says so.
type claim struct {
	audit.Checkpoint
	note  *note.Note
	where string
}

func (v *verification) problem(where, format string, args ...any) {
	if len(v.verdict.Problems) == maxProblems {
		v.more++
		return
	}
	v.verdict.Problems = append(v.verdict.Problems, audit.Problem{Where: where, Cell: -1, What: fmt.Sprintf(format, args...)})
}

func (v *verification) run() error {
	if err := v.claims(); err != nil {
		return err
	}
	v.tree.Full = v.tile
	v.kinds = map[string]int64{}
	v.setLog("")
	if err := walk(v.ctx, v.l.store, v.size, v.batch); err != nil {
		return err
	}
	if v.tree.Partial(v.tile); v.err != nil {
		return v.err
	}
	if v.tree.Size() != v.size {
		v.problem("entries", "the database says that it has %d and gives %d", v.size, v.tree.Size())
	}
	if v.log != "" && v.log != v.l.origin {
		v.problem("log", "its entries are of the log %s, and its name is %s", v.log, v.l.origin)
	}
	if err := v.roots(); err != nil {
		return err
	}
	if v.more > 0 {
		v.verdict.Problems = append(v.verdict.Problems, audit.Problem{Where: "log", Cell: -1, What: fmt.Sprintf("%d more problems", v.more)})
	}
	v.tell()
	return nil
}

// claims reads all that was signed, before it is asked what is there.
func (v *verification) claims() error {
	l := v.l
	l.mu.Lock()
	defer l.mu.Unlock()
	outside, hasCopy, err := l.readCopy()
	if err != nil {
		v.problem("second copy", "%v", err)
	}
	last, err := l.store.Checkpoint(v.ctx)
	if err != nil {
		return err
	}
	if v.size, err = l.store.Size(v.ctx); err != nil {
		return err
	}
	if hasCopy {
		v.copied = outside.Size
		v.claim(outside.note, l.opts.LastNote)
	}
	if len(last.Note) > 0 {
		v.claim(last.Note, "the last checkpoint")
	}
	if l.seen.Size > 0 {
		v.signed = append(v.signed, claim{l.seen.Checkpoint, nil, "a checkpoint that this process saw"})
	}
	if n := int64(len(v.signed)); n > 0 && hasCopy && outside.Size > last.Size {
		v.problem("checkpoint", "%s is of %d entries, and the database's last checkpoint of %d: the database was put back to an older copy", l.opts.LastNote, outside.Size, last.Size)
	}
	return nil
}

func (v *verification) claim(msg []byte, where string) {
	c, n, err := v.l.readNote(msg, where)
	if err != nil {
		v.problem("checkpoint", "%v", err)
		return
	}
	if c.Origin != v.l.origin {
		v.problem("checkpoint", "%s is of the log %s, and the database is %s", where, c.Origin, v.l.origin)
		return
	}
	v.signed = append(v.signed, claim{c, n, where})
}

// batch takes the entries of one tile.
func (v *verification) batch(b *batch) error {
	err := b.each(func(index int64, leaf []byte, h tlog.Hash) error {
		if bytes.HasPrefix(leaf, v.runs) && v.log != "" && bytes.Contains(leaf, v.named) {
			v.kinds[audit.KindRun]++
		} else {
			v.entry(index, leaf)
		}
		v.tree.Add(h)
		return v.err
	})
	if v.progress != nil && err == nil && (b.from/tileWidth)%64 == 0 {
		v.progress(v.tree.Size(), v.size)
	}
	return err
}

// entry reads an entry that is not a run of the log's present name.
func (v *verification) entry(index int64, leaf []byte) {
	e, err := audit.ParseEntry(leaf)
	if err != nil {
		v.problem("entry", "%d: %v", index, err)
		return
	}
	v.kinds[e.Kind]++
	switch {
	case v.log == "":
		v.setLog(e.Log)
	case e.Kind == audit.KindLog && e.Subject == v.log:
		v.setLog(e.Log)
	case e.Log != v.log:
		// Told once where it changes, not of all that follow.
		v.problem("entry", "%d is of the log %s, and the one before it of %s", index, e.Log, v.log)
		v.setLog(e.Log)
	}
	v.handover(index, e)
}

// handover follows the keys: each hands over once, to the next.
func (v *verification) handover(index int64, e *audit.Entry) {
	switch {
	case e.Kind == audit.KindLog:
		v.vkey = "" // the same key has another text under another name
	case e.Kind != audit.KindKey:
	case v.vkey != "" && !slices.Contains(e.Names, v.vkey):
		v.problem("entry", "%d hands over from the key %s, and the key was %s", index, strings.Join(e.Names, ", "), v.vkey)
	default:
		v.vkey = e.Subject
	}
}

func (v *verification) setLog(origin string) {
	v.log = origin
	v.runs = []byte(`{"version":1,"kind":"` + audit.KindRun + `",`)
	// A name that JSON writes with escapes is never found, and all its entries are parsed.
	v.named = []byte(`,"log":"` + origin + `",`)
}

// tile holds the hashes of entries, or of the tiles below, against the store's.
func (v *verification) tile(t tlog.Tile, want []byte) {
	got, err := v.l.store.Tile(v.ctx, t)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && len(got) != len(want):
		v.problem("tile", "%s is missing", audit.TilePath(t))
	case err != nil:
		v.err = errors.Join(v.err, err)
	case !bytes.Equal(got, want):
		v.hashes(t, got, want)
	}
}

// hashes tells which hashes of a tile are not those that they should be.
func (v *verification) hashes(t tlog.Tile, got, want []byte) {
	for i := range t.W {
		at := i * tlog.HashSize
		switch {
		case bytes.Equal(got[at:at+tlog.HashSize], want[at:at+tlog.HashSize]):
		case t.L == 0:
			v.problem("entry", "%d is not the one that the tree holds", t.N*tileWidth+int64(i))
		default:
			v.problem("tile", "%s: hash %d is not that of what is below", audit.TilePath(t), i)
		}
	}
}

// roots holds what was signed against the tree, whose tiles were just found to
// be those of the entries.
func (v *verification) roots() error {
	for _, c := range v.signed {
		if c.Size > v.size {
			v.problem("checkpoint", "%s is of %d entries, and the database has %d: it was put back to an older copy", c.where, c.Size, v.size)
			continue
		}
		root := v.tree.Root()
		if c.Size < v.size {
			e, err := edgeAt(v.ctx, v.l.store, c.Size)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			root = e.root()
		}
		if root != c.Root {
			v.problem("checkpoint", "%s is of another tree: the first %d entries hash to %v, and it says %v", c.where, c.Size, root, c.Root)
		}
	}
	return nil
}

func (v *verification) tell() {
	d := v.verdict
	d.OK = len(d.Problems) == 0
	if !d.OK {
		d.NotProved = append(d.NotProved, "anything about this log, while it does not verify")
		return
	}
	d.Proved = append(d.Proved, fmt.Sprintf("%s %s of the log %s hash to the tree that its tiles hold", strconv.FormatInt(v.size, 10), plural(v.size, "entry", "entries"), v.l.origin))
	signed := int64(0)
	for _, c := range v.signed {
		if c.note == nil {
			continue
		}
		signed = max(signed, c.Size)
		d.Proved = append(d.Proved, fmt.Sprintf("%s is of this tree's first %d and signed by %s", c.where, c.Size, signers(c.note)))
	}
	if signed < v.size {
		d.NotProved = append(d.NotProved, fmt.Sprintf("the last %d entries were not signed yet", v.size-signed))
	}
	if here := v.l.VKey(); v.vkey != "" && here != "" && here != v.vkey {
		d.NotProved = append(d.NotProved, fmt.Sprintf("that the key here may sign: the log was handed over to %s; rotate again if that was interrupted", v.vkey))
	}
	switch {
	case v.copied == 0 && signed > 0:
		d.NotProved = append(d.NotProved, "that the database was not put back to an older copy: there is no second copy of its last checkpoint")
	case v.copied < signed:
		d.NotProved = append(d.NotProved, fmt.Sprintf("that the database was not put back to an older copy of at least %d entries: the second copy of its last checkpoint is of so many", v.copied))
	}
	d.NotProved = append(d.NotProved, "that whoever has the key and the database did not write both anew: compare the checkpoint with one that a witness or somebody else kept")
}

// signers are the keys whose signatures on a note verified.
func signers(n *note.Note) string {
	var keys []string
	for _, s := range n.Sigs {
		keys = append(keys, fmt.Sprintf("the key %s+%08x", s.Name, s.Hash))
	}
	return strings.Join(keys, " and ")
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
