package executor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/nbformat"
)

// Reasons of Result.Reason that Run gives.
const (
	ReasonCellError   = "cell_error"
	ReasonOutputLimit = "output_limit"
	ReasonMemoryLimit = "memory_limit"
)

// Run runs cells in order on k and tells s of it; nil options are the zero
// Options. It leaves k open, unless the run had to kill it.
//
// Every cell that is reached is started and ended towards s, whether it is
// code or not; a cell that is passed over ends as Skipped with nil Outputs,
// and its own outputs should be left alone. Result.Cells is the last word: a
// loss that shows only after the last cell turns its state to Incomplete there.
func Run(ctx context.Context, k Kernel, cells []Cell, o *Options, s Sink) Result {
	r := newRunner(k, cells, o, s)
	return r.all(ctx)
}

func (r *runner) all(ctx context.Context) Result {
	defer r.wake.watch(r.o.Cancel)()
	r.res.State = RunSucceeded
	for _, s := range r.sheets {
		if !r.next(ctx, s) {
			break
		}
	}
	r.current = nil
	r.flush(ctx)
	return r.result()
}

// next runs one cell and says whether to go on.
func (r *runner) next(ctx context.Context, s *sheet) bool {
	switch {
	case ctx.Err() != nil || r.wake.isFired():
		r.stop(RunCancelled, "", "cancelled before "+place(s))
		return false
	case passed(r.deadline, time.Now()):
		r.stop(RunTimedOut, "", "the run's time limit of "+r.o.RunTimeout.String()+" passed before "+place(s))
		return false
	}
	now := time.Now()
	s.res.Started = now
	r.sink.CellStarted(s.cell.Index, now)
	if skipped(&s.cell) {
		s.res.State, s.res.Ended, s.ended = Skipped, now, true
		r.sink.CellEnded(s.res)
		return true
	}
	s.res.State = Running
	s.res.Timing = map[string]string{}
	r.current = s
	ok := r.before(ctx, s) && r.run(ctx, s)
	r.ended(s)
	if ok && r.askedBy == s {
		return r.afterExit(ctx, s)
	}
	return ok
}

// afterExit waits for the end of a kernel whose cell called exit(): a next
// cell would run or not, as it happens.
func (r *runner) afterExit(ctx context.Context, s *sheet) bool {
	left := slices.ContainsFunc(r.sheets, func(s *sheet) bool { return s.res.State == NotRun && !skipped(&s.cell) })
	if !left {
		return true
	}
	never := r.request(nil)
	_ = r.await(ctx, never, wait{due: at(time.Now().Add(exitWithin)), cancel: true})
	if r.lost == nil {
		r.askedBy = nil
		return true // it stays, or the run is cancelled, which the next cell sees
	}
	r.res.Exit = r.lost
	r.stop(RunKernelLost, "", place(s)+" ended the kernel, and cells were left to run")
	return false
}

// place is a cell as people count: from 1.
func place(s *sheet) string { return fmt.Sprintf("cell %d", s.cell.Index+1) }

// skipped says whether nbclient would not send the cell.
func skipped(c *Cell) bool {
	return c.Type != "code" || slices.Contains(c.Tags, "skip-execution") || strings.TrimFunc(c.Source, pythonSpace) == ""
}

// pythonSpace is what str.strip takes away.
func pythonSpace(c rune) bool {
	switch {
	case c == ' ' || '\t' <= c && c <= '\r' || 0x1c <= c && c <= 0x1f || c == 0x85 || c == 0xa0:
		return true
	case c < 0x1680:
		return false
	}
	return c == 0x1680 || 0x2000 <= c && c <= 0x200a || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000
}

// before hands the cell's secrets to the kernel; nothing of it is shown or kept.
func (r *runner) before(ctx context.Context, s *sheet) bool {
	if s.cell.Before == "" {
		return true
	}
	x := r.request(nil)
	out := r.execute(ctx, x, s.cell.Before, true, true, r.limit())
	switch {
	case out.end == uncertain && x.status == "ok":
		return true // all that matters has happened
	case out.end != completed:
		r.broken(s, out)
		return false
	case x.status == "ok":
		return true
	}
	s.res.State = Failed
	s.note("handing over the values of secrets before the cell failed")
	if x.err.Name != "" {
		s.note("the kernel says %s", x.err.Name)
	}
	r.stop(RunFailed, ReasonCellError, place(s)+": handing over the values of secrets failed")
	return false
}

func (r *runner) limit() time.Time {
	if r.o.CellTimeout <= 0 {
		return time.Time{}
	}
	return time.Now().Add(r.o.CellTimeout)
}

// run sends the cell and decides on its state.
func (r *runner) run(ctx context.Context, s *sheet) bool {
	allowed := r.o.AllowErrors || slices.Contains(s.cell.Tags, "raises-exception")
	x := r.request(s)
	out := r.execute(ctx, x, s.cell.Source, false, !allowed, r.limit())
	if s.res.ExecutionCount == nil {
		s.res.ExecutionCount = x.count
	}
	r.syncWidgets(ctx, Header{MsgID: x.id, Type: "execute_request"})
	if out.end != completed && out.end != uncertain {
		r.broken(s, out)
		return false
	}
	if out.end == uncertain {
		s.res.Lost = -1
		s.note("%s", out.note)
	}
	r.settle(ctx, s)
	ok := r.judge(s, x, allowed)
	if r.lost != nil && ok {
		// Found while looking for what is missing; the next cell would tell
		// it as well, but not as clearly.
		r.stop(RunKernelLost, "", r.lost.Error())
		ok = false
	}
	return ok
}

// settle counts what the cell's messages lack. What is on its way still has
// the time of one more round trip.
func (r *runner) settle(ctx context.Context, s *sheet) {
	if r.losses == nil || !r.losses.holes() {
		return
	}
	if r.info.Implementation == "ipython" && r.losses.singles() {
		r.losses.excuse(r.unsent(ctx, s))
	} else {
		// Whether the round trip works or not, what is missing after it is lost.
		_ = r.fence(ctx, settleFor)
	}
	n := r.losses.settle()
	if n == 0 {
		return
	}
	if s.res.Lost >= 0 {
		s.res.Lost += n
	}
	s.note("%s of the kernel never came", messages(n))
}

func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}

// ended tells the Sink that the cell ended.
func (r *runner) ended(s *sheet) {
	if r.overAt == s {
		it := &item{kind: nbformat.StreamOutput, name: "stderr"}
		it.text.append(fmt.Sprintf("\n[the run's output limit of %d bytes was reached here; the rest is not kept]\n", r.maxOutput()))
		s.add(it)
	}
	r.tellRest(s)
	r.tellLate()
	s.res.Ended = time.Now()
	s.res.Outputs = r.outputs(s)
	s.res.Note = r.mask.text(strings.Join(s.notes, "; "), s.masked)
	s.ended = true
	r.sink.CellEnded(s.res)
	s.res.Outputs = nil
	r.current = nil
}

// flush takes in what is still on its way when the last cell has ended.
func (r *runner) flush(ctx context.Context) {
	if last := r.lastRun(); last != nil && r.lost == nil && r.askedBy == nil && ctx.Err() == nil {
		// A kernel that ends now, or does not answer, has had its say in every cell.
		_ = r.fence(ctx, settleFor)
		if r.lost != nil && r.res.Exit == nil {
			r.res.Exit = r.lost
		}
		if r.losses != nil && r.losses.holes() {
			if n := r.losses.settle(); n > 0 {
				if last.res.Lost >= 0 {
					last.res.Lost += n
				}
				last.note("%s of the kernel never came after its end", messages(n))
			}
		}
		if r.over && r.res.State == RunSucceeded {
			r.stop(RunFailed, ReasonOutputLimit, "late output went over the run's output limit")
		}
	}
	r.tellLate()
}

func (r *runner) result() Result {
	res := &r.res
	for _, s := range r.sheets {
		if s.res.Lost != 0 && (s.res.State == Succeeded || s.res.State == ToleratedError) {
			s.res.State = Incomplete
		}
		if s.res.State == Incomplete && res.State == RunSucceeded {
			r.stop(RunIncomplete, "", place(s)+": output is known to be lost")
		}
		if s.ended && len(s.notes) > 0 {
			s.res.Note = r.mask.text(strings.Join(s.notes, "; "), s.masked)
		}
		s.res.Outputs = nil
		res.Cells = append(res.Cells, s.res)
	}
	seen := names{}
	res.Note = r.mask.text(res.Note, seen)
	if res.Exit != nil {
		exit := *res.Exit
		exit.Reason, exit.Log = r.mask.text(exit.Reason, seen), r.mask.text(exit.Log, seen)
		res.Exit = &exit
	}
	res.CompletenessProvable = r.info.Counted && r.counted && !r.uncount
	if res.Widgets = r.widgets.metadata(); res.Widgets != nil {
		res.Widgets = r.mask.json(res.Widgets, seen)
	}
	return *res
}
