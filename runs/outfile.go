package runs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"assay/audit"
	"assay/executor"
	"assay/nbformat"
	"assay/nbformat/percent"
	"assay/notebooks"
	"assay/runs/output"
)

// outputOptions is what the output must know of the run.
func (j *job) outputOptions() *output.Options {
	o := &output.Options{
		RunID: j.row.ID, Version: j.s.o.Version,
		InputRef: j.row.Input, OutputRef: j.row.Output, InputDigest: j.row.InputDigest,
		Parameters: j.row.Parameters, KernelRequested: j.req.Kernel,
		Compat: j.req.Compat, AllowIncomplete: j.req.AllowIncomplete, AllowSame: j.req.Overwrite,
		AtEnd: j.req.SaveOff, Start: j.row.Started,
	}
	if p, ok := notebooks.IsLocal(j.in); ok {
		o.InputPath = p
	}
	return o
}

// checkOutput finds what is wrong with the output before a kernel is started for it.
func (j *job) checkOutput() error {
	switch p, local := notebooks.IsLocal(j.out); {
	case j.out == "":
		return nil
	case percent.IsScript(j.out):
		return &Error{Reason: ReasonUsage, Err: fmt.Errorf("the output %s is a script, and an executed notebook is none", j.row.Output), Hint: "name it .ipynb; assay convert makes scripts"}
	case local:
		return outputError(output.Check(p, j.outputOptions()))
	case !j.req.Overwrite && j.out != "-" && notebooks.Same(j.in, j.out):
		return outputError(output.ErrSame)
	}
	return outputError(notebooks.CheckWrite(j.out))
}

// openOutput begins the output: a file is valid from now on, anything else is written when the run is over.
func (j *job) openOutput(doc *nbformat.Document) (*output.Writer, error) {
	out, err := j.newOutput(doc)
	if err == nil {
		j.dropProofs()
	}
	return out, outputError(err)
}

// dropProofs takes away what proves an earlier output under the name: beside
// the new one it would look like evidence of tampering.
func (j *job) dropProofs() {
	p, local := notebooks.IsLocal(j.out)
	if !local {
		return
	}
	for _, suffix := range []string{ReceiptSuffix, AttestationSuffix} {
		if err := os.Remove(p + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			j.warn("the proof of an earlier output stays beside it: %v", err)
		}
	}
}

// outputError says what to do about an output that cannot be had.
func outputError(err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Reason: ReasonOutput, Err: fmt.Errorf("open the output: %w", err)}
	switch {
	case errors.Is(err, output.ErrSame):
		e.Reason = ReasonUsage
		e.Hint = "choose another output, or say --overwrite-input"
	case errors.Is(err, output.ErrLocked):
		e.Hint = "wait for that run, or choose another output"
	case errors.Is(err, output.ErrForeign):
		e.Hint = "move the journal away, or fold it in with assay recover"
	}
	return e
}

func (j *job) newOutput(doc *nbformat.Document) (*output.Writer, error) {
	if p, ok := notebooks.IsLocal(j.out); ok {
		return output.Create(p, doc, j.outputOptions())
	}
	publish, err := j.publisher()
	if err != nil {
		return nil, err
	}
	if j.out == "" || j.out == "-" {
		return output.Memory(doc, j.outputOptions(), publish)
	}
	dir := j.s.o.JournalDir
	if dir == "" {
		dir = os.TempDir()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return output.Remote(filepath.Join(dir, j.row.ID+".ipynb"), doc, j.outputOptions(), publish)
}

// publisher writes the output where it is no file, if nobody else has written there meanwhile.
func (j *job) publisher() (func(write func(io.Writer) error) error, error) {
	ref := j.out
	if ref == "" {
		return func(write func(io.Writer) error) error { return write(io.Discard) }, nil
	}
	if err := notebooks.Check(ref); err != nil {
		return nil, err
	}
	var cond notebooks.Condition
	if ref != "-" {
		info, err := notebooks.Stat(j.ctx, ref, j.s.o.Notebooks)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			cond.IfAbsent = true
		case err != nil:
			return nil, err
		default:
			cond.IfVersion = info.Version
		}
	}
	return func(write func(io.Writer) error) error {
		// A cancelled run still writes what it has.
		return notebooks.WriteWith(context.WithoutCancel(j.ctx), ref, write, cond, j.s.o.Notebooks)
	}, nil
}

// prepare writes the parameterised notebook and runs nothing.
func (j *job) prepare(doc *nbformat.Document) error {
	o := j.outputOptions()
	if err := output.Prepare(doc, o); err != nil {
		return &Error{Reason: ReasonOutput, Err: err}
	}
	err := j.alone(func() error {
		publish, err := j.publisher()
		if err != nil {
			return err
		}
		return publish(func(w io.Writer) error {
			sum := sha256.New()
			n, err := output.Render(io.MultiWriter(w, sum), doc, j.req.Compat)
			j.row.OutputDigest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
			if err == nil && j.s.o.Log != nil {
				j.dropProofs()
				j.outputFacts(doc, audit.Digest(sum.Sum(nil)), n)
			}
			return err
		})
	})
	if errors.Is(err, output.ErrLocked) {
		return outputError(err)
	}
	if err != nil {
		return &Error{Reason: ReasonOutput, Err: fmt.Errorf("write the output: %w", err)}
	}
	j.row.State, j.row.Reason = executor.RunSucceeded, ReasonPrepared
	return nil
}

// alone calls write when no run writes the output, where that is a file.
func (j *job) alone(write func() error) error {
	p, local := notebooks.IsLocal(j.out)
	if !local {
		return write()
	}
	return output.Alone(p, j.outputOptions(), write)
}
