package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"assay/executor"
	"assay/nbformat"
	"assay/notebooks"
	"assay/runs"
)

// The exit codes of design.md: docs/run-states.md has them for users.
const (
	exitOK           = 0
	exitFailed       = 1 // the notebook failed, timed out or is incomplete; a check said no
	exitUsage        = 2 // flags, parameters, a file that is not a notebook
	exitSurroundings = 3 // no kernel, no server, no disk
	exitInterrupted  = 130
	exitKernelLost   = 138
	exitTerminated   = 143
)

// exitError ends the program with a code. A nil Err has been said already.
type exitError struct {
	code int
	hint string
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage is a mistake of the caller's, with what to type instead.
func usage(hint, format string, args ...any) error {
	return &exitError{code: exitUsage, hint: hint, err: fmt.Errorf(format, args...)}
}

// surroundings is a failure of the machine, the network or the disk.
func surroundings(err error) error {
	return &exitError{code: exitSurroundings, err: err, hint: fileHint(err, "")}
}

// fileHint is what to do about a file that cannot be had; folder is the one
// that a file was to be written to, "" where nothing was written.
func fileHint(err error, folder string) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "the user that assay runs as may not: change the permissions, or name another file"
	case errors.Is(err, syscall.EROFS):
		return "the disk is mounted read-only: name another place"
	case folder != "" && folder != "." && errors.Is(err, fs.ErrNotExist):
		return "make the folder: mkdir -p " + folder
	}
	return ""
}

// inputHint is what to do about an input that cannot be had.
func inputHint(err error, ref string) string {
	if name, local := notebooks.IsLocal(ref); local && ref != "" && !filepath.IsAbs(name) && errors.Is(err, fs.ErrNotExist) {
		if dir, err := os.Getwd(); err == nil {
			return "it was looked for in " + dir
		}
	}
	return fileHint(err, "")
}

// said ends the program with a code and without another word.
func said(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

// report says what failed and what to do next, and returns the exit code.
func report(err error) int {
	if err == nil {
		return exitOK
	}
	code, hint := classify(err)
	var e *exitError
	if errors.As(err, &e) && e.err == nil {
		return code
	}
	note("assay: %v", err)
	if hint != "" {
		note("hint: %s", hint)
	}
	return code
}

// classify is the one table from errors to exit codes.
func classify(err error) (code int, hint string) {
	var (
		exit    *exitError
		run     *runs.Error
		kernel  *executor.ExitError
		pathErr *os.PathError
	)
	switch {
	case errors.As(err, &exit):
		return exit.code, exit.hint
	case errors.As(err, &run):
		return codeOfReason(run.Reason, err), run.Hint
	case notANotebook(err):
		return exitUsage, ""
	case errors.As(err, &kernel), errors.As(err, &pathErr), errors.Is(err, syscall.ENOSPC):
		return exitSurroundings, fileHint(err, "")
	default:
		return exitUsage, ""
	}
}

// codeOfReason is the exit code of a run that did not start.
func codeOfReason(reason string, err error) int {
	switch reason {
	case runs.ReasonParameters, runs.ReasonUsage:
		return exitUsage
	case runs.ReasonInput:
		if notANotebook(err) {
			return exitUsage
		}
		return exitSurroundings
	default:
		return exitSurroundings
	}
}

// codeOfRun is the exit code of a run that ended.
func codeOfRun(r *runs.Run, caught syscall.Signal) int {
	switch r.State {
	case executor.RunSucceeded:
		return exitOK
	case executor.RunCancelled:
		if caught != 0 {
			return 128 + int(caught)
		}
		return exitInterrupted
	case executor.RunKernelLost:
		return exitKernelLost
	case executor.RunNotStarted:
		return codeOfReason(r.Reason, r.Err)
	case executor.RunFailed:
		if r.Err != nil || r.Reason == runs.ReasonDiskFull || r.Reason == runs.ReasonOutput {
			return exitSurroundings
		}
		return exitFailed
	default:
		return exitFailed
	}
}

// notANotebook tells whether the bytes themselves are at fault.
func notANotebook(err error) bool {
	var (
		syntax  *nbformat.SyntaxError
		notNB   *nbformat.NotNotebookError
		version *nbformat.UnsupportedVersionError
		limit   *nbformat.LimitError
	)
	return errors.As(err, &syntax) || errors.As(err, &notNB) || errors.As(err, &version) || errors.As(err, &limit)
}
