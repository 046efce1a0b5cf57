package runs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"assay/audit"
	"assay/internal/durable"
)

// Late is a run whose end was entered after its own process.
type Late struct {
	Run     Run
	Entry   int64
	Receipt string // the file, "" where none was written
	Missing error  // why a receipt or an attestation that belongs beside the output is not there
}

// ErrOtherLog says that the end of a run is for a log of another name.
var ErrOtherLog = errors.New("it is for another log")

// EnterEnd enters an end that was kept, and proves it as the run would have.
// An end that is in the log already is as good as entered. ledger.ErrConflict:
// the log says something else of the run.
func (s *Service) EnterEnd(ctx context.Context, e *UnenteredEnd) (*Late, error) {
	if s.o.Log == nil {
		return nil, errors.New("there is no log")
	}
	entry, err := audit.ParseEntry(e.Item.Leaf)
	if err != nil {
		return nil, err
	}
	if here := s.o.Log.Origin(); entry.Log != here {
		return nil, fmt.Errorf("%w: %s, and this is %s", ErrOtherLog, entry.Log, here)
	}
	end, ok := e.Item.With.(*Ending)
	if !ok {
		return nil, fmt.Errorf("the entry %s has no end of a run", e.Item.ID)
	}
	indexes, err := s.o.Log.Append(ctx, e.Item)
	if err != nil {
		return nil, err
	}
	if n := len(end.Events); n > 0 {
		s.announce(ctx, end.Events[n-1].ID)
	}
	late := &Late{Run: end.Run, Entry: indexes[0]}
	late.Missing = s.proveLate(ctx, e, late)
	return late, nil
}

// proveLate writes beside the output what the run would have written, if the
// output is still what the run wrote.
func (s *Service) proveLate(ctx context.Context, e *UnenteredEnd, late *Late) error {
	receipt, err := s.o.Log.Receipt(ctx, late.Run.ID) // also without a file: it has the entry signed
	if err != nil {
		return fmt.Errorf("prove the run's entry: %w", err)
	}
	if !e.Receipt && !e.Attest {
		return nil
	}
	if err := sameOutput(e.Output, late.Run.OutputDigest); err != nil {
		return err
	}
	made, err := s.writeLate(e, receipt, late)
	if changed := sameOutput(e.Output, late.Run.OutputDigest); changed != nil { // meanwhile: a proof beside it would be another file's
		for file, data := range made {
			if now, err := os.ReadFile(file); err == nil && bytes.Equal(now, data) { // else it is another run's
				changed = errors.Join(changed, os.Remove(file))
			}
		}
		late.Receipt = ""
		return changed
	}
	return err
}

// writeLate writes what belongs beside the output, and says what it wrote.
func (s *Service) writeLate(e *UnenteredEnd, receipt *audit.Receipt, late *Late) (made map[string][]byte, err error) {
	made = map[string][]byte{}
	if e.Receipt {
		file, text := e.Output+ReceiptSuffix, receipt.Encode()
		if err := writeBytes(file, text); err != nil {
			return made, err
		}
		made[file], late.Receipt = text, file
	}
	if !e.Attest {
		return made, nil
	}
	statement, err := s.o.Log.Attest(receipt)
	if errors.Is(err, audit.ErrNotAttested) {
		return made, nil
	}
	file := e.Output + AttestationSuffix
	if err == nil {
		err = writeBytes(file, statement)
	}
	if err != nil {
		return made, fmt.Errorf("attest: %w", err)
	}
	made[file] = statement
	return made, nil
}

// sameOutput wants the file with the digest.
func sameOutput(file, digest string) error {
	if file == "" {
		return errors.New("its output is no file of this machine")
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() { // reading a pipe may never end
		return fmt.Errorf("%s is no regular file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if now := audit.Digest(h.Sum(nil)); now.String() != digest {
		return fmt.Errorf("%s is not what the run wrote any more", file)
	}
	return nil
}

func writeBytes(file string, data []byte) error {
	return durable.WriteFile(file, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
