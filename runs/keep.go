package runs

import (
	"context"
	"io"
	"time"

	"assay/audit"
	"assay/nbformat"
	"assay/runs/output"
)

// Keeper keeps the bytes of notebooks under their digests. *store.Store is one.
type Keeper interface {
	// KeepBlob keeps what write writes, size bytes with the digest, as the run's
	// input or output: the name is that of the payload which states the digest.
	// Bytes that are not those are an error, and nothing of them is kept. Where
	// the bytes are kept already write may not be called.
	KeepBlob(ctx context.Context, run, name string, d audit.Digest, size int64, write func(io.Writer) error) error
}

// keepLimit is how long a run's end waits for bytes to be kept.
const keepLimit = 5 * time.Minute

// keeping is what a run keeps of its notebooks.
type keeping struct {
	input  chan error         // what became of the input; nil: it was not read
	output *nbformat.Document // as it was written; nil: none was
}

// keepInput begins to keep the notebook that was read, while the kernel starts.
func (j *job) keepInput(data []byte) {
	if j.s.o.Keep == nil || j.s.o.Log == nil {
		return
	}
	done := make(chan error, 1)
	j.keeps.input = done
	d := audit.DigestBytes(data)
	go func() {
		if <-j.kept; j.refused { // there is no run
			done <- nil
			return
		}
		done <- j.keepBlob(audit.PayloadInput, d, int64(len(data)), func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
	}()
}

// keepOutput notes the notebook that is being written, to be kept when it is.
func (j *job) keepOutput(doc *nbformat.Document) {
	if j.s.o.Keep != nil {
		j.keeps.output = doc
	}
}

// keepRest keeps the notebook that was written, while the kernel ends, and says
// of both whether they are kept. A run is none the worse for it.
func (j *job) keepRest(written bool) {
	var in, out error
	if doc := j.keeps.output; doc != nil && written {
		f := j.facts.Output
		// Written once more, and not read back: OUT may be a pipe, or another's by now.
		out = j.keepBlob(audit.PayloadOutput, f.File, f.Size, func(w io.Writer) error {
			_, err := output.Render(w, doc, j.req.Compat)
			return err
		})
	}
	if j.keeps.input != nil {
		in = <-j.keeps.input
	}
	j.keeps = keeping{}
	if in != nil {
		j.warn("the input is not kept in the store: %v", in)
	}
	if out != nil {
		j.warn("the output is not kept in the store: %v", out)
	}
}

// keepBlob outlives a run that is cancelled: what is entered of it is kept as well.
func (j *job) keepBlob(name string, d audit.Digest, size int64, write func(io.Writer) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(j.ctx), keepLimit)
	defer cancel()
	return j.s.o.Keep.KeepBlob(ctx, j.row.ID, name, d, size, write)
}
