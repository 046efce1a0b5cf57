package webhook_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assay/events"
	"assay/events/cloudevents"
	"assay/events/lineage"
	"assay/events/webhook"
	"assay/internal/testenv"
)

func numbered(n int) (es []events.Event) {
	for i := range n {
		es = append(es, events.Event{
			ID: fmt.Sprintf("e%05d", i), Task: "run", Type: events.TypeRunStarted, Source: "assay", Time: time.Unix(1e9, 0).UTC(), Version: 1,
			Payload: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i)),
		})
	}
	return es
}

func ids(es []events.Event) (out []string) {
	for _, e := range es {
		out = append(out, e.ID)
	}
	return out
}

type request struct {
	Secret  []byte            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// server keeps what it was sent and answers as it is told.
type server struct {
	*httptest.Server
	answer func(w http.ResponseWriter, r *http.Request, body []byte)

	mu  sync.Mutex
	got []request
}

func newServer(t *testing.T, answer func(http.ResponseWriter, *http.Request, []byte)) *server {
	t.Helper()
	s := &server{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		one := request{Headers: map[string]string{}, Body: string(body)}
		for name := range r.Header {
			one.Headers[strings.ToLower(name)] = r.Header.Get(name)
		}
		s.mu.Lock()
		s.got = append(s.got, one)
		s.mu.Unlock()
		if s.answer != nil {
			s.answer(w, r, body)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func newHook(t *testing.T, url string, o *webhook.Options) *webhook.Webhook {
	t.Helper()
	w, err := webhook.New("hook", url, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func eventsOf(t *testing.T, body string) (out []string) {
	t.Helper()
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for _, raw := range all {
		e, err := events.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.ID)
	}
	return out
}

// The reference library of Standard Webhooks takes our signature, and no other
// body, time or key.
func TestSignature(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "proof")
	secret, err := webhook.ParseSecret("whsec_c2VjcmV0IG9mIGFzc2F5")
	if err != nil || string(secret) != "secret of assay" {
		t.Fatalf("%q, %v", secret, err)
	}
	s := newServer(t, nil)
	w := newHook(t, s.URL, &webhook.Options{Secret: secret, Bearer: "token", Header: http.Header{"x-team": {"data"}}})
	es := numbered(3)
	es[0].ID = "é 1"
	for _, batch := range [][]events.Event{es, es[:1]} {
		if n, err := w.Deliver(t.Context(), batch); n != len(batch) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	old := newHook(t, s.URL, &webhook.Options{Secret: secret, Now: func() time.Time { return time.Now().Add(-time.Hour) }})
	if _, err := old.Deliver(t.Context(), es[:1]); err != nil {
		t.Fatal(err)
	}
	got := s.requests()
	for i := range got {
		got[i].Secret = secret
	}
	if h := got[0].Headers; h["authorization"] != "Bearer token" || h["x-team"] != "data" || h["content-type"] != "application/json" {
		t.Errorf("headers %v", h)
	}
	body, key, id := got[0], got[0], got[0]
	body.Body = strings.Replace(body.Body, "1", "2", 1)
	key.Secret = []byte("another")
	id.Headers = map[string]string{}
	for name, v := range got[0].Headers {
		id.Headers[name] = v
	}
	id.Headers["webhook-id"] += "x"
	asked, _ := json.Marshal(append(got, body, key, id))
	cmd := exec.CommandContext(t.Context(), python, "testdata/check.py")
	cmd.Stdin = bytes.NewReader(asked)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var verdicts []string
	if err := json.Unmarshal(stdout, &verdicts); err != nil {
		t.Fatal(err)
	}
	for i, v := range verdicts {
		if (v == "good") != (i < 2) {
			t.Errorf("request %d: %s", i, v)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status, requests int
		n                int
		permanent, ok    bool
	}{
		{200, 1, 2, false, true},
		{204, 1, 2, false, true},
		{400, 2, 0, true, false}, // once together, once alone
		{413, 2, 0, true, false},
		{422, 2, 0, true, false},
		{301, 1, 0, false, false},
		{307, 1, 0, false, false},
		{401, 1, 0, false, false},
		{404, 1, 0, false, false},
		{410, 1, 0, false, false},
		{429, 1, 0, false, false},
		{500, 1, 0, false, false},
		{503, 1, 0, false, false},
	} {
		elsewhere := newServer(t, nil)
		s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(test.status)
			_, _ = w.Write([]byte("\x00 garbage <html>"))
		})
		n, err := newHook(t, s.URL+"/secret-path?token=secret-query", nil).Deliver(t.Context(), numbered(2))
		if n != test.n || (err == nil) != test.ok || events.IsPermanent(err) != test.permanent {
			t.Errorf("%d: %d delivered, %v", test.status, n, err)
		}
		if got := len(s.requests()); got != test.requests {
			t.Errorf("%d: %d requests", test.status, got)
		}
		if len(elsewhere.requests()) != 0 {
			t.Errorf("%d: a redirect was followed", test.status)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: the error tells the URL: %v", test.status, err)
		}
	}
}

// One bad event in a batch goes to the dead letters; the others arrive, in order.
func TestOneRefused(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var arrived []string
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, body []byte) {
		if bytes.Contains(body, []byte("e00004")) || bytes.Contains(body, []byte("e00007")) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		arrived = append(arrived, eventsOf(t, string(body))...)
	})
	m := events.NewMemory()
	b, err := events.Open(t.Context(), m, m, []events.Destination{newHook(t, s.URL, nil)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Publish(t.Context(), numbered(10)...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(ids(numbered(10)), func(id string) bool { return id == "e00004" || id == "e00007" })
	if !slices.Equal(arrived, want) {
		t.Errorf("arrived %v", arrived)
	}
	if letters, err := m.Letters(t.Context(), "hook", 9); err != nil || len(letters) != 2 || letters[0].Event.ID != "e00007" || letters[1].Event.ID != "e00004" {
		t.Errorf("%v, %v", letters, err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	first := true
	var at []time.Time
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		at = append(at, time.Now())
		if first {
			first = false
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	m := events.NewMemory()
	b, err := events.Open(t.Context(), m, m, []events.Destination{newHook(t, s.URL, nil)}, &events.Options{BackoffMin: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Publish(t.Context(), numbered(1)...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if len(at) != 2 || at[1].Sub(at[0]) < 990*time.Millisecond {
		t.Errorf("requests at %v", at)
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	es := numbered(3)
	for _, test := range []struct {
		format   events.Format
		requests int
		ct       string
	}{
		{nil, 1, "application/json"},
		{cloudevents.Format{}, 1, "application/cloudevents-batch+json; charset=utf-8"},
		{lineage.New(nil), 3, "application/json"},
	} {
		s := newServer(t, nil)
		w := newHook(t, s.URL, &webhook.Options{Format: test.format, Wants: func(e events.Event) bool { return e.ID != "e00001" }})
		if n, err := w.Deliver(t.Context(), es); n != 3 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		got := s.requests()
		if len(got) != test.requests || got[0].Headers["content-type"] != test.ct || !json.Valid([]byte(got[0].Body)) {
			t.Errorf("%d requests, %v", len(got), got[0])
		}
		if w.Wants(es[1]) || !w.Wants(es[0]) {
			t.Error("Wants does not ask the option")
		}
	}
	// Large events are spread over several requests.
	s := newServer(t, nil)
	for i := range es {
		es[i].Payload = json.RawMessage(`"` + strings.Repeat("x", 600<<10) + `"`)
		es[i].Payload = json.RawMessage(`{"x":` + string(es[i].Payload) + `}`)
	}
	if n, err := newHook(t, s.URL, nil).Deliver(t.Context(), es); n != 3 || err != nil || len(s.requests()) != 3 {
		t.Errorf("%d in %d requests, %v", n, len(s.requests()), err)
	}
	// What cannot be said is refused, after what stands before it was delivered.
	es = numbered(3)
	es[1].Type = events.TypeCellStarted
	n, err := newHook(t, s.URL, &webhook.Options{Format: lineage.New(nil)}).Deliver(t.Context(), es)
	if n != 1 || !events.IsPermanent(err) {
		t.Errorf("%d, %v", n, err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"", "ftp://x/", "https:///x", "user:hunter2@host", "http://[::1"} {
		if _, err := webhook.New("h", u, nil); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", u, err)
		}
	}
	if _, err := webhook.New("h", "http://example.org/", &webhook.Options{Bearer: "b"}); err == nil {
		t.Error("a key over http to another machine")
	}
	for _, u := range []string{"http://127.0.0.1:1/", "http://localhost/", "https://example.org/"} {
		if _, err := webhook.New("h", u, &webhook.Options{Bearer: "b"}); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	if _, err := webhook.ParseSecret("whsec_!"); err == nil {
		t.Error("a secret that is not base64")
	}
}

// Whatever the other side does, an attempt ends in time and without an event
// lost. The connections are pipes and the clock is the bubble's: the limit runs
// out only where everybody waits.
func TestFaultGarbageAndSilence(t *testing.T) {
	t.Parallel()
	const limit = 500 * time.Millisecond
	hangUp := func(net.Conn) {}
	hold := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	endless := func(chunk string) func(net.Conn) {
		return func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, chunk); err != nil {
					return
				}
			}
		}
	}
	tests := map[string]struct {
		says   string
		does   func(c net.Conn) // after that
		ok     bool
		silent bool // only the limit ends it
	}{
		"never answers":    {"", hold, false, true},
		"hangs up":         {"", hangUp, false, false},
		"garbage":          {"\x16\x03\x01 what?\r\n\r\n", hangUp, false, false},
		"endless garbage":  {"", endless(strings.Repeat("x", 4096)), false, false},
		"endless header":   {"HTTP/1.1 200 OK\r\n", endless("x-a: " + strings.Repeat("b", 4096) + "\r\n"), false, false},
		"endless continue": {"", endless("HTTP/1.1 103 Early Hints\r\n\r\n"), false, false},
		"half a header":    {"HTTP/1.1 200 OK\r\nContent-Le", hold, false, true},
		"endless body":     {"HTTP/1.1 200 OK\r\n\r\n", endless(strings.Repeat("x", 4096)), true, false},
		"no body comes":    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", hold, true, true},
		"bad length":       {"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n", hangUp, false, false},
	}
	bad := 0
	for name, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			w := newHook(t, "http://127.0.0.1/", &webhook.Options{Timeout: limit})
			w.Dial(func() net.Conn {
				near, far := net.Pipe()
				go func() {
					defer far.Close()
					// The whole request first: an answer that comes before it is no answer.
					r, err := http.ReadRequest(bufio.NewReader(far))
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(far, test.says)
					test.does(far)
				}()
				return near
			})
			start := time.Now()
			n, err := w.Deliver(t.Context(), numbered(2))
			if (err == nil) != test.ok || (n == 2) != test.ok || events.IsPermanent(err) {
				bad++
				t.Errorf("%s: %d, %v", name, n, err)
			}
			if took := time.Since(start); took != 0 && !test.silent || took > limit {
				t.Errorf("%s: the attempt took %v", name, took)
			}
		})
	}
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "destination that answers garbage, for ever, or never", len(tests), bad, 0, 0,
		"each attempt ended within its limit and is tried again")
}

// A redirect is an error that says so; nothing goes to where it points.
func TestFaultRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := newServer(t, nil)
	statuses := []int{300, 301, 302, 303, 304, 307, 308}
	for _, status := range statuses {
		s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
		})
		n, err := newHook(t, s.URL, nil).Deliver(t.Context(), numbered(2))
		if n != 0 || err == nil || events.IsPermanent(err) || !strings.Contains(err.Error(), "redirect") {
			t.Errorf("%d: %d, %v", status, n, err)
		}
	}
	if got := len(elsewhere.requests()); got != 0 {
		t.Errorf("%d redirects were followed", got)
	}
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "destination that redirects", len(statuses), 0, 0, len(elsewhere.requests()), "nothing went elsewhere")
}
