package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/audit"
	"assay/internal/durable"

	"golang.org/x/mod/sumdb/note"
)

// ErrHealthy says that a log which should be ended is as it was signed.
var ErrHealthy = errors.New("the log is as it was signed, and no new one is begun")

// join looks whether a log that is asked to end must. One that is as the key
// here signed it and as the second copy says is refused. Where the copy alone
// is behind, because the log went on under a new name while this machine was
// away, it is put aside and the log that is there is gone on with: a new one
// would shut out everybody else. done says so.
func (l *Ledger) join(ctx context.Context) (done bool, err error) {
	if l.origin, err = l.store.Origin(ctx); err != nil || l.origin == "" {
		return false, err
	}
	c, ok, err := l.readCopy()
	if err != nil || !ok { // without a copy it is the caller who knows what was signed
		return false, err
	}
	if err := l.loadKey(false); err != nil {
		return false, unless(err, ErrKeyMissing)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.last(ctx)
	if err != nil || s.note == nil || !slices.Contains(l.signedBy(s.note), l.signer.vkey) {
		return false, unless(err, ErrRolledBack, ErrWrongKey)
	}
	if c.Origin == l.origin {
		if _, err := l.verified(ctx); err != nil {
			return false, unless(err, ErrRolledBack, ErrWrongKey)
		}
		return false, fmt.Errorf("%w: %s. If somebody was shown more of it than there is, move %s away and ask again", ErrHealthy, l.origin, l.opts.LastNote)
	}
	if follows, err := l.wentOn(ctx, s, c.Origin); err != nil || !follows {
		return false, err
	}
	if err := l.keepCopy(end{Checkpoint: c.Checkpoint, note: c.note, copied: true}); err != nil {
		return false, err
	}
	if err := durable.WriteFile(l.opts.LastNote, writeBytes(s.signed.Note)); err != nil {
		return false, err
	}
	if s, err = l.verified(ctx); err != nil {
		return false, err
	}
	return true, l.trustOwn(s)
}

// unless drops errors that say what a log is like, and keeps all that keep
// one from knowing it.
func unless(err error, known ...error) error {
	var invalid *note.InvalidSignatureError
	if errors.As(err, &invalid) || slices.ContainsFunc(known, func(k error) bool { return errors.Is(err, k) }) {
		return nil
	}
	return err
}

// wentOn says whether signed entries lead from the log's present name back to origin.
func (l *Ledger) wentOn(ctx context.Context, s state, origin string) (bool, error) {
	name, before := l.origin, s.Size
	for {
		st, err := l.store.Find(ctx, logID(name))
		if err != nil {
			return false, notMissing(err)
		}
		e, err := audit.ParseEntry(st.Leaf)
		if err != nil || e.Kind != audit.KindLog || e.Log != name || st.Index >= before {
			return false, nil
		}
		if _, err := l.prove(ctx, s.Checkpoint, st); err != nil {
			return false, err
		}
		if succeeds(e, origin) {
			return true, nil
		}
		name, before = e.Subject, st.Index
	}
}

// succeeds says whether an entry of kind log names the log that ended, or the
// one of the second copy where that was another.
func succeeds(e *audit.Entry, origin string) bool {
	return e.Subject == origin || slices.ContainsFunc(e.Names, func(n string) bool { return strings.HasPrefix(n, elsewhere(origin)) })
}

func elsewhere(origin string) string { return "elsewhere " + origin + " signed " }
