package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

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
	quiet func() // ends the heartbeats
	owner string
	alive *os.File // locked as long as this process lives
}

// stateHint is what to do about a state folder that cannot be had.
const stateHint = "every run is entered in a log there: set XDG_STATE_HOME to a folder that can be written and that lasts"

// openState opens everything, and begins what is not there yet.
func openState(ctx context.Context) (*state, error) {
	conf, err := readConfig()
	if err != nil {
		return nil, err
	}
	s := &state{conf: conf}
	if err := s.open(ctx); err != nil {
		_ = s.close(ctx)
		return nil, stateError(err)
	}
	return s, nil
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
		err = s.openLog(ctx)
	}
	if err != nil {
		_ = s.close(ctx)
		return nil, stateError(err)
	}
	return s, nil
}

// openLog opens the log for reading.
func (s *state) openLog(ctx context.Context) error {
	o, err := s.conf.logOptions()
	if err != nil {
		return err
	}
	o.ReadOnly = true
	s.log, err = ledger.Open(ctx, s.store, o)
	return err
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
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		hint = stateHint
	}
	return &exitError{code: exitSurroundings, err: err, hint: hint}
}

func (s *state) open(ctx context.Context) error {
	if err := os.MkdirAll(stateDir(), 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	var err error
	if s.store, err = s.openStore(ctx, false); err != nil {
		return err
	}
	o, err := s.conf.logOptions()
	if err != nil {
		return err
	}
	if s.log, err = ledger.Open(ctx, s.store, o); err != nil {
		return err
	}
	if err := s.live(); err != nil {
		return err
	}
	destinations, err := s.conf.destinations(s.store, s.session())
	if err != nil {
		return err
	}
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

// live locks a file that shows other processes that this one is alive. A run
// whose owner's file is free was left behind.
func (s *state) live() error {
	host, err := os.Hostname()
	if err != nil {
		host = "host"
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	s.owner = fmt.Sprintf("%s/%d-%s", strings.ReplaceAll(host, "/", "-"), os.Getpid(), hex.EncodeToString(id[:]))
	if err := os.MkdirAll(liveDir(), 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	if s.alive, err = lockfile.Open(livePath(s.owner), true); err != nil {
		return fmt.Errorf("show that this process lives: %w", err)
	}
	return nil
}

func liveDir() string { return filepath.Join(stateDir(), "live") }

func livePath(owner string) string {
	_, process, _ := strings.Cut(owner, "/")
	return filepath.Join(liveDir(), process)
}

// gone tells whether the process that an owner names ended. Of another machine's nothing is known.
func (s *state) gone(owner string) bool {
	host, process, ok := strings.Cut(owner, "/")
	mine, _, _ := strings.Cut(s.owner, "/")
	if !ok || host != mine || process != filepath.Base(process) {
		return false
	}
	f, err := lockfile.Open(livePath(owner), false)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		return false
	}
	_ = lockfile.Remove(f, livePath(owner))
	_ = f.Close()
	return true
}

// close delivers what it can in a moment and frees everything. What is left goes with the next command.
func (s *state) close(ctx context.Context) error {
	var errs []error
	if s.quiet != nil {
		s.quiet()
	}
	if s.bus != nil {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), events.DrainLimit)
		_ = s.bus.Drain(drain) // nothing is lost: the cursors say where to go on
		cancel()
		errs = append(errs, s.bus.Close())
	}
	if s.alive != nil {
		errs = append(errs, lockfile.Remove(s.alive, livePath(s.owner)), s.alive.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}

// session names this process to observers.
func (s *state) session() string { return s.owner[strings.LastIndexByte(s.owner, '-')+1:] }

// stage is what the stage-complete rows of this process have in common.
func (s *state) stage() observer.Candidate {
	return observer.Candidate{
		Slug: s.conf.Observer.Slug, Origin: s.conf.Observer.Origin, Clock: observer.Clock(s.conf.Observer.Clock),
		Session: s.session(), Agent: "assay/" + buildVersion(),
	}
}

// configDir is the folder of what a person decides: the XDG configuration folder.
func configDir() string {
	if dir := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "assay")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	return filepath.Join(home, ".config", "assay")
}

func trustedPath() string { return filepath.Join(configDir(), "trusted-keys") }

func logKeyPath() string { return filepath.Join(stateDir(), "log.key") }

// lastNotePath is the second copy of a log's last checkpoint: away from the
// database, so that a database that is put back does not bring it along.
func (c *config) lastNotePath() string {
	sum := sha256.Sum256([]byte(c.storeURL()))
	return filepath.Join(configDir(), "checkpoints", hex.EncodeToString(sum[:6]))
}

func (c *config) storeURL() string {
	return cmp.Or(os.Getenv("ASSAY_STORE"), c.Store, "sqlite:"+filepath.Join(stateDir(), "assay.db"))
}

func (c *config) logOptions() (*ledger.Options, error) {
	witnesses, err := c.witnesses()
	return &ledger.Options{
		Key:       ledger.KeySource{Text: os.Getenv("ASSAY_LOG_KEY"), File: cmp.Or(c.Log.Key, logKeyPath())},
		Origin:    c.Log.Origin,
		LastNote:  c.lastNotePath(),
		Trusted:   trustedPath(),
		Ephemeral: throwaway(),
		Witnesses: witnesses,
	}, err
}

// throwaway tells whether the state folder is in a place that does not last: a
// CI job's, or below the folder of temporary files.
func throwaway() bool {
	if os.Getenv("ASSAY_LOG_KEY") != "" {
		return false // the key outlives the place
	}
	if os.Getenv("CI") != "" {
		return true
	}
	rel, err := filepath.Rel(os.TempDir(), stateDir())
	return err == nil && filepath.IsLocal(rel)
}

// askedBy is who asked for what this command does: the person that a CI names, else the user.
func askedBy() string {
	for _, name := range []string{"GITHUB_ACTOR", "GITEA_ACTOR", "GITLAB_USER_LOGIN"} {
		if v := os.Getenv(name); v != "" && os.Getenv("CI") != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
