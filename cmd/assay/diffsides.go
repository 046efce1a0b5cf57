package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"assay/nbdiff"
	"assay/nbformat"
)

// notebookPair is two notebooks to compare, of nbformat 4.
type notebookPair struct {
	a, b         *nbformat.Document
	nameA, nameB string
	tracked      bool // git named it
}

// devNull is the name that git and diff have for a side that is not there.
const devNull = "/dev/null"

// name is what the pair is called in a heading: the new name, without git's b/;
// of a notebook that is gone, the old one.
func (p *notebookPair) name() string {
	name, prefix := p.nameB, "b/"
	if name == devNull {
		name, prefix = p.nameA, "a/"
	}
	if p.tracked {
		name = strings.TrimPrefix(name, prefix)
	}
	return name
}

// eachPair calls do for each two notebooks that the arguments mean, and failed
// for those that cannot be read when others can.
func (f *diffFlags) eachPair(args []string, dash int, do func(*notebookPair) error, failed func(error)) error {
	if dash < 0 && len(args) == 2 && !f.cached && isSide(args[0]) && isSide(args[1]) {
		if args[0] == "-" && args[1] == "-" {
			return usage("give a file for one of them", "both sides are stdin")
		}
		a, err := readSide(args[0])
		if err != nil {
			return err
		}
		b, err := readSide(args[1])
		if err != nil {
			return err
		}
		return do(&notebookPair{a: a, b: b, nameA: args[0], nameB: args[1]})
	}
	if _, err := git("rev-parse", "--git-dir"); err != nil {
		return outsideOf(err, args)
	}
	revs, paths, err := splitRevisions(args, dash)
	if err != nil {
		return err
	}
	return f.eachTracked(revs, paths, do, failed)
}

// outsideOf is the error of arguments that only a repository could give a meaning.
func outsideOf(err error, args []string) error {
	if code, _ := classify(err); code == exitSurroundings {
		return err
	}
	for _, name := range args {
		if !isSide(name) {
			return usage("name two notebooks, or go into a repository", "%s is no file, and here is no git repository for a revision", name)
		}
	}
	return usage("name two notebooks, or go into a repository", "here is no git repository to compare with")
}

// isSide says whether an argument is a notebook and not a revision.
func isSide(name string) bool {
	if name == "-" || name == devNull {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

func readSide(name string) (*nbformat.Document, error) {
	if name == devNull {
		return emptySide()
	}
	data, err := readInput(name)
	if err != nil {
		return nil, err
	}
	return parseSide(name, data)
}

// emptySide stands for a notebook that is not there.
func emptySide() (*nbformat.Document, error) {
	return nbformat.Parse([]byte(`{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}`))
}

// parseSide reads a notebook of any version; an empty file is one without cells.
func parseSide(name string, data []byte) (*nbformat.Document, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return emptySide()
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
		if bytes.HasPrefix(data, []byte("<<<<<<< ")) || bytes.Contains(data, []byte("\n<<<<<<< ")) {
			return nil, usage("resolve the conflict first; git show :2:FILE and git show :3:FILE print its two sides", "%w (it holds the marks of a merge conflict)", err)
		}
		return nil, err
	}
	if d, err = nbdiff.Current(d); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

// answerTo is answer for what takes a plain writer.
func answerTo(write func(w io.Writer) error) error {
	return answer(func(w *bufio.Writer) error { return write(w) })
}
