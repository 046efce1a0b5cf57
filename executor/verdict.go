package executor

// judge decides on a cell whose reply or idle came.
func (r *runner) judge(s *sheet, x *exchange, allowed bool) bool {
	if x.status == "error" || !x.replied && s.raised != nil {
		return r.judgeError(s, x, allowed)
	}
	if x.replied && x.status != "ok" && x.status != "" {
		s.res.State = Interrupted
		s.note("the kernel broke the cell off: status %s", x.status)
		s.res.Error = &CellError{Index: s.cell.Index, ID: s.cell.ID, Name: "Interrupted", Value: "the kernel's reply has status " + x.status}
		r.res.Error = s.res.Error
		r.stop(RunFailed, ReasonCellError, place(s)+": the kernel broke it off")
		return false
	}
	s.res.State = Succeeded
	if s.res.Lost != 0 {
		s.res.State = Incomplete
	}
	return true
}

func (r *runner) judgeError(s *sheet, x *exchange, allowed bool) bool {
	e := &CellError{Index: s.cell.Index, ID: s.cell.ID, Name: x.err.Name, Value: x.err.Value, Traceback: x.err.Traceback}
	if e.Name == "" && s.raised != nil {
		*e = *s.raised
	}
	if s.raised == nil && !r.o.NoErrorOutput && (e.Name != "" || !allowed) {
		r.addError(s, &CellError{Name: e.Name, Value: e.Value, Traceback: e.Traceback})
	}
	if e.Name == "" {
		e.Name, e.Value = "CellExecutionError", "the kernel reported an error and did not say which"
	}
	e.Name, e.Value = r.mask.text(e.Name, s.masked), r.mask.text(e.Value, s.masked)
	e.Traceback = r.mask.lines(e.Traceback, s.masked)
	s.res.Error = e
	switch {
	case allowed:
		s.res.State = ToleratedError
		if s.res.Lost != 0 {
			s.res.State = Incomplete
		}
		return true
	case e.Name == "SystemExit" && (e.Value == "" || e.Value == "0"):
		s.res.State = Succeeded
		s.note("the cell ended the notebook by SystemExit")
		r.res.Exited = true
		r.stop(RunSucceeded, "", place(s)+" ended the notebook by SystemExit")
		return false
	}
	s.res.State = Failed
	r.res.Error = e
	r.stop(RunFailed, ReasonCellError, place(s)+" raised "+e.Name)
	return false
}

// broken decides on a cell that did not come to its own end.
func (r *runner) broken(s *sheet, out outcome) {
	if out.note != "" {
		s.note("%s", out.note)
	}
	if s.raised != nil {
		e := *s.raised
		e.Name, e.Value = r.mask.text(e.Name, s.masked), r.mask.text(e.Value, s.masked)
		e.Traceback = r.mask.lines(e.Traceback, s.masked)
		s.res.Error = &e
	}
	r.res.Exit = out.exit
	switch out.end {
	case timedOut:
		s.res.State = TimedOut
		r.stop(RunTimedOut, "", place(s)+": "+out.note)
	case cancelled:
		s.res.State = Interrupted
		s.note("the run was cancelled")
		r.stop(RunCancelled, "", "cancelled in "+place(s))
	case overLimit:
		r.stopOver(s)
	case kernelGone:
		r.stopGone(s, out.exit)
	}
}

func (r *runner) stopOver(s *sheet) {
	s.res.State = Failed
	s.note("it wrote more than the run's output limit of %d bytes", r.maxOutput())
	r.stop(RunFailed, ReasonOutputLimit, place(s)+" wrote more than the run's output limit")
}

func (r *runner) stopGone(s *sheet, exit *ExitError) {
	s.res.State = KernelLost
	switch {
	case exit.OOM:
		s.note("the kernel was ended by its memory limit")
		r.stop(RunFailed, ReasonMemoryLimit, place(s)+": the kernel was ended by its memory limit ("+exit.Reason+")")
	default:
		s.note("%s", exit.Error())
		r.stop(RunKernelLost, "", place(s)+": "+exit.Error())
	}
}

func (r *runner) maxOutput() int64 {
	if r.o.MaxOutput == 0 {
		return defaultMaxOutput
	}
	return r.o.MaxOutput
}

func (r *runner) stop(state State, reason, note string) {
	r.res.State, r.res.Reason, r.res.Note = state, reason, note
}
