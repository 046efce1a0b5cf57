package audit

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// VerifyOptions are what the verifier brings along.
type VerifyOptions struct {
	Keys      []note.Verifier // the logs' keys that the caller trusts: nothing in what is verified adds to them
	Witnesses []note.Verifier // from NewCosignatureVerifier
	Quorum    int             // how many of the witnesses must have cosigned; 0: none need have
	Notebook  []byte          // the output notebook, nil when it is not at hand
}

// Verdict is what verification found, in plain sentences.
type Verdict struct {
	OK        bool      // nothing that was checked is wrong: there are no Problems
	Proved    []string  // what holds
	NotProved []string  // what this proof does not show, and why
	Problems  []Problem // what does not hold
}

// Problem is one thing that does not hold.
type Problem struct {
	Where  string // the part: receipt, entry, proof, checkpoint, payload cells, notebook, tile …
	Cell   int    // the cell's index in the notebook given, from 0; -1 when it is about none
	CellID string // "" without one
	What   string // what is wrong there, in words
}

// String is the problem in a sentence, its cell counted from 1 as people do.
func (p Problem) String() string {
	if p.Cell < 0 {
		return p.Where + ": " + p.What
	}
	return fmt.Sprintf("%s: cell %d%s %s", p.Where, p.Cell+1, called(p.CellID), p.What)
}

func (v *Verdict) problem(where, what string) {
	v.Problems = append(v.Problems, Problem{where, -1, "", what})
}
