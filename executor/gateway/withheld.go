package gateway

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"assay/executor"

	"github.com/google/uuid"
)

// withheldType is the type of a message that stands in the place of one that
// the kernel sent to the server and the server kept: the answer to a question
// of its own. It has the id and the parent of that message, and no content.
const withheldType = "assay_withheld"

// questions follows what a server asks the kernel itself when it lets a client
// in: kernel_info, on shell and on control, every half second until something
// comes back. The replies go to the server, and of the statuses on iopub it
// keeps the first. Their numbers are missing in the kernel's counter though
// nothing was lost.
//
// Only what is proven is made up for. A status that says idle for a question
// proves that question's reply, and its busy where that did not come: so many
// holes are filled and no more. What else is missing stays missing, even when
// it was the server that took it.
type questions struct {
	session string // ours; a server that asks for us uses it
	prefix  string // "session_pid_" of the kernel's own process; empty: its messages are not counted
	next    int64  // after the highest number so far

	asked map[string]*question // by id and date: a server's ids start over with every connection
	clean bool                 // a watch has ended: no question is older than the next watch

	open   bool // between a new connection and the answers to its fences
	proven bool // it was clean when the watch began
	low    int64
	holes  []span // from low on, in order
	fences [2]fence
}

// question is a kernel_info_request of the server.
type question struct {
	head       executor.Header
	busy, idle int64 // -1: not seen
	answered   bool  // its reply reached us, so it was not the server's alone
}

// fence is a request of our own behind the server's questions on one channel.
type fence struct {
	id          string
	reply, idle bool
}

type span struct{ from, to int64 } // to is not in it

// most bounds what is remembered of a kernel that makes up numbers and
// questions. Beyond it nothing is proven any more.
const most = 1 << 14

// begin is called before the server can have asked anything: when a connection
// was replaced by a new one, or is about to be woken by a second one. It
// returns the ids for a request on shell and one on control, which end the watch.
func (q *questions) begin() (shell, control string) {
	if !q.open { // else the holes of the connection that broke again count, too
		q.open, q.proven, q.low, q.holes = true, q.clean, q.next, nil
	}
	q.fences = [2]fence{{id: uuid.NewString()}, {id: uuid.NewString()}}
	return q.fences[0].id, q.fences[1].id
}

// withoutControl ends the watch with the fence on shell alone.
func (q *questions) withoutControl() { q.fences[1] = fence{reply: true, idle: true} }

// see takes a message of the kernel. When it ends the watch, see returns the
// stand-ins for what the server kept.
func (q *questions) see(m executor.Message) []executor.Message {
	digits, is := strings.CutPrefix(m.Header.MsgID, q.prefix)
	if q.prefix == "" || !is {
		return nil
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return nil
	}
	q.number(n)
	if q.isQuestion(m.Parent) {
		q.answer(m, n)
	}
	if !q.open || !q.fenced(m) {
		return nil
	}
	return q.end(m.Header.Session)
}

// number takes n out of the holes, or finds new ones below it.
func (q *questions) number(n int64) {
	if n >= q.next {
		if q.open && n > q.next && len(q.holes) < most {
			q.holes = append(q.holes, span{q.next, n})
		}
		q.next = n + 1
		return
	}
	for i, h := range q.holes {
		if n < h.from || n >= h.to {
			continue
		}
		var rest []span
		for _, part := range []span{{h.from, n}, {n + 1, h.to}} {
			if part.from < part.to {
				rest = append(rest, part)
			}
		}
		q.holes = slices.Replace(q.holes, i, i+1, rest...)
		return
	}
}

// isQuestion says whether a request is the server's, in the name of one of our
// connections. Its ids are counted in that name; ours are random.
func (q *questions) isQuestion(h executor.Header) bool {
	return h.Type == "kernel_info_request" && counted(h) &&
		(h.Session == q.session || strings.HasPrefix(h.Session, q.session+wakeMark))
}

// answer follows the messages that the kernel sends for a question.
func (q *questions) answer(m executor.Message, n int64) {
	key := m.Parent.MsgID + " " + m.Parent.Date
	a := q.asked[key]
	if a == nil {
		if len(q.asked) >= most {
			q.clean, q.proven = false, false
			clear(q.asked)
		}
		a = &question{head: m.Parent, busy: -1, idle: -1}
		if q.asked == nil {
			q.asked = map[string]*question{}
		}
		q.asked[key] = a
	}
	if m.Channel != executor.IOPub {
		a.answered = true
	} else if m.Header.Type == "status" {
		switch state(m) {
		case "busy":
			a.busy = n
		case "idle":
			a.idle = n
			if !q.open {
				delete(q.asked, key) // both its statuses were there for the caller to see
			}
		}
	}
}

// fenced says whether m is the last of the answers to our fences.
func (q *questions) fenced(m executor.Message) bool {
	ours, all := false, true
	for i := range q.fences {
		f := &q.fences[i]
		if f.id != "" && f.id == m.Parent.MsgID {
			ours = true
			f.note(m)
		}
		all = all && f.done()
	}
	return ours && all
}

// note takes a message that answers the fence.
func (f *fence) note(m executor.Message) {
	f.reply = f.reply || m.Channel != executor.IOPub
	f.idle = f.idle || m.Header.Type == "status" && state(m) == "idle"
}

func (f *fence) done() bool { return f.reply && f.idle }

// missing is a message of the kernel that was proven and not seen.
type missing struct {
	from, to int64 // where its number is, both not in it
	channel  executor.Channel
	parent   executor.Header
}

// end closes the watch: all that was to come before it is there.
func (q *questions) end(session string) []executor.Message {
	var gone []missing
	for key, a := range q.asked {
		if a.idle < 0 {
			continue // under way, with its reply to come
		}
		delete(q.asked, key)
		switch {
		case a.answered, a.busy >= 0 && a.busy < q.low: // not of this watch
		case a.busy >= 0:
			gone = append(gone, missing{a.busy, a.idle, executor.Shell, a.head})
		default:
			gone = append(gone, missing{q.low - 1, a.idle, executor.Shell, a.head}, missing{q.low - 1, a.idle, executor.IOPub, a.head})
		}
	}
	// Whose end is first chooses first, the lowest number that it can have: so
	// each finds one, if that can be. And a caller that began to count in
	// between rather takes the server's number for lost than a lost one for the server's.
	slices.SortFunc(gone, func(a, b missing) int { return cmp.Compare(a.to, b.to) })
	var stand []executor.Message
	if q.proven {
		for _, g := range gone {
			if n, ok := q.take(g); ok {
				stand = append(stand, executor.Message{
					Channel:  g.channel,
					Header:   executor.Header{MsgID: q.prefix + strconv.FormatInt(n, 10), Session: session, Type: withheldType},
					Parent:   g.parent,
					Metadata: []byte("{}"),
					Content:  []byte("{}"),
				})
			}
		}
	}
	// Without a fence on control a question may still be open there. But one
	// whose busy the server kept has left a hole.
	q.open, q.clean, q.holes = false, q.fences[1].id != "" || q.clean && len(q.holes) == 0, nil
	return stand
}

// take takes the lowest hole in which g can be.
func (q *questions) take(g missing) (int64, bool) {
	for _, h := range q.holes {
		if n := max(h.from, g.from+1); n < min(h.to, g.to) {
			q.number(n)
			return n, true
		}
	}
	return 0, false
}
