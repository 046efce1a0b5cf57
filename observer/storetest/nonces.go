package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"assay/observer"
)

func reserve(t *testing.T, o Opened) {
	ctx := t.Context()
	again := o.Again(t)
	if _, err := o.Store.Reserved(ctx, 0, "nb"); !errors.Is(err, observer.ErrNotFound) {
		t.Fatalf("reserved before the first: %v", err)
	}
	for i, r := range []struct {
		s     observer.Store
		epoch int
		slug  string
		now   int64
		want  int64
	}{
		{o.Store, 0, "nb", 1000, 1000},
		{o.Store, 0, "nb", 1000, 1001},              // the same tick
		{again, 0, "nb", 1000, 1002},                // from another process
		{o.Store, 0, "nb", 1000 - 4633, 1003},       // the clock was set back an hour
		{again, 0, "nb", 2_287_568_432, 2287568432}, // and right again
		{o.Store, 0, "nb", 1000, 2287568433},
		{o.Store, 0, "nb-2", 1000, 1000}, // another chain
		{o.Store, 1, "nb", 1000, 1000},   // another key
	} {
		z, err := r.s.Reserve(ctx, r.epoch, r.slug, r.now)
		if err != nil || z != r.want {
			t.Errorf("%d: %d, %v, want %d", i, z, err, r.want)
		}
		if last, err := o.Store.Reserved(ctx, r.epoch, r.slug); err != nil || last != z {
			t.Errorf("%d: reserved %d, %v, want %d", i, last, err, z)
		}
	}
}

// reserveAtOnce is the allocator test in one process: 64 goroutines on four handles.
func reserveAtOnce(t *testing.T, o Opened) {
	handles := []observer.Nonces{o.Store, o.Again(t), o.Again(t), o.Again(t)}
	each := 20
	if testing.Short() {
		each = 4
	}
	Contend(t, handles, 64, each)
}

// Contend lets goroutines reserve at once, each many zeqonds, on the handles in
// turn, with clocks that disagree; none may be given twice, and nobody may get
// one that is not later than his last.
func Contend(t testing.TB, handles []observer.Nonces, goroutines, each int) {
	t.Helper()
	got := make([][]int64, goroutines)
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range each {
				now := int64(1000 + i - g*7%50) // some clocks are behind
				z, err := handles[g%len(handles)].Reserve(t.Context(), 0, "nb", now)
				if err != nil {
					t.Error(err)
					return
				}
				got[g] = append(got[g], z)
			}
		})
	}
	all.Wait()
	for g, zs := range got {
		if !slices.IsSorted(zs) {
			t.Errorf("goroutine %d got %v", g, zs)
		}
	}
	Distinct(t, slices.Concat(got...), goroutines*each)
}

// Distinct fails when a zeqond was given twice, or when there are fewer than want.
func Distinct(t testing.TB, zs []int64, want int) {
	t.Helper()
	zs = slices.Sorted(slices.Values(zs))
	for i := 1; i < len(zs); i++ {
		if zs[i] == zs[i-1] {
			t.Errorf("zeqond %d was given twice", zs[i])
		}
	}
	if len(zs) < want {
		t.Errorf("%d zeqonds, want %d", len(zs), want)
	}
}

func burn(t *testing.T, o Opened) {
	ctx := t.Context()
	if _, err := o.Store.Reserve(ctx, 0, "nb", 1000); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := o.Store.Burn(ctx, 0); err != nil {
			t.Fatal(err)
		}
	}
	again := o.Again(t)
	for _, slug := range []string{"nb", "never-used"} {
		if z, err := again.Reserve(ctx, 0, slug, 2000); !errors.Is(err, observer.ErrBurnt) {
			t.Errorf("%s: reserved %d under a burnt key, %v", slug, z, err)
		}
	}
	if z, err := again.Reserved(ctx, 0, "nb"); err != nil || z != 1000 {
		t.Errorf("the last of a burnt epoch: %d, %v", z, err)
	}
	if z, err := again.Reserve(ctx, 1, "nb", 2000); err != nil || z != 2000 {
		t.Errorf("the next epoch: %d, %v", z, err)
	}
}
