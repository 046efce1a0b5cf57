package store

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"

	"assay/audit"

	"golang.org/x/mod/sumdb/tlog"
)

// entries rebuilds the tree from the leaves, and holds each entry against what
// stands beside it.
func (c *check) entries() error {
	c.tile = map[tileID]audit.Digest{}
	tree := &audit.Frontier{Full: func(t tlog.Tile, data []byte) {
		c.tile[tileID{int64(t.L), t.N}] = sha256.Sum256(data)
	}}
	note := func() {
		if _, wanted := c.roots[c.size]; wanted {
			c.roots[c.size] = tree.Root()
		}
	}
	note()
	err := c.each(`SELECT e.idx, e.id, e.leaf, e.commitments, p.data, r.state FROM entry e
		LEFT JOIN payload p ON p.idx = e.idx LEFT JOIN run r ON r.id = e.id ORDER BY e.idx`, func(r *sql.Rows) error {
		var e entryRow
		if err := r.Scan(&e.index, &e.id, &e.leaf, &e.commitments, &e.payloads, &e.state); err != nil {
			return err
		}
		for ; c.size < e.index; c.size++ {
			c.wrong("entry", c.size, "it is missing")
			tree.Add(tlog.Hash{})
		}
		if e.index < c.size {
			c.wrong("entry", e.index, "there are two entries of that index")
			return nil
		}
		c.entry(&e)
		tree.Add(tlog.RecordHash(e.leaf))
		c.size++
		c.report.Entries++
		note()
		return nil
	})
	tree.Partial(func(t tlog.Tile, data []byte) {
		if t.L > 0 { // the last of level 0 is not kept
			c.tile[tileID{int64(t.L), t.N}] = sha256.Sum256(data)
		}
	})
	return err
}

type entryRow struct {
	index                       int64
	id                          string
	leaf, commitments, payloads []byte
	state                       sql.NullString
}

func (c *check) entry(row *entryRow) {
	e, err := audit.ParseEntry(row.leaf)
	if err != nil {
		c.wrong("entry", row.index, "%v", err)
		return
	}
	commitments, err := decodeCommitments(row.commitments)
	switch {
	case err != nil:
		c.wrong("entry", row.index, "commitments: %v", err)
	case e.ID != row.id:
		c.wrong("entry", row.index, "its id is %q, its text says %q", row.id, e.ID)
	case e.Log != c.nameAt(row.index):
		c.wrong("entry", row.index, "it is of the log %q, which was called %q then", e.Log, c.nameAt(row.index))
	case len(commitments) > 0 && audit.FactsDigest(commitments) != e.Facts, len(commitments) == 0 && e.Facts != audit.Digest{}:
		c.wrong("entry", row.index, "its commitments have the digest %s, its text says %s", audit.FactsDigest(commitments), e.Facts)
	}
	c.act(e)
	c.payload(row, commitments)
	if err == nil {
		c.unstated(row.id, commitments)
	}
	if e.Kind != audit.KindRun {
		return
	}
	switch {
	case !row.state.Valid:
		c.wrong("entry", row.index, "run %s has no row", row.id)
	case row.state.String != e.State:
		c.wrong("run", row.id, "its state is %q, its entry says %q", row.state.String, e.State)
	}
}

// act notes what an entry says was erased.
func (c *check) act(e *audit.Entry) {
	if e.Kind != audit.KindErased {
		return
	}
	names := c.acts[e.Subject]
	if names == nil {
		names = map[string]bool{}
		c.acts[e.Subject] = names
	}
	for _, n := range e.Names {
		names[n] = true
	}
}

// payload compares what is kept of an entry's payloads with its commitments.
func (c *check) payload(row *entryRow, commitments []audit.Commitment) {
	if row.payloads == nil {
		if len(commitments) > 0 {
			c.wrong("payload", row.index, "it is missing")
		}
		return
	}
	parts, err := c.s.openPayloads(row.id, row.payloads)
	if err != nil {
		c.wrong("payload", row.index, "%v", err)
		return
	}
	if len(parts) != len(commitments) {
		c.wrong("payload", row.index, "there are %d, and the entry commits to %d", len(parts), len(commitments))
		return
	}
	c.report.Payloads += int64(len(parts))
	for i, p := range parts {
		c.keptOf(row.id, &p)
		switch {
		case p.Name != commitments[i].Name:
			c.wrong("payload", row.index, "number %d is %q, and the entry commits to %q there", i, p.Name, commitments[i].Name)
		case p.erased:
			c.report.Erased++
			c.empty[row.id] = true
			c.emptied = append(c.emptied, emptied{row.index, row.id, p.Name})
			if p.Salt != [32]byte{} || slices.ContainsFunc(p.Data, func(b byte) bool { return b != 0 }) {
				c.wrong("payload", row.index, "%s counts as erased, and is still there", p.Name)
			}
		case p.Commitment() != commitments[i].Digest:
			c.wrong("payload", row.index, "%s has the commitment %s, the entry %s", p.Name, p.Commitment(), commitments[i].Digest)
		default:
			c.fact(row, p.Payload)
		}
	}
}

// fact keeps what other tables will be held against.
func (c *check) fact(row *entryRow, p audit.Payload) {
	if p.Name != audit.PayloadResult && p.Name != audit.PayloadEvents {
		return
	}
	facts, err := audit.ParseFacts([]audit.Payload{p})
	if err != nil {
		return // its commitment holds: a newer assay wrote it
	}
	f := c.facts[row.id]
	if p.Name == audit.PayloadResult {
		f.result = &facts.Result
	} else {
		f.events = &facts.Events
	}
	c.facts[row.id] = f
}

// payloads compares erasures with the acts that the log has of them.
func (c *check) payloads() error {
	for _, e := range c.emptied {
		if !c.acts[e.id][e.name] {
			c.wrong("payload", e.index, "%s is erased, and no entry says so", e.name)
		}
		delete(c.acts[e.id], e.name)
	}
	err := c.each(`SELECT e.id, e.commitments, e.idx FROM entry e ORDER BY e.idx`, func(r *sql.Rows) error {
		var id string
		var b []byte
		var index int64
		if err := r.Scan(&id, &b, &index); err != nil {
			return err
		}
		commitments, _ := decodeCommitments(b) // entries has said it
		for _, p := range commitments {
			if c.acts[id][p.Name] {
				c.wrong("payload", index, "an entry says that %s was erased, and it is still there", p.Name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.each("SELECT p.idx FROM payload p LEFT JOIN entry e ON e.idx = p.idx WHERE e.idx IS NULL ORDER BY p.idx", func(r *sql.Rows) error {
		var index int64
		err := r.Scan(&index)
		c.wrong("payload", index, "there is no such entry")
		return err
	})
}

func (c *check) tiles() error {
	err := c.each("SELECT level, n, data FROM tile ORDER BY level, n", func(r *sql.Rows) error {
		var id tileID
		var data []byte
		if err := r.Scan(&id.level, &id.n, &data); err != nil {
			return err
		}
		c.report.Tiles++
		want, ok := c.tile[id]
		switch {
		case !ok:
			c.wrong("tile", id, "the tree has no such tile")
		case audit.DigestBytes(data) != want:
			c.wrong("tile", id, "its hashes are not those of the entries")
		}
		delete(c.tile, id)
		return nil
	})
	for id := range c.tile {
		c.wrong("tile", id, "it is missing")
	}
	return err
}

func (id tileID) String() string { return fmt.Sprintf("%d/%d", id.level, id.n) }
