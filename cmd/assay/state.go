package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"assay/audit/ledger"
	"assay/events"
	"assay/internal/lockfile"
	"assay/observer"
	"assay/store"
)

// state is what a command has open: the database, the log and the bus of this
// user's state folder, or of the store that the configuration names.
type state struct {
	conf  *config
	store *store.Store
	log   *ledger.Ledger
	bus   *events.Bus
	quiet func()                   // ends the heartbeats
	beat  func() *observer.Cadence // how the heartbeat keeps time
	owner string
	alive *os.File    // locked as long as this process lives
	file  fs.FileInfo // the database as it was opened; nil where it is no file

	settling sync.WaitGroup // while the store is settled

	unkept bool // that the configuration folder cannot be written was said

	need   sync.Once     // closes needed
	needed chan struct{} // closed when somebody waits for what follows; nil: it is open
	ready  chan struct{} // closed when all of it is open, or cannot be; nil: it is
	err    error         // why it cannot be; read it when ready is closed
	giveUp func()        // ends the opening
}

// stateHint is what to do about a state folder that cannot be had.
const stateHint = "every run is entered in a log there: set XDG_STATE_HOME to a folder that can be written and that lasts"

// damagedHint is what to do about a database that cannot be read.
const damagedHint = "move it away and put a backup back: assay store restore FILE; what was signed since then the log knows (docs/log.md)"

// openState opens everything, begins what is not there yet, and enters the
// ends of runs that could not be entered before.
func openState(ctx context.Context) (*state, error) {
	s, err := beginState(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.opened(); err != nil {
		_ = s.close(ctx)
		return nil, err
	}
	s.enterEnds(ctx, s.service(1, nil), note)
	return s, nil
}

// beginState opens everything, and begins what is not there yet, as soon as
// somebody needs it; opened waits for that. The caller closes it.
func beginState(ctx context.Context) (*state, error) {
	conf, err := readConfig()
	if err != nil {
		return nil, err
	}
	s := &state{conf: conf, needed: make(chan struct{}), ready: make(chan struct{})}
	if err := os.MkdirAll(stateDir(), 0o700); err != nil {
		return nil, stateError(fmt.Errorf("make the state folder: %w", err))
	}
	if err := s.live(); err != nil {
		return nil, stateError(err)
	}
	ctx, s.giveUp = context.WithCancel(ctx)
	go func() {
		defer close(s.ready)
		select {
		case <-s.needed:
		case <-ctx.Done(): // nobody did
			s.err = ctx.Err()
			return
		}
		if err := s.open(ctx); err != nil {
			s.err = stateError(err)
		}
	}()
	return s, nil
}

// opening begins to open, where nobody did yet.
func (s *state) opening() {
	if s.needed != nil {
		s.need.Do(func() { close(s.needed) })
	}
}

// opened waits until all is open, and says why it cannot be.
func (s *state) opened() error {
	if s.opening(); s.ready != nil {
		<-s.ready
	}
	return s.err
}

// openReading opens the log for reading: nothing is made, and no key is needed.
func openReading(ctx context.Context) (*state, error) {
	conf, err := readConfig()
	if err != nil {
		return nil, err
	}
	s := &state{conf: conf}
	if s.store, err = s.openStore(ctx, true); errors.Is(err, store.ErrNoStore) {
		return nil, &exitError{code: exitSurroundings, err: err, hint: "assay run makes it"}
	}
	if err == nil {
		err = s.openLog(ctx, true)
	}
	if err != nil {
		_ = s.close(ctx)
		return nil, readingError(err)
	}
	return s, nil
}

// stateError says what to do about a state that cannot be opened.
func stateError(err error) error {
	hint := ""
	switch {
	case errors.Is(err, ledger.ErrRolledBack):
		hint = "find out who put it back; assay log new goes on under a new name, and says so in the log (docs/log.md)"
	case errors.Is(err, ledger.ErrKeyExposed):
		hint = "chmod 600 " + logKeyPath()
	case errors.Is(err, ledger.ErrKeyMissing), errors.Is(err, ledger.ErrWrongKey):
		hint = "put the key back from a copy, or give it in ASSAY_LOG_KEY; docs/log.md says more"
	case errors.Is(err, ledger.ErrTrustedExposed):
		hint = "chmod o-w " + trustedPath()
	case errors.Is(err, ledger.ErrHealthy):
		hint = "there is nothing to mend: assay log verify walks the whole log"
	case errors.Is(err, store.ErrDamaged):
		hint = damagedHint
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		hint = stateHint
	}
	return &exitError{code: exitSurroundings, err: err, hint: hint}
}

// stopOpening ends what is still being opened and waits until nothing is.
func (s *state) stopOpening() {
	if s.giveUp == nil {
		return
	}
	select {
	case <-s.ready:
	default:
		s.giveUp()
		<-s.ready
	}
}

func (s *state) open(ctx context.Context) error {
	var err error
	if s.store, err = s.openStore(ctx, false); err != nil {
		return err
	}
	s.finishErasure(ctx)
	if s.file, err = os.Stat(s.conf.sqlitePath()); err != nil && s.conf.sqlitePath() != "" {
		return err
	}
	if err := s.openLog(ctx, false); err != nil {
		return err
	}
	destinations, err := s.conf.destinations(s.store, s.session())
	if err != nil {
		return err
	}
	s.beat = cadenceOf(destinations)
	if s.bus, err = events.Open(ctx, s.store.Events(), s.store.Events(), destinations, nil); err != nil {
		return err
	}
	s.quiet = s.heartbeats(ctx, destinations)
	return nil
}

func (s *state) openStore(ctx context.Context, readOnly bool) (*store.Store, error) {
	codec, err := s.conf.codec()
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, s.conf.storeURL(), &store.Options{Codec: codec, Blobs: s.conf.Blobs, ReadOnly: readOnly, Env: os.Getenv})
}

// openStoreAlone opens the store and not the log in it, for what must be
// possible where the log is refused. The caller closes the store.
func openStoreAlone(ctx context.Context, readOnly bool) (*state, error) {
	conf, err := readConfig()
	if err != nil {
		return nil, err
	}
	s := &state{conf: conf}
	if s.store, err = s.openStore(ctx, readOnly); err != nil && readOnly {
		return nil, readingError(err)
	} else if err != nil {
		return nil, stateError(err)
	}
	return s, nil
}

// close delivers what it can in a moment and frees everything. What is left goes with the next command.
func (s *state) close(ctx context.Context) error {
	s.stopOpening()
	if s.giveUp != nil {
		defer s.giveUp()
	}
	var errs []error
	if s.quiet != nil {
		s.quiet()
	}
	if s.bus != nil {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), events.DrainLimit)
		s.tellWaiting(ctx, s.bus.Drain(drain), false) // nothing is lost: the cursors say where to go on
		cancel()
		errs = append(errs, s.bus.Close())
	}
	if s.alive != nil {
		if err := lockfile.Remove(s.alive, livePath(s.owner)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		errs = append(errs, s.alive.Close())
	}
	s.settling.Wait()
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}

// intact says that the database is still the one that was opened. A cell runs
// as the same user, and could have removed it or put another in its place.
func (s *state) intact() error {
	if s.file == nil {
		return nil
	}
	now, err := os.Stat(s.conf.sqlitePath())
	if err == nil && os.SameFile(now, s.file) {
		return nil
	}
	return &exitError{
		code: exitSurroundings, err: fmt.Errorf("the database %s was removed or exchanged while assay had it open: what was entered since is not in it", s.conf.sqlitePath()),
		hint: "the notebook may have done that; put a backup back, and assay log new goes on under a new name (docs/log.md)",
	}
}

// session names this process to observers.
func (s *state) session() string { return s.owner[strings.LastIndexByte(s.owner, '-')+1:] }
