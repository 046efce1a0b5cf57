package main

import (
	"os"
	"path/filepath"

	"assay/observer"
)

// phaseLock encrypts a wire's rows by phase-lock profile 1. Its mark file stands
// with the configuration, not with the database: a database that is put back
// does not bring it along.
func (c *config) phaseLock(nonces observer.Nonces, key string, epoch int) (*observer.Lock, error) {
	clock, err := observer.ParseClock(c.Observer.Clock)
	if err != nil {
		return nil, err
	}
	mark := filepath.Join(configDir(), "observer", c.slug()+".mark")
	if err := os.MkdirAll(filepath.Dir(mark), 0o700); err != nil {
		return nil, err
	}
	return observer.NewLock(nonces, &observer.LockOptions{
		Key: key, Epoch: epoch, Slug: c.slug(), Clock: clock, Mark: mark,
	})
}
