package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"assay/internal/durable"
	"assay/store"
)

func newStoreCat() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "cat DIGEST",
		Short: "print the bytes of a notebook that a run kept, after checking them",
		Long: `Prints what is kept under a digest: the notebook that a run read, or the executed
one that it wrote, where the configuration says blobs: (docs/config.md). DIGEST is
the one that a receipt and assay log show state for input and output, with sha256:
or without, whole or as much of its beginning as no other has. Nothing is printed
before all of it has been checked.`,
		Example: `  assay store cat sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  assay store cat 9f86d081 -o then.ipynb
  assay store cat $(assay log show RUN --json | jq -r .facts.output.file) | jq .cells`,
		Args: arguments(1, 1, "DIGEST, of a notebook that a run kept"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			s, err := openStoreAlone(c.Context(), true)
			if err != nil {
				return err
			}
			defer func() { err = s.closeRead(err) }()
			return s.catBlob(c.Context(), args[0], out)
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "-", "write to `FILE`")
	return c
}

// catBlob writes the blob to a file, or to stdout for -: by way of a file of
// its own, so that nobody gets the beginning of what turns out to be damaged.
func (s *state) catBlob(ctx context.Context, digest, out string) error {
	d, err := s.store.FindBlob(ctx, strings.ToLower(digest))
	if err != nil {
		return s.catError(err)
	}
	f, err := os.CreateTemp("", "assay-cat-*")
	if err != nil {
		return surroundings(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	_ = os.Remove(f.Name()) // at once where the system lets an open file go
	if _, err := s.store.WriteBlob(ctx, d, f); err != nil {
		return s.catError(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return surroundings(err)
	}
	write := func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	}
	if out == "-" {
		err = write(os.Stdout)
	} else {
		err = durable.WriteFile(out, write)
	}
	if err != nil {
		return &exitError{code: exitSurroundings, err: err, hint: fileHint(err, filepath.Dir(out))}
	}
	return nil
}

// catError says what to do about a blob that cannot be had.
func (s *state) catError(err error) error {
	switch {
	case errors.Is(err, store.ErrNoBlob) && s.conf.Blobs == "":
		return usage("runs keep notebooks where the configuration says blobs: (docs/config.md), and it does not", "%v", err)
	case errors.Is(err, store.ErrNoBlob):
		return usage("assay log show RUN has the digests of its input and output; what was erased, and what ran before the configuration said blobs:, is not kept", "%v", err)
	case errors.Is(err, store.ErrManyBlobs):
		return usage("give more of the digest", "%v", err)
	case errors.Is(err, store.ErrNoBlobs):
		return usage("blobs: in the configuration (docs/config.md)", "%v", err)
	case errors.Is(err, store.ErrBlobDamaged):
		return &exitError{code: exitFailed, err: err, hint: "assay store check names everything that is broken; a backup may have it whole"}
	case errors.Is(err, fs.ErrNotExist):
		return &exitError{code: exitSurroundings, err: err, hint: "blobs: in the configuration has to name the place where it is"}
	}
	return surroundings(err)
}
