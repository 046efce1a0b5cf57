package observer

import (
	"cmp"
	"context"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNoAllocator says that encryption was asked for without what makes it safe.
var ErrNoAllocator = errors.New("phase-lock needs the durable allocator: a store, and a mark file outside of it")

// ErrRolledBack says that the store has forgotten zeqonds that were given out
// under the epoch: it was restored from a copy. Only a new epoch is safe.
var ErrRolledBack = errors.New("the store is older than zeqonds that were used: begin a new key epoch")

// Lock encrypts for one chain and key epoch by phase-lock profile 1. There is no
// way to encrypt without reserving, so that no nonce is used twice:
//
//  1. the zeqond is reserved in the store, which has committed it;
//  2. it is written to the mark file, a second copy outside the store;
//  3. only then is the payload encrypted, once.
//
// A crash in between skips a number. Lock is safe for concurrent use, and any
// number of processes that share store and mark file may have one each.
type Lock struct {
	nonces Nonces
	o      LockOptions
	aead   cipher.AEAD

	mu      sync.Mutex
	checked bool
	last    int64 // greatest zeqond that this process was given
}

// LockOptions are the settings of a Lock.
type LockOptions struct {
	Key   string           // the state-machine key, of which PhaseKey makes the epoch's
	Epoch int              // 0 or more; see docs/observer-profile-1.md on when it must grow
	Slug  string           // "" is DefaultSlug
	Clock Clock            // "" is ClockMS
	Mark  string           // path of the mark file, outside of the store and its backups
	Now   func() time.Time // nil is time.Now
}

// NewLock checks the options: ErrNoAllocator without a store or a mark file. It
// reads nothing yet, so that a lock that must not be used stops its wire and
// not the program; see Check.
func NewLock(nonces Nonces, o *LockOptions) (*Lock, error) {
	l := &Lock{nonces: nonces, o: *o}
	l.o.Slug, l.o.Clock = cmp.Or(o.Slug, DefaultSlug), cmp.Or(o.Clock, ClockMS)
	if l.o.Now == nil {
		l.o.Now = time.Now
	}
	switch {
	case nonces == nil || o.Mark == "":
		return nil, ErrNoAllocator
	case o.Key == "":
		return nil, errors.New("phase-lock needs the state-machine key")
	case o.Epoch < 0:
		return nil, fmt.Errorf("key epoch %d: use 0 or more", o.Epoch)
	}
	if err := CheckSlug(l.o.Slug); err != nil {
		return nil, err
	}
	aead, err := phaseAEAD(PhaseKey(o.Key, o.Epoch))
	l.aead = aead
	return l, err
}

// Check compares the store with the mark file; nothing is encrypted before it
// has gone well once. It refuses a store that has forgotten what the mark file
// remembers, and one whose mark file is elsewhere, as a copy on another machine
// has it: both ErrRolledBack. Anything that it cannot understand it refuses too.
func (l *Lock) Check(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.check(ctx)
}

func (l *Lock) check(ctx context.Context) error {
	if l.checked {
		return nil
	}
	m, err := readMark(l.o.Mark)
	if err != nil {
		return err
	}
	stored, err := l.nonces.Reserved(ctx, l.o.Epoch, l.o.Slug)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("read the last reserved zeqond: %w", err)
	}
	used := err == nil
	switch {
	case m != nil && m.Slug != l.o.Slug:
		return fmt.Errorf("mark file %s belongs to chain %s, not %s: give each chain its own", l.o.Mark, m.Slug, l.o.Slug)
	case m != nil && m.Epoch > l.o.Epoch:
		return fmt.Errorf("key epoch %d was left for %d: use %d or a new one", l.o.Epoch, m.Epoch, m.Epoch)
	case used && (m == nil || m.Epoch < l.o.Epoch):
		return fmt.Errorf("%w (epoch %d of %s was used up to zeqond %d, but the mark file %s knows nothing of it)", ErrRolledBack, l.o.Epoch, l.o.Slug, stored, l.o.Mark)
	case m != nil && m.Epoch == l.o.Epoch && stored < m.Zeqond:
		return fmt.Errorf("%w (epoch %d of %s: the mark file %s says %d, the store %d)", ErrRolledBack, l.o.Epoch, l.o.Slug, l.o.Mark, m.Zeqond, stored)
	}
	// Zeqond 0 is "none yet": from now on the file is there, and stays.
	if err := writeMark(l.o.Mark, mark{Version: 1, Slug: l.o.Slug, Epoch: l.o.Epoch}); err != nil {
		return err
	}
	l.checked = true
	return nil
}

// sealed is a payload as it goes over the wire.
type sealed struct {
	zeqond int64 // under which it opens; not the row's own
	ct     string
}

// seal encrypts plain under a zeqond that nobody had before and nobody will get again.
func (l *Lock) seal(ctx context.Context, plain []byte) (sealed, error) {
	z, err := l.reserve(ctx)
	if err != nil {
		return sealed{}, err
	}
	nonce := PhaseNonce(z, l.o.Slug)
	return sealed{z, hex.EncodeToString(l.aead.Seal(nil, nonce[:], plain, nil))}, nil
}

func (l *Lock) reserve(ctx context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.check(ctx); err != nil {
		return 0, err
	}
	now, _ := l.o.Clock.At(l.o.Now())
	if now < 1 {
		return 0, errors.New("the clock stands before 1970: set it")
	}
	z, err := l.nonces.Reserve(ctx, l.o.Epoch, l.o.Slug, now)
	if err != nil {
		return 0, fmt.Errorf("reserve a zeqond: %w", err)
	}
	if l.last != 0 && z <= l.last {
		return 0, fmt.Errorf("%w (it gave %d after %d)", ErrRolledBack, z, l.last)
	}
	if err := writeMark(l.o.Mark, mark{Version: 1, Slug: l.o.Slug, Epoch: l.o.Epoch, Zeqond: z}); err != nil {
		return 0, err
	}
	l.last = z
	return z, nil
}
