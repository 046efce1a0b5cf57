package runs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events"
	"assay/executor"
	"assay/runs"
)

// awayLogFake is a log whose first tries fail with err, or hang where that is nil.
type awayLogFake struct {
	logFake
	away int
	err  error
	on   func() // before the first try that goes through
}

func (l *awayLogFake) Append(ctx context.Context, items ...ledger.Item) ([]int64, error) {
	if l.away > 0 {
		l.away--
		if l.err == nil {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, l.err
	}
	if l.on != nil {
		l.on()
	}
	return l.logFake.Append(ctx, items...)
}

// hangingBusFake answers nothing until the call's context ends, or not even then.
type hangingBusFake struct {
	runs.Bus
	deaf   chan struct{} // nil: it looks at the context
	called atomic.Bool
}

func (b *hangingBusFake) Publish(ctx context.Context, _ ...events.Event) ([]events.Event, error) {
	b.called.Store(true)
	if b.deaf != nil {
		<-b.deaf
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (*hangingBusFake) Query(context.Context, events.Filter, int64, int) ([]events.Event, error) {
	return nil, nil
}

func (*hangingBusFake) Announce(...events.Event) {}

// endsFake keeps one end. With err it keeps it and says that it cannot.
type endsFake struct {
	err  error
	kept *runs.UnenteredEnd
	ever int
}

func (f *endsFake) KeepEnd(e *runs.UnenteredEnd) (string, error) {
	f.kept = e
	f.ever++
	if f.err != nil {
		return "", f.err
	}
	return "a fake's memory", nil
}

func (f *endsFake) ForgetEnd(string)    { f.kept = nil }
func (f *endsFake) EndKept(string) bool { return f.kept != nil }

// prepared prepares a notebook, which is a run that needs no kernel, and takes
// a second of the bubble's clock, so that the bus gets events before the end.
func prepared(t *testing.T, log runs.Log, bus runs.Bus, ends runs.EndKeeper) (runs.Run, error) {
	t.Helper()
	in := write(t, "1")
	linger := func(e runs.Event) {
		if e.Type == runs.EventStarted {
			time.Sleep(time.Second)
		}
	}
	s := runs.New(runs.NewMemory(), nil, &runs.Options{Version: "test", Log: log, Bus: bus, Ends: ends})
	defer s.Close()
	id, err := s.Submit(t.Context(), runs.Request{Trigger: runs.CLI, Input: in, Output: filepath.Join(filepath.Dir(in), "out.ipynb"), Prepare: true, NoReceipt: true, Listener: linger})
	if err != nil {
		t.Fatal(err)
	}
	return s.Wait(t.Context(), id)
}

// wantKept wants the whole end of a run that succeeded.
func wantKept(t *testing.T, e *runs.UnenteredEnd, r runs.Run) {
	t.Helper()
	if e == nil {
		t.Fatal("nothing is kept")
	}
	end := e.Item.With.(*runs.Ending)
	if e.Item.ID != r.ID || end.Run.State != executor.RunSucceeded || len(end.Events) == 0 || end.Events[len(end.Events)-1].Type != events.TypeRunCompleted {
		t.Errorf("kept: %s, %s, %d events", e.Item.ID, end.Run.State, len(end.Events))
	}
}

// A database that hangs is one that is away: the run's end is kept after a
// while, with the events of which nobody knows whether the store has them.
func TestUnenteredHangs(t *testing.T) {
	for name, deaf := range map[string]bool{"until the context ends": false, "whatever the context says": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &hangingBusFake{}
				if deaf {
					bus.deaf = make(chan struct{})
					defer close(bus.deaf)
				}
				ends := &endsFake{}
				begun := time.Now()
				r, err := prepared(t, &awayLogFake{away: 1000}, bus, ends)
				var unentered *runs.UnenteredError
				if !errors.As(err, &unentered) || !errors.Is(err, context.DeadlineExceeded) || ends.ever != 1 || !bus.called.Load() {
					t.Errorf("%v; kept %d times; the bus was asked: %v", err, ends.ever, bus.called.Load())
				}
				wantKept(t, ends.kept, r)
				if end := ends.kept.Item.With.(*runs.Ending); end.Events[0].Type != events.TypeRunQueued {
					t.Errorf("the first event is %s", end.Events[0].Type)
				}
				if took := time.Since(begun); took > time.Minute { // of the bubble's clock
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// An end that is kept, or may be, is forgotten when it is entered after all.
func TestUnenteredAfterAll(t *testing.T) {
	for name, test := range map[string]struct{ away, unkept error }{
		"it hung":                           {},
		"it failed":                         {away: errors.New("away")},
		"it is kept, and nobody knows that": {away: errors.New("away"), unkept: errors.New("the folder cannot be synced")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ends := &endsFake{err: test.unkept}
				kept := false
				log := &awayLogFake{away: 1, err: test.away, on: func() { kept = ends.kept != nil }}
				_, err := prepared(t, log, &hangingBusFake{}, ends)
				if err != nil || !kept || ends.kept != nil || len(log.items) != 1 {
					t.Errorf("%v; kept before the second try: %v; kept now: %v; entries: %d", err, kept, ends.kept != nil, len(log.items))
				}
			})
		})
	}
}

// An end for a log that has another name by now is kept without another try;
// one of which the log says something else is not.
func TestUnenteredMoved(t *testing.T) {
	for _, why := range []error{ledger.ErrMoved, ledger.ErrConflict} {
		synctest.Test(t, func(t *testing.T) {
			log, ends := &awayLogFake{away: 2, err: why}, &endsFake{}
			r, err := prepared(t, log, &hangingBusFake{}, ends)
			var unentered *runs.UnenteredError
			moved := errors.Is(why, ledger.ErrMoved)
			if !errors.Is(err, why) || errors.As(err, &unentered) != moved || log.away != 1 {
				t.Errorf("%v: %v, %d tries left", why, err, log.away)
			}
			if moved {
				wantKept(t, ends.kept, r)
			} else if ends.ever > 0 {
				t.Errorf("%v: it is kept", why)
			}
		})
	}
}

// What is not one consistent end of a run is refused, whatever of it is wrong.
func TestParseUnenteredEnd(t *testing.T) {
	ends := &endsFake{}
	synctest.Test(t, func(t *testing.T) {
		if _, err := prepared(t, &awayLogFake{away: 1, err: ledger.ErrMoved}, &hangingBusFake{}, ends); !errors.Is(err, ledger.ErrMoved) {
			t.Fatal(err)
		}
	})
	whole, err := ends.kept.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := runs.ParseUnenteredEnd(whole)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := again.Encode(); err != nil || string(text) != string(whole) {
		t.Errorf("read and written again: %v\n%s\n%s", err, text, whole)
	}
	for name, c := range map[string]struct {
		change func(e *runs.UnenteredEnd, end *runs.Ending)
		says   string
	}{
		"another run's row":   {func(_ *runs.UnenteredEnd, end *runs.Ending) { end.Run.ID = "other" }, "not of one run"},
		"another state":       {func(_ *runs.UnenteredEnd, end *runs.Ending) { end.Run.State = executor.RunFailed }, "its row says failed"},
		"no time":             {func(_ *runs.UnenteredEnd, end *runs.Ending) { end.Run.Ended = time.Time{} }, "does not say when the run ended"},
		"a payload missing":   {func(e *runs.UnenteredEnd, _ *runs.Ending) { e.Item.Payloads = e.Item.Payloads[1:] }, "not bound to the payloads"},
		"a relative output":   {func(e *runs.UnenteredEnd, _ *runs.Ending) { e.Output = "out.ipynb" }, "no absolute path"},
		"no events":           {func(_ *runs.UnenteredEnd, end *runs.Ending) { end.Events = nil }, "its last event is not the run's end"},
		"another run's event": {func(_ *runs.UnenteredEnd, end *runs.Ending) { end.Events[0].Task = "other" }, `is of "other"`},
		"an event of nobody":  {func(_ *runs.UnenteredEnd, end *runs.Ending) { end.Events[0].Task = "" }, `is of ""`},
		"no end":              {func(_ *runs.UnenteredEnd, end *runs.Ending) { end.Events = end.Events[:len(end.Events)-1] }, "its last event is not the run's end"},
		"an end of another kind": {func(_ *runs.UnenteredEnd, end *runs.Ending) {
			end.Events[len(end.Events)-1].Type = events.TypeRunAborted
		}, "its last event is not the run's end"},
		"something after the end":   {func(_ *runs.UnenteredEnd, end *runs.Ending) { end.Events = append(end.Events, end.Events[0]) }, "its last event is not the run's end"},
		"another run's stage":       {func(_ *runs.UnenteredEnd, end *runs.Ending) { end.Stage.Task = "other" }, `the stage-complete row is of "other"`},
		"a stage of something else": {func(_ *runs.UnenteredEnd, end *runs.Ending) { end.Stage.StateHash = strings.Repeat("0", 64) }, "of another entry"},
	} {
		e, err := runs.ParseUnenteredEnd(whole)
		if err != nil {
			t.Fatal(err)
		}
		c.change(e, e.Item.With.(*runs.Ending))
		text, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := runs.ParseUnenteredEnd(text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, not %q", name, err, c.says)
		}
	}
}

// attestingLogFake attests whatever it is given; on is called meanwhile.
type attestingLogFake struct {
	logFake
	on func()
}

func (l *attestingLogFake) Attest(*audit.Receipt) ([]byte, error) {
	l.on()
	return []byte("{}\n"), nil
}

// A receipt that was written beside an output which is another by then is
// taken away again, and what another run wrote there is not.
func TestEnterEndChanged(t *testing.T) {
	for name, another := range map[string]bool{"nobody's receipt": false, "another run's receipt": true} {
		synctest.Test(t, func(t *testing.T) {
			ends := &endsFake{}
			if _, err := prepared(t, &awayLogFake{away: 1, err: ledger.ErrMoved}, &hangingBusFake{}, ends); !errors.Is(err, ledger.ErrMoved) {
				t.Fatal(err)
			}
			e := ends.kept
			e.Receipt, e.Attest = true, true
			receipt, statement := e.Output+runs.ReceiptSuffix, e.Output+runs.AttestationSuffix
			log := &attestingLogFake{on: func() {
				if _, err := os.Stat(receipt); err != nil {
					t.Errorf("%s: it was not written: %v", name, err)
				}
				err := os.WriteFile(e.Output, []byte("{}"), 0o600)
				if another {
					err = errors.Join(err, os.WriteFile(receipt, []byte("another"), 0o600))
				}
				if err != nil {
					t.Error(err)
				}
			}}
			s := runs.New(runs.NewMemory(), nil, &runs.Options{Version: "test", Log: log, Bus: &hangingBusFake{}})
			late, err := s.EnterEnd(t.Context(), e)
			s.Close()
			if err != nil || late.Receipt != "" || late.Missing == nil || !strings.Contains(late.Missing.Error(), "is not what the run wrote any more") {
				t.Errorf("%s: %+v, %v", name, late, err)
			}
			if _, err := os.Stat(receipt); (err == nil) != another {
				t.Errorf("%s: the receipt: %v", name, err)
			}
			if _, err := os.Stat(statement); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: the attestation: %v", name, err)
			}
		})
	}
}
