package gateway

import (
	"hash/maphash"

	"assay/executor"
)

// recent remembers the last messages, to know one that a server replays after
// we had it. An id alone does not tell: jupyter_client counts without a lock,
// and two messages of two threads may have one id.
type recent struct {
	seed    maphash.Seed
	last    map[sighting]int // to the number of cuts before it came
	ring    [1024]sighting   // the keys of last, in order
	at      int
	cuts    int  // connections that were replaced
	replays bool // since the last one, until everything from before it is there
}

type sighting struct {
	id  string
	sum uint64
}

// cut is called when a new connection has taken the place of one that broke.
func (r *recent) cut() { r.cuts++; r.replays = true }

// through is called when no replay can come any more.
func (r *recent) through() { r.replays = false }

// again reports whether m is a replay: the same message came over a connection
// that broke since. Else it remembers m.
func (r *recent) again(m *executor.Message) bool {
	if m.Header.MsgID == "" {
		return false
	}
	if r.last == nil {
		r.seed, r.last = maphash.MakeSeed(), make(map[sighting]int, len(r.ring))
	}
	key := sighting{m.Header.MsgID, r.sum(m)}
	if cuts, there := r.last[key]; there {
		return r.replays && cuts < r.cuts
	}
	delete(r.last, r.ring[r.at])
	r.last[key], r.ring[r.at] = r.cuts, key
	r.at = (r.at + 1) % len(r.ring)
	return false
}

// sum is of all that makes up a message, but for its id.
func (r *recent) sum(m *executor.Message) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	part := func(b string) {
		maphash.WriteComparable(&h, len(b)) // so that parts cannot run together
		_, _ = h.WriteString(b)             // never fails
	}
	part(string(m.Channel))
	part(m.Header.Type)
	part(m.Parent.MsgID)
	maphash.WriteComparable(&h, len(m.Content))
	_, _ = h.Write(m.Content)
	for _, b := range m.Buffers {
		maphash.WriteComparable(&h, len(b))
		_, _ = h.Write(b)
	}
	return h.Sum64()
}
