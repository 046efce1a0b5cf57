// Package storetest is the suite that an observer.Store must pass.
package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/observer"
)

// Opened is an empty store under test.
type Opened struct {
	Store observer.Store
	// Append makes the candidate a row in the store's own way, whatever else it appends with it.
	Append func(context.Context, observer.Candidate) error
	// Again is another handle on the same data, as another process would open it.
	Again func(testing.TB) observer.Store
}

// Suite runs all tests, each on a store that open makes for it.
func Suite(t *testing.T, open func(testing.TB) Opened) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Opened){
		"Chain": chain, "ChainsApart": chainsApart, "AppendAtOnce": appendAtOnce,
		"Reserve": reserve, "ReserveAtOnce": reserveAtOnce, "Burn": burn,
		"Freeze": freeze, "FreezeAtOnce": freezeAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// Candidate is one with all fields, of chain slug.
func Candidate(slug string, at time.Time, label string) observer.Candidate {
	d := sha256.Sum256([]byte(label))
	return observer.Candidate{
		Slug: slug, Origin: "acme:" + slug, Observation: label, StateHash: hex.EncodeToString(d[:]),
		Meta: []byte(`{"label":"<é>","big":12345678901234567890}`), At: at, Session: "s", Agent: "assay/test",
		Trace: "family", Task: "run-" + label, Cadence: &observer.Cadence{Drift: 0.01, SkewMS: 3},
	}
}

func chain(t *testing.T, o Opened) {
	ctx := t.Context()
	if _, err := o.Store.Head(ctx, "nb"); !errors.Is(err, observer.ErrNotFound) {
		t.Fatalf("head of no chain: %v", err)
	}
	if rows, err := o.Store.Rows(ctx, "nb", 0, 10); err != nil || len(rows) != 0 {
		t.Fatalf("rows of no chain: %v, %v", rows, err)
	}
	at := time.UnixMilli(1_777_000_000_123)
	// Two in a tick, the clock set back, then a pause.
	offsets := []time.Duration{0, time.Millisecond, -time.Hour, 30 * time.Second, 31 * time.Second}
	head := observer.Genesis(Candidate("nb", at, "0"))
	var want []observer.Row
	var recent []observer.Past
	for i, d := range offsets {
		c := Candidate("nb", at.Add(d), fmt.Sprint(i))
		if err := o.Append(ctx, c); err != nil {
			t.Fatal(err)
		}
		var r observer.Row
		r, head = observer.Link(head, c, recent)
		recent, want = append(recent, r.Past()), append(want, r)
	}
	for name, s := range map[string]observer.Store{"the store": o.Store, "another handle": o.Again(t)} {
		got, err := s.Head(ctx, "nb")
		if err != nil || got != head {
			t.Errorf("%s: head %+v, %v, want %+v", name, got, err, head)
		}
		rows, err := s.Rows(ctx, "nb", 0, 100)
		if err != nil || cmp.Diff(want, rows) != "" {
			t.Errorf("%s: %v\n%s", name, err, cmp.Diff(want, rows))
		}
		rows, err = s.Rows(ctx, "nb", want[1].Zeqond, 2)
		if err != nil || cmp.Diff(want[2:4], rows) != "" {
			t.Errorf("%s: a page: %v\n%s", name, err, cmp.Diff(want[2:4], rows))
		}
		if rows, err = s.Rows(ctx, "nb", head.Zeqond, 2); err != nil || len(rows) != 0 {
			t.Errorf("%s: after the end: %v, %v", name, rows, err)
		}
	}
}

func chainsApart(t *testing.T, o Opened) {
	ctx := t.Context()
	for i := range 3 {
		for _, slug := range []string{"a", "b"} {
			if err := o.Append(ctx, Candidate(slug, time.UnixMilli(1e12), fmt.Sprint(slug, i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, slug := range []string{"a", "b"} {
		head, err := o.Store.Head(ctx, slug)
		if err != nil || head.Rows != 3 || head.Origin != "acme:"+slug {
			t.Errorf("%s: %+v, %v", slug, head, err)
		}
		follow(t, o.Store, slug, 3)
	}
}

// follow checks the whole chain, from its genesis on.
func follow(t *testing.T, s observer.Store, slug string, want int) {
	t.Helper()
	last, err := s.Head(t.Context(), slug)
	if err != nil {
		t.Fatal(err)
	}
	head := observer.Head{
		Slug: last.Slug, Origin: last.Origin, Clock: last.Clock, Genesis: last.Genesis, Zeqond: last.Genesis,
		RowHash: observer.GenesisHash(last.Origin, last.Genesis),
	}
	rows, err := s.Rows(t.Context(), slug, last.Genesis, want+1)
	if err != nil || len(rows) != want {
		t.Fatalf("%d rows, want %d: %v", len(rows), want, err)
	}
	for _, r := range rows {
		if head, err = observer.Follow(head, r); err != nil {
			t.Fatal(err)
		}
	}
	if head != last {
		t.Errorf("the rows lead to %+v, the head says %+v", head, last)
	}
}

func appendAtOnce(t *testing.T, o Opened) {
	const writers, each = 8, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				if err := o.Append(t.Context(), Candidate("nb", time.UnixMilli(1e12), fmt.Sprint(w, ".", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	follow(t, o.Store, "nb", writers*each)
}

func freeze(t *testing.T, o Opened) {
	ctx := t.Context()
	big := []byte(strings.Repeat("x\x00\xff", 100_000))
	for _, f := range []struct {
		destination, event string
		body               []byte
		want               error
	}{
		{"observer", "1", []byte("a"), nil},
		{"observer", "1", []byte("a"), nil},
		{"observer", "1", []byte("b"), observer.ErrFrozen},
		{"other", "1", []byte("b"), nil},
		{"observer", "2", big, nil},
	} {
		body := append([]byte(nil), f.body...)
		if err := o.Store.Freeze(ctx, f.destination, f.event, body); !errors.Is(err, f.want) {
			t.Errorf("freeze %s %s: %v, want %v", f.destination, f.event, err, f.want)
		}
		clear(body) // the store has its own copy
	}
	again := o.Again(t)
	for name, want := range map[[2]string][]byte{{"observer", "1"}: []byte("a"), {"other", "1"}: []byte("b"), {"observer", "2"}: big} {
		got, err := again.Frozen(ctx, name[0], name[1])
		if err != nil || string(got) != string(want) {
			t.Errorf("%v: %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := again.Frozen(ctx, "other", "2"); !errors.Is(err, observer.ErrNotFound) {
		t.Errorf("what was never frozen: %v", err)
	}
}

// Whoever freezes, all send the same bytes.
func freezeAtOnce(t *testing.T, o Opened) {
	stores := []observer.Store{o.Store, o.Again(t)}
	got := make([]string, 16)
	var all sync.WaitGroup
	won := make([]bool, len(got))
	for i := range got {
		all.Go(func() {
			s := stores[i%2]
			err := s.Freeze(t.Context(), "observer", "1", fmt.Appendf(nil, "body %d", i))
			if err != nil && !errors.Is(err, observer.ErrFrozen) {
				t.Error(err)
			}
			won[i] = err == nil
			body, err := s.Frozen(t.Context(), "observer", "1")
			if err != nil {
				t.Error(err)
			}
			got[i] = string(body)
		})
	}
	all.Wait()
	winners := 0
	for i := range got {
		if got[i] != got[0] {
			t.Errorf("%q and %q", got[0], got[i])
		}
		if won[i] {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d of them froze", winners)
	}
}
