package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"assay/audit/ledger"
	"assay/internal/durable"
	"assay/runs"
)

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

func (c *config) storeURL() string {
	return cmp.Or(os.Getenv("ASSAY_STORE"), c.Store, "sqlite:"+filepath.Join(stateDir(), "assay.db"))
}

// sqlitePath is the database's file, absolute; "" with PostgreSQL.
func (c *config) sqlitePath() string {
	path, ok := strings.CutPrefix(c.storeURL(), "sqlite:")
	if !ok {
		return ""
	}
	abs, err := filepath.Abs(strings.TrimPrefix(path, "//"))
	if err != nil {
		return strings.TrimPrefix(path, "//")
	}
	return abs
}

// copyPath is the second copy of a log's last checkpoint: away from the
// database, so that a database that is put back does not bring it along, and by
// the log's name, so that it is found wherever the database is put.
func copyPath(origin string) string {
	return filepath.Join(configDir(), "checkpoints", shortHash(origin))
}

// herePath is the file with the name of the log that was last at the store's
// address: a database that was emptied has forgotten it.
func (c *config) herePath() string { return atPath(c.address()) }

func atPath(address string) string {
	return filepath.Join(configDir(), "checkpoints", "at-"+shortHash(address))
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// openLog opens the log, and begins one where there is none.
func (s *state) openLog(ctx context.Context, readOnly bool) error {
	for {
		o, err := s.logOptions(ctx)
		if err != nil {
			return err
		}
		o.ReadOnly, o.Unkept = readOnly, s.warnUnkept
		if s.log, err = ledger.Open(ctx, s.store, o); err != nil || readOnly {
			return err
		}
		if o.LastNote == copyPath(s.log.Origin()) || o.LastNote != "" && s.unkept {
			return s.kept(s.remember())
		}
		// Else it was begun just now, and has its name; or a new log was, by a
		// process that was killed before it had put the copy under the new name.
		if err := errors.Join(s.kept(s.rename(o)), s.kept(s.remember())); err != nil {
			return err
		}
	}
}

// logOptions are the configuration's, with the second copy of the log that was
// last at the store's address. Where the store has another name by now, that
// copy must lead to it: else an older database, or one that somebody renamed,
// would have no copy to be held against.
func (s *state) logOptions(ctx context.Context) (*ledger.Options, error) {
	o, err := s.conf.logOptions()
	if err != nil {
		return nil, err
	}
	origin, err := s.store.Origin(ctx)
	if err != nil {
		return nil, err
	}
	was, err := s.conf.here()
	if err != nil {
		return nil, err
	}
	switch {
	case was != "" && (origin == "" || exists(copyPath(was))):
		o.LastNote = copyPath(was)
	case origin != "":
		o.LastNote = copyPath(origin)
	}
	return o, nil
}

// here is the name of the log that was last at the store's address, or, where
// no log is known to have been, at its former one; "" is none.
func (c *config) here() (string, error) {
	// The former first: remember takes it away when the other is there.
	former, ferr := c.formerly()
	was, err := readName(c.herePath())
	if err != nil || was != "" {
		return was, err
	}
	return former, ferr
}

// formerly is the name of the log that was last at the former address.
func (c *config) formerly() (string, error) {
	address := c.formerAddress()
	if address == "" {
		return "", nil
	}
	return readName(atPath(address))
}

func readName(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

// halfNamed says that the log has a name that the configuration folder does not
// know yet: that it got it by a call which was killed before its end.
func (s *state) halfNamed(ctx context.Context) bool {
	was, err := s.conf.here()
	origin, oerr := s.store.Origin(ctx)
	return err == nil && oerr == nil && was != "" && was != origin
}

// rename puts the second copy under the name that the log has now.
func (s *state) rename(o *ledger.Options) error {
	name := copyPath(s.log.Origin())
	if o.LastNote == "" || o.LastNote == name {
		return nil
	}
	if err := os.Rename(o.LastNote, name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// remember keeps the name of the log that is at this address. What says so of
// the former address is of no other store then, and goes: another store that
// had the same former address would be held against this log.
func (s *state) remember() error {
	if err := s.rememberHere(); err != nil {
		return err
	}
	if was, err := s.conf.formerly(); err != nil || was != s.log.Origin() {
		return nil
	}
	if err := os.Remove(atPath(s.conf.formerAddress())); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s *state) rememberHere() error {
	name := s.conf.herePath()
	if was, err := readName(name); err == nil && was == s.log.Origin() {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return writeName(name, s.log.Origin())
}

func writeName(file, origin string) error {
	return durable.WriteFile(file, func(w io.Writer) error {
		_, err := io.WriteString(w, origin+"\n")
		return err
	})
}

// kept is err, unless it is that this user may not write to the configuration
// folder: that is a warning.
func (s *state) kept(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		s.warnUnkept(err)
		return nil
	}
	return err
}

// warnUnkept says, once, that what belongs in the configuration folder cannot
// be kept there. Evidence is whole without it: docs/log.md.
func (s *state) warnUnkept(err error) {
	if s.unkept {
		return
	}
	s.unkept = true
	note("warning: the second copy of the log's last checkpoint cannot be kept, so nobody here would notice that the database was put back: %v", err)
	note("hint: %s", configHint())
}

// configHint is what to do about a configuration folder that cannot be written.
func configHint() string {
	return "make " + configDir() + " a folder that can be written, or set XDG_CONFIG_HOME to one (docs/log.md)"
}

func (c *config) logOptions() (*ledger.Options, error) {
	witnesses, err := c.witnesses()
	return &ledger.Options{
		Key:       ledger.KeySource{Text: os.Getenv("ASSAY_LOG_KEY"), File: cmp.Or(c.Log.Key, logKeyPath())},
		Origin:    c.Log.Origin,
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
	return runs.User()
}
