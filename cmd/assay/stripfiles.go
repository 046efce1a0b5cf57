package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"assay/internal/durable"
	"assay/nbformat"
	"assay/nbformat/strip"
)

// stripFinding is one thing that goes, as --json prints it: docs/json.md.
type stripFinding struct {
	finding
	ID string `json:"id,omitempty"` // of the cell
}

func (s *stripper) run(ctx context.Context, args []string) error {
	if err := s.settle(); err != nil {
		return err
	}
	s.askGit(ctx)
	if len(args) == 1 && args[0] == "-" {
		return answer(s.pipe)
	}
	if slices.Contains(args, "-") {
		return usage("for example: assay strip - < a.ipynb > b.ipynb", "- stands alone: what comes on stdin goes to stdout")
	}
	if i := slices.IndexFunc(args, s.misplacedType); i >= 0 {
		return usage(`several types are one argument: --keep-output-type "error stream"`, "there is no file %s", args[i])
	}
	files, err := expand(args)
	if err != nil {
		return err
	}
	return answer(func(w *bufio.Writer) error {
		code := exitOK
		for _, name := range files {
			if !s.takes(name) {
				note("assay: %s is passed over: it does not end in .ipynb or .zpln; -f takes it all the same", name)
				continue
			}
			did, err := s.file(w, name)
			if err != nil {
				code = max(code, report(err))
			}
			if did && s.verify {
				code = max(code, exitFailed)
			}
		}
		return said(code)
	})
}

func (s *stripper) takes(name string) bool {
	return s.force || s.textconv || filepath.Ext(name) == ".ipynb" || filepath.Ext(name) == ".zpln"
}

// pipe strips what comes on stdin.
func (s *stripper) pipe(w *bufio.Writer) error {
	if s.json && !s.reports() {
		return usage("leave --json out, or add --dry-run", "the notebook and --json cannot both go to stdout")
	}
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return surroundings(err)
	}
	made, found, err := s.strip("stdin", data)
	switch {
	case err != nil:
		return err
	case !s.reports():
		_, err = w.Write(made)
		return err
	}
	s.say(w, found)
	if s.verify && len(found) > 0 {
		return said(exitFailed)
	}
	return nil
}

// file strips one file and tells whether there was anything to strip.
func (s *stripper) file(w *bufio.Writer, name string) (bool, error) {
	data, as, err := readStamped(name)
	if err != nil {
		return false, surroundings(err)
	}
	made, found, err := s.strip(name, data)
	if err != nil {
		return false, err
	}
	did := len(found) > 0
	switch {
	case s.reports():
		s.say(w, found)
		return did, nil
	case s.textconv:
		_, err = w.Write(made)
		return did, err
	case !did:
		return false, nil
	}
	if err := replace(name, made, as); err != nil {
		return false, err
	}
	if s.json {
		s.say(w, found)
	} else if !s.quiet {
		fmt.Fprintln(w, safeText(name))
	}
	return true, nil
}

// readStamped reads a file, with what the file system said of it before.
func readStamped(name string) ([]byte, fs.FileInfo, error) {
	as, err := os.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(name)
	return data, as, err
}

// replace writes a file that is still as it was read: an editor may have saved it since.
func replace(name string, data []byte, as fs.FileInfo) error {
	err := durable.WriteFileIf(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}, func(now fs.FileInfo) error {
		if now == nil || !now.ModTime().Equal(as.ModTime()) || now.Size() != as.Size() {
			return durable.ErrChanged
		}
		return nil
	})
	if errors.Is(err, durable.ErrChanged) {
		return &exitError{code: exitSurroundings, err: err, hint: "it was left as it is now: strip it again"}
	}
	if err != nil {
		return surroundings(err)
	}
	return nil
}

// strip makes the stripped text, and the list of what went.
func (s *stripper) strip(name string, data []byte) ([]byte, []stripFinding, error) {
	made, r, err := s.bytes(name, data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	var found []stripFinding
	if s.reports() || s.json {
		found = findings(name, r)
	} else if r.Changed {
		found = make([]stripFinding, 1) // nobody asks what it is
	}
	if s.unixNewlines {
		unix := strip.UnixNewlines(made)
		if !bytes.Equal(unix, made) {
			one := finding{Version: 1, File: name, Line: 1, Rule: "line-ends", Message: "line ends with a carriage return"}
			made, found = unix, append(found, stripFinding{finding: one})
		}
	}
	return made, found, nil
}

// bytes strips a text in the form that the flags or the name say it has.
func (s *stripper) bytes(name string, data []byte) ([]byte, strip.Report, error) {
	if s.mode == "zeppelin" || s.mode == "" && filepath.Ext(name) == ".zpln" {
		return strip.Zeppelin(data)
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		return nil, strip.Report{}, err
	}
	s.addKeys()
	r, err := strip.Strip(d, &s.options)
	if err != nil {
		return nil, strip.Report{}, err
	}
	return d.Bytes(), r, nil
}

// findings are in the order of the file's lines.
func findings(name string, r strip.Report) []stripFinding {
	found := make([]stripFinding, len(r.Removed))
	for i, one := range r.Removed {
		f := finding{Version: 1, File: name, Line: one.Line(), Path: one.Path, Rule: string(one.Rule), Message: one.String()}
		if one.Cell >= 0 {
			f.Cell = &one.Cell
		}
		found[i] = stripFinding{f, one.ID}
	}
	slices.SortStableFunc(found, func(a, b stripFinding) int { return a.Line - b.Line })
	return found
}

// say leaves it to w to keep an error.
func (s *stripper) say(w *bufio.Writer, found []stripFinding) {
	for _, f := range found {
		if s.json {
			json.NewEncoder(w).Encode(f)
		} else if !s.quiet {
			printFinding(w, f.finding, false)
		}
	}
}
