package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"assay/internal/lockfile"
)

// live locks a file that shows other processes that this one is alive. A run
// whose owner's file is free was left behind. The owner's name begins with that
// of the state folder, so that nobody judges of processes that he cannot see.
func (s *state) live() error {
	folder, err := folderName()
	if err != nil {
		return fmt.Errorf("name the state folder: %w", err)
	}
	s.owner = fmt.Sprintf("%s/%d-%s", folder, os.Getpid(), randomHex(8))
	if s.alive, err = lockfile.Open(livePath(s.owner), true); err != nil {
		return fmt.Errorf("show that this process lives: %w", err)
	}
	return nil
}

func randomHex(bytes int) string {
	id := make([]byte, bytes)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

func liveDir() string { return filepath.Join(stateDir(), "live") }

func livePath(owner string) string {
	_, process, _ := strings.Cut(owner, "/")
	return filepath.Join(liveDir(), process)
}

// folderName is the state folder's own name, made of chance when it is first used.
func folderName() (string, error) {
	if err := os.MkdirAll(liveDir(), 0o700); err != nil {
		return "", err
	}
	name := filepath.Join(liveDir(), ".name")
	for {
		text, err := os.ReadFile(name)
		if err == nil && len(text) > 0 {
			return strings.TrimSpace(string(text)), nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		tmp := name + "-" + randomHex(8)
		if err := os.WriteFile(tmp, []byte(randomHex(16)+"\n"), 0o600); err != nil {
			return "", err
		}
		err = os.Link(tmp, name) // never takes the place of one that is there
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = os.Rename(tmp, name) // a file system without links
		}
		_ = os.Remove(tmp)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
}

// gone tells whether the process that an owner names ended. Of other state folders' nothing is known.
func (s *state) gone(owner string) bool {
	folder, process, ok := strings.Cut(owner, "/")
	mine, _, _ := strings.Cut(s.owner, "/")
	if !ok || folder != mine || process == "" || process != filepath.Base(process) {
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
