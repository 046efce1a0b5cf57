package executor

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// end says how a request ended.
type end int

const (
	completed end = iota // reply and idle are here
	uncertain            // one of them is lost
	timedOut
	cancelled
	overLimit
	kernelGone
)

// outcome is the end of a request, with how the kernel ended, if it did.
type outcome struct {
	end  end
	exit *ExitError
	note string
}

// execute sends code and sees it to its end.
func (r *runner) execute(ctx context.Context, x *exchange, code string, silent, stopOnError bool, limit time.Time) outcome {
	content := appendQuoted([]byte(`{"code":`), code)
	content = append(content, `,"silent":`...)
	content = strconv.AppendBool(content, silent)
	content = append(content, `,"store_history":`...)
	content = strconv.AppendBool(content, !silent)
	content = append(content, `,"user_expressions":{},"allow_stdin":false,"stop_on_error":`...)
	content = append(strconv.AppendBool(content, stopOnError), '}')
	err := r.k.Send(ctx, Message{
		Channel: Shell, Header: Header{MsgID: x.id, Type: "execute_request"},
		Metadata: []byte("{}"), Content: content,
	})
	if err != nil && ctx.Err() == nil {
		// A kernel that is gone takes nothing; what it said last is still to be read.
		return r.refused(ctx, x, err)
	}
	return r.drive(ctx, x, limit)
}

// refused reads what a kernel that takes no request has left to say.
func (r *runner) refused(ctx context.Context, x *exchange, sendErr error) outcome {
	err := r.await(ctx, x, wait{due: at(time.Now().Add(drainFor))})
	if r.lost == nil {
		r.gone(exitOf(sendErr))
	}
	if err != nil && ctx.Err() != nil {
		return outcome{end: cancelled, exit: r.kill(x)}
	}
	return outcome{end: kernelGone, exit: r.lost}
}

// drive waits for x and acts on what comes in between.
func (r *runner) drive(ctx context.Context, x *exchange, limit time.Time) outcome {
	var probe probe
	due := func() time.Time {
		next := earliest(limit, r.deadline)
		if !x.busy && !x.replied {
			next = earliest(next, probe.due(x))
		}
		if x.replied != x.idle {
			next = earliest(next, x.half.Add(r.o.IdleTimeout))
		}
		return next
	}
	for {
		err := r.await(ctx, x, wait{due: due, cancel: true, limit: true})
		var exit *ExitError
		switch {
		case err == nil:
			return outcome{end: completed}
		case errors.As(err, &exit):
			return outcome{end: kernelGone, exit: exit}
		case ctx.Err() != nil:
			return outcome{end: cancelled, exit: r.kill(x)}
		case errors.Is(err, errCancelled):
			return r.interrupt(ctx, x, cancelled, "")
		case errors.Is(err, errOver) && x.done():
			return outcome{end: overLimit}
		case errors.Is(err, errOver):
			return r.interrupt(ctx, x, overLimit, "")
		}
		now := time.Now()
		switch {
		case passed(r.deadline, now):
			return r.interrupt(ctx, x, timedOut, "the run's time limit of "+r.o.RunTimeout.String()+" passed")
		case passed(limit, now):
			return r.interrupt(ctx, x, timedOut, "the cell's time limit of "+r.o.CellTimeout.String()+" passed")
		case x.replied != x.idle && passed(x.half.Add(r.o.IdleTimeout), now):
			return r.settleHalf(ctx, x)
		case !x.busy && !x.replied && passed(probe.due(x), now):
			if why := probe.step(ctx, r, now); why != "" {
				r.gone(&ExitError{Reason: why, Code: -1})
				return outcome{end: kernelGone, exit: r.lost}
			}
		}
	}
}

// settleHalf finds out what became of a reply or an idle that does not come:
// when the kernel answers a later request in full, it was lost.
func (r *runner) settleHalf(ctx context.Context, x *exchange) outcome {
	missing := "idle status"
	if !x.replied {
		missing = "reply"
	}
	err := r.fence(ctx, r.o.IdleTimeout)
	var exit *ExitError
	switch {
	case x.done():
		return outcome{end: completed}
	case errors.As(err, &exit):
		return outcome{end: kernelGone, exit: exit}
	case ctx.Err() != nil:
		return outcome{end: cancelled, exit: r.kill(x)}
	case err != nil:
		return outcome{end: uncertain, note: "the cell's " + missing + " did not come, and the kernel answers nothing else"}
	}
	return outcome{end: uncertain, note: "the cell's " + missing + " was lost"}
}

// probe asks a kernel that did not begin with a cell whether it lives. ipykernel
// 7.0 to 7.3 can leave a request unread for ever (ipykernel#1529); only a new
// connection wakes it, and that is for the kernel's implementation to open. The
// cell's request is never sent again.
type probe struct {
	shell, control *exchange
	next           time.Time
}

func (p *probe) due(x *exchange) time.Time {
	if p.shell == nil {
		return x.sent.Add(strandedAfter)
	}
	return p.next
}

// step returns why the kernel must be given up, or "".
func (p *probe) step(ctx context.Context, r *runner, now time.Time) string {
	p.next = now.Add(strandedAfter)
	if p.shell == nil {
		p.shell, p.control = r.request(nil), r.request(nil)
		// When these cannot be sent, the kernel's end is read next.
		_ = r.ask(ctx, p.control, Control)
		_ = r.ask(ctx, p.shell, Shell)
		return ""
	}
	switch {
	case p.shell.done():
		return "it did not take the cell's request, though it answers others"
	case !p.control.replied && !p.shell.busy && now.Sub(p.shell.sent) > deafAfter:
		return "it does not answer any more"
	}
	return ""
}

// interrupt ends a running cell: an interrupt, a while to obey it, then Kill.
func (r *runner) interrupt(ctx context.Context, x *exchange, how end, note string) outcome {
	limit := time.Now().Add(r.o.InterruptGrace)
	ictx, cancel := context.WithDeadline(ctx, limit)
	err := r.k.Interrupt(ictx)
	cancel()
	why := "the kernel cannot be interrupted and was killed"
	if err == nil {
		err = r.await(ctx, x, wait{due: at(limit)})
		why = "the kernel did not stop within " + r.o.InterruptGrace.String() + " and was killed"
	}
	var exit *ExitError
	switch {
	case x.done():
		return outcome{end: how, note: note}
	case errors.As(err, &exit):
		return outcome{end: how, exit: exit, note: note}
	case ctx.Err() != nil:
		how, why = cancelled, ""
	}
	if note != "" && why != "" {
		note += "; "
	}
	return outcome{end: how, exit: r.kill(x), note: note + why}
}

// kill ends the kernel now and reads what it had said.
func (r *runner) kill(x *exchange) *ExitError {
	if err := r.k.Kill(); err != nil {
		r.gone(&ExitError{Reason: "kill it: " + err.Error(), Code: -1})
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainFor)
	defer cancel()
	for r.lost == nil {
		m, err := r.k.Next(ctx)
		if err == nil {
			r.take(&m)
			continue
		}
		r.gone(exitOf(err))
	}
	return r.lost
}
