package observerstub

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const key = "zsm_live_x"

func call(t *testing.T, s *Server, method, path, auth, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func state(label string) string {
	d := sha256.Sum256([]byte(label))
	return hex.EncodeToString(d[:])
}

// row is one of the sender's chain.
func row(n, z int64, label, prev string) string {
	return fmt.Sprintf(`{"id":"id-%d-%s","type":"stage-complete","zeqond":"%d","payload":{"slug":"nb","type":"stage-complete","n":%d,"zeqond":"%d","state_hash":"%s","prev_hash":"%s"}}`, n, label, z, n, z, state(label), prev)
}

func TestDoor(t *testing.T) {
	t.Parallel()
	s := New(&Options{Slug: "nb", Key: key})
	const bearer = "Bearer " + key
	batch := func(n int) string {
		return `{"events":[` + strings.TrimSuffix(strings.Repeat(`{"type":"a","payload":1},`, n), ",") + `]}`
	}
	for _, c := range []struct {
		method, path, auth, body string
		status                   int
		says                     string
	}{
		{"POST", "/api/chain/nb/event", "", `{}`, 401, "unauthorized"},
		{"POST", "/api/chain/nb/event", "Bearer zsm_live_", `{}`, 401, "unauthorized"},
		{"POST", "/api/chain/nb/event", key, `{}`, 401, "unauthorized"},
		{"POST", "/api/chain/other/event", bearer, `{}`, 404, "not_found"},
		{"POST", "/elsewhere", bearer, `{}`, 404, "not_found"},
		{"PUT", "/api/chain/nb/event", bearer, `{}`, 405, "method"},
		{"POST", "/api/chain/nb/event", bearer, `{`, 400, "invalid_request"},
		{"POST", "/api/chain/nb/event", bearer, `{}`, 400, "invalid_request"},
		{"POST", "/api/chain/nb/event", bearer, `{"events":[]}`, 400, "invalid_request"},
		{"POST", "/api/chain/nb/event", bearer, batch(51), 400, "invalid_request"},
		{"POST", "/api/chain/nb/event", bearer, `{"type":"` + strings.Repeat("t", 65) + `","payload":1}`, 400, "invalid_request"},
		{"POST", "/api/chain/nb/event", bearer, `{"payload":1,"payload_ct":"00","zeqond":"1"}`, 400, "invalid_request"},
		{"POST", "/api/chain/nb/event", bearer, `{"payload_ct":"00","zeqond":"x"}`, 400, "invalid_request"},
		{"POST", "/api/chain/nb/event", bearer, `{"payload_ct":"zz","zeqond":"1"}`, 400, "bad_tag"},
		{"POST", "/api/chain/nb/event", bearer, `{"type":"a","payload":{"type":"b"}}`, 400, "envelope_mismatch"},
		{"POST", "/api/chain/nb/event", bearer, `{"type":"a","payload":{"slug":"nb-2"}}`, 400, "envelope_mismatch"},
		{"POST", "/api/chain/nb/event", bearer, `{"type":"deploy","payload":{"version":"1.2"}}`, 201, `"ok":true`},
		{"POST", "/api/chain/nb/event", bearer, `{"type":"deploy","hash":"` + state("x") + `"}`, 201, "transitionId"},
		{"POST", "/api/chain/nb/event", bearer, batch(50), 200, `"ok":true`},
		{"GET", "/api/chain/nb/state", bearer, "", 200, `"rows":52`},
		{"GET", "/api/chain/nb/pohc/validate", bearer, "", 200, `"valid":true,"count":52,"broken_at":null`},
		{"GET", "/api/chain/nb/explore?from=1&to=2", bearer, "", 200, `"rows":[]`},
		{"GET", "/api/chain/nb/block?zeqond=1", bearer, "", 404, "not_found"},
		{"GET", "/api/chain/nb/nothing", bearer, "", 404, "not_found"},
		{"GET", "/api/chain/nb/state", "", "", 401, "unauthorized"},
	} {
		if status, body := call(t, s, c.method, c.path, c.auth, c.body); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s %.80s: %d %.200s, want %d %s", c.method, c.path, c.body, status, body, c.status, c.says)
		}
	}
}

// The receiver's own chain: one zeqond a row, rising, though the clock stands
// and is set back; a change anywhere is found where it is.
func TestOwnChain(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(2_287_568_432 * 777)
	s := New(&Options{Slug: "nb", Key: key, Now: func() time.Time { return now }})
	for i := range 10 {
		if i == 5 {
			now = now.Add(-time.Hour)
		}
		if r := s.row(fmt.Appendf(nil, `{"type":"a","payload":%d}`, i)); r.Status != http.StatusCreated || r.Zeqond != 2_287_568_432+int64(i) {
			t.Fatalf("%d: %+v", i, r)
		}
	}
	for i := 1; i < 10; i++ {
		good := s.chain[i-1].StateHash
		s.chain[i-1].StateHash = state("forged")
		if v := s.Validate(0, 1<<62); v.Valid || *v.Broken != s.chain[i].ZeqondNumber || v.Count != 10 {
			t.Errorf("row %d changed: %+v", i-1, v)
		}
		s.chain[i-1].StateHash = good
	}
	if v := s.Validate(2_287_568_433, 2_287_568_434); !v.Valid || v.Count != 2 || v.Genesis != 2_287_568_432 {
		t.Errorf("%+v", v)
	}
	status, body := call(t, s, "GET", "/api/chain/nb/block?zeqond=2287568433", "Bearer "+key, "")
	var r map[string]any
	if err := json.Unmarshal([]byte(body), &r); err != nil || status != 200 || r["zeqondNumber"] != "2287568433" || r["stateHash"] != state("1") {
		t.Errorf("%d %s %v", status, body, err)
	}
}

// The sender's chain, as the receiver follows it.
func TestSenderChain(t *testing.T) {
	t.Parallel()
	s := New(&Options{Slug: "nb", Key: key})
	genesis := state("genesis")
	first := rowHash(100, state("a"), genesis)
	second := rowHash(101, state("b"), first)
	overflow := func(from, to int64, hash string) string {
		return fmt.Sprintf(`{"type":"outbox.overflow","payload":{"type":"outbox.overflow","state_hash":"%s","meta":{"dropped":%d,"from_n":%d,"to_n":%d}}}`, hash, to-from+1, from, to)
	}
	for i, step := range []struct {
		body   string
		status int
		says   string
	}{
		{row(1, 100, "a", genesis), 201, ""},
		{row(1, 100, "a", genesis), 200, ""},                  // a replay
		{row(1, 100, "A", genesis), 409, "zeqond_order"},      // another row at that place
		{row(2, 99, "b", first), 409, "zeqond_order"},         // time does not go back
		{row(2, 101, "b", genesis), 409, "chain_break"},       // beside the first
		{row(3, 101, "b", first), 409, "chain_break"},         // a number left out
		{row(2, 101, "b", first), 201, ""},                    //
		{row(5, 110, "e", state("lost")), 409, "chain_break"}, // rows are missing
		{overflow(3, 4, state("lost")), 201, ""},              // which is told
		{row(5, 110, "e", state("lost")), 201, ""},            //
		{row(2, 101, "b", first), 200, ""},                    // an old one again
		{strings.Replace(row(2, 101, "b", first), `"n":2`, `"n":3`, 1), 409, "id_conflict"},
		{strings.Replace(row(6, 120, "f", second), `"zeqond":"120","payload"`, `"zeqond":"121","payload"`, 1), 400, "envelope_mismatch"},
	} {
		if r := s.row([]byte(step.body)); r.Status != step.status || r.Error != step.says {
			t.Errorf("step %d: %+v, want %d %s", i, r, step.status, step.says)
		}
	}
	if st := s.State(); st.Rows != 4 || st.Replays != 2 || st.Missing != 2 || len(st.Incidents) != 7 {
		t.Errorf("%+v", st)
	}
	// After a refusal the rest of a batch waits: its rows would not follow.
	status, reply := s.take([]byte(`{"events":[` + row(7, 200, "g", "x") + `,` + row(8, 201, "h", "y") + `]}`))
	all, ok := reply.(results)
	if !ok || status != 200 || all.OK || all.Results[0].Error != "chain_break" || all.Results[1].Status != http.StatusFailedDependency {
		t.Errorf("%d %+v", status, reply)
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "error", "error=2", "error=-1", "error=NaN", "nothing=0.1", "error=0.6,reset=0.6"} {
		if _, err := ParseFaults(bad, 1); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	f, err := ParseFaults("error=0.3, reset=0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for i := range 10_000 {
		counts[f(i)]++
	}
	if len(counts) != 3 || counts[Error] < 2800 || counts[Error] > 3200 || counts[Reset] < 850 || counts[Reset] > 1150 {
		t.Errorf("%v", counts)
	}
}

// Whatever comes, the endpoint answers, and its chain holds.
func FuzzTake(f *testing.F) {
	f.Add([]byte(row(1, 100, "a", "b")))
	f.Add([]byte(`{"events":[{"type":"a","payload":1},{"type":"outbox.overflow","payload":{"meta":{"to_n":9223372036854775807,"from_n":-1}}}]}`))
	f.Add([]byte(`{"payload_ct":"00","zeqond":"9223372036854775807","epoch":-1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := New(&Options{Slug: "nb", Key: key})
		for range 2 {
			if status, _ := s.take(body); status < 200 || status > 499 {
				t.Fatalf("%d", status)
			}
		}
		if v := s.Validate(0, 1<<62); !v.Valid {
			t.Fatalf("%+v", v)
		}
		if _, err := json.Marshal(s.Rows()); err != nil {
			t.Fatal(err)
		}
	})
}
