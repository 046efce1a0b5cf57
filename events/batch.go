package events

import (
	"cmp"
	"context"
	"slices"
)

// Capped is a Destination whose own contract prefers new events to old ones:
// of those that wait, at most Cap are delivered, the newest, and the older ones
// are dropped. The bus's own promise, that nothing is dropped, does not hold for it.
type Capped interface {
	Destination
	Cap() int
	// DeliverAfter is called instead of Deliver. dropped is the number of events
	// since the last one delivered, up to the first of es, that are given up; when
	// n > 0 the destination has told so, and they are counted in Cursor.Dropped.
	// An attempt that fails gives up nothing: the next one counts anew.
	DeliverAfter(ctx context.Context, dropped int, es []Event) (n int, err error)
}

// batch is what one call of Deliver gets.
type batch struct {
	events  []Event
	scanned int64 // when all of them arrived, everything up to here is done with
	dropped int   // wanted events before the first, given up because of a cap
}

// next reads the events after seq, up to a full batch of wanted ones.
func (w *worker) next(ctx context.Context, seq int64) (batch, error) {
	if c, ok := w.d.(Capped); ok {
		return w.nextCapped(ctx, seq, max(c.Cap(), 1))
	}
	b := batch{scanned: seq}
	page, upTo, err := w.page(ctx, seq)
	if err != nil {
		return b, err
	}
	for _, e := range page {
		if w.wants(e) {
			if len(b.events) == w.b.o.Batch {
				return b, nil
			}
			b.events = append(b.events, e)
		}
		b.scanned = e.Seq
	}
	b.scanned = upTo
	return b, nil
}

// filters are those by which the destination selects; nil is all there is.
func (w *worker) filters() []Filter {
	if s, ok := w.d.(Selective); ok {
		return s.Select()
	}
	return nil
}

// page reads events that come after seq and that the destination selects: all
// there are up to the place upTo.
func (w *worker) page(ctx context.Context, seq int64) (page []Event, upTo int64, err error) {
	fs, limit := w.filters(), w.b.o.Batch
	if len(fs) == 0 {
		page, err = w.b.store.Query(ctx, nil, seq, 4*limit)
		if upTo = seq; len(page) > 0 {
			upTo = page[len(page)-1].Seq
		}
		return page, upTo, err
	}
	// What is stored while the filters are asked one after the other belongs to
	// the next page, or one of them would miss it.
	last, err := w.b.store.Last(ctx)
	if err != nil || last <= seq {
		return nil, seq, err
	}
	for _, f := range fs {
		es, err := w.b.store.Query(ctx, f, seq, limit)
		if err != nil {
			return nil, seq, err
		}
		page = append(page, es...)
	}
	page = inOrder(page)
	page = slices.DeleteFunc(page, func(e Event) bool { return e.Seq > last })
	if len(page) < limit {
		return page, last, nil
	}
	return page[:limit], page[limit-1].Seq, nil // further on a filter's own limit may have left some out
}

// inOrder sorts the events by their place; what is there twice stays once.
func inOrder(es []Event) []Event {
	slices.SortFunc(es, func(a, b Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return slices.CompactFunc(es, func(a, b Event) bool { return a.Seq == b.Seq })
}

// nextCapped reads the newest events, at most most, and counts those before
// them, which are given up.
func (w *worker) nextCapped(ctx context.Context, seq int64, most int) (b batch, err error) {
	b.scanned = seq
	var waiting []Event
	last, err := w.b.store.Last(ctx)
	if err != nil || last <= seq {
		return b, err
	}
	if fs := w.filters(); len(fs) > 0 {
		waiting, b.dropped, err = w.newest(ctx, fs, seq, last, most)
	} else {
		waiting, b.dropped, err = w.newestOfAll(ctx, seq, last, most)
	}
	if err != nil {
		return batch{scanned: seq}, err
	}
	b.scanned = last
	if len(waiting) > w.b.o.Batch {
		waiting = waiting[:w.b.o.Batch]
		b.scanned = waiting[len(waiting)-1].Seq
	}
	b.events = waiting
	return b, nil
}

// newest returns the newest wanted events up to last, at most most, and how many
// of the selected ones come before them. However many that are, only these few
// are read.
func (w *worker) newest(ctx context.Context, fs []Filter, seq, last int64, most int) (waiting []Event, older int, err error) {
	from := seq
	for _, f := range fs {
		es, err := w.b.store.Newest(ctx, f, from, last, most)
		if err != nil {
			return nil, 0, err
		}
		waiting = inOrder(append(waiting, es...))
		waiting = waiting[max(0, len(waiting)-most):]
		if len(waiting) == most {
			from = waiting[0].Seq // what the others find before it is too old
		}
	}
	if len(waiting) == most {
		for _, f := range fs {
			n, err := w.b.store.CountBetween(ctx, f, seq, waiting[0].Seq-1)
			if err != nil {
				return nil, 0, err
			}
			older += int(n)
		}
	}
	return slices.DeleteFunc(waiting, func(e Event) bool { return !w.wants(e) }), older, nil
}

// newestOfAll is newest for a destination that only Wants can tell about: all is read.
func (w *worker) newestOfAll(ctx context.Context, seq, last int64, most int) (waiting []Event, older int, err error) {
	for e, err := range Stream(ctx, w.b.store, nil, seq) {
		if err != nil {
			return nil, 0, err
		}
		if e.Seq > last {
			break
		}
		if !w.wants(e) {
			continue
		}
		waiting = append(waiting, e)
		if len(waiting) > most {
			waiting = waiting[1:]
			older++
		}
	}
	return waiting, older, nil
}

func (w *worker) wants(e Event) (yes bool) {
	defer func() {
		if p := recover(); p != nil {
			yes = true // then Deliver will say what is wrong with it
		}
	}()
	return w.d.Wants(e)
}
