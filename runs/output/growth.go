package output

import (
	"maps"
	"slices"
	"strings"
	"time"

	"assay/nbformat"
)

const (
	// growAfter is how old what a running cell shows must be before the journal
	// gets it: a cell that ends sooner is written once, when it has ended.
	growAfter = flushAfter

	// growShare is how long output that takes back what the journal has (a
	// progress bar, an animation) waits: a third of the cell's age at the last
	// time, so that what it costs does not grow with its frames.
	growShare = 3

	// packed is the most that DEFLATE leaves of outputs; pictures in base64
	// come to 0.76. frameCost is what a frame of one short line takes beside it.
	packed    = 0.85
	frameCost = 64
)

// growth is what the running cell has shown so far, as far as it must be known
// to write only what came since: how many outputs there are, and the text of
// those that the journal has not.
type growth struct {
	index int
	began time.Time // when the cell started
	taken time.Time // when something was written last that took back what the journal had

	sizes   []int64          // of the outputs, by position
	last    string           // the stream that a text joins; "": none
	ids     map[string][]int // positions of displays by their display_id
	clearOn bool             // clear_output(wait): the next output clears

	had     int       // how many outputs the journal has
	since   time.Time // when the oldest of what follows came; zero: there is nothing
	cleared bool      // what the journal has is gone
	tail    []string  // goes on the last output that the journal has
	fresh   []shown   // outputs after that
	changed map[int]nbformat.Output
}

// shown is an output whose text is still in pieces.
type shown struct {
	nbformat.Output
	pieces []string
}

func (s *shown) whole() nbformat.Output {
	o := s.Output
	if len(s.pieces) > 0 {
		o.Text = strings.Join(s.pieces, "")
	}
	return o
}

// text takes a piece of a stream.
func (g *growth) text(name, s string, now time.Time) {
	g.clearIfDue(now)
	if n := len(g.sizes); n > 0 && g.last == name {
		g.sizes[n-1] += int64(len(s))
		if k := len(g.fresh); k > 0 {
			g.fresh[k-1].pieces = append(g.fresh[k-1].pieces, s)
		} else {
			g.tail = append(g.tail, s)
		}
		g.note(now)
		return
	}
	g.add(shown{nbformat.Output{Type: nbformat.StreamOutput, Name: name}, []string{s}}, now)
	g.last = name
}

// display takes any other output; id is its display_id, if it has one.
func (g *growth) display(o nbformat.Output, id string, now time.Time) {
	g.clearIfDue(now)
	if id != "" {
		if g.ids == nil {
			g.ids = map[string][]int{}
		}
		g.ids[id] = append(g.ids[id], len(g.sizes))
	}
	g.add(shown{Output: o}, now)
	g.last = ""
}

func (g *growth) add(s shown, now time.Time) {
	size := int64(len(s.Data) + len(s.Metadata) + len(s.Ename) + len(s.Evalue))
	for _, parts := range [][]string{s.pieces, s.Traceback} {
		for _, part := range parts {
			size += int64(len(part))
		}
	}
	g.sizes = append(g.sizes, size)
	g.fresh = append(g.fresh, s)
	g.note(now)
}

// update gives every display with the id what it shows now.
func (g *growth) update(id string, data, meta []byte, now time.Time) {
	for _, at := range g.ids[id] {
		g.sizes[at] = int64(len(data) + len(meta))
		if at >= g.had {
			g.fresh[at-g.had].Data, g.fresh[at-g.had].Metadata = data, meta
			continue
		}
		if g.changed == nil {
			g.changed = map[int]nbformat.Output{}
		}
		g.changed[at] = nbformat.Output{Type: nbformat.DisplayDataOutput, Data: data, Metadata: meta}
		g.note(now)
	}
}

func (g *growth) clear(wait bool, now time.Time) {
	if g.clearOn = wait; !wait {
		g.clearNow(now)
	}
}

func (g *growth) clearIfDue(now time.Time) {
	if g.clearOn {
		g.clearOn = false
		g.clearNow(now)
	}
}

func (g *growth) clearNow(now time.Time) {
	had := g.cleared || g.had > 0
	since := g.since
	*g = growth{index: g.index, began: g.began, taken: g.taken, cleared: had}
	if had {
		g.since = since
		g.note(now)
	}
}

func (g *growth) note(now time.Time) {
	if g.since.IsZero() {
		g.since = now
	}
}

// size is that of the outputs as they stand.
func (g *growth) size() (n int64) {
	for _, s := range g.sizes {
		n += s
	}
	return n
}

// pending is the size of what the journal has not.
func (g *growth) pending() (n int64) {
	for _, s := range g.tail {
		n += int64(len(s))
	}
	for _, s := range g.sizes[g.had:] {
		n += s
	}
	for at := range g.changed {
		n += g.sizes[at]
	}
	return n
}

// ripe tells whether what is pending has waited long enough.
func (g *growth) ripe(now time.Time) bool {
	if g.since.IsZero() || now.Sub(g.since) < growAfter {
		return false
	}
	takesBack := g.cleared || len(g.changed) > 0
	return !takesBack || g.taken.IsZero() || now.Sub(g.taken) >= g.taken.Sub(g.began)/growShare
}

// take makes a record of what is pending.
func (g *growth) take(now time.Time) *record {
	r := &record{
		Kind: kindGrown, Index: g.index, Age: now.Sub(g.began).Milliseconds(),
		Cleared: g.cleared, tail: strings.Join(g.tail, ""),
	}
	if g.cleared || len(g.changed) > 0 {
		g.taken = now
	}
	r.Set = slices.Sorted(maps.Keys(g.changed))
	for _, at := range r.Set {
		r.outputs = append(r.outputs, g.changed[at])
	}
	for i := range g.fresh {
		r.outputs = append(r.outputs, g.fresh[i].whole())
	}
	g.had, g.since, g.cleared, g.tail, g.fresh, g.changed = len(g.sizes), time.Time{}, false, nil, nil, nil
	return r
}

// takeGrowth is the record of what the running cell has shown, if it is time
// for one and there are bytes left for it. w.mu is held.
//
// Of a cell's output there is at most packed in these records and the same
// again when it has ended. With the rule for rewriting that leaves all bytes
// below 1.9 times the size as it is, and the last version makes them 2.9.
func (w *Writer) takeGrowth(now time.Time) *record {
	g := w.growth
	if g == nil || !g.ripe(now) {
		return nil
	}
	spent := float64(w.stats.Journal+w.stats.Output) + packed*float64(g.pending()) + frameCost
	if spent > (1+rewriteBudget)*float64(w.size)+(1+rewriteBudget-packed)*float64(g.size())+rewriteFree {
		return nil
	}
	return g.take(now)
}

// grow lets f change what is known of the running cell, if that is the one at index.
func (w *Writer) grow(index int, f func(g *growth, now time.Time)) {
	w.mu.Lock()
	g := w.growth
	if g == nil || g.index != index {
		w.mu.Unlock()
		return
	}
	quiet := g.since.IsZero()
	f(g, time.Now())
	news := quiet && !g.since.IsZero()
	w.mu.Unlock()
	if news {
		w.poke()
	}
}

// Stream implements executor.Sink: the journal has what the running cell
// prints within about a second, so that a run that is killed does not lose it.
// Other outputs come by Displayed: as text they are not whole.
func (w *Writer) Stream(index int, name, text string) {
	if name == "display" {
		return
	}
	w.grow(index, func(g *growth, now time.Time) { g.text(name, text, now) })
}

// Displayed says that the running cell has a new output that is no stream; id
// is its display_id or empty. Nothing of this, Updated and Cleared matters to
// a cell that ends: CellEnded has all of its outputs. Secrets must be masked.
func (w *Writer) Displayed(index int, o nbformat.Output, id string) {
	w.grow(index, func(g *growth, now time.Time) {
		if id != "" {
			g.update(id, o.Data, o.Metadata, now)
		}
		g.display(o, id, now)
	})
}

// Updated says what the displays with this display_id show now.
func (w *Writer) Updated(index int, id string, data, metadata []byte) {
	w.grow(index, func(g *growth, now time.Time) { g.update(id, data, metadata, now) })
}

// Cleared says that the outputs of the running cell are gone, with wait: when
// the next one comes.
func (w *Writer) Cleared(index int, wait bool) {
	w.grow(index, func(g *growth, now time.Time) { g.clear(wait, now) })
}
