package drivers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"assay/internal/durable"
	"assay/nbdiff"
	"assay/nbformat"
)

// MergeFiles are what git hands a merge driver (gitattributes(5)), or a merge tool.
type MergeFiles struct {
	Base, Ours, Theirs string // files to read; a Base that is empty or "" is none
	Result             string // the file to write; "" is Ours, as for a merge driver
	MarkerSize         int    // of markers in text; 0 is git's 7
}

// MergeResult is what a merge wrote into Result.
type MergeResult struct {
	Notebook  *nbdiff.Merged // nil when the files were merged as text
	Why       error          // then: what is no notebook
	Conflicts int            // that were left
}

// Merge merges three notebooks and writes the result in one step: a valid
// notebook, with its conflicts inside. A side that is no notebook, as a text
// merge before assay may have left it, makes it git's own merge of lines: both
// sides are in the result all the same. On an error the result was not written.
func (g Git) Merge(ctx context.Context, f MergeFiles, o *nbdiff.MergeOptions) (MergeResult, error) {
	if f.Result == "" {
		f.Result = f.Ours
	}
	var opts nbdiff.MergeOptions
	if o != nil {
		opts = *o
	}
	opts.Local, opts.Remote = "ours", "theirs"
	m, why := g.mergeNotebooks(f, &opts)
	var file *os.PathError
	switch {
	case errors.As(why, &file):
		return MergeResult{}, why
	case why != nil:
		return g.mergeText(ctx, f, why)
	}
	if err := g.write(f.Result, m.Doc.Bytes()); err != nil {
		return MergeResult{}, err
	}
	return MergeResult{Notebook: m, Conflicts: len(m.Conflicts)}, nil
}

func (g Git) mergeNotebooks(f MergeFiles, o *nbdiff.MergeOptions) (*nbdiff.Merged, error) {
	ours, err := g.mergeSide(f.Ours, "ours")
	if err != nil {
		return nil, err
	}
	theirs, err := g.mergeSide(f.Theirs, "theirs")
	if err != nil {
		return nil, err
	}
	var base *nbformat.Document
	if f.Base != "" {
		// A base that is no notebook is as good as none: what both sides have is still found.
		base, err = g.mergeSide(f.Base, "base")
		var file *os.PathError
		if errors.As(err, &file) {
			return nil, err
		}
	}
	return nbdiff.Merge(base, ours, theirs, o)
}

func (g Git) mergeSide(file, name string) (*nbformat.Document, error) {
	path, err := g.abs(file)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if name == "base" && len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

// mergeText is the merge that git would have made.
func (g Git) mergeText(ctx context.Context, f MergeFiles, why error) (MergeResult, error) {
	base := f.Base
	if base == "" {
		base = os.DevNull
	}
	size := f.MarkerSize
	if size == 0 {
		size = 7
	}
	out, err := g.run(ctx, nil, "merge-file", "-p", "--marker-size="+strconv.Itoa(size),
		"-L", "ours", "-L", "base", "-L", "theirs", "--", f.Ours, base, f.Theirs)
	conflicts := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 && exit.ExitCode() < 128 { // their number: git-merge-file(1)
		conflicts, err = exit.ExitCode(), nil
	}
	if err != nil {
		return MergeResult{}, fmt.Errorf("%w (merged as text: %w)", err, why)
	}
	return MergeResult{Why: why, Conflicts: conflicts}, g.write(f.Result, out)
}

func (g Git) write(file string, data []byte) error {
	path, err := g.abs(file)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, func(w io.Writer) error { _, err := w.Write(data); return err })
}
