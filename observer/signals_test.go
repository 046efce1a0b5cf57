package observer_test

import (
	"fmt"
	"math"
	"testing"

	"assay/observer"
)

// rows appends one row at each zeqond, which must rise, and gives the last.
func rows(t *testing.T, types func(i int) string, zeqonds ...int64) observer.Row {
	t.Helper()
	var m observer.Memory
	var last observer.Row
	for i, z := range zeqonds {
		c := candidate(at(z*777), fmt.Sprint(i))
		if types != nil {
			c.Type = types(i)
		}
		r, err := m.Append(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		last = r
	}
	return last
}

func signal(t *testing.T, name string, got *float64, want float64) {
	t.Helper()
	switch {
	case got == nil && !math.IsNaN(want):
		t.Errorf("%s is null, want %v", name, want)
	case got != nil && math.Abs(*got-want) > 1e-6:
		t.Errorf("%s = %v, want %v", name, *got, want)
	case got != nil && math.IsNaN(want):
		t.Errorf("%s = %v, want null", name, *got)
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	null := math.NaN()
	first := rows(t, nil, 1000)
	signal(t, "hf6 of a first row", first.HF.HF6, null)
	signal(t, "hf8 without heartbeat", first.HF.HF8, null)
	signal(t, "hf12 of a first row", first.HF.HF12, 1)
	signal(t, "hf14 of a first row", first.HF.HF14, 1./200)
	signal(t, "hf18 of a first row", first.HF.HF18, null)

	// Genesis takes tick 1000, so the rows stand at 1001, 1010, 1031, 1040.
	types := func(i int) string { return []string{"a", "a", "b", "stage-complete"}[i] }
	r := rows(t, types, 1000, 1010, 1031, 1040)
	signal(t, "hf6", r.HF.HF6, math.Exp(-9./30))
	signal(t, "hf12: 1010 is 30 zeqonds old and out", r.HF.HF12, 1./2)
	signal(t, "hf14", r.HF.HF14, 2./200)
	r = rows(t, types, 1000, 1011, 1031, 1040)
	signal(t, "hf12: 1011 is in", r.HF.HF12, 1./3)

	c := candidate(at(1e12), "a")
	c.Cadence = &observer.Cadence{Drift: 0.0011, SkewMS: -5}
	r, _ = observer.Link(observer.Genesis(c), c, nil)
	signal(t, "hf8", r.HF.HF8, 0.0011)
	if !r.HF.HF8Flag || *r.HF.SkewMS != -5 {
		t.Errorf("%+v", r.HF)
	}
	c.Cadence = &observer.Cadence{Drift: 0.001}
	if r, _ = observer.Link(observer.Genesis(c), c, nil); r.HF.HF8Flag {
		t.Error("0.1 % is flagged; the contract wants more than that")
	}
	c.Cadence = &observer.Cadence{Drift: 99}
	r, _ = observer.Link(observer.Genesis(c), c, nil)
	signal(t, "hf8 is at most 1", r.HF.HF8, 1)

	c.Cadence, c.Beat = nil, func() *observer.Cadence { return &observer.Cadence{Drift: 0.0002} }
	r, _ = observer.Link(observer.Genesis(c), c, nil)
	signal(t, "hf8 of the heartbeat that goes on", r.HF.HF8, 0.0002)
	c.Beat = func() *observer.Cadence { return nil }
	r, _ = observer.Link(observer.Genesis(c), c, nil)
	signal(t, "hf8 before the first heartbeat", r.HF.HF8, null)
}

func TestEntropy(t *testing.T) {
	t.Parallel()
	walk := func(n int, gap func(i int) int64) []int64 {
		zs := []int64{1000}
		for i := range n {
			zs = append(zs, zs[i]+gap(i))
		}
		return zs
	}
	signal(t, "31 gaps", rows(t, nil, walk(31, func(int) int64 { return 2 })...).HF.HF18, math.NaN())
	signal(t, "equal gaps", rows(t, nil, walk(40, func(int) int64 { return 2 })...).HF.HF18, 0)
	// Gaps 2 and 3 in turn have two orders, equally common: one bit of log2(6).
	// The first gap is one less, because the genesis has the first tick: 1 3 2 stands as 2 3 2 does.
	turns := rows(t, nil, walk(41, func(i int) int64 { return 2 + int64(i%2) })...)
	var h float64
	for _, p := range []float64{20. / 39, 19. / 39} {
		h -= p * math.Log2(p)
	}
	signal(t, "gaps in turn", turns.HF.HF18, h/math.Log2(6))
	// Two thousand rows: only the last 1,024 gaps count, and those are equal.
	calm := rows(t, nil, walk(2000, func(i int) int64 {
		if i < 900 {
			return int64(i*i%7) + 2
		}
		return 2
	})...)
	signal(t, "the last 1,024 gaps", calm.HF.HF18, 0)
	wild := rows(t, nil, walk(2000, func(i int) int64 { x := uint32(i+1) * 2654435761; return int64(x>>16%100) + 2 })...)
	if v := *wild.HF.HF18; v < 0.9 || v > 1 {
		t.Errorf("gaps without a pattern: %v", v)
	}
}
