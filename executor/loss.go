package executor

import (
	"strconv"
	"strings"
)

// losses finds lost messages by the counters in the message ids
// "<session>_<pid>_<n>": each process of the kernel counts all that it sends,
// over every channel, so a number that never comes is a message that was lost.
type losses struct {
	session string
	procs   map[string]*process
	last    *process          // of the last message
	others  map[string]*other // requests that are not ours, by id
}

type process struct {
	prefix      string // "<session>_<pid>_"
	first, next int64
	holes       []span // below next, in order
}

type span struct{ from, to int64 } // to is not in it

// other is somebody else's request, a gateway's own kernel_info for instance:
// its reply goes to them and leaves a hole between its busy and its idle.
type other struct {
	proc       *process
	busy, idle int64
	replied    bool
}

func newLosses(session string) *losses {
	return &losses{session: session, procs: map[string]*process{}, others: map[string]*other{}}
}

// note takes the id of a message; ok is false when it carries no counter. Ours
// is what answers a request of ours: the channels overtake each other, and the
// reply to the first may be seen before all that was sent ahead of it.
func (l *losses) note(id string, ours bool) (p *process, n int64, ok bool) {
	i := strings.LastIndexByte(id, '_')
	n, err := strconv.ParseInt(id[i+1:], 10, 64)
	if i < 0 || err != nil || n < 0 || !strings.HasPrefix(id, l.session) || strings.LastIndexByte(id[:i], '_') < 0 {
		return nil, 0, false
	}
	p = l.last
	if p == nil || p.prefix != id[:i+1] {
		if p = l.procs[id[:i+1]]; p == nil {
			p = &process{prefix: id[:i+1], first: n, next: n}
			l.procs[p.prefix] = p
		}
		l.last = p
	}
	if ours && n < p.first {
		p.holes = append([]span{{n, p.first}}, p.holes...)
		p.first = n
	}
	p.see(n)
	return p, n, true
}

func (p *process) see(n int64) {
	switch {
	case n == p.next:
		p.next++
	case n > p.next:
		p.holes = append(p.holes, span{p.next, n})
		p.next = n + 1
	case n >= p.first && !p.fill(n):
		// The counter has no lock: of two threads that meet in it, one leaves
		// out a number and takes one that the other takes as well.
		p.fillBelow(n)
	}
}

// fillBelow fills the last single hole below n.
func (p *process) fillBelow(n int64) {
	for i := len(p.holes) - 1; i >= 0; i-- {
		if h := p.holes[i]; h.from < n && h.to == h.from+1 {
			p.fill(h.from)
			return
		}
	}
}

// fill takes n out of the holes.
func (p *process) fill(n int64) bool {
	for i, h := range p.holes {
		if n < h.from || n >= h.to {
			continue
		}
		rest := append([]span{}, p.holes[i+1:]...)
		p.holes = p.holes[:i]
		if h.from < n {
			p.holes = append(p.holes, span{h.from, n})
		}
		if n+1 < h.to {
			p.holes = append(p.holes, span{n + 1, h.to})
		}
		p.holes = append(p.holes, rest...)
		return true
	}
	return false
}

// foreign takes a status message of a request that is not ours.
func (l *losses) foreign(parent string, p *process, n int64, state string) {
	switch o := l.others[parent]; {
	case state == "busy" && o == nil:
		l.others[parent] = &other{proc: p, busy: n, idle: -1}
	case state == "idle" && o != nil:
		o.idle = n
	}
}

// foreignReply says that we saw the reply to a request that is not ours.
func (l *losses) foreignReply(parent string) {
	if o := l.others[parent]; o != nil {
		o.replied = true
	}
}

// holes says whether something is missing now. It may still come.
func (l *losses) holes() bool {
	for _, p := range l.procs {
		if len(p.holes) > 0 {
			return true
		}
	}
	return false
}

// singles says whether all that is missing are numbers that stand alone.
func (l *losses) singles() bool {
	for _, p := range l.procs {
		for _, h := range p.holes {
			if h.to != h.from+1 {
				return false
			}
		}
	}
	return l.holes()
}

// excuse forgets up to n numbers that are missing alone.
func (l *losses) excuse(n int) {
	for _, p := range l.procs {
		for ; n > 0 && len(p.holes) > 0 && p.holes[0].to == p.holes[0].from+1; n-- {
			p.holes = p.holes[1:]
		}
	}
}

// settle counts what is missing for good and forgets it.
func (l *losses) settle() int {
	for id, o := range l.others {
		if o.idle < 0 {
			continue
		}
		delete(l.others, id)
		if o.replied {
			continue
		}
		for _, h := range o.proc.holes {
			if n := max(h.from, o.busy+1); n < min(h.to, o.idle) {
				o.proc.fill(n)
				break
			}
		}
	}
	lost := int64(0)
	for _, p := range l.procs {
		for _, h := range p.holes {
			lost += h.to - h.from
		}
		p.holes = nil
	}
	return int(min(lost, 1<<30))
}
