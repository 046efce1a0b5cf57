package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxNote is the longest signed note that is read.
const maxNote = 1 << 20

// Checkpoint is the state of a log at one size (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string // the log's name
	Size   int64
	Root   tlog.Hash
}

// Format is the checkpoint's body, three lines. ParseCheckpoint is its inverse.
func (c Checkpoint) Format() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// ParseCheckpoint reads a checkpoint's body. Extension lines, of which our
// logs have none, are refused.
func ParseCheckpoint(body string) (Checkpoint, error) {
	lines := strings.Split(body, "\n")
	if len(lines) != 4 {
		return Checkpoint{}, errors.New("checkpoint: not of three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > maxSafe {
		return Checkpoint{}, errors.New("checkpoint: the second line is no size")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, errors.New("checkpoint: the third line is no hash")
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if c.Format() != body || c.Origin == "" {
		return Checkpoint{}, errors.New("checkpoint: not as a log writes it")
	}
	return c, nil
}

// SignCheckpoint is the signed note of a checkpoint.
func SignCheckpoint(c Checkpoint, signers ...note.Signer) ([]byte, error) {
	msg, err := note.Sign(&note.Note{Text: c.Format()}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return msg, nil
}

// OpenCheckpoint reads a signed checkpoint and verifies its signatures. At
// least one must be of a key in known whose name is the checkpoint's origin;
// one of a key in known that does not verify fails the whole. The signatures
// that verified are in the note's Sigs.
func OpenCheckpoint(msg []byte, known ...note.Verifier) (Checkpoint, *note.Note, error) {
	if err := checkNote(msg); err != nil {
		return Checkpoint{}, nil, err
	}
	n, err := note.Open(msg, note.VerifierList(distinct(known)...))
	var unknown *note.UnverifiedNoteError
	if errors.As(err, &unknown) {
		n, err = unknown.Note, nil
	}
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	for _, s := range n.Sigs {
		if raw, _ := base64.StdEncoding.DecodeString(s.Base64); s.Name == c.Origin && len(raw) == 4+64 {
			return c, n, nil
		}
	}
	return c, n, &UntrustedError{Origin: c.Origin}
}

// distinct leaves out keys that are given twice, which note.Open would refuse
// as ambiguous.
func distinct(keys []note.Verifier) []note.Verifier {
	var out []note.Verifier
	for _, k := range keys {
		if !slices.ContainsFunc(out, func(o note.Verifier) bool { return o.Name() == k.Name() && o.KeyHash() == k.KeyHash() }) {
			out = append(out, k)
		}
	}
	return out
}

// UntrustedError is a checkpoint that none of the keys signed that the caller
// gave for its log.
type UntrustedError struct{ Origin string }

func (e *UntrustedError) Error() string {
	return fmt.Sprintf("no key that was given signed this checkpoint of the log %q", e.Origin)
}

// checkNote wants of a signed note what note.Open leaves open: each signature
// in the one spelling of its base64, and none twice.
func checkNote(msg []byte) error {
	if len(msg) > maxNote {
		return fmt.Errorf("checkpoint: of %d bytes, and a signed note may have %d", len(msg), maxNote)
	}
	i := bytes.LastIndex(msg, []byte("\n\n"))
	if i < 0 {
		return errors.New("checkpoint: no signed note")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(msg[i+2:])) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if len(f) != 3 {
			return errors.New("checkpoint: a signature line is malformed")
		}
		raw, err := base64.StdEncoding.DecodeString(f[2])
		if err != nil || len(raw) < 5 || base64.StdEncoding.EncodeToString(raw) != f[2] {
			return errors.New("checkpoint: a signature is malformed")
		}
		if id := f[1] + " " + string(raw[:4]); seen[id] {
			return errors.New("checkpoint: a key has signed twice")
		} else {
			seen[id] = true
		}
	}
	return nil
}
