package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events"
	"assay/internal/durable"
	"assay/runs"
)

// ends keeps the ends of runs that could not be entered in the log, a file
// each, sealed as the store seals what it keeps: docs/store.md.
type ends struct{ conf *config }

var _ runs.EndKeeper = ends{}

// enterFor is how long a run's end goes on trying to be entered; 0: as runs has it.
var enterFor time.Duration

// endFile is the JSON of such a file.
type endFile struct {
	Version int    `json:"version"`
	Run     string `json:"run"`
	Digest  string `json:"digest"` // of End
	End     []byte `json:"end"`    // what runs writes, sealed by the codec
}

// maxEnd is the largest such file. Payloads of 256 MiB, which is as much as a
// line of an export may have, fit: in base64 of base64, and the parameters
// among them once more in the row.
const maxEnd = 1 << 30

const endSuffix = ".json"

func endsDir() string { return filepath.Join(stateDir(), "unentered") }

func endPath(run string) string { return filepath.Join(endsDir(), run+endSuffix) }

// endBinding stands for the columns that the codec binds its bytes to.
func endBinding(run string) events.Event {
	return events.Event{ID: run, Type: "data.unentered.run", Source: "assay/run"}
}

// KeepEnd implements runs.EndKeeper.
func (k ends) KeepEnd(e *runs.UnenteredEnd) (string, error) {
	plain, err := e.Encode()
	if err != nil {
		return "", err
	}
	codec, err := k.conf.codec()
	if err != nil {
		return "", err
	}
	f := endFile{Version: runs.EndVersion, Run: e.Item.ID}
	if f.End, err = codec.Seal(endBinding(f.Run), plain); err != nil {
		return "", err
	}
	f.Digest = audit.DigestBytes(f.End).String()
	text, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	if len(text) > maxEnd {
		return "", fmt.Errorf("the end of the run %s takes %d bytes, more than would be read again", f.Run, len(text))
	}
	if err := os.MkdirAll(endsDir(), 0o700); err != nil {
		return "", err
	}
	if err := durable.SyncDir(stateDir()); err != nil { // the folder may be new, here or in another process
		return "", err
	}
	name := endPath(f.Run)
	err = durable.WritePrivate(name, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return "", err
	}
	return name, nil
}

// ForgetEnd implements runs.EndKeeper.
func (ends) ForgetEnd(run string) { _ = os.Remove(endPath(run)) }

// EndKept implements runs.EndKeeper. A file that cannot be read may have the
// end all the same, and so may a folder that cannot, or that others may change.
func (ends) EndKept(run string) bool {
	err := trustEnds()
	if err == nil {
		_, err = os.Lstat(endPath(run))
	}
	return !errors.Is(err, fs.ErrNotExist)
}

// endIsThere tells whether a run's end is kept for certain, which is what people are told.
func endIsThere(run string) bool {
	_, err := os.Lstat(endPath(run))
	return err == nil
}

// read reads the end of a run. What is wrong with a file changes nothing about it.
func (k ends) read(run string) (*runs.UnenteredEnd, error) {
	text, err := readEnd(endPath(run))
	if err != nil {
		return nil, err
	}
	f, err := parseEnd(text)
	if err != nil {
		return nil, err
	}
	if f.Run != run {
		return nil, fmt.Errorf("it is the end of the run %q", f.Run)
	}
	codec, err := k.conf.codec()
	if err != nil {
		return nil, err
	}
	plain, err := codec.Open(endBinding(run), f.End)
	if err != nil {
		return nil, fmt.Errorf("unseal it: %w", err)
	}
	e, err := runs.ParseUnenteredEnd(plain)
	if err == nil && e.Item.ID != run {
		err = fmt.Errorf("what is sealed in it is the end of the run %q", e.Item.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	return e, nil
}

// errNoFile says that there is something else in a file's place.
var errNoFile = errors.New("it is no regular file")

func readEnd(name string) ([]byte, error) {
	f, err := openEnd(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat() // of what is open: the name may have another file by now
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNoFile
	case info.Size() > maxEnd:
		return nil, fmt.Errorf("it has %d bytes, more than any has", info.Size())
	}
	if err := ownEnd(info); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxEnd))
}

// trustEnds wants the folder of the ends to be one, and this user's alone.
func trustEnds() error {
	info, err := os.Lstat(endsDir())
	if err != nil {
		return err
	}
	if err = ownEnd(info); !info.IsDir() {
		err = errors.New("it is no folder")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", endsDir(), err)
	}
	return nil
}

// keptEnds lists the folder of the ends; without a folder there are none.
func keptEnds() (entries []fs.DirEntry, err error) {
	if err = trustEnds(); err == nil {
		entries, err = os.ReadDir(endsDir())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// parseEnd looks at the version first: what else a newer one has cannot be known.
func parseEnd(text []byte) (*endFile, error) {
	var v struct{ Version int }
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	if v.Version != runs.EndVersion {
		return nil, fmt.Errorf("its version %d is not known here: a newer assay may know it", v.Version)
	}
	f := &endFile{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	if f.Digest != audit.DigestBytes(f.End).String() {
		return nil, errors.New("it is damaged: it has another digest than it states")
	}
	return f, nil
}

// enterEnds enters the ends that are kept, the oldest first. A file that is no
// use now stays, and keeps its run from being called interrupted.
func (s *state) enterEnds(ctx context.Context, svc *runs.Service, say func(format string, args ...any)) {
	entries, err := keptEnds()
	if err != nil {
		say("warning: the ends of runs that are not in the log cannot be looked for: %v; meanwhile no interrupted run is entered", err)
	}
	for _, e := range entries {
		run, ok := strings.CutSuffix(e.Name(), endSuffix)
		if !ok || strings.HasPrefix(run, ".") {
			sweepEnd(e)
			continue
		}
		refused, err := s.enterEnd(ctx, svc, run, say)
		if err == nil {
			continue
		}
		say("warning: the end of a run in %s cannot be entered in the log: %v; it stays there, and the run is not entered as interrupted", endPath(run), err)
		if refused && !s.answers(ctx) {
			return // nor would it take the others
		}
	}
}

// answers tells whether the database does, so that what it refused is to blame.
func (s *state) answers(ctx context.Context) bool {
	_, err := s.store.Size(ctx)
	return err == nil
}

// abandoned is how old a file is that nobody writes any more.
const abandoned = time.Hour

// sweepEnd removes what a process that was killed left of a file in the making.
func sweepEnd(e fs.DirEntry) {
	if !strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), ".tmp") {
		return
	}
	if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > abandoned {
		_ = os.Remove(filepath.Join(endsDir(), e.Name()))
	}
}

// eraseEnds removes whatever there is of the end of a run that was erased.
func eraseEnds(run string) (removed int, err error) {
	entries, err := os.ReadDir(endsDir())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	for _, e := range entries {
		if !strings.HasPrefix(strings.TrimPrefix(e.Name(), "."), run+".") {
			continue
		}
		switch gone := os.Remove(filepath.Join(endsDir(), e.Name())); {
		case gone == nil:
			removed++
			note("removed %s, in which the run's end was kept", filepath.Join(endsDir(), e.Name()))
		case !errors.Is(gone, fs.ErrNotExist):
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return removed, &exitError{code: exitSurroundings, err: fmt.Errorf("the log has erased it, and a file with the end of the run is still there: %w", err), hint: "remove it: " + filepath.Join(endsDir(), run+".*")}
	}
	return removed, nil
}

// enterEnd enters one end. refused: the end is whole, and the log did not take it.
func (s *state) enterEnd(ctx context.Context, svc *runs.Service, run string, say func(format string, args ...any)) (refused bool, err error) {
	e, err := ends{s.conf}.read(run)
	if errors.Is(err, fs.ErrNotExist) { // another process was faster
		return false, nil
	}
	if err != nil {
		return false, err
	}
	late, err := svc.EnterEnd(ctx, e)
	if errors.Is(err, ledger.ErrConflict) {
		return false, setAside(run, err, say)
	}
	if err != nil {
		return !errors.Is(err, runs.ErrOtherLog), err
	}
	ends{}.ForgetEnd(run)
	say("the end of run %s of %s is entered in the log now: %s, entry %d; its receipt: %s", run, orNone(late.Run.Input), late.Run.State, late.Entry, receiptOf(late))
	return false, nil
}

// receiptOf says where the receipt of a run that was entered late is, or how to have it.
func receiptOf(late *runs.Late) string {
	prove := "assay log prove " + late.Run.ID
	switch {
	case late.Receipt != "" && late.Missing != nil:
		return fmt.Sprintf("%s (not all of it is beside the output: %v)", late.Receipt, late.Missing)
	case late.Receipt != "":
		return late.Receipt
	case late.Missing != nil:
		return fmt.Sprintf("%s prints it (it is not beside the output: %v)", prove, late.Missing)
	}
	return prove + " prints it"
}

// setAside keeps an end that the log contradicts under another name: an older
// assay may have entered the run as interrupted.
func setAside(run string, why error, say func(format string, args ...any)) error {
	name := strings.TrimSuffix(endPath(run), endSuffix) + ".conflict-" + randomHex(4)
	if err := os.Rename(endPath(run), name); err != nil {
		if errors.Is(err, fs.ErrNotExist) { // another process was faster
			return nil
		}
		return err
	}
	say("warning: the log says something else of the run %s than its end, which is now in %s: %v", run, name, why)
	return nil
}
