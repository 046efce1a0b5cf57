package observer_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/events"
	"assay/internal/observerstub"
	"assay/observer"
	"assay/observer/storetest"
)

func lockOptions(mark string) *observer.LockOptions {
	return &observer.LockOptions{Key: key, Slug: "nb", Mark: mark}
}

// openLock is a lock that was compared with its mark file.
func openLock(t *testing.T, s observer.Nonces, o *observer.LockOptions) (*observer.Lock, error) {
	t.Helper()
	l, err := observer.NewLock(s, o)
	if err == nil {
		err = l.Check(t.Context())
	}
	return l, err
}

func TestLockRefusesWithoutAllocator(t *testing.T) {
	t.Parallel()
	var m observer.Memory
	mark := filepath.Join(t.TempDir(), "mark")
	if _, err := openLock(t, nil, lockOptions(mark)); !errors.Is(err, observer.ErrNoAllocator) {
		t.Errorf("without a store: %v", err)
	}
	if _, err := openLock(t, &m, lockOptions("")); !errors.Is(err, observer.ErrNoAllocator) {
		t.Errorf("without a mark file: %v", err)
	}
	for says, change := range map[string]func(*observer.LockOptions){
		"machine key": func(o *observer.LockOptions) { o.Key = "" },
		"epoch -1":    func(o *observer.LockOptions) { o.Epoch = -1 },
		"use only":    func(o *observer.LockOptions) { o.Slug = "A" },
		"no such file": func(o *observer.LockOptions) {
			o.Mark = filepath.Join(t.TempDir(), "missing", "mark")
		},
	} {
		o := lockOptions(mark)
		change(o)
		if _, err := openLock(t, &m, o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	// And a wire for one chain takes no lock of another.
	l, err := openLock(t, &m, lockOptions(mark))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := observer.NewWire(&m, &observer.WireOptions{URL: "https://x", Key: key, Slug: "nb-2", Lock: l}); err == nil {
		t.Error("the lock of another chain was taken")
	}
}

// seal reserves and seals n times and gives the zeqonds.
func seal(t *testing.T, l *observer.Lock, n int) []int64 {
	t.Helper()
	var zs []int64
	for range n {
		z, ct, err := l.Seal(t.Context(), []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := observer.OpenPhase(observer.PhaseKey(key, 0), z, "nb", ct); err != nil || string(plain) != "x" {
			t.Fatalf("%q, %v", plain, err)
		}
		zs = append(zs, z)
	}
	return zs
}

// A clock that stands, then is set back an hour, gives later zeqonds all the same.
func TestLockClockSetBack(t *testing.T) {
	t.Parallel()
	var m observer.Memory
	o := lockOptions(filepath.Join(t.TempDir(), "mark"))
	now := at(2_287_568_432 * 777)
	o.Now = func() time.Time { return now }
	l, err := openLock(t, &m, o)
	if err != nil {
		t.Fatal(err)
	}
	zs := seal(t, l, 3)
	now = now.Add(-time.Hour)
	zs = append(zs, seal(t, l, 3)...)
	if l, err = openLock(t, &m, o); err != nil { // and after a start
		t.Fatal(err)
	}
	zs = append(zs, seal(t, l, 3)...)
	for i, z := range zs {
		if z != 2_287_568_432+int64(i) {
			t.Fatalf("%v", zs)
		}
	}
	now = time.Unix(-1, 0)
	if _, _, err := l.Seal(t.Context(), nil); err == nil {
		t.Error("sealed by a clock before 1970")
	}
}

// A store that was restored from an older copy is found out by the mark file,
// and so is one that was copied to a machine without it. Only a new epoch goes on.
func TestLockStoreRestored(t *testing.T) {
	t.Parallel()
	mark := filepath.Join(t.TempDir(), "mark")
	var m, older, fresh observer.Memory
	l, err := openLock(t, &m, lockOptions(mark))
	if err != nil {
		t.Fatal(err)
	}
	zs := seal(t, l, 5)
	if _, err := older.Reserve(t.Context(), 0, "nb", zs[3]); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*observer.Memory{"older": &older, "fresh": &fresh} {
		if _, err := openLock(t, s, lockOptions(mark)); !errors.Is(err, observer.ErrRolledBack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := openLock(t, &m, lockOptions(mark+".elsewhere")); !errors.Is(err, observer.ErrRolledBack) {
		t.Errorf("without its mark file: %v", err)
	}
	if _, err := openLock(t, &m, lockOptions(mark)); err != nil {
		t.Errorf("the true store: %v", err)
	}
	next := lockOptions(mark)
	next.Epoch = 1
	if l, err = observer.NewLock(&older, lockOptions(mark)); err != nil {
		t.Fatal(err)
	}
	if z, ct, err := l.Seal(t.Context(), nil); !errors.Is(err, observer.ErrRolledBack) {
		t.Errorf("sealed %s at %d unchecked, %v", ct, z, err)
	}
	if l, err = openLock(t, &older, next); err != nil {
		t.Fatal(err)
	}
	if z, ct, err := l.Seal(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	} else if _, err := observer.OpenPhase(observer.PhaseKey(key, 0), z, "nb", ct); !errors.Is(err, observer.ErrSealed) {
		t.Errorf("epoch 1 has the key of epoch 0: %v", err)
	}
	if _, err := openLock(t, &m, lockOptions(mark)); err == nil || !strings.Contains(err.Error(), "left for 1") {
		t.Errorf("back to an epoch that was left: %v", err)
	}
	other := lockOptions(mark)
	other.Slug = "nb-2"
	if _, err := openLock(t, &fresh, other); err == nil || !strings.Contains(err.Error(), "belongs to chain nb") {
		t.Errorf("another chain's mark file: %v", err)
	}
	if err := os.WriteFile(mark, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openLock(t, &m, next); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged mark file: %v", err)
	}
}

// forgetful is a store that is restored while the process goes on.
type forgetful struct {
	observer.Nonces
	back bool
}

func (f *forgetful) Reserve(ctx context.Context, epoch int, slug string, now int64) (int64, error) {
	if f.back {
		return now - 1000, nil
	}
	return f.Nonces.Reserve(ctx, epoch, slug, now)
}

func TestLockStoreRestoredWhileRunning(t *testing.T) {
	t.Parallel()
	s := &forgetful{Nonces: &observer.Memory{}}
	l, err := openLock(t, s, lockOptions(filepath.Join(t.TempDir(), "mark")))
	if err != nil {
		t.Fatal(err)
	}
	seal(t, l, 1)
	s.back = true
	if _, _, err := l.Seal(t.Context(), nil); !errors.Is(err, observer.ErrRolledBack) {
		t.Error(err)
	}
}

// Four processes' locks on one store and one mark file.
func TestLocksShare(t *testing.T) {
	t.Parallel()
	var m observer.Memory
	mark := filepath.Join(t.TempDir(), "mark")
	var mu sync.Mutex
	var zs []int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			l, err := openLock(t, &m, lockOptions(mark))
			if err != nil {
				t.Error(err)
				return
			}
			for range 25 {
				z, _, err := l.Seal(t.Context(), []byte("x"))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				zs = append(zs, z)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	storetest.Distinct(t, zs, 100)
	var kept struct{ Zeqond string }
	b, err := os.ReadFile(mark)
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	last, err2 := m.Reserved(t.Context(), 0, "nb")
	if err != nil || err2 != nil || kept.Zeqond != jsonInt(last) {
		t.Errorf("the mark file says %s, the store %d (%v, %v)", kept.Zeqond, last, err, err2)
	}
}

func jsonInt(n int64) string { b, _ := json.Marshal(n); return string(b) }

// crashing is a store that dies right before it keeps a sealed body.
type crashing struct {
	*observer.Memory
	dead bool
}

func (c *crashing) Freeze(ctx context.Context, destination, event string, body []byte) error {
	if c.dead && strings.Contains(destination, "/epoch/") {
		return errors.New("killed")
	}
	return c.Memory.Freeze(ctx, destination, event, body)
}

// Between reserving and keeping the ciphertext a process may die: the number is
// skipped, and what it had encrypted was never sent.
func TestCrashBetweenReserveAndFreeze(t *testing.T) {
	t.Parallel()
	g := newRig(t, observerstub.Options{})
	g.lock(t, filepath.Join(t.TempDir(), "mark"), 0)
	es := g.stages(t, 1)
	store := &crashing{Memory: g.store, dead: true}
	w, err := observer.NewWire(store, &g.o)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Deliver(t.Context(), es); n != 0 || err == nil || events.IsPermanent(err) {
		t.Fatalf("%d, %v", n, err)
	}
	if len(g.sent.bodies) != 0 {
		t.Fatalf("it was sent before it was kept: %s", g.sent.bodies)
	}
	skipped, err := g.store.Reserved(t.Context(), 0, "nb")
	if err != nil {
		t.Fatal(err)
	}
	store.dead = false
	deliver(t, w, es)
	g.arrived(t, es)
	if z, err := g.store.Reserved(t.Context(), 0, "nb"); err != nil || z <= skipped {
		t.Errorf("reserved %d, then %d, %v", skipped, z, err)
	}
}

// Two machines with the same key and slug, each with an allocator of its own:
// the receiver notices, and the epoch is over for who hears of it. Its rows go on
// under the next.
func TestFaultNonceReuse(t *testing.T) {
	t.Parallel()
	g := newRig(t, observerstub.Options{})
	now := func() time.Time { return at(2_287_568_432 * 777) }
	locked := func(epoch int, mark string) {
		o := lockOptions(mark)
		o.Epoch, o.Now = epoch, now
		l, err := openLock(t, g.store, o)
		if err != nil {
			t.Fatal(err)
		}
		g.o.Lock = l
	}
	first := filepath.Join(t.TempDir(), "mark")
	locked(0, first)
	deliver(t, g.wire(t), g.stages(t, 1))

	g.store, g.saying = &observer.Memory{}, "elsewhere " // the other machine
	second := filepath.Join(t.TempDir(), "mark")
	locked(0, second)
	es := g.stages(t, 2)
	w := g.wire(t)
	for range 2 {
		n, err := w.Deliver(t.Context(), es)
		if n != 0 || !errors.Is(err, observer.ErrBurnt) || events.IsPermanent(err) {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if err := w.Beat(t.Context(), nil); !errors.Is(err, observer.ErrBurnt) {
		t.Errorf("a heartbeat under the burnt key: %v", err)
	}
	st := g.stub.State()
	if len(st.Burnt) != 1 || len(st.Incidents) == 0 || st.Incidents[0].What != "zeqond_conflict" || !strings.Contains(st.Incidents[0].Note, "nonce_reuse") {
		t.Errorf("%+v", st)
	}
	locked(1, second)
	n, err := g.wire(t).Deliver(t.Context(), es)
	// The key is whole again; that this is another chain the receiver says all the same.
	if n != 0 || !events.IsPermanent(err) || !strings.Contains(err.Error(), "zeqond_order") && !strings.Contains(err.Error(), "chain_break") {
		t.Errorf("%d, %v", n, err)
	}
	reportFault(t, "one key and slug on two machines: a nonce twice", 2, 0, 0, "refused by the receiver; the epoch is burnt, nothing more is sealed under it")
}

// reportFault is a line of the table that make faults prints.
func reportFault(t *testing.T, what string, tries, lost, doubled int, remark string) {
	t.Helper()
	if !t.Failed() {
		t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", what, tries, lost, doubled, 0, remark)
	}
}

// A receiver with another key is a wrong setting, and costs no row.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	g := newRig(t, observerstub.Options{})
	o := lockOptions(filepath.Join(t.TempDir(), "mark"))
	o.Key = "zsm_live_another"
	l, err := openLock(t, g.store, o)
	if err != nil {
		t.Fatal(err)
	}
	g.o.Lock = l
	if n, err := g.wire(t).Deliver(t.Context(), g.stages(t, 1)); n != 0 || err == nil || events.IsPermanent(err) || !strings.Contains(err.Error(), "cannot open") {
		t.Errorf("%d, %v", n, err)
	}
}
