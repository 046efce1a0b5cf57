package nbformat

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// SyntaxError says where a file stops being JSON.
type SyntaxError struct {
	Offset       int64  // in bytes, from 0
	Line, Column int    // from 1; the column counts characters
	Msg          string // what is wrong there
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not JSON: line %d column %d: %s", e.Line, e.Column, e.Msg)
}

// NotNotebookError says why a JSON text is not a notebook.
type NotNotebookError struct {
	Msg  string
	Line int // of the value that is wrong, 0 when it is missing
}

func (e *NotNotebookError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("not a notebook: line %d: %s", e.Line, e.Msg)
	}
	return "not a notebook: " + e.Msg
}

// UnsupportedVersionError is a notebook of a major version that nobody knows.
type UnsupportedVersionError struct {
	Version string // as it stands in the file
	Line    int
}

func (e *UnsupportedVersionError) Error() string {
	return fmt.Sprintf("line %d: nbformat %s is not supported: versions 1 to 4 are", e.Line, e.Version)
}

// OldVersionError refuses to edit a notebook of a version before 4.
type OldVersionError struct {
	Major int
}

func (e *OldVersionError) Error() string {
	return fmt.Sprintf("a notebook of nbformat %d can only be read: upgrade it to nbformat 4 first", e.Major)
}

// LimitError is a file that is larger or deeper than the caller allows.
type LimitError struct {
	What  string // "bytes" or "depth"
	Limit int64
	Line  int // where the depth is passed, 0 for bytes
}

func (e *LimitError) Error() string {
	if e.What == "depth" {
		return fmt.Sprintf("line %d: JSON nested deeper than %d levels", e.Line, e.Limit)
	}
	return fmt.Sprintf("the file is larger than %d bytes", e.Limit)
}

func syntaxError(b []byte, off int, msg string) *SyntaxError {
	off = min(off, len(b))
	line := bytes.Count(b[:off], newline) + 1
	start := bytes.LastIndexByte(b[:off], '\n') + 1
	return &SyntaxError{Offset: int64(off), Line: line, Column: utf8.RuneCount(b[start:off]) + 1, Msg: msg}
}

var newline = []byte("\n")
