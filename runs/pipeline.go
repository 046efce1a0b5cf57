package runs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"syscall"
	"time"

	"assay/audit"
	"assay/executor"
	"assay/nbformat"
	"assay/nbformat/percent"
	"assay/nbformat/upgrade"
	"assay/notebooks"
	"assay/params"
	"assay/runs/output"
)

// pipeline is the life of a run: read, inject, start, write, execute, keep.
// Its error says why no cell ran, or why the output could not be kept.
func (j *job) pipeline() error {
	if err := j.expandPaths(); err != nil {
		return err
	}
	doc, err := j.read()
	if err != nil {
		return err
	}
	if j.req.Compat {
		if doc, err = output.Papermill(doc); err != nil {
			return &Error{Reason: ReasonInput, Err: err}
		}
	}
	injection, err := j.inject(doc)
	if err != nil {
		return err
	}
	if err := j.checkOutput(); err != nil {
		return err
	}
	if j.req.Prepare {
		if !j.begin(doc) {
			return errRefused
		}
		return j.prepare(doc)
	}
	kernel, err := j.startKernel(doc)
	if err != nil {
		return err
	}
	lines := cellLines(doc) // the document is the output's from here on
	// Only now: a run whose kernel does not start leaves an earlier output as it was.
	out, err := j.openOutput(doc)
	if err != nil {
		<-closeKernel(kernel)
		return err
	}
	j.row.Kernel = kernel.Info()
	out.SetKernel(j.row.Kernel)
	j.emit(Event{Type: EventKernelReady, Kernel: j.row.Kernel.Name})
	result := j.execute(kernel, injection, out)
	j.closed = closeKernel(kernel)
	j.unpack()
	j.keep(result, out.Cells(), lines)
	return j.finish(result, out)
}

// cellLines are the lines in the input's file that the cells begin on; 0 for a cell that we made.
func cellLines(doc *nbformat.Document) []int {
	lines := make([]int, 0, doc.Len())
	for _, c := range doc.Cells() {
		lines = append(lines, c.Line())
	}
	return lines
}

// expandPaths fills the templates of the input's and output's names, as papermill does.
func (j *job) expandPaths() error {
	pm := params.Builtins{RunUUID: j.row.ID, Now: j.s.o.Now().Local()}
	for _, p := range []*string{&j.in, &j.out} {
		if !strings.ContainsAny(*p, "{}") {
			continue
		}
		expanded, err := params.ExpandPath(*p, j.req.Parameters, pm)
		if err != nil {
			return &Error{Reason: ReasonParameters, Err: fmt.Errorf("path %q: %w", *p, err), Hint: "a brace that belongs to the name is written twice: {{ }}"}
		}
		*p = expanded
	}
	j.row.Input, j.row.Output = notebooks.Redact(j.in), notebooks.Redact(j.out)
	return nil
}

// read brings the notebook's bytes and makes a document of nbformat 4 of them.
func (j *job) read() (*nbformat.Document, error) {
	ctx, stop := j.interruptible()
	defer stop()
	got, err := notebooks.Read(ctx, j.in, j.s.o.Notebooks)
	if err != nil {
		return nil, fail(ReasonInput, fmt.Errorf("read the notebook: %w", err))
	}
	j.row.InputDigest = got.Digest
	j.keepInput(got.Data)
	doc, err := Parse(j.row.Input, got.Data)
	if err != nil {
		j.facts.Input = inputFacts(got.Data, nil)
		return nil, &Error{Reason: ReasonInput, Err: err}
	}
	j.facts.Input = inputFacts(got.Data, doc)
	return doc, nil
}

// Parse makes a document of a notebook's or a script's bytes; older formats are upgraded.
func Parse(name string, data []byte) (*nbformat.Document, error) {
	if percent.IsScript(name) {
		doc, err := percent.Read(data, path.Ext(name))
		if err != nil {
			return nil, fmt.Errorf("%s: read as a script: %w", name, err)
		}
		return doc, nil
	}
	doc, err := nbformat.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if doc.Major() < 4 {
		if doc, err = upgrade.Upgrade(doc); err != nil {
			return nil, fmt.Errorf("%s: upgrade to nbformat 4: %w", name, err)
		}
	}
	return doc, nil
}

// inject puts the parameters into the document.
func (j *job) inject(doc *nbformat.Document) (*params.Injection, error) {
	m := new(params.Map)
	if j.req.InjectInputPath {
		m.Set("PAPERMILL_INPUT_PATH", j.injectedPath(j.req.Input, j.row.Input))
	}
	if j.req.InjectOutputPath {
		m.Set("PAPERMILL_OUTPUT_PATH", j.injectedPath(j.req.Output, j.row.Output))
	}
	if j.req.Parameters != nil {
		for name, v := range j.req.Parameters.All() {
			m.Set(name, v)
		}
	}
	injection, err := params.Inject(doc, m, &params.InjectOptions{
		Kernel: j.kernelName(doc), Language: j.language(doc), Comment: j.req.Comment,
		ReportMode: j.req.ReportMode, Compat: j.req.Compat, Strict: j.req.Strict,
	})
	if err != nil {
		return nil, fail(ReasonParameters, fmt.Errorf("inject the parameters: %w", err))
	}
	// Of what went in: texts may have become dates, secrets are their references.
	if j.row.Parameters = params.JSON(injection.Values); j.req.Compat {
		j.row.Parameters = params.JSONCompat(injection.Values)
	}
	j.facts.Parameters, j.facts.Secrets = parameterFacts(injection)
	for _, w := range injection.Warnings {
		j.warn("%s", w)
	}
	return injection, nil
}

// injectedPath is what a notebook is told of a path: where it is, without a
// password. Papermill tells the template.
func (j *job) injectedPath(asked, is string) string {
	if j.req.Compat {
		return notebooks.Redact(asked)
	}
	return is
}

// Auto as a Request's Kernel takes the notebook's kernel, else one of its language.
const Auto = "auto"

func (j *job) kernelName(doc *nbformat.Document) string {
	if j.req.Kernel != "" && j.req.Kernel != Auto {
		return j.req.Kernel
	}
	return doc.KernelName()
}

func (j *job) language(doc *nbformat.Document) string {
	switch {
	case j.req.Language != "":
		return j.req.Language
	case doc.Language() == "" && percent.IsScript(j.in):
		return percent.Language(path.Ext(j.in))
	}
	return doc.Language()
}

// errRefused says that the store did not take the run's row. Submit says why.
var errRefused = errors.New("the run's row is not kept")

// startKernel starts the kernel and returns when it is ready and the run has begun.
func (j *job) startKernel(doc *nbformat.Document) (executor.Kernel, error) {
	ctx, stop := j.interruptible()
	defer stop()
	req := KernelRequest{
		RunID: j.row.ID, Name: j.kernelName(doc), Language: j.language(doc), Cwd: j.req.Cwd,
		Auto: j.req.Kernel == Auto, DisplayName: doc.Metadata().Get("kernelspec", "display_name").Text(),
		StartTimeout: j.req.StartTimeout, MemoryLimit: j.req.MemoryLimit, Untrimmed: j.req.Untrimmed, Launched: j.onItsWay,
	}
	if req.Name == "" && req.Language == "" {
		return nil, &Error{Reason: ReasonKernelStart, Err: errors.New("the notebook names no kernel and no language"), Hint: "choose a kernel: --kernel python3"}
	}
	type start struct {
		kernel executor.Kernel
		err    error
	}
	started := make(chan start, 1)
	go func() {
		k, err := j.s.starter.Start(ctx, req)
		j.onItsWay()
		started <- start{k, err}
	}()
	j.awaitLaunch()
	j.pack(ctx, req)
	began := j.begin(doc) // the store keeps the row while the kernel starts
	if !began {
		stop()
	}
	s := <-started
	switch {
	case s.err != nil:
		return nil, fail(ReasonKernelStart, s.err)
	case !began:
		<-closeKernel(s.kernel)
		return nil, errRefused
	}
	return s.kernel, nil
}

// closeTimeout is the longest that a polite end may take: shutdown_request, SIGTERM and SIGKILL are 2.5 s apart.
const closeTimeout = 15 * time.Second

func closeKernel(k executor.Kernel) <-chan error {
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		done <- k.Close(ctx)
	}()
	return done
}

// execute runs the cells, with the secrets aside and the output's health in view.
func (j *job) execute(k executor.Kernel, injection *params.Injection, out *output.Writer) executor.Result {
	o := j.req.Cells
	o.Cancel = j.cancel
	if j.req.Compat {
		o.SplitStreams, o.DropLate, o.NoErrorOutput = true, true, true
	}
	cells := out.Cells()
	if injection.Before != "" {
		cells[injection.Index].Before = injection.Before
	}
	for _, s := range injection.Secrets {
		o.Secrets = append(o.Secrets, executor.Secret{Name: s.Name, Value: s.Reveal()})
	}
	ctx, stop := context.WithCancel(j.ctx)
	defer stop()
	go func() { // a disk that is full ends the run at once
		select {
		case <-out.Failed():
			stop()
		case <-ctx.Done():
		}
	}()
	w := newWatch(k, out, o.Secrets)
	result := executor.Run(ctx, w, cells, &o, &sink{j: j, cells: cells, out: out, watch: w})
	if err := out.Err(); err != nil {
		result.State, result.Reason, result.Note = executor.RunFailed, ReasonOutput, err.Error()
		if errors.Is(err, syscall.ENOSPC) {
			result.Reason = ReasonDiskFull
		}
	}
	// Under a limit of its address space Python mostly raises, and lives on.
	if j.req.MemoryLimit > 0 && result.State == executor.RunFailed && result.Error != nil && result.Error.Name == "MemoryError" {
		result.Reason = ReasonMemoryLimit
	}
	if result.State == executor.RunIncomplete && j.req.AllowIncomplete {
		j.warn("output was lost, which --allow-incomplete permits: %s", result.Note)
		result.State = executor.RunSucceeded
	}
	return result
}

// keep takes over what the result says.
func (j *job) keep(result executor.Result, cells []executor.Cell, lines []int) {
	r := &j.row
	r.State, r.Reason, r.Note, r.Cells = result.State, result.Reason, result.Note, result.Cells
	r.Error, r.Exit, r.Exited, r.Provable = result.Error, result.Exit, result.Exited, result.CompletenessProvable
	if result.State == executor.RunSucceeded {
		return
	}
	if i, ok := result.Blamed(); ok {
		c := cells[i]
		r.Failing = &FailingCell{Index: i, ID: c.ID, Line: lines[i], Source: c.Source, State: result.Cells[i].State}
	}
}

// finish writes the output for the last time.
func (j *job) finish(result executor.Result, out *output.Writer) error {
	if err := out.Finish(result); err != nil {
		return fail(ReasonOutput, fmt.Errorf("write the output: %w", err))
	}
	j.row.OutputDigest = out.Digest()
	if file, err := audit.ParseDigest(out.Digest()); err == nil && j.s.o.Log != nil {
		j.outputFacts(out.Document(), file, out.Stats().Last)
	}
	if i, blamed := out.Blamed(result); j.req.Compat && blamed && j.row.State == executor.RunSucceeded {
		j.row.State, j.row.Reason = executor.RunFailed, ReasonCellError
		j.row.Note = fmt.Sprintf("cell %d raised, which its tag or an option tolerates; papermill fails such a run", i+1)
	}
	return nil
}

// description is the word that papermill shows in its progress bar for a cell.
func description(source string) string {
	_, after, ok := strings.Cut(source, "papermill_description=")
	if !ok {
		return ""
	}
	if word := strings.Fields(after); len(word) > 0 {
		return word[0]
	}
	return ""
}
