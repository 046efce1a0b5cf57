package observer_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/events"
	"assay/observer"
)

// hash is the row hash by the contract's own words, apart from the code under test.
func hash(format string, args ...any) string {
	d := sha256.Sum256([]byte(fmt.Sprintf(format, args...)))
	return hex.EncodeToString(d[:])
}

func at(ms int64) time.Time { return time.UnixMilli(ms) }

func candidate(t time.Time, observation string) observer.Candidate {
	return observer.Candidate{
		Slug: "nb-1", Origin: "acme:nb-1", Observation: observation, StateHash: hash("state %s", observation),
		At: t, Session: "s1", Agent: "assay/test", Task: "run-" + observation,
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	const tick = 2_287_568_432
	start := at(tick * 777)
	c := candidate(start, "a")
	head := observer.Genesis(c)
	if want := (observer.Head{Slug: "nb-1", Origin: "acme:nb-1", Clock: observer.ClockMS, Genesis: tick, Zeqond: tick, RowHash: hash("genesis|acme:nb-1|%d", tick)}); head != want {
		t.Fatal(cmp.Diff(want, head))
	}
	steps := []struct {
		after  time.Duration
		zeqond int64
		lead   int64
	}{
		{0, tick + 1, 1},                    // the genesis itself has the tick
		{0, tick + 2, 2},                    // two rows in one tick: last+1
		{-time.Hour, tick + 3, 3 + 4634},    // the clock was set back: still later
		{10 * observer.Tau, tick + 10, 0},   // the clock again
		{11*observer.Tau - 1, tick + 11, 1}, // a nanosecond short of the tick: cut to the millisecond before
	}
	var recent []observer.Past
	for i, s := range steps {
		prev := head
		var r observer.Row
		r, head = observer.Link(head, candidate(start.Add(s.after), fmt.Sprint(i)), recent)
		recent = append(recent, r.Past())
		if r.Zeqond != s.zeqond || r.Lead() != s.lead || r.PrevHash != prev.RowHash || head.RowHash != hash("%d|%s|%s", r.Zeqond, r.StateHash, r.PrevHash) || head.Rows != int64(i+1) {
			t.Errorf("step %d: %+v lead %d, then %+v", i, r, r.Lead(), head)
		}
		if next, err := observer.Follow(prev, r); err != nil || next != head {
			t.Errorf("step %d: follow: %+v, %v", i, next, err)
		}
	}
}

func TestLinkHoldsTheChainsOwn(t *testing.T) {
	t.Parallel()
	head := observer.Genesis(candidate(at(1e12), "a"))
	other := observer.Candidate{Slug: "x", Origin: "y:x", Clock: observer.ClockNS, At: at(1e12), Type: strings.Repeat("é", 99), Observation: "a\nb\xff", Trace: strings.Repeat("t", 999)}
	r, _ := observer.Link(head, other, nil)
	if r.Slug != "nb-1" || r.Origin != "acme:nb-1" || r.Clock != observer.ClockMS || len(r.Type) > 64 || r.Observation != "a b\uFFFD" || len(r.Trace) != 500 {
		t.Errorf("%+v", r)
	}
	if head := observer.Genesis(observer.Candidate{At: at(0)}); head.Slug != observer.DefaultSlug || head.Origin != "local:assay" || head.Clock != observer.ClockMS {
		t.Errorf("%+v", head)
	}
}

// Whatever a caller puts into meta, the row becomes an event that the bus takes.
func TestMeta(t *testing.T) {
	t.Parallel()
	for _, m := range []struct{ in, want string }{
		{``, ``},
		{`{}`, `{}`},
		{" { \"a\" : 1.0 , \"b\":\"<&>\u2028\" } ", "{\"a\":1.0,\"b\":\"<&>\u2028\"}"},
		{`null`, `no JSON object`},
		{`[]`, `no JSON object`},
		{`{`, `no JSON object`},
		{`{}x`, `no JSON object`},
		{`{"a":1,"\u0061":2}`, `no JSON object`},
		{"{\"a\":\"\xff\"}", `no JSON object`},
		{`{"a":"\ud800"}`, `no JSON object`},
		{`{"a":"` + strings.Repeat("x", 64<<10) + `"}`, `more than 65536`},
		{`{"a":` + strings.Repeat("[", 9990) + strings.Repeat("]", 9990) + `}`, `100 levels`},
	} {
		c := candidate(at(1e12), "a")
		c.Meta = json.RawMessage(m.in)
		r, _ := observer.Link(observer.Genesis(c), c, nil)
		if got := string(r.Meta); got != m.want && (m.want == "" || !strings.Contains(got, m.want)) {
			t.Errorf("%.40q: meta %q, want %q", m.in, got, m.want)
		}
		e, err := r.Event()
		if err == nil {
			err = e.Check()
		}
		if err != nil {
			t.Errorf("%.40q: %v", m.in, err)
		}
		back, err := observer.ParseRow(e.Payload)
		if err != nil || cmp.Diff(r, back) != "" {
			t.Errorf("%.40q: %v %s", m.in, err, cmp.Diff(r, back))
		}
	}
}

func TestEvent(t *testing.T) {
	t.Parallel()
	c := candidate(at(1_700_000_000_123), "a")
	c.Trace = "family"
	head := observer.Genesis(c)
	r, head := observer.Link(head, c, nil)
	e, err := r.Event()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := r.Event()
	next, _ := observer.Link(head, c, nil)
	later, _ := next.Event()
	if e.ID != again.ID || e.ID == later.ID {
		t.Errorf("ids %s, %s; the next row's %s", e.ID, again.ID, later.ID)
	}
	if want := "018bcfe5-687b-7"; !strings.HasPrefix(e.ID, want) { // 1700000000123 in hex, version 7
		t.Errorf("id %s, want %s…", e.ID, want)
	}
	slug := "nb-1"
	if e.Type != events.TypeStageCompleted || e.Task != "run-a" || e.Trace != "family" || !(events.Filter{"slug": &slug, "run_id": &e.Task}).Match(e) {
		t.Errorf("%+v", e)
	}
}

// Every field that a link binds is noticed when it changes, and named.
func TestFollowNotices(t *testing.T) {
	t.Parallel()
	head := observer.Genesis(candidate(at(1e12), "a"))
	for name, change := range map[string]func(*observer.Row){
		"row of":    func(r *observer.Row) { r.Slug = "b" },
		"acme:nb-2": func(r *observer.Row) { r.Origin = "acme:nb-2" },
		"number":    func(r *observer.Row) { r.Number++ },
		"clock":     func(r *observer.Row) { r.Clock = observer.ClockNS },
		"prev hash": func(r *observer.Row) { r.PrevHash = hash("x") },
		"zeqond":    func(r *observer.Row) { r.Zeqond++ },
		"phase":     func(r *observer.Row) { r.Phase += 0.1 },
	} {
		r, _ := observer.Link(head, candidate(at(1e12), "a"), nil)
		change(&r)
		if _, err := observer.Follow(head, r); !errors.Is(err, observer.ErrBroken) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// State hash and zeqond of the row before are noticed at the row after.
	a, mid := observer.Link(head, candidate(at(1e12), "a"), nil)
	b, _ := observer.Link(mid, candidate(at(1e12), "b"), []observer.Past{a.Past()})
	a.StateHash = hash("forged")
	forged, err := observer.Follow(head, a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := observer.Follow(forged, b); !errors.Is(err, observer.ErrBroken) {
		t.Errorf("a changed state hash went unnoticed: %v", err)
	}
}

func TestClocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		clock observer.Clock
		ns    int64
		z     int64
		phase float64
	}{
		{observer.ClockMS, 0, 0, 0},
		{observer.ClockMS, 776_999_999, 0, 776. / 777},
		{observer.ClockMS, 777_000_000, 1, 0},
		{observer.ClockMS, -1, -1, 776. / 777},
		{observer.ClockNS, 777_000_776, 0, 777_000_776. / 777_000_777},
		{observer.ClockNS, 777_000_777, 1, 0},
		{observer.ClockNS, -1, -1, 777_000_776. / 777_000_777},
		// 2026-04-29T05:31:51.664Z: the sample value of the contract's pages decodes to here.
		{observer.ClockMS, 2287568432 * 777 * 1e6, 2287568432, 0},
	} {
		z, phase := c.clock.At(time.Unix(0, c.ns))
		if z != c.z || math.Abs(phase-c.phase) > 1e-9 {
			t.Errorf("%s at %d: %d %v, want %d %v", c.clock, c.ns, z, phase, c.z, c.phase)
		}
	}
	// The two published rules are 29.9 minutes apart on 2026-11-20.
	day := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	a, _ := observer.ClockMS.At(day)
	b, _ := observer.ClockNS.At(day)
	if a-b != 2310 {
		t.Errorf("the clocks differ by %d", a-b)
	}
	if z, _ := observer.ClockNS.At(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)); z < 3e11 {
		t.Errorf("far future: %d", z)
	}
	for name, want := range map[string]observer.Clock{"": observer.ClockMS, "zeqond/ns777000777": observer.ClockNS} {
		if got, err := observer.ParseClock(name); got != want || err != nil {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	if _, err := observer.ParseClock("zeqond"); err == nil {
		t.Error("a clock that is none was taken")
	}
}

func TestCheckSlug(t *testing.T) {
	t.Parallel()
	for slug, ok := range map[string]bool{
		"zeq07792026349": true, "a-b": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "A": false, "a_b": false, "a/b": false, "é": false, "a\n": false,
	} {
		if err := observer.CheckSlug(slug); (err == nil) != ok {
			t.Errorf("%q: %v", slug, err)
		}
	}
}

func FuzzParseRow(f *testing.F) {
	c := candidate(at(1e12), "a")
	c.Meta = json.RawMessage(`{"a":[1.0]}`)
	r, _ := observer.Link(observer.Genesis(c), c, nil)
	b, _ := r.Encode()
	f.Add(b)
	f.Add([]byte(`{"v":1,"slug":"a","clock":"zeqond/ms777","time":"0001-01-01T00:00:00+23:59","hf":{"hf6":1e400}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := observer.ParseRow(b)
		if err != nil {
			if !errors.Is(err, observer.ErrRow) {
				t.Fatal(err)
			}
			return
		}
		out, err := r.Encode()
		if err != nil {
			return // a time that RFC 3339 cannot say in UTC
		}
		again, err := observer.ParseRow(out)
		if err != nil || again.Hash() != r.Hash() || again.PrevHash != r.PrevHash {
			t.Fatalf("%s: %v", out, err)
		}
	})
}
