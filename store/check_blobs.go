package store

import (
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"assay/audit"
)

// keptBlob is a row of kept.
type keptBlob struct {
	run, name, digest string
	known             bool // the run has a row
}

// home looks for the one name of the database's own folder at the place for blobs.
func (c *check) home() error {
	n := 0
	err := c.each("SELECT id FROM home", func(r *sql.Rows) error {
		var id string
		if err := r.Scan(&id); err != nil {
			return err
		}
		n++
		if err := checkHome(id); err != nil {
			c.wrong("home", id, "%v", err)
		}
		return nil
	})
	if err == nil && n != 1 {
		c.wrong("home", "", "it has %d rows, not 1", n)
	}
	return err
}

// kept reads what runs keep, before entries are held against it.
func (c *check) kept() error {
	c.keeps, c.keepers = map[string][]keptBlob{}, map[string][]keptBlob{}
	return c.each("SELECT k.run, k.name, k.digest, r.id IS NOT NULL FROM kept k LEFT JOIN run r ON r.id = k.run ORDER BY k.run, k.name", func(r *sql.Rows) error {
		var k keptBlob
		if err := r.Scan(&k.run, &k.name, &k.digest, &k.known); err != nil {
			return err
		}
		c.keeps[k.digest] = append(c.keeps[k.digest], k)
		c.keepers[k.run] = append(c.keepers[k.run], k)
		key := k.run + " " + k.name
		switch _, err := audit.ParseDigest(k.digest); {
		case err != nil:
			c.wrong("kept", key, "%v", err)
		case !blobNames[k.name]:
			c.wrong("kept", key, "no run keeps that")
		case !k.known:
			c.wrong("kept", key, "there is no such run")
		}
		return nil
	})
}

// keptOf compares what a run keeps with a payload of its entry. What was
// erased is kept no more.
func (c *check) keptOf(run string, p *part) {
	for _, k := range c.keepers[run] {
		if p.erased {
			for _, name := range blobsOf([]string{p.Name}) {
				if name == k.name {
					c.wrong("kept", run+" "+k.name, "%s was erased, and the blob %s is still kept for it", p.Name, k.digest)
				}
			}
			continue
		}
		if p.Name != k.name {
			continue
		}
		facts, err := audit.ParseFacts([]audit.Payload{p.Payload})
		if err != nil {
			continue // its commitment holds: a newer assay wrote it
		}
		var said audit.Digest
		if facts.Input != nil {
			said = facts.Input.File
		}
		if facts.Output != nil {
			said = facts.Output.File
		}
		if said.String() != k.digest {
			c.wrong("kept", run+" "+k.name, "it is %s, and the run's entry says %s", k.digest, said)
		}
	}
}

// unstated tells what a run keeps that its entry has no payload of. A kill at
// the right moment leaves that, so it is no fault; any erasure of the run takes it.
func (c *check) unstated(run string, commitments []audit.Commitment) {
	for _, k := range c.keepers[run] {
		states := func(p audit.Commitment) bool { return p.Name == k.name }
		if blobNames[k.name] && !slices.ContainsFunc(commitments, states) && len(c.report.Notes) < maxFindings {
			c.report.Notes = append(c.report.Notes, Finding{"kept", run + " " + k.name, "the run's entry does not state the blob " + k.digest + ": any erasure of the run takes it"})
		}
	}
}

// blobs compares each blob with its digest, its size and who keeps it.
func (c *check) blobs() error {
	type known struct {
		digest, place, state string
		size                 int64
	}
	var all []known
	stored := map[string]bool{}
	err := c.each("SELECT digest, place, state, size FROM blob ORDER BY digest, place", func(r *sql.Rows) error {
		var k known
		err := r.Scan(&k.digest, &k.place, &k.state, &k.size)
		all = append(all, k)
		stored[k.digest] = true
		return err
	})
	for _, k := range all {
		d, err := audit.ParseDigest(k.digest)
		switch {
		case err != nil:
			c.wrong("blob", k.digest, "%v", err)
			continue
		case k.state == blobDoomed:
			c.wrong("blob", k.digest, "it was erased, and its bytes may still be there: run assay store scrub")
			continue
		case len(c.keeps[k.digest]) == 0:
			c.wrong("blob", k.digest, "no run keeps it")
		case k.state == blobComing:
			continue // a put that goes on, or was killed: nobody was told that it is there
		case k.state != blobStored:
			c.wrong("blob", k.digest, "nothing is %q", k.state)
			continue
		}
		c.report.Blobs++
		if err := c.blob(d, k.place, k.size); err != nil {
			return err
		}
	}
	for digest, by := range c.keeps {
		if !stored[digest] {
			c.wrong("kept", by[0].run+" "+by[0].name, "its blob %s has no row", digest)
		}
	}
	return err
}

// blob reads one blob through.
func (c *check) blob(d audit.Digest, place string, size int64) error {
	if c.s.blobs == nil {
		c.wrong("blob", d, "it was kept %s: %v", placeName(place), ErrNoBlobs)
		return nil
	}
	n, err := c.s.readBlob(c.ctx, d, io.Discard)
	switch {
	case c.ctx.Err() != nil:
		return c.ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		// Not of the moment that is looked at: it may have been erased since.
		var state string
		if live := c.s.one(c.ctx, "SELECT state FROM blob WHERE digest = ? AND place = ?", []any{d.String(), place}, &state); noRow(live) || live == nil && state != blobStored {
			return nil
		}
		var runs []string
		for _, k := range c.keeps[d.String()] {
			runs = append(runs, "the "+k.name+" of run "+k.run)
		}
		c.wrong("blob", d, "it is gone: %s was kept %s, and this store's place is %s (%v)", strings.Join(runs, " and "), placeName(place), placeName(c.s.blobs.place()), err)
	case err != nil:
		c.wrong("blob", d, "%v", err)
	case n != size:
		c.wrong("blob", d, "it has %d bytes, its row says %d", n, size)
	}
	return nil
}
