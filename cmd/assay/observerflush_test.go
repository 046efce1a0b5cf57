package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/events"
)

// publishAs publishes events as a command of that user would, and gives them no time to go out.
func publishAs(t *testing.T, env []string, n int, check func(*state)) {
	t.Helper()
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	s, err := openState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		e, err := events.New(events.TypeRunQueued, "assay", struct{}{})
		if err == nil {
			_, err = s.bus.Publish(t.Context(), e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	check(s)
	_ = s.bus.Close()
	s.bus = nil
	if err := s.close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// What was refused is not delivered: flush says how much it is, and why.
func TestObserverRefused(t *testing.T) {
	hook := newReceiver(t, http.StatusUnprocessableEntity)
	_, env := configuredHome(t, "destinations:\n  - {name: hook, type: webhook, url: "+hook.URL+"}\n")
	publishAs(t, env, 13, func(*state) {})
	code, stdout, stderr := endOf(t, env, "observer", "flush", "--for", "2m")
	if code != exitOK || !strings.Contains(stdout, "13 refused (dead letters), nothing waits") || strings.Contains(stdout, "all delivered") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if n := strings.Count(stdout, "harness.run.queued"); n != lettersShown || !strings.Contains(stdout, "422 Unprocessable") {
		t.Errorf("%d dead letters in\n%s", n, stdout)
	}
	_, stdout, _ = endOf(t, env, "observer", "flush", "--json")
	var out flushed
	if err := json.Unmarshal([]byte(stdout), &out); err != nil {
		t.Fatal(err)
	}
	if d := out.Destinations[0]; d.Refused != 13 || d.Dropped != 13 || d.Delivered != 0 || len(d.Dead) != lettersShown || !strings.Contains(d.Dead[0].Why, "422") || d.Dead[0].Type != events.TypeRunQueued {
		t.Errorf("%+v", d)
	}
	if _, stdout, _ = endOf(t, env, "observer", "status"); !strings.Contains(stdout, "webhook, 0 delivered, 0 behind, 0 failures, 13 refused (dead letters), last error: refused: 422") {
		t.Error(stdout)
	}
}

// An endpoint that takes and never answers: what waits is told, and flush goes
// on for the time that it is given; that it is no longer, TestObserverFlushEnds says.
func TestObserverHangs(t *testing.T) {
	hanging := make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hanging }))
	t.Cleanup(hook.Close)
	t.Cleanup(func() { close(hanging) })
	_, env := configuredHome(t, "destinations:\n  - {name: hook, type: webhook, url: "+hook.URL+"}\n")
	publishAs(t, env, 13, func(s *state) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if s.bus.Drain(ctx) == nil {
			t.Error("it was delivered")
		}
		lines := s.waiting(t.Context())
		if want := "13 events wait for hook: there was no answer in time; assay observer flush delivers them"; len(lines) != 1 || lines[0] != want {
			t.Errorf("%q", lines)
		}
	})
	const limit = 2 * time.Second
	begun := time.Now()
	code, stdout, stderr := endOf(t, env, "observer", "flush", "--for", limit.String())
	if took := time.Since(begun); code != exitSurroundings || took < limit {
		t.Errorf("exit code %d after %v: %s%s", code, took, stdout, stderr)
	}
	if code, _, _ := endOf(t, env, "observer", "status"); code != exitOK {
		t.Errorf("status: exit code %d", code)
	}
}

// neverAnswers is a destination that takes and does not answer.
type neverAnswers struct{}

func (neverAnswers) Name() string { return "hook" }

func (neverAnswers) Wants(events.Event) bool { return true }

func (neverAnswers) Deliver(ctx context.Context, _ []events.Event) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// What is over with flush's time is over: another 2 s would be the end of every
// other command. By a clock that no other process holds up.
func TestObserverFlushEnds(t *testing.T) {
	stdout := os.Stdout
	t.Cleanup(func() { os.Stdout = stdout })
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	os.Stdout = null
	synctest.Test(t, func(t *testing.T) {
		kept := events.NewMemory()
		bus, err := events.Open(t.Context(), kept, kept, []events.Destination{neverAnswers{}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &state{bus: bus, conf: &config{}}
		if e, err := events.New(events.TypeRunQueued, "assay", struct{}{}); err != nil {
			t.Fatal(err)
		} else if _, err := bus.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		const limit = 3 * time.Second
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		err = flush(ctx, s, false)
		if code, _ := classify(err); code != exitSurroundings || !errors.Is(err, events.ErrBehind) {
			t.Errorf("flush: %v", err)
		}
		if err := s.close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != limit {
			t.Errorf("it took %v, and was given %v", took, limit)
		}
	})
}
