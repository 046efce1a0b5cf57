package executor

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

const (
	defaultGrace     = 5 * time.Second
	defaultIdle      = 15 * time.Second
	defaultMaxOutput = 256 << 20

	strandedAfter = 5 * time.Second  // without busy, before the kernel is asked whether it lives
	deafAfter     = 60 * time.Second // without an answer to that, before it counts as lost
	settleFor     = 10 * time.Second // for what is missing to come late
	drainFor      = 2 * time.Second  // for what a dying kernel had said
	exitWithin    = 5 * time.Second  // a kernel that was asked to exit does
	lateEvery     = time.Second      // the Sink hears of changed cells at least this often
)

// runner is the state of one Run. One goroutine owns it.
type runner struct {
	k    Kernel
	info Info
	o    Options
	sink Sink
	wake *wake
	mask *masker

	prefix   string // of our message ids
	sent     int
	requests map[string]*exchange
	sheets   []*sheet
	current  *sheet
	displays map[string][]*item
	widgets  *widgets
	losses   *losses // nil when the ids carry no counter
	uncount  bool    // a message of the kernel had no counter after all
	counted  bool    // at least one had

	late      []*sheet // ended cells that changed since the Sink heard of them
	lateSince time.Time

	left   int64 // bytes of output that may still come
	over   bool
	overAt *sheet
	told   bool // the end by over was begun

	lost     *ExitError // the kernel is not the one that it was
	askedBy  *sheet     // the cell that asked for the end of the kernel: exit()
	deadline time.Time  // of the run; zero: none
	res      Result
}

func newRunner(k Kernel, cells []Cell, o *Options, s Sink) *runner {
	r := &runner{
		k: k, info: k.Info(), sink: s, wake: &wake{},
		prefix:   rand.Text() + "_",
		requests: map[string]*exchange{},
		displays: map[string][]*item{},
		widgets:  newWidgets(),
	}
	if o != nil {
		r.o = *o
	}
	if r.o.InterruptGrace <= 0 {
		r.o.InterruptGrace = defaultGrace
	}
	if r.o.IdleTimeout <= 0 {
		r.o.IdleTimeout = defaultIdle
	}
	switch {
	case r.o.MaxOutput == 0:
		r.left = defaultMaxOutput
	case r.o.MaxOutput < 0:
		r.left = 1 << 62
	default:
		r.left = r.o.MaxOutput
	}
	if r.o.RunTimeout > 0 {
		r.deadline = time.Now().Add(r.o.RunTimeout)
	}
	if r.info.Counted {
		r.losses = newLosses(r.info.Session)
	}
	r.mask = newMasker(r.o.Secrets)
	r.sheets = make([]*sheet, len(cells))
	for i, c := range cells {
		r.sheets[i] = &sheet{cell: c, masked: names{}, res: CellResult{Index: c.Index, State: NotRun}}
	}
	return r
}

// exchange is a request that we sent, and what has come of it.
type exchange struct {
	id    string
	sheet *sheet // whose outputs its messages are; nil: nobody's
	sent  time.Time

	busy, replied, idle bool
	half                time.Time // when the first of reply and idle came
	status              string
	err                 CellError
	count               *int
	said                []byte // user_expressions of the reply, where they were asked for
}

func (x *exchange) done() bool { return x.replied && x.idle }

// request makes a new exchange.
func (r *runner) request(s *sheet) *exchange {
	r.sent++
	x := &exchange{id: r.prefix + strconv.Itoa(r.sent), sheet: s, sent: time.Now()}
	r.requests[x.id] = x
	return x
}

// take handles one message of the kernel.
func (r *runner) take(m *Message) {
	if m.Header.Type == LossNoticeType {
		r.notice(m)
		return
	}
	if s := m.Header.Session; s != r.info.Session && s != "" && r.info.Session != "" {
		r.restarted("its messages come from another process now")
		return
	}
	x := r.requests[m.Parent.MsgID]
	r.count(m, x)
	switch {
	case m.Channel != IOPub:
		if x != nil {
			r.reply(x, m)
		}
	case m.Header.Type == "status":
		r.status(x, m)
	case x != nil && x.sheet != nil:
		x.busy = true
		s := x.sheet
		if s.ended && r.o.DropLate {
			return
		}
		if m.Header.Type == "execute_input" && !s.ended {
			s.res.Timing["iopub.execute_input"] = stamp(m)
		}
		r.fold(s, m)
		if len(r.late) > 0 && time.Since(r.lateSince) > lateEvery {
			r.tellLate()
		}
	}
}

// count follows the counters of the message ids.
func (r *runner) count(m *Message, x *exchange) {
	if r.losses == nil {
		return
	}
	if x == nil && len(r.losses.procs) == 0 {
		return // whoever started the kernel took part of what came before our first request: it is not whole
	}
	p, n, ok := r.losses.note(m.Header.MsgID, x != nil)
	if !ok {
		r.uncount = true
		return
	}
	r.counted = true
	if x != nil || m.Parent.MsgID == "" {
		return
	}
	if m.Channel != IOPub {
		r.losses.foreignReply(m.Parent.MsgID)
	} else if m.Header.Type == "status" {
		r.losses.foreign(m.Parent.MsgID, p, n, executionState(m.Content))
	}
}

func executionState(content []byte) string {
	state := ""
	_ = members(content, func(key, value []byte) { // no object: no state
		if string(key) == "execution_state" {
			state = text(value)
		}
	})
	return state
}

func (r *runner) status(x *exchange, m *Message) {
	state := executionState(m.Content)
	if m.Parent.MsgID == "" && (state == "restarting" || state == "dead" || state == "autorestarting") {
		if state == "dead" {
			r.gone(&ExitError{Reason: "the server says that it is dead", Code: -1})
		} else {
			r.restarted("the server started it again after it had died")
		}
		return
	}
	if x == nil {
		return
	}
	timing := x.sheet != nil && !x.sheet.ended
	switch state {
	case "busy":
		x.busy = true
		if timing {
			x.sheet.res.Timing["iopub.status.busy"] = stamp(m)
		}
	case "idle":
		if !x.idle && !x.replied {
			x.half = time.Now()
		}
		x.idle, x.busy = true, true
		if timing {
			x.sheet.res.Timing["iopub.status.idle"] = stamp(m)
		}
	}
	if x.sheet != nil {
		r.countIn(x.sheet, m)
	}
}

func (r *runner) reply(x *exchange, m *Message) {
	if x.replied {
		return
	}
	if !x.idle {
		x.half = time.Now()
	}
	x.replied = true
	x.err.read(m.Content)
	_ = members(m.Content, func(key, value []byte) { // no object: no status
		switch string(key) {
		case "status":
			x.status = text(value)
		case "execution_count":
			x.count = number(value)
		case "user_expressions":
			x.said = value
		case "payload":
			elements(value, func(p []byte) {
				if asksExit(p) {
					r.askedBy = x.sheet
				}
			})
		}
	})
	if x.sheet != nil {
		x.sheet.res.Timing["shell.execute_reply"] = stamp(m)
	}
}

// asksExit says whether a payload is that of exit(). Others are a UI's business.
func asksExit(payload []byte) bool {
	asks, keep := false, false
	_ = members(payload, func(key, value []byte) { // no object: asks nothing
		switch string(key) {
		case "source":
			asks = text(value) == "ask_exit"
		case "keepkernel":
			keep = string(value) == "true"
		}
	})
	return asks && !keep
}

// notice takes word of a loss on the way from the kernel to us.
func (r *runner) notice(m *Message) {
	s := r.current
	if x := r.requests[m.Parent.MsgID]; x != nil && x.sheet != nil {
		s = x.sheet
	}
	if s == nil {
		s = r.lastRun()
	}
	if s == nil {
		return
	}
	why := "the way to the kernel lost messages"
	_ = members(m.Content, func(key, value []byte) { // no object: no reason given
		if t := text(value); t != "" && (string(key) == "reason" || string(key) == "text") {
			why = t
		}
	})
	s.res.Lost = -1
	s.note("%s", why)
}

// lastRun is the last cell that was sent, or nil.
func (r *runner) lastRun() *sheet {
	for i := len(r.sheets) - 1; i >= 0; i-- {
		if !r.sheets[i].res.Started.IsZero() && r.sheets[i].res.State != Skipped {
			return r.sheets[i]
		}
	}
	return nil
}

// note adds to the cell's note, once.
func (s *sheet) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(s.notes, n) {
		s.notes = append(s.notes, n)
	}
}

func (r *runner) restarted(why string) {
	r.gone(&ExitError{Reason: "it was replaced by a new one behind our back: " + why, Code: -1, Restarted: true})
}

func (r *runner) gone(e *ExitError) {
	if r.lost == nil {
		r.lost = e
	}
}

// exitOf is the ExitError in err; any other error of a kernel means that it is out of reach.
func exitOf(err error) *ExitError {
	var e *ExitError
	if errors.As(err, &e) {
		return e
	}
	return &ExitError{Reason: err.Error(), Code: -1}
}
