package observerstub

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Row is a row of the receiver's own chain.
type Row struct {
	OriginID     string          `json:"originId"`
	ZeqondNumber int64           `json:"zeqondNumber,string"`
	StateHash    string          `json:"stateHash"`
	PrevHash     string          `json:"prevHash"`
	Type         string          `json:"transitionType"`
	TransitionID string          `json:"transitionId"`
	CreatedAt    time.Time       `json:"createdAt"`
	ID           string          `json:"id"`      // as the sender named it
	Sealed       bool            `json:"sealed"`  // it came as payload_ct
	Payload      json.RawMessage `json:"payload"` // in clear
}

// append puts a checked row at the end of the receiver's chain: its zeqond is
// the receiver's, one later than the last at least.
func (s *Server) append(it item, plain []byte, p payload) result {
	now := s.o.Now().UTC().Truncate(time.Millisecond)
	z := now.UnixMilli() / 777
	genesis := sha256.Sum256(fmt.Appendf(nil, "genesis|%s|%d", s.o.Origin, z))
	prev := hex.EncodeToString(genesis[:])
	if n := len(s.chain); n > 0 {
		last := s.chain[n-1]
		z, prev = max(z, last.ZeqondNumber+1), rowHash(last.ZeqondNumber, last.StateHash, last.PrevHash)
	}
	state := p.StateHash
	if len(state) != 64 {
		d := sha256.Sum256(plain)
		state = hex.EncodeToString(d[:])
	}
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	id := hex.EncodeToString(raw[:])
	if !json.Valid(plain) {
		plain, _ = json.Marshal(string(plain))
	}
	s.chain = append(s.chain, Row{s.o.Origin, z, state, prev, it.Type, id, now, it.ID, it.CT != "", plain})
	s.follow(it.Type, p)
	if s.o.Took != nil {
		s.o.Took(s.chain[len(s.chain)-1])
	}
	return result{OK: true, Status: http.StatusCreated, Zeqond: z, ID: id}
}

// Rows are the rows taken so far.
func (s *Server) Rows() []Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Row(nil), s.chain...)
}

// State is what the endpoint knows about its chain.
type State struct {
	Origin    string     `json:"originId"`
	Rows      int        `json:"rows"`
	Requests  int        `json:"requests"`
	Replays   int        `json:"replays"` // rows that came again and made no second row
	Missing   int64      `json:"missing"` // rows that the sender says it dropped
	Zeqond    int64      `json:"zeqondNumber,string"`
	Burnt     []int      `json:"burnt_epochs"`
	Incidents []Incident `json:"incidents"`
}

// State returns the present state.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := State{Origin: s.o.Origin, Rows: len(s.chain), Requests: s.requests, Replays: s.replays, Missing: s.missing, Burnt: []int{}, Incidents: append([]Incident{}, s.alarms...)}
	if n := len(s.chain); n > 0 {
		st.Zeqond = s.chain[n-1].ZeqondNumber
	}
	for epoch := range s.burnt {
		st.Burnt = append(st.Burnt, epoch)
	}
	return st
}

// Validity is what pohc/validate answers.
type Validity struct {
	OK      bool   `json:"ok"`
	Valid   bool   `json:"valid"`
	Count   int    `json:"count"`
	Broken  *int64 `json:"broken_at"`
	Genesis int64  `json:"genesis_zeqond,string"`
}

// Validate follows the receiver's chain between two zeqonds, both included.
func (s *Server) Validate(from, to int64) Validity {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := Validity{OK: true, Valid: true}
	for i, r := range s.chain {
		if i == 0 {
			v.Genesis = r.ZeqondNumber
		}
		if r.ZeqondNumber < from || r.ZeqondNumber > to {
			continue
		}
		v.Count++
		if i == 0 || !v.Valid {
			continue
		}
		last := s.chain[i-1]
		if r.PrevHash != rowHash(last.ZeqondNumber, last.StateHash, last.PrevHash) || r.ZeqondNumber <= last.ZeqondNumber {
			v.Valid, v.Broken = false, &r.ZeqondNumber
		}
	}
	return v
}

func (s *Server) read(w http.ResponseWriter, r *http.Request, what string) {
	q := r.URL.Query()
	from, to := number(q.Get("from"), 0), number(q.Get("to"), 1<<62)
	switch what {
	case "state":
		answer(w, http.StatusOK, s.State())
	case "pohc/validate":
		answer(w, http.StatusOK, s.Validate(from, to))
	case "block":
		z := number(q.Get("zeqond"), -1)
		for _, row := range s.Rows() {
			if row.ZeqondNumber == z {
				answer(w, http.StatusOK, row)
				return
			}
		}
		fail(w, http.StatusNotFound, "not_found")
	case "explore":
		rows := []Row{}
		for _, row := range s.Rows() {
			if row.ZeqondNumber >= from && row.ZeqondNumber <= to {
				rows = append(rows, row)
			}
		}
		answer(w, http.StatusOK, map[string]any{"ok": true, "rows": rows})
	default:
		fail(w, http.StatusNotFound, "not_found")
	}
}

func number(s string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return otherwise
}
