package gateway

import (
	"strconv"
	"strings"

	"assay/executor"
)

// accountedType is the type of a message that stands in the place of one that
// the kernel sent to the server and not to us. It has nothing but the id.
const accountedType = "assay_accounted"

// most bounds how many numbers a server's own questions to an idle kernel can
// take when it lets us in: two requests of three messages each, every half
// second until the kernel answers.
const most = 64

// passage follows the counters in a kernel's message ids over a reconnect. A
// server that lets us in asks an idle kernel something itself, and keeps the
// answers: their numbers are missing, and nothing is lost.
type passage struct {
	prefix string // "session_pid_" of the kernel's own process
	next   int64  // after the highest number so far
	ours   int64  // the highest number of a message that answers a request of ours from before the fence

	open        bool // between a reconnect and the end of its fence
	fence       string
	fenceAt     int64 // the first number of a message that answers the fence; 0: none yet
	reply, idle bool  // of the fence
	holes       []int64
	tooMany     bool

	woken bool  // a second connection was opened beside ours, for a request that the kernel left unread
	first int64 // then: the first number of a message that answers it
}

// begin is called when a connection was replaced by a new one, or woken by a second one.
func (p *passage) begin(fence string, woken bool) {
	p.open, p.fence, p.fenceAt, p.woken, p.first = p.prefix != "", fence, 0, woken, 0
	p.reply, p.idle, p.tooMany, p.holes = false, false, false, nil
}

// see takes a message of the kernel; ours says that it answers a request of the caller's.
func (p *passage) see(m executor.Message, ours bool) {
	number, is := strings.CutPrefix(m.Header.MsgID, p.prefix)
	if p.prefix == "" || !is {
		return
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return
	}
	if p.open && m.Parent.MsgID == p.fence {
		if p.fenceAt == 0 || n < p.fenceAt {
			p.fenceAt = n
		}
		p.reply = p.reply || m.Channel == executor.Shell
		p.idle = p.idle || m.Header.Type == "status" && state(m) == "idle"
	}
	if ours {
		if !p.open || p.fenceAt == 0 {
			p.ours = max(p.ours, n)
		}
		if p.first == 0 || n < p.first {
			p.first = n
		}
	}
	if n < p.next {
		for i, h := range p.holes {
			if h == n {
				p.holes = append(p.holes[:i], p.holes[i+1:]...)
				break
			}
		}
		return
	}
	if p.open {
		for h := p.next; h < n && !p.tooMany; h++ {
			p.holes = append(p.holes, h)
			p.tooMany = len(p.holes) >= most
		}
	}
	p.next = n + 1
}

// end returns the ids that the server's questions took, once the fence proves
// that all that comes has come. settled says that no request of ours from
// before the reconnect is open.
func (p *passage) end(settled bool) (ids []string) {
	if !p.open || !p.reply || !p.idle {
		return nil
	}
	p.open = false
	if !settled || p.tooMany {
		return nil
	}
	for _, h := range p.holes {
		if p.woken && h < p.first || !p.woken && h > p.ours && h < p.fenceAt {
			ids = append(ids, p.prefix+strconv.FormatInt(h, 10))
		}
	}
	return ids
}

// accounted stands for a message that was not for us.
func (k *Kernel) accounted(id string) executor.Message {
	return executor.Message{
		Channel:  executor.IOPub,
		Header:   executor.Header{MsgID: id, Session: k.info.Session, Type: accountedType},
		Metadata: []byte("{}"),
		Content:  []byte("{}"),
	}
}
