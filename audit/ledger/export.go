package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"assay/audit"

	"golang.org/x/mod/sumdb/tlog"
)

// Export writes the log, as of its last checkpoint, into the folder dir, which
// it makes and which must be empty: the layout of C2SP tlog-tiles, which any
// client of such logs reads, and beside it the signed history and the payloads
// that were not erased (docs/log.md). It is verified by audit.VerifyExport, by
// verify/verify.py and by a C2SP client.
//
// The tiles are made from the entries, not copied, and must hash to what was
// signed, else the export fails. The file checkpoint is written last: a folder
// without one is an export that was interrupted.
func (l *Ledger) Export(ctx context.Context, dir string) (Signed, error) {
	x := &export{ctx: ctx, l: l, dir: dir}
	if err := x.run(); err != nil {
		return Signed{}, fmt.Errorf("export the log: %w", err)
	}
	return x.state.signed, nil
}

type export struct {
	ctx      context.Context // of the one call
	l        *Ledger
	dir      string
	state    state
	tree     audit.Frontier
	err      error           // of writing a tile
	made     map[string]bool // folders
	payloads *bufio.Writer
}

func (x *export) run() (err error) {
	if err := x.emptyDir(); err != nil {
		return err
	}
	x.l.mu.Lock()
	x.state, err = x.l.checkpoint(x.ctx)
	x.l.mu.Unlock()
	if err != nil {
		return err
	}
	if x.state.note == nil {
		return errors.New("nothing was signed yet")
	}
	if err := x.entries(); err != nil {
		return err
	}
	if x.tree.Size() != x.state.Size || x.tree.Root() != x.state.Root {
		return fmt.Errorf("%w: its first %d entries hash to %v, and %v was signed", ErrRolledBack, x.state.Size, x.tree.Root(), x.state.Root)
	}
	if err := x.history(); err != nil {
		return err
	}
	return x.write("checkpoint", x.state.signed.Note)
}

func (x *export) emptyDir() error {
	if err := os.MkdirAll(x.dir, 0o777); err != nil {
		return err
	}
	names, err := os.ReadDir(x.dir)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%s is not empty: %w", x.dir, fs.ErrExist)
	}
	return err
}

// entries writes bundles, tiles and payloads in one walk.
func (x *export) entries() (err error) {
	f, err := os.Create(filepath.Join(x.dir, audit.ExportPayloads))
	if err != nil {
		return err
	}
	x.payloads = bufio.NewWriter(f)
	defer func() { err = errors.Join(err, x.payloads.Flush(), f.Close()) }()
	x.tree.Full = x.tile
	if err := walk(x.ctx, x.l.store, x.state.Size, x.batch); err != nil {
		return err
	}
	x.tree.Partial(x.tile)
	return x.err
}

func (x *export) tile(t tlog.Tile, data []byte) {
	x.err = errors.Join(x.err, x.write(audit.TilePath(t), data))
}

// batch is exactly a bundle: a tile's 256 entries, or fewer at the end.
func (x *export) batch(b *batch) error {
	var bundle []byte
	err := b.each(func(index int64, leaf []byte, h tlog.Hash) (err error) {
		if bundle, err = audit.AppendLeaf(bundle, leaf); err != nil {
			return err
		}
		if x.tree.Add(h); x.err != nil {
			return x.err
		}
		return x.payload(index)
	})
	if err != nil {
		return err
	}
	return x.write(audit.EntriesPath(b.from/tileWidth, len(b.ends)), bundle)
}

func (x *export) payload(index int64) error {
	st, err := x.l.store.Entry(x.ctx, index)
	if err != nil || len(st.Commitments) == 0 {
		return err
	}
	payloads, err := x.l.shown(x.ctx, st)
	if err != nil {
		return err
	}
	line := audit.PayloadLine{Index: index, Commitments: st.Commitments, Payloads: payloads}
	_, err = x.payloads.Write(line.Encode())
	return err
}

// history writes the checkpoints up to the exported one, of each size the last
// that was saved, which has the most signatures. Those of a log that ended, of
// which this one took over the entries, are among them.
func (x *export) history() error {
	f, err := os.Create(filepath.Join(x.dir, audit.ExportCheckpoints))
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	var last Signed
	flush := func() error {
		if len(last.Note) == 0 {
			return nil
		}
		line := audit.CheckpointLine{Size: last.Size, Note: string(last.Note)}
		_, err := w.Write(line.Encode())
		return err
	}
	err = x.l.store.Checkpoints(x.ctx, func(s Signed) error {
		if s.Size > x.state.Size {
			return nil
		}
		if s.Size > last.Size {
			if err := flush(); err != nil {
				return err
			}
		}
		last = Signed{s.Size, slices.Clone(s.Note)}
		return nil
	})
	if err == nil {
		// What is exported is the last of its size, whatever was saved meanwhile.
		last = x.state.signed
		err = flush()
	}
	return errors.Join(err, w.Flush(), f.Close())
}

func (x *export) write(name string, data []byte) error {
	path := filepath.Join(x.dir, filepath.FromSlash(name))
	if dir := filepath.Dir(path); !x.made[dir] {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		if x.made == nil {
			x.made = map[string]bool{}
		}
		x.made[dir] = true
	}
	return os.WriteFile(path, data, 0o666)
}
