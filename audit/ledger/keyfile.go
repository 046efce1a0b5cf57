package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

var (
	// ErrKeyMissing says that a log which was signed has no key here.
	ErrKeyMissing = errors.New("the log's key is missing")

	// ErrKeyExposed says that others may read the key's file.
	ErrKeyExposed = errors.New("others on this machine may read the log's key")

	// ErrWrongKey says that the log was signed by another key than the given one.
	ErrWrongKey = errors.New("the log was signed by another key")
)

// maxKeyFile is more than any key takes.
const maxKeyFile = 64 << 10

// KeySource says where a log's key is. A text goes before a file.
type KeySource struct {
	Text string // the key itself, as ParseKey reads it: the value of ASSAY_LOG_KEY
	File string // made with mode 0600 when a new log needs it and it is not there
}

// load finds the key, or makes one where create allows it. made says that the
// key in the file is new.
func (s KeySource) load(rand io.Reader, create bool) (k *Key, made bool, err error) {
	switch {
	case s.Text != "":
		k, err := ParseKey([]byte(s.Text))
		if err != nil {
			return nil, false, fmt.Errorf("the log key that was given as a text (ASSAY_LOG_KEY): %w", err)
		}
		return k, false, nil
	case s.File == "":
		return nil, false, fmt.Errorf("%w: give it as a text or as a file", ErrKeyMissing)
	}
	k, err = ReadKeyFile(s.File)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, false, err
	}
	if !create {
		return nil, false, fmt.Errorf("%w: %s; put it back from a copy, or begin a new log", ErrKeyMissing, s.File)
	}
	return makeKey(s.File, rand)
}

// ReadKeyFile reads a log's key from a file that nobody else on this machine
// may read, else the error is ErrKeyExposed; a missing file is fs.ErrNotExist.
// What ParseKey reads may be in it. Errors never hold any of the text.
func ReadKeyFile(path string) (*Key, error) {
	// The opened file is asked and not its name, so that it cannot be
	// exchanged in between.
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the log's key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the log's key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read the log's key: %s is no regular file", path)
	}
	if exposed(info.Mode()) {
		return nil, fmt.Errorf("%w: %s has mode %04o; make it yours alone with chmod 600, and think of a new key", ErrKeyExposed, path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read the log's key: %w", err)
	}
	k, err := ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("read the log's key %s: %w", path, err)
	}
	return k, nil
}

// exposed is about the bits that Unix has; Windows shows none.
func exposed(m fs.FileMode) bool { return runtime.GOOS != "windows" && m.Perm()&0o077 != 0 }

// makeKey makes a key and its file, whole or not at all. Of many processes
// that do so at once one wins, and all of them return its key.
func makeKey(path string, rand io.Reader) (*Key, bool, error) {
	k, err := GenerateKey(rand)
	if err != nil {
		return nil, false, err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("make the log's key: %w", err)
	}
	tmp, err := writeKey(dir, k)
	if err != nil {
		return nil, false, fmt.Errorf("make the log's key: %w", err)
	}
	defer os.Remove(tmp)
	// A link, unlike a rename, never takes the place of what is there.
	switch err := os.Link(tmp, path); {
	case errors.Is(err, fs.ErrExist):
		k, err := ReadKeyFile(path)
		return k, false, err
	case err != nil:
		return nil, false, fmt.Errorf("make the log's key: %w", err)
	}
	return k, true, syncDir(dir)
}

// replaceKey puts k in the place of the file's key.
func replaceKey(path string, k *Key) error {
	tmp, err := writeKey(filepath.Dir(path), k)
	if err != nil {
		return fmt.Errorf("replace the log's key: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("replace the log's key: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// writeKey writes k to a new file in dir, of mode 0600 from its first moment.
func writeKey(dir string, k *Key) (name string, err error) {
	text, err := k.PEM()
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, ".key-*.tmp")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// syncDir makes a new name in dir durable, where the system can.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}
