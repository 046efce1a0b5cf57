package observer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"assay/internal/durable"
)

// mark is the second copy of the last reserved zeqond, in a file of its own
// outside the store: what a restored store has forgotten, it remembers.
type mark struct {
	Version int    `json:"v"`
	Slug    string `json:"slug"`
	Epoch   int    `json:"epoch"`
	Zeqond  int64  `json:"zeqond,string"`
}

// readMark is the mark at path, nil when there is no file. A file that cannot
// be understood is an error: to go on without it would be to forget.
func readMark(path string) (*mark, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the mark file: %w", err)
	}
	var m mark
	if err := json.Unmarshal(b, &m); err != nil || m.Version != 1 || m.Slug == "" {
		return nil, fmt.Errorf("mark file %s is damaged: move it away and begin a new key epoch", path)
	}
	return &m, nil
}

// errNewer ends a write because the file is ahead already.
var errNewer = errors.New("a newer mark is there")

// writeMark keeps m, durably, unless another process has kept a later one.
func writeMark(path string, m mark) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	err = durable.WriteFileIf(path, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	}, func(fs.FileInfo) error {
		old, err := readMark(path)
		switch {
		case err != nil || old == nil:
			return err
		case old.Epoch > m.Epoch:
			return fmt.Errorf("key epoch %d was left for %d by another process", m.Epoch, old.Epoch)
		case old.Epoch == m.Epoch && old.Zeqond >= m.Zeqond:
			return errNewer
		}
		return nil
	})
	if errors.Is(err, errNewer) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("keep the mark of the last zeqond: %w", err)
	}
	return nil
}
