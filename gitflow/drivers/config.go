package drivers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// Scope is one of git's configuration files.
type Scope string

// The scopes that settings are written to, named as git names them.
const (
	Local  Scope = "local" // the repository's, which its worktrees share
	Global Scope = "global"
	System Scope = "system"
)

func (s Scope) flag() string { return "--" + string(s) }

// GitError is what git said when it refused.
type GitError struct {
	Args   []string // what it was asked, without "git"
	Stderr string
	Err    error // *exec.ExitError, or exec.ErrNotFound where there is no git
}

func (e *GitError) Error() string {
	msg := strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(e.Stderr, "fatal: "), "error: "))
	if msg == "" {
		msg = e.Err.Error()
	}
	return fmt.Sprintf("git %s: %s", e.Args[0], msg)
}

func (e *GitError) Unwrap() error { return e.Err }

// Git is the git program in a folder. All that is asked of git goes through it,
// so that GIT_DIR, worktrees and included files mean what they mean to git.
type Git struct {
	Dir string   // "" is the program's own folder
	Env []string // nil is the program's own
}

// run gives what git writes to standard output.
func (g Git) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir, c.Env = g.Dir, g.Env
	if stdin != nil {
		c.Stdin = bytes.NewReader(stdin)
	}
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return out, &GitError{Args: args, Stderr: stderr.String(), Err: err}
	}
	return out, nil
}

// line is run for an answer of one line.
func (g Git) line(ctx context.Context, args ...string) (string, error) {
	out, err := g.run(ctx, nil, args...)
	return strings.TrimSuffix(string(out), "\n"), err
}

// setting is one line of git's configuration.
type setting struct {
	scope, origin string // origin as git names it: file:.git/config, command line:
	key, value    string // key with its section and name in small letters
}

// settings are all that git knows here, in the order in which later ones win.
type settings []setting

// readSettings asks git once for all of its configuration.
func (g Git) readSettings(ctx context.Context) (settings, error) {
	out, err := g.run(ctx, nil, "config", "--list", "-z", "--show-scope", "--show-origin")
	if err != nil {
		return nil, err
	}
	fields := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	var all settings
	for i := 0; i+3 <= len(fields); i += 3 {
		key, value, _ := strings.Cut(fields[i+2], "\n")
		all = append(all, setting{fields[i], fields[i+1], key, value})
	}
	return all, nil
}

// in are the settings of one scope.
func (all settings) in(scope Scope) settings {
	return slices.DeleteFunc(slices.Clone(all), func(s setting) bool { return s.scope != string(scope) })
}

// last is the setting that is in force; the zero setting is none.
func (all settings) last(key string) setting {
	for _, s := range slices.Backward(all) {
		if s.key == key {
			return s
		}
	}
	return setting{}
}

// values are all values of a key.
func (all settings) values(key string) []string {
	var v []string
	for _, s := range all {
		if s.key == key {
			v = append(v, s.value)
		}
	}
	return v
}

// write is one change of git's configuration.
type write struct {
	key   string
	value string
	verb  string // --replace-all, --add, --unset-all
}

func (w write) String() string {
	if w.verb == unset {
		return "unset " + w.key
	}
	return w.key + " = " + w.value
}

const (
	set   = "--replace-all"
	add   = "--add"
	unset = "--unset-all"
)

// apply makes a change in a scope.
func (g Git) apply(ctx context.Context, scope Scope, w write) error {
	args := []string{"config", scope.flag(), w.verb, w.key}
	if w.verb != unset {
		args = append(args, w.value)
	}
	_, err := g.run(ctx, nil, args...)
	var exit *exec.ExitError
	if w.verb == unset && errors.As(err, &exit) && exit.ExitCode() == 5 {
		return nil // it was not there: git-config(1)
	}
	if err != nil {
		return fmt.Errorf("set %s: %w", w.key, err)
	}
	return nil
}
