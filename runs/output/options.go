package output

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"assay/nbformat"
	"assay/nbformat/upgrade"
)

// Options of a Writer. The zero value is usable.
type Options struct {
	RunID           string
	Version         string // of assay
	InputRef        string // metadata.papermill.input_path; empty is written as null
	OutputRef       string // metadata.papermill.output_path; empty is written as null
	InputDigest     string // of the bytes that were read, "sha256:…"
	Parameters      []byte // metadata.papermill.parameters, a JSON object with references in the place of secrets; nil: none
	KernelRequested string // what the caller asked for; empty: nothing

	// Compat writes what papermill writes, to the byte but for times and ids,
	// its untrue statuses included, and none of our own facts.
	Compat bool

	// AllowIncomplete takes lost output for no failure.
	AllowIncomplete bool

	// InputPath is the local file that the notebook was read from. Create
	// refuses to write over it unless AllowSame is set: a run that fails half
	// way would have replaced the notebook's earlier outputs by its own.
	InputPath string
	AllowSame bool

	// AtEnd writes OUT once, when the run is over, and keeps no journal.
	AtEnd bool

	Start time.Time // of the run; zero: now
}

func (o *Options) copied() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Start.IsZero() {
		c.Start = time.Now()
	}
	if len(c.Parameters) > 0 {
		c.Parameters = slices.Clone(c.Parameters)
	}
	return c
}

// Errors of Create and Recover that callers tell apart.
var (
	// ErrLocked says that a run that is alive writes this notebook.
	ErrLocked = errors.New("another run is writing this notebook")
	// ErrSame says that the output is the input.
	ErrSame = errors.New("the output is the input notebook")
	// ErrForeign says that the journal belongs to another notebook than the one beside it.
	ErrForeign = errors.New("the journal beside the notebook belongs to another run than the notebook")
)

// Papermill returns the notebook in the form in which papermill works on it:
// nbformat 4.5 with ids, and tags and papermill metadata on every cell. Under
// Options.Compat call it before the parameters are injected, and give the
// result to Create or Prepare.
func Papermill(d *nbformat.Document) (*nbformat.Document, error) {
	if d.Major() != 4 || d.Minor() < 5 {
		up, err := upgrade.Upgrade(d)
		if err != nil {
			return nil, fmt.Errorf("upgrade to nbformat 4.5 as papermill does: %w", err)
		}
		d = up
	}
	for _, c := range d.Cells() {
		if c.Metadata().Get("tags").Kind() == nbformat.Absent {
			if err := c.SetMetadata([]byte("[]"), "tags"); err != nil {
				return nil, err
			}
		}
		if c.Metadata().Get("papermill").Kind() != nbformat.Absent {
			continue
		}
		if err := c.SetMetadata([]byte("{}"), "papermill"); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Render writes a notebook as a run with these options does: in the style of
// its file, or as papermill writes it.
func Render(w io.Writer, d *nbformat.Document, compat bool) (int64, error) {
	if !compat {
		return d.WriteTo(w)
	}
	n, err := nbformat.WriteCanonical(w, d)
	if err != nil {
		return n, fmt.Errorf("write the notebook as papermill does: %w", err)
	}
	return n, nil
}

// check says what makes path no place for an output, before anything is done.
func (o *Options) check(path string) (mode fs.FileMode, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(path)
		if d, err := os.Stat(dir); err != nil {
			return 0, fmt.Errorf("write %s: the folder %s does not exist: %w", path, dir, err)
		} else if !d.IsDir() {
			return 0, fmt.Errorf("write %s: %s is not a folder", path, dir)
		}
		if err := writable(dir); err != nil {
			return 0, fmt.Errorf("write %s: %w", path, err)
		}
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("write %s: %w", path, err)
	case info.IsDir():
		return 0, fmt.Errorf("write %s: it is a folder", path)
	}
	if o.InputPath != "" && !o.AllowSame {
		if in, err := os.Stat(o.InputPath); err == nil && os.SameFile(in, info) {
			return 0, fmt.Errorf("write %s: %w; choose another name, or ask for overwriting", path, ErrSame)
		}
	}
	for _, p := range []string{path, filepath.Dir(path)} { // it is replaced by rename
		if err := writable(p); info.Mode().IsRegular() && err != nil {
			return 0, fmt.Errorf("write %s: %w", path, err)
		}
	}
	return info.Mode(), nil
}

// Check says what makes path no place for an output, as Create would: the
// missing folder, the folder in its place, what may not be written, the input. It changes nothing; ask
// before a kernel is started for it.
func Check(path string, opts *Options) error {
	o := opts.copied()
	_, err := o.check(path)
	return err
}

// hasParams tells whether there are parameters.
func (o *Options) hasParams() bool {
	var m map[string]json.RawMessage
	return len(o.Parameters) > 0 && (json.Unmarshal(o.Parameters, &m) != nil || len(m) > 0)
}
