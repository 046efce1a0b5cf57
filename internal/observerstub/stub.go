// Package observerstub is a stand-in for an observer endpoint: for tests, and
// for a person who wants to see what assay sends (assay observer stub). It
// checks what the contract states and what docs/observer-profile-1.md adds, with
// code of its own, and keeps everything in memory.
//
//	POST /api/chain/SLUG/event            one row, or {"events":[up to 50]}
//	GET  /api/chain/SLUG/state            head, counts, incidents
//	GET  /api/chain/SLUG/block?zeqond=N   one row
//	GET  /api/chain/SLUG/explore?from=&to=
//	GET  /api/chain/SLUG/pohc/validate?from=&to=
package observerstub

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	batchMax = 50
	bodyMax  = 8 << 20
)

// Options are the settings of a Server.
type Options struct {
	Slug   string // the one chain it has
	Origin string // tenant:slug; "" is "stub:" and the slug
	Key    string // the state-machine key that writers and readers must show
	Single bool   // knows no batches, as the contract's pages do not

	Now   func() time.Time // nil is time.Now
	Fault Fault            // nil is none
	Took  func(Row)        // is told each row that was taken, in order; nil is nobody
}

// Server is the endpoint. It is safe for concurrent use.
type Server struct {
	o     Options
	stall chan struct{} // closed by Close: what stalls then ends

	mu       sync.Mutex
	requests int
	chain    []Row // the receiver's own hash chain
	ids      map[string]seen
	sealed   map[nonce]seen
	burnt    map[int]bool
	client   clientChain
	replays  int
	missing  int64
	alarms   []Incident
	closed   bool
}

// Incident is something that an operator would be woken for.
type Incident struct {
	What string    `json:"what"` // nonce_reuse, chain_break, zeqond_order, bad_tag, …
	ID   string    `json:"id"`
	Note string    `json:"note"`
	Time time.Time `json:"time"`
}

// New returns an endpoint with an empty chain.
func New(o *Options) *Server {
	s := &Server{o: *o, stall: make(chan struct{}), ids: map[string]seen{}, sealed: map[nonce]seen{}, burnt: map[int]bool{}}
	if s.o.Origin == "" {
		s.o.Origin = "stub:" + s.o.Slug
	}
	if s.o.Now == nil {
		s.o.Now = time.Now
	}
	return s
}

// Close ends requests that a fault has stalled.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.stall)
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/api/chain/")
	slug, what, _ := strings.Cut(rest, "/")
	switch {
	case !ok:
		fail(w, http.StatusNotFound, "not_found")
	case !s.authorised(r):
		fail(w, http.StatusUnauthorized, "unauthorized")
	case slug != s.o.Slug:
		fail(w, http.StatusNotFound, "not_found")
	case what == "event" && r.Method == http.MethodPost:
		s.event(w, r)
	case r.Method == http.MethodGet:
		s.read(w, r, what)
	default:
		fail(w, http.StatusMethodNotAllowed, "method_not_allowed")
	}
}

func (s *Server) authorised(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && subtle.ConstantTimeCompare([]byte(token), []byte(s.o.Key)) == 1
}

func (s *Server) event(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "too_large")
		return
	}
	done, finish := s.misbehave(w, r)
	if done {
		return
	}
	status, reply := s.take(body)
	if finish != nil {
		finish()
		return
	}
	answer(w, status, reply)
}

// take is the whole of a request of one row or of a batch.
func (s *Server) take(body []byte) (status int, reply any) {
	var batch struct {
		Events []json.RawMessage `json:"events"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.Unmarshal(body, &batch); err != nil {
		return http.StatusBadRequest, result{Error: "invalid_request"}
	}
	if batch.Events == nil {
		r := s.row(body)
		return r.Status, r
	}
	if s.o.Single || len(batch.Events) < 1 || len(batch.Events) > batchMax {
		return http.StatusBadRequest, result{Error: "invalid_request"}
	}
	all := results{OK: true}
	for _, e := range batch.Events {
		r := result{Status: http.StatusFailedDependency, Error: "not_processed"}
		if all.OK { // after a refusal the order would be broken
			r = s.row(e)
		}
		all.OK = all.OK && r.OK
		all.Results = append(all.Results, r)
	}
	return http.StatusOK, all
}

// result is the answer about one row.
type result struct {
	OK        bool   `json:"ok"`
	Status    int    `json:"status,omitempty"`
	Zeqond    int64  `json:"zeqondNumber,omitempty"`
	ID        string `json:"transitionId,omitempty"`
	Duplicate bool   `json:"duplicate,omitempty"`
	Error     string `json:"error,omitempty"`
}

type results struct {
	OK      bool     `json:"ok"`
	Results []result `json:"results"`
}

func answer(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

func fail(w http.ResponseWriter, status int, what string) { answer(w, status, result{Error: what}) }
