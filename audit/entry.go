package audit

import (
	"errors"
	"fmt"
	"time"
)

// The kinds of entries.
const (
	KindRun       = "run"       // a run has ended; Subject is empty
	KindKey       = "key"       // the key in Subject (a verifier key) signs from here on, in place of those in Names
	KindErased    = "erased"    // of the entry with the ID in Subject the payloads in Names were destroyed
	KindLog       = "log"       // this log goes on where the log in Subject (its origin) ended; Names: what is known of its end
	KindRecovered = "recovered" // a notebook was made of the journal that the run with the ID in Subject left
)

// MaxLeaf is the length that a leaf may have: bundles of leaves give each
// length as two bytes (C2SP tlog-tiles).
const MaxLeaf = 1<<16 - 1

const (
	entryVersion = 1
	stringLimit  = 1024 // of the strings in an entry, so that no entry passes MaxLeaf
	namesLimit   = 32
)

// Entry is one leaf of the log. It holds no personal data: who, what and where
// stand in payloads, to which Facts commits, and which can be erased.
type Entry struct {
	Version int       // 1, which 0 stands for in Encode
	Kind    string    // one of the kinds above
	ID      string    // of the run or of the act, unique in the log
	Log     string    // the log's origin, as in its checkpoints
	Time    time.Time // of the machine that wrote the entry, in microseconds
	State   string    // of a run: how it ended; otherwise ""
	Subject string    // what an act is about, see the kinds
	Names   []string  // see the kinds
	Facts   Digest    // FactsDigest of the commitments; the zero Digest without any
}

// Encode is the leaf: exactly what ParseEntry reads. It never fails, but what
// it makes of an Entry that Check refuses cannot be read again.
func (e *Entry) Encode() []byte {
	var w jsonWriter
	w.open("", '{')
	w.int("version", entryVersion)
	w.str("kind", e.Kind)
	w.str("id", e.ID)
	w.str("log", e.Log)
	w.str("time", formatTime(e.Time))
	w.str("state", e.State)
	w.str("subject", e.Subject)
	w.strs("names", e.Names)
	w.digest("facts", e.Facts)
	w.close('}')
	return w.b
}

// Check tells why an entry cannot be written.
func (e *Entry) Check() error {
	switch {
	case e.Version != 0 && e.Version != entryVersion:
		return fmt.Errorf("version %d of entries is not known here: a newer assay may know it", e.Version)
	case e.Kind == "" || e.ID == "" || e.Log == "":
		return errors.New("an entry needs a kind, an id and a log")
	case len(e.Names) > namesLimit:
		return fmt.Errorf("an entry has at most %d names", namesLimit)
	}
	for _, s := range [...]string{e.Kind, e.ID, e.Log, e.State, e.Subject} {
		if len(s) > stringLimit {
			return tooLong(s)
		}
	}
	for _, s := range e.Names {
		if len(s) > stringLimit {
			return tooLong(s)
		}
	}
	return nil
}

func tooLong(s string) error {
	return fmt.Errorf("%.20q… is longer than the %d bytes that a string in an entry may have", s, stringLimit)
}

// ParseEntry reads a leaf. It takes only what Encode writes, byte for byte.
func ParseEntry(leaf []byte) (*Entry, error) {
	if len(leaf) > MaxLeaf {
		return nil, fmt.Errorf("an entry of %d bytes is longer than a leaf may be", len(leaf))
	}
	f := newReader(leaf)
	e := &Entry{Version: int(f.int("version"))}
	if f.err == nil && e.Version != entryVersion {
		return nil, fmt.Errorf("version %d of entries is not known here: a newer assay may know it", e.Version)
	}
	e.Kind, e.ID, e.Log = f.str("kind"), f.str("id"), f.str("log")
	e.Time, e.State, e.Subject = f.time("time"), f.str("state"), f.str("subject")
	e.Names, e.Facts = f.strs("names"), f.digest("facts")
	err := f.done()
	if err == nil {
		err = e.Check()
	}
	if err != nil {
		return nil, fmt.Errorf("entry: %w", err)
	}
	return e, nil
}
