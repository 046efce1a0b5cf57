package events

import "context"

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
		return w.nextCapped(ctx, seq, c.Cap())
	}
	b := batch{scanned: seq}
	page, err := w.b.store.Query(ctx, nil, seq, 4*w.b.o.Batch)
	if err != nil {
		return b, err
	}
	for _, e := range page {
		if w.wants(e) {
			if len(b.events) == w.b.o.Batch {
				break
			}
			b.events = append(b.events, e)
		}
		b.scanned = e.Seq
	}
	return b, nil
}

// nextCapped reads to the end of the store, because what is dropped depends on
// how much waits, and keeps no more than most events while it does.
func (w *worker) nextCapped(ctx context.Context, seq int64, most int) (batch, error) {
	var waiting []Event
	b := batch{scanned: seq}
	for e, err := range Stream(ctx, w.b.store, nil, seq) {
		if err != nil {
			return batch{scanned: seq}, err
		}
		b.scanned = e.Seq
		if !w.wants(e) {
			continue
		}
		waiting = append(waiting, e)
		if len(waiting) > max(most, 1) {
			waiting = waiting[1:]
			b.dropped++
		}
	}
	if len(waiting) > w.b.o.Batch {
		waiting = waiting[:w.b.o.Batch]
		b.scanned = waiting[len(waiting)-1].Seq
	}
	b.events = waiting
	return b, nil
}

func (w *worker) wants(e Event) (yes bool) {
	defer func() {
		if p := recover(); p != nil {
			yes = true // then Deliver will say what is wrong with it
		}
	}()
	return w.d.Wants(e)
}
