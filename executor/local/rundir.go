package local

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// runDir is the private folder of one kernel.
type runDir struct {
	id   string // also the mark in the environment of everything the kernel starts
	path string
	lock *os.File // held while we live; nil where there are no such locks
}

// newRunDir makes the folder and takes its lock.
func newRunDir(env environ) (*runDir, error) {
	parent, err := runParent(env)
	if err != nil {
		return nil, err
	}
	for {
		d := &runDir{id: randomHex(4)}
		d.path = filepath.Join(parent, d.id)
		if err := os.Mkdir(d.path, 0o700); err != nil {
			if os.IsExist(err) {
				continue
			}
			return nil, err
		}
		if d.lock, err = lockFile(filepath.Join(d.path, ".lock")); err != nil {
			_ = os.RemoveAll(d.path)
			return nil, err
		}
		return d, nil
	}
}

// remove takes the folder away, and the lock last: nobody else may sweep it meanwhile.
func (d *runDir) remove() {
	_ = os.RemoveAll(d.path)
	if d.lock != nil {
		_ = d.lock.Close()
	}
}

// runParent is the folder above, made for this user and for nobody else.
func runParent(env environ) (string, error) {
	var why error
	for _, dir := range runParents(env) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			why = err
			continue
		}
		if err := private(dir); err != nil {
			why = err
			continue
		}
		return dir, nil
	}
	return "", fmt.Errorf("make a private folder: %w", why)
}

func runParents(env environ) []string {
	var dirs []string
	if d := env["XDG_RUNTIME_DIR"]; filepath.IsAbs(d) {
		dirs = append(dirs, filepath.Join(d, "assay"))
	}
	name := fmt.Sprintf("assay-%d", os.Getuid())
	dirs = append(dirs, filepath.Join(os.TempDir(), name))
	if os.TempDir() != "/tmp" && shortTemp {
		dirs = append(dirs, filepath.Join("/tmp", name))
	}
	// A folder too deep for a socket's name goes last: TCP still works there.
	for i, d := range dirs {
		if !socketFits(filepath.Join(d, "00000000")) {
			return append(append(append([]string{}, dirs[:i]...), dirs[i+1:]...), d)
		}
	}
	return dirs
}

// socketFits tells whether the sockets of a folder have names that bind takes.
func socketFits(dir string) bool { return len(dir)+len("/k-5") <= maxSocketPath }

// sweepAge is how old a folder must be before its lock is tried: a new one may
// not have taken its own yet.
const sweepAge = time.Minute

// sweep removes folders that a process which was killed left behind, and ends
// what their kernels had started.
func sweep(parent string) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || len(e.Name()) != 8 || time.Since(info.ModTime()) < sweepAge {
			continue
		}
		d := runDir{id: e.Name(), path: filepath.Join(parent, e.Name())}
		if d.lock, err = lockFile(filepath.Join(d.path, ".lock")); err != nil {
			continue
		}
		killMarked(d.id)
		d.remove()
	}
}
