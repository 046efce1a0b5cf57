package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// partialMark stands in the name of a folder in which an export is being
// written, or was when it was killed.
const partialMark = ".partial-"

func newLogExport() *cobra.Command {
	return &cobra.Command{
		Use:   "export DIR",
		Short: "write the whole log as files that verify without assay (C2SP tlog-tiles)",
		Long: `Writes tiles, entries, checkpoints and what was not erased into DIR, which is
made. Whoever has the log's public key verifies it with assay log verify DIR,
with verify/verify.py, or with any client of C2SP tlog-tiles.

DIR is there when all of it is: until then the files are in DIR` + partialMark + `SOMETHING
beside it (in DIR itself where that is there, empty). An export that was killed
leaves that folder, which can be removed.`,
		Args: arguments(1, 1, "DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			e, err := newExport(args[0])
			if err != nil {
				return err
			}
			return with(c.Context(), openProving, func(ctx context.Context, s *state) error {
				if _, err := s.log.Export(ctx, e.partial); err != nil {
					_ = os.RemoveAll(e.partial)
					return stateError(err)
				}
				if err := e.deliver(); err != nil {
					return surroundings(err)
				}
				note("exported the log %s to %s%s", s.log.Origin(), e.dir, s.publicKey())
				return nil
			})
		},
	}
}

// export is the folder that is asked for and the one in which it is made.
type export struct {
	dir, partial string
	inside       bool // dir is there, empty, and partial is in it
}

// newExport wants a folder that is not there, or has nothing in it but what exports left that were killed.
func newExport(dir string) (*export, error) {
	e := &export{dir: filepath.Clean(dir)}
	e.partial = e.dir + partialMark + randomHex(4)
	left, err := os.ReadDir(e.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return nil, surroundings(err)
	}
	for _, name := range left {
		if !strings.HasPrefix(name.Name(), partialMark) {
			return nil, usage("name a folder that is not there yet", "%s is not empty", dir)
		}
	}
	e.inside, e.partial = true, filepath.Join(e.dir, partialMark+randomHex(4))
	return e, nil
}

// deliver puts what is whole into its place, the checkpoint last.
func (e *export) deliver() error {
	if !e.inside {
		if err := os.Rename(e.partial, e.dir); err != nil {
			return fmt.Errorf("the export is whole in %s, and could not be brought to its place: %w", e.partial, err)
		}
		return nil
	}
	names, err := os.ReadDir(e.partial)
	if err != nil {
		return err
	}
	for _, last := range []bool{false, true} {
		for _, name := range names {
			if (name.Name() == "checkpoint") != last {
				continue
			}
			if err := os.Rename(filepath.Join(e.partial, name.Name()), filepath.Join(e.dir, name.Name())); err != nil {
				return fmt.Errorf("bring the export to its place: %w", err)
			}
		}
	}
	return os.Remove(e.partial)
}

// publicKey tells the key that signs, where it is here.
func (s *state) publicKey() string {
	if s.log.VKey() == "" {
		return ""
	}
	return "; its public key is " + s.log.VKey()
}
