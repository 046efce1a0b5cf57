package strip

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/nbformat"
)

// stripped is what Strip makes of a text, with what it says went.
func stripped(t *testing.T, text string, o *Options) (string, []string) {
	t.Helper()
	d, err := nbformat.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Strip(d, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Changed != (len(r.Removed) > 0) || r.Changed == (string(d.Bytes()) == text) {
		t.Errorf("changed is %v, with %d removals", r.Changed, len(r.Removed))
	}
	var said []string
	for _, one := range r.Removed {
		said = append(said, one.where()+one.String())
	}
	return string(d.Bytes()), said
}

const small = `{
  "nbformat": 4, "nbformat_minor": 5,
  "metadata": {"widgets": {"x": 1}, "kernelspec": {"name": "python3"}},
  "cells": [
    {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# é"},
    {"cell_type": "code", "id": "b", "metadata": {"scrolled": true, "tags": ["x"]},
     "execution_count": 3,
     "outputs": [
       {"output_type": "stream", "name": "stdout", "text": "hi"}
     ],
     "source": ["1"]}
  ]
}`

func TestStrip(t *testing.T) {
	t.Parallel()
	got, said := stripped(t, small, nil)
	want := `{
  "nbformat": 4, "nbformat_minor": 5,
  "metadata": {"kernelspec": {"name": "python3"}},
  "cells": [
    {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# é"},
    {"cell_type": "code", "id": "b", "metadata": {"tags": ["x"]},
     "execution_count": null,
     "outputs": [],
     "source": ["1"]}
  ]
}`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	wantSaid := []string{
		"3: metadata.widgets",
		"8: cell 2 (b): 1 output: stream",
		"7: cell 2 (b): execution_count 3",
		"6: cell 2 (b): metadata.scrolled",
	}
	if d := cmp.Diff(wantSaid, said); d != "" {
		t.Error(d)
	}
	if again, said := stripped(t, got, nil); again != got || said != nil {
		t.Errorf("again: %s %q", again, said)
	}
}

// where is the line and the cell of a removal, for tests to show.
func (r Removal) where() string {
	if r.Cell < 0 {
		return fmt.Sprintf("%d: ", r.Line())
	}
	return fmt.Sprintf("%d: cell %d (%s): ", r.Line(), r.Cell+1, r.ID)
}
