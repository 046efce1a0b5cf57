package main

import (
	"strings"

	"assay/gitflow/drivers"
)

// asAdded gives the side of a change that is the working tree's own file the
// text that git add would take of it: behind the filter, as the other side is.
// git names that file as it is, to a diff of the index too where the file is
// unchanged, so that outputs would show that are in neither side. The blobs are
// those that git names, zeros or "" for one that it does not know.
//
// Where both sides are files of the user's (git diff --no-index), they stay.
func asAdded(c *drivers.Change, oldBlob, newBlob string) {
	oldOwn, newOwn := c.OldFile == c.Path, c.NewFile == c.NewPath
	switch {
	case oldOwn == newOwn:
	case oldOwn:
		c.OldText = added(c.OldFile, oldBlob)
	default:
		c.NewText = added(c.NewFile, newBlob)
	}
}

// added is the blob, or a file of the working tree behind its filter; nil where
// git has neither: what cannot be filtered shows as it is.
func added(name, blob string) []byte {
	if strings.Trim(blob, "0") != "" {
		if data, err := git("cat-file", "blob", blob); err == nil {
			return data
		}
	}
	data, err := worktreeFile(".", name)
	if err != nil {
		return nil
	}
	return data
}
