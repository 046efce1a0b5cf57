package observerstub

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault says how to misbehave at the request with that number, from 1; "" is not
// at all. It is called for one request at a time.
type Fault func(request int) string

// Ways to misbehave. All but Lost and LostReset are before anything is taken.
const (
	Error    = "error"    // 500
	Busy     = "busy"     // 429 with Retry-After: 1
	Refuse   = "refuse"   // 401
	Redirect = "redirect" // 307 to another address
	Garbage  = "garbage"  // 200 with what is no JSON
	Short    = "short"    // 200 with fewer results than rows
	Reset    = "reset"    // the connection is cut
	Lost     = "lost"     // the rows are taken, then the connection is cut
	Stall    = "stall"    // no answer until the client goes away or Close
)

// FaultNames are the names that ParseFaults takes.
func FaultNames() []string {
	return []string{Error, Busy, Refuse, Redirect, Garbage, Short, Reset, Lost, Stall}
}

// ParseFaults reads "error=0.3,reset=0.1": shares of requests, which must not be
// more than 1 together. The same seed gives the same faults.
func ParseFaults(text string, seed uint64) (Fault, error) {
	type share struct {
		name string
		upTo float64
	}
	var shares []share
	sum := 0.0
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		f, err := strconv.ParseFloat(value, 64)
		if !slices.Contains(FaultNames(), name) || err != nil || !(f >= 0 && f <= 1) {
			return nil, fmt.Errorf("fault %q: write NAME=SHARE with a share from 0 to 1 and a name of %s", part, strings.Join(FaultNames(), ", "))
		}
		sum += f
		shares = append(shares, share{name, sum})
	}
	if sum > 1 {
		return nil, fmt.Errorf("faults %q: the shares are %v together, more than 1", text, sum)
	}
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 0))
	return func(int) string {
		mu.Lock()
		defer mu.Unlock()
		x := r.Float64()
		for _, s := range shares {
			if x < s.upTo {
				return s.name
			}
		}
		return ""
	}, nil
}

// misbehave does what the fault says. done means that the request is answered;
// finish, where it is not nil, takes the place of the answer.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request) (done bool, finish func()) {
	s.mu.Lock()
	s.requests++
	var fault string
	if s.o.Fault != nil {
		fault = s.o.Fault(s.requests)
	}
	s.mu.Unlock()
	switch fault {
	case "":
		return false, nil
	case Error:
		fail(w, http.StatusInternalServerError, "internal")
	case Busy:
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusTooManyRequests, "rate_limited")
	case Refuse:
		fail(w, http.StatusUnauthorized, "unauthorized")
	case Redirect:
		http.Redirect(w, r, "http://127.0.0.1:9/elsewhere", http.StatusTemporaryRedirect)
	case Garbage:
		_, _ = w.Write([]byte("<html>It works!</html>"))
	case Short:
		answer(w, http.StatusOK, results{OK: true, Results: []result{{OK: true, Status: http.StatusCreated}}})
	case Reset:
		panic(http.ErrAbortHandler)
	case Lost:
		return false, func() { panic(http.ErrAbortHandler) }
	case Stall:
		select {
		case <-r.Context().Done():
		case <-s.stall:
		}
		panic(http.ErrAbortHandler)
	}
	return true, nil
}
