// Package nbdiff says what changed between two notebooks, cell by cell, and puts
// changes together: cells are paired by what they hold, a moved cell is a move,
// and the same two notebooks always give the same bytes.
package nbdiff

import (
	"fmt"

	"assay/nbformat"
	"assay/nbformat/upgrade"
)

// Parts is a set of the parts of a notebook that a diff looks at.
type Parts uint8

// The parts, named as nbdiff names its flags.
const (
	Sources     Parts = 1 << iota
	Outputs           // what code cells gave
	Attachments       // of markdown and raw cells
	Metadata          // of the notebook, its cells and their outputs
	IDs               // of cells
	Details           // execution counts
	All         = Sources | Outputs | Attachments | Metadata | IDs | Details
)

// Options say what a diff looks at; nil and the zero value are everything, of
// which IDs and Details make no change by themselves.
type Options struct {
	Ignore Parts // these are not looked at
	Ask    Parts // of IDs and Details: these make a change too
}

func (o *Options) looked() Parts {
	if o == nil {
		return All
	}
	return All &^ o.Ignore
}

func (o *Options) counted() Parts {
	quiet := IDs | Details
	if o != nil {
		quiet &^= o.Ask
	}
	return o.looked() &^ quiet
}

// Current is the notebook in a form that can be compared: d itself if it is of
// nbformat 4, else d upgraded.
func Current(d *nbformat.Document) (*nbformat.Document, error) {
	if d.Major() >= 4 {
		return d, nil
	}
	up, err := upgrade.Upgrade(d)
	if err != nil {
		return nil, fmt.Errorf("compare a notebook of nbformat %d: %w", d.Major(), err)
	}
	return up, nil
}
