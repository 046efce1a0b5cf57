package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
	code, stdout, stderr := endOf(t, env, "observer", "flush")
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
// on for the time that it is given and no longer.
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
	// Another 2 s would be the end of every other command. A busy machine may take as long once, not three times.
	const limit = 3 * time.Second
	for tries := 1; ; tries++ {
		begun := time.Now()
		code, stdout, stderr := endOf(t, env, "observer", "flush", "--for", limit.String())
		took := time.Since(begun)
		if code == exitSurroundings && took >= limit-time.Second && took < limit+events.DrainLimit {
			break
		}
		if code != exitSurroundings || took < limit-time.Second || tries == 3 {
			t.Errorf("exit code %d after %v: %s%s", code, took, stdout, stderr)
			break
		}
	}
	if code, _, _ := endOf(t, env, "observer", "status"); code != exitOK {
		t.Errorf("status: exit code %d", code)
	}
}
