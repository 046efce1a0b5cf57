package ledger

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"assay/audit"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Witness is somebody who cosigns checkpoints after checking that they go on
// from all that they saw before (C2SP tlog-witness).
type Witness struct {
	URL string        // to which /add-checkpoint is added
	Key note.Verifier // audit.NewCosignatureVerifier
}

const (
	witnessTimeout = 10 * time.Second
	maxWitnessBody = 64 << 10
	witnessTries   = 3 // a witness may tell a size, and be moved on before we prove from it
)

// WitnessError is what went wrong with one witness.
type WitnessError struct {
	Witness string // its key's name
	URL     string
	Err     error
}

func (e *WitnessError) Error() string { return fmt.Sprintf("witness %s: %v", e.Witness, e.Err) }
func (e *WitnessError) Unwrap() error { return e.Err }

// Cosign makes a checkpoint, asks each witness for its cosignature, all at the
// same time, and saves the note with those that verified. A witness that gives
// none is a *WitnessError among the joined errors, and keeps no other from
// being saved: the note is returned beside the error.
func (l *Ledger) Cosign(ctx context.Context) (Signed, error) {
	signed, err := l.Checkpoint(ctx)
	if err != nil {
		return Signed{}, err
	}
	if len(signed.Note) == 0 {
		return Signed{}, fmt.Errorf("cosign: %w: nothing was signed yet", ErrNotFound)
	}
	lines := make([][]byte, len(l.opts.Witnesses))
	errs := make([]error, len(l.opts.Witnesses))
	var wg sync.WaitGroup
	for i, w := range l.opts.Witnesses {
		wg.Go(func() {
			var err error
			if lines[i], err = l.ask(ctx, w, signed); err != nil {
				errs[i] = &WitnessError{w.Key.Name(), w.URL, err}
			}
		})
	}
	wg.Wait()
	cosigned := Signed{signed.Size, merge(signed.Note, lines)}
	if l.opts.ReadOnly || bytes.Equal(cosigned.Note, signed.Note) {
		return cosigned, errors.Join(errs...)
	}
	if cosigned, err = l.saveCosigned(ctx, cosigned.Size, lines); err != nil {
		return signed, errors.Join(append(errs, fmt.Errorf("cosign: %w", err))...)
	}
	return cosigned, errors.Join(errs...)
}

// saveCosigned adds signatures to the last checkpoint, if it is still that of
// size entries. A later one that was made meanwhile stays the last.
func (l *Ledger) saveCosigned(ctx context.Context, size int64, lines [][]byte) (Signed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.store.Checkpoint(ctx)
	if err != nil {
		return s, err
	}
	if s.Size != size {
		return s, fmt.Errorf("the log was signed again meanwhile; ask again: %w", ErrConflict)
	}
	s.Note = merge(s.Note, lines) // another process may have asked other witnesses
	if err := l.store.SaveCheckpoint(ctx, size, s); err != nil {
		return s, err
	}
	st, err := l.verified(ctx)
	if err != nil {
		return s, err
	}
	return s, l.writeCopy(&st)
}

// merge adds signature lines to a note, each key's once.
func merge(msg []byte, lines [][]byte) []byte {
	for _, line := range lines {
		if len(line) > 0 && !bytes.Contains(msg, append([]byte("\n"), line...)) {
			msg = append(msg[:len(msg):len(msg)], line...)
		}
	}
	return msg
}

// ask asks one witness and gives its signature line, which verified.
func (l *Ledger) ask(ctx context.Context, w Witness, s Signed) ([]byte, error) {
	if has(s.Note, w.Key) {
		return nil, nil
	}
	// What a witness saw last is its own to say: 0 is right for a new one,
	// and any other answers with its size (409).
	old := int64(0)
	for range witnessTries {
		answer, size, err := l.post(ctx, w, s, old)
		if err != nil {
			return nil, err
		}
		if answer != nil {
			return cosignature(s.Note, answer, w.Key)
		}
		if size > s.Size {
			return nil, fmt.Errorf("%w: it saw %d entries of this log, and %d were signed here", ErrRolledBack, size, s.Size)
		}
		old = size
	}
	return nil, errors.New("it tells another size each time it is asked")
}

// has says whether a key's signature on the note is there and verifies.
func has(msg []byte, v note.Verifier) bool {
	n, err := note.Open(msg, note.VerifierList(v))
	return err == nil && len(n.Sigs) > 0
}

// post sends add-checkpoint with a proof from the tree of old entries. Either
// the answer is there, or the size from which the witness wants the proof.
func (l *Ledger) post(ctx context.Context, w Witness, s Signed, old int64) (answer []byte, size int64, err error) {
	var proof tlog.TreeProof
	if old > 0 {
		if proof, _, _, err = l.ProveConsistency(ctx, old, s.Size); err != nil {
			return nil, 0, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, witnessTimeout)
	defer cancel()
	url := strings.TrimSuffix(w.URL, "/") + "/add-checkpoint"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(addCheckpoint(old, proof, s.Note)))
	if err != nil {
		return nil, 0, err
	}
	resp, err := l.client().Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxWitnessBody+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read its answer: %w", err)
	}
	if len(body) > maxWitnessBody {
		return nil, 0, fmt.Errorf("its answer is longer than %d bytes", maxWitnessBody)
	}
	return readAnswer(resp.StatusCode, body)
}

func (l *Ledger) client() *http.Client {
	if l.opts.HTTP != nil {
		return l.opts.HTTP
	}
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// addCheckpoint is the request's body: the old size, the proof's hashes and,
// after an empty line, the note.
func addCheckpoint(old int64, proof tlog.TreeProof, msg []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "old %d\n", old)
	for _, h := range proof { // of two sizes below 2^63: never more than the 63 that a witness takes
		fmt.Fprintln(&b, base64.StdEncoding.EncodeToString(h[:]))
	}
	b.WriteByte('\n')
	b.Write(msg)
	return b.String()
}

// readAnswer reads what C2SP tlog-witness says a witness answers.
func readAnswer(status int, body []byte) (answer []byte, size int64, err error) {
	switch status {
	case http.StatusOK:
		if len(body) == 0 {
			return nil, 0, errors.New("it said yes and signed nothing")
		}
		return body, 0, nil
	case http.StatusConflict:
		text := strings.TrimSuffix(string(body), "\n")
		size, err := strconv.ParseInt(text, 10, 64)
		if err != nil || size < 0 || strconv.FormatInt(size, 10) != text {
			return nil, 0, fmt.Errorf("it wants another proof and says no size: %.40q", body)
		}
		return nil, size, nil
	case http.StatusNotFound:
		return nil, 0, errors.New("it does not know this log: give its operator the log's public key")
	case http.StatusForbidden:
		return nil, 0, errors.New("it knows another key for this log")
	case http.StatusUnprocessableEntity:
		return nil, 0, fmt.Errorf("%w: it says that the proof from what it saw does not hold", ErrRolledBack)
	}
	return nil, 0, fmt.Errorf("it answered %d %s", status, http.StatusText(status))
}

// cosignature picks the witness's line out of its answer; what else it sent,
// a signature by a key that nobody gave, is not passed on.
func cosignature(msg, answer []byte, v note.Verifier) ([]byte, error) {
	for line := range bytes.Lines(answer) {
		with := merge(msg, [][]byte{line})
		if !bytes.HasSuffix(line, []byte("\n")) {
			continue
		}
		n, err := note.Open(with, note.VerifierList(v))
		if err != nil || len(n.Sigs) != 1 {
			continue
		}
		if _, err := unverified(with); err != nil {
			continue
		}
		if _, ok := audit.CosignatureTime(n.Sigs[0]); ok {
			return line, nil
		}
	}
	return nil, fmt.Errorf("its answer has no cosignature by %s that verifies", v.Name())
}
