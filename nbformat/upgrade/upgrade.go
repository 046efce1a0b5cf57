// Package upgrade turns a notebook of any nbformat into one of nbformat 4.5, as
// Python's nbformat does but for the cell ids: those come from the content. In
// a notebook that is one already it mends the ids.
package upgrade

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"assay/nbformat"
)

const minor = 5

// Upgrade is the notebook as nbformat 4.5; d stays as it is. A notebook of
// nbformat 4 keeps its bytes but for version and ids, an older one is written
// anew in canonical form. Of ids that are there already those stay which are
// valid and the first of their kind. A notebook of 4.5 or a later minor version
// keeps its version, and its bytes where no id is missing.
func Upgrade(d *nbformat.Document) (*nbformat.Document, error) {
	data := d.Bytes()
	if d.Major() < 4 {
		text, err := fromOld(d)
		if err != nil {
			return nil, fmt.Errorf("upgrade from nbformat %d: %w", d.Major(), err)
		}
		data = text
	}
	up, err := nbformat.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("upgrade from nbformat %d: %w", d.Major(), err)
	}
	if up.Minor() < minor {
		if err := up.SetVersion(4, minor); err != nil {
			return nil, fmt.Errorf("upgrade: %w", err)
		}
	}
	return up, setIDs(up)
}

// setIDs gives an id to every cell that has no valid one of its own: of cells
// that share one the first keeps it.
func setIDs(d *nbformat.Document) error {
	taken := map[string]bool{}
	keeps := make([]bool, d.Len())
	for i, c := range d.Cells() {
		if id := c.ID(); valid(id) && !taken[id] {
			taken[id], keeps[i] = true, true
		}
	}
	for i, c := range d.Cells() {
		if keeps[i] {
			continue
		}
		id := newID(c, taken)
		taken[id] = true
		if err := c.SetID(id); err != nil {
			return fmt.Errorf("upgrade: %w", err)
		}
	}
	return nil
}

// newID is made from the cell's type and source, and from a count where cells are alike.
func newID(c *nbformat.Cell, taken map[string]bool) string {
	for try := 0; ; try++ {
		sum := sha256.Sum256([]byte(c.Type() + "\x00" + c.Source() + "\x00" + strconv.Itoa(try)))
		if id := hex.EncodeToString(sum[:4]); !taken[id] {
			return id
		}
	}
}

func valid(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
