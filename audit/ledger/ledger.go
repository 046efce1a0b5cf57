// Package ledger keeps the tamper-evident log: entries appended in order,
// checkpoints signed over their Merkle tree, and the keys that sign.
//
// The mathematics and the formats are package audit's. What a log is kept in
// is a [Store]; this package decides when something may be signed, and refuses
// when the store is older than what was signed already. docs/log.md tells
// people the same.
package ledger

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"assay/audit"

	"golang.org/x/mod/sumdb/note"
)

var (
	// ErrRolledBack says that the store is not what was signed: it is older
	// than its last checkpoint or than the copy of it outside, or its entries
	// were changed. Nothing is signed then. NewLog is the way on.
	ErrRolledBack = errors.New("the log is not the one that was signed: its database was put back to an older state or changed")

	// ErrMoved says that another process rotated the key or began a new log
	// since this one opened it: open again.
	ErrMoved = errors.New("the log goes on under another key or name")
)

// ErrReadOnly says that a log which was opened to look at should be written.
var ErrReadOnly = errors.New("the log was opened read only")

// ephemeralOrigin begins the names of logs that were made in throwaway places,
// so that every signature says it.
const (
	lastingOrigin   = "assay.local/log/"
	ephemeralOrigin = "assay.local/ephemeral/"
)

// maxOrigin is the longest name of a log: a public key with it, and the ID of
// an entry about it, are strings in entries.
const maxOrigin = 512

// Options say how a log is opened.
type Options struct {
	// Key is where the key is that signs.
	Key KeySource

	// Origin names a log that has no name yet; "" makes one of chance. A log
	// that has a name keeps it. It has no spaces and no plus sign, and at most
	// 512 bytes.
	Origin string

	// LastNote is the file with the second copy of the last checkpoint, which
	// shows when the database was put back. It stands where a restored
	// database does not bring it back too. "" keeps none: then only
	// consistency with the database's own last checkpoint is checked.
	LastNote string

	// Trusted is the file of trusted keys. The key goes into it when it begins
	// the log, or is found to have signed its last checkpoint, and its
	// successors at their time; and former keys of the log are believed from
	// there. "" is none.
	Trusted string

	// Unkept is told where LastNote or Trusted cannot be written because this
	// user may not, or because the disk is mounted read-only; then the log goes
	// on without. What is there is read and must agree all the same. nil: such
	// an error is returned as every other.
	Unkept func(error)

	// Ephemeral says that key and log are in a throwaway place.
	Ephemeral bool

	// ReadOnly opens a log to look at it: no key is needed or made, what was
	// signed is believed by the keys in Trusted and by Key's if it is here,
	// and nothing is written.
	ReadOnly bool

	// Witnesses are asked by Cosign.
	Witnesses []Witness

	Now  func() time.Time // nil: time.Now
	Rand io.Reader        // nil: crypto/rand
	HTTP *http.Client     // for witnesses; nil: one that waits 10 s and follows no redirect
}

// Ledger is an open log. All its methods may be called at the same time.
type Ledger struct {
	store  Store
	opts   Options
	origin string
	queue  queue

	mu     sync.Mutex   // one checkpoint at a time, and guards what follows
	signer *signer      // nil when read only
	known  []TrustedKey // keys of this log, the signer's first
	seen   seen

	ownTrusted bool // the signer's key is in the file of trusted keys
	joined     bool // NewLog began none
}

// seen is the last checkpoint that this process verified against the tree.
type seen struct {
	audit.Checkpoint
	edge edge
	note []byte // where NewLog made it
}

// Open opens the log in store, and begins one in a store that has none. It
// refuses with ErrRolledBack, ErrKeyMissing, ErrKeyExposed or ErrWrongKey.
func Open(ctx context.Context, store Store, o *Options) (*Ledger, error) {
	l := &Ledger{store: store, opts: withDefaults(o)}
	if err := l.open(ctx); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return l, nil
}

func withDefaults(o *Options) Options {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Rand == nil {
		opts.Rand = rand.Reader
	}
	return opts
}

func (l *Ledger) open(ctx context.Context) error {
	if err := l.name(ctx); err != nil {
		return err
	}
	last, err := l.store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	fresh := len(last.Note) == 0
	if err := l.loadKey(fresh); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.verified(ctx)
	if err != nil {
		return err
	}
	// Trusted is not enough to sign on: only the key that signed last may, or
	// one that it handed over to, which signed that checkpoint with it.
	if l.signer != nil && s.note != nil && !slices.Contains(l.signedBy(s.note), l.signer.vkey) {
		return fmt.Errorf("%w: the last checkpoint is not by the key here, %s; give the one that signed it", ErrWrongKey, l.signer.vkey)
	}
	return l.trustOwn(s)
}

// name finds out the log's name. A store without one, beside a second copy of
// a checkpoint, is a log that somebody emptied.
func (l *Ledger) name(ctx context.Context) error {
	for {
		origin, err := l.store.Origin(ctx)
		if err != nil || origin != "" {
			l.origin = origin
			return err
		}
		c, ok, err := l.readCopy()
		if err != nil {
			return err
		}
		if ok {
			// Another process may have begun the log, and made the copy, just now.
			if origin, err := l.store.Origin(ctx); err != nil || origin != "" {
				l.origin = origin
				return err
			}
			return fmt.Errorf("%w: %s is of %d entries of the log %s, and the database has none", ErrRolledBack, l.opts.LastNote, c.Size, c.Origin)
		}
		if l.opts.ReadOnly {
			return fmt.Errorf("%w: nothing was ever entered in it", ErrNotFound)
		}
		if origin, err = newOrigin(&l.opts); err != nil {
			return err
		}
		if err := l.store.SetOrigin(ctx, "", origin); err != nil && !errors.Is(err, ErrConflict) {
			return err
		}
	}
}

func newOrigin(o *Options) (string, error) {
	if o.Origin != "" {
		return o.Origin, checkOrigin(o.Origin)
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(o.Rand, id); err != nil {
		return "", fmt.Errorf("name the log: %w", err)
	}
	if o.Ephemeral {
		return ephemeralOrigin + hex.EncodeToString(id), nil
	}
	return lastingOrigin + hex.EncodeToString(id), nil
}

// checkOrigin wants a name that keys, checkpoints and entries can carry, before
// a store is given it for good.
func checkOrigin(origin string) error {
	if len(origin) > maxOrigin {
		return fmt.Errorf("the log's name %.40q… has %d bytes, and may have %d", origin, len(origin), maxOrigin)
	}
	if strings.ContainsFunc(origin, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("the log's name %q has characters that cannot be printed", origin)
	}
	any := &Key{ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	if _, err := any.VKey(origin); err != nil {
		return fmt.Errorf("log.origin cannot be %q: it may have no spaces and no plus sign, as in logs.example.org/team", origin)
	}
	return nil
}

// loadKey finds the key, or makes one for a log that was never signed, and
// all keys by which an earlier checkpoint of this log may be signed.
func (l *Ledger) loadKey(fresh bool) error {
	l.known, l.ownTrusted = nil, false
	k, _, err := l.opts.Key.load(l.opts.Rand, fresh && !l.opts.ReadOnly)
	switch {
	case err == nil:
		s, err := k.signer(l.origin)
		if err != nil {
			return err
		}
		l.known = []TrustedKey{{s.Verifier, s.vkey, false}}
		if !l.opts.ReadOnly {
			l.signer = s
		}
	case !l.opts.ReadOnly: // who only looks needs no key
		return err
	}
	if l.opts.Trusted == "" {
		return nil
	}
	if fresh && !l.opts.ReadOnly {
		if err := l.unkept(Trust(l.opts.Trusted, l.signer.vkey, l.comment())); err != nil {
			return err
		}
	}
	trusted, err := ReadTrusted(l.opts.Trusted)
	for _, t := range trusted {
		l.ownTrusted = l.ownTrusted || t.VKey == l.vkey()
		if !t.Witness && t.Name() == l.origin && !l.knows(t.VKey) {
			l.known = append(l.known, t)
		}
	}
	return err
}

// trustOwn puts the key here among the trusted ones when it signed the last
// checkpoint: on a machine that joined the log with its key, what it runs
// verifies as it does on the machine where the log began.
func (l *Ledger) trustOwn(s state) error {
	if l.opts.Trusted == "" || l.signer == nil || l.ownTrusted || s.note == nil || !slices.Contains(l.signedBy(s.note), l.signer.vkey) {
		return nil
	}
	l.ownTrusted = true
	return l.unkept(Trust(l.opts.Trusted, l.signer.vkey, l.comment()))
}

func (l *Ledger) comment() string {
	s := "this machine's log, " + l.opts.Now().UTC().Format(time.DateOnly)
	if l.Ephemeral() {
		s += ", ephemeral"
	}
	return s
}

// Origin is the log's name, which its entries and checkpoints carry.
func (l *Ledger) Origin() string { return l.origin }

// Joined says that NewLog began no log, but went on with the one that was there.
func (l *Ledger) Joined() bool { return l.joined }

// VKey is the public key that signs now, in note.NewVerifier's form; "" when
// the log was opened read only.
func (l *Ledger) VKey() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.vkey()
}

func (l *Ledger) vkey() string {
	if l.signer == nil {
		return ""
	}
	return l.signer.vkey
}

// Ephemeral says whether the log was begun in a throwaway place: its name
// tells, or, where the caller named it, Options.Ephemeral. That a lasting log
// is opened in such a place makes it no other.
func (l *Ledger) Ephemeral() bool {
	return strings.HasPrefix(l.origin, ephemeralOrigin) || l.opts.Ephemeral && l.opts.Origin == l.origin
}

// verifiers are those of the keys known for this log.
func (l *Ledger) verifiers() []note.Verifier {
	vs := make([]note.Verifier, len(l.known))
	for i, k := range l.known {
		vs[i] = k
	}
	return vs
}

// readNote opens a signed checkpoint of this log.
func (l *Ledger) readNote(msg []byte, where string) (audit.Checkpoint, *note.Note, error) {
	c, n, err := audit.OpenCheckpoint(msg, l.verifiers()...)
	var untrusted *audit.UntrustedError
	switch {
	case errors.As(err, &untrusted) && c.Origin != l.origin:
		return c, n, fmt.Errorf("%w: %s is of the log %s, and the database is %s", ErrRolledBack, where, c.Origin, l.origin)
	case errors.As(err, &untrusted):
		return c, n, fmt.Errorf("%w: %s; %s. Give the key that signed it, or add its public key to the trusted keys", ErrWrongKey, where, l.keysHere())
	case err != nil:
		return c, n, fmt.Errorf("%s: %w", where, err)
	}
	return c, n, nil
}

// signedBy are the texts of the known keys that signed a note.
func (l *Ledger) signedBy(n *note.Note) []string {
	var vkeys []string
	for _, k := range l.known {
		if slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == k.Name() && s.Hash == k.KeyHash() }) {
			vkeys = append(vkeys, k.VKey)
		}
	}
	return vkeys
}

func (l *Ledger) keysHere() string {
	if len(l.known) == 0 {
		return "no key of this log is known here"
	}
	return "the key here is " + l.known[0].VKey
}
