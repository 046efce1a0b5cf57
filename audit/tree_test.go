package audit

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Every size up to 600 and some around the places where a second and third
// level of tiles begin: roots and tiles are tlog's own.
func TestFrontier(t *testing.T) {
	t.Parallel()
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, n := range indexes {
			out[i] = hashes[n]
		}
		return out, nil
	})
	check := func(tile tlog.Tile, data []byte) {
		want, err := tlog.ReadTileData(tile, reader)
		if err != nil || !bytes.Equal(want, data) {
			t.Fatalf("tile %v differs, %v", tile, err)
		}
	}
	f := Frontier{Full: check}
	full := 0
	f.Full = func(tile tlog.Tile, data []byte) { full++ } // its hashes are in the reader only after Add
	for n := int64(0); n < 1<<16+300; n++ {
		leaf := fmt.Appendf(nil, "leaf %d", n)
		stored, err := tlog.StoredHashes(n, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, stored...)
		if n%256 == 255 {
			f.Full = func(tile tlog.Tile, data []byte) { full++; check(tile, data) }
		}
		f.Add(tlog.RecordHash(leaf))
		size := n + 1
		if size > 600 && size&255 > 1 && size < 1<<16-3 {
			continue
		}
		want, err := tlog.TreeHash(size, reader)
		if err != nil || f.Root() != want || f.Size() != size {
			t.Fatalf("size %d: root %v, want %v, %v", size, f.Root(), want, err)
		}
		listed := map[tlog.Tile]bool{}
		for _, tile := range tlog.NewTiles(TileHeight, n, size) {
			listed[tile] = true
		}
		f.Partial(func(tile tlog.Tile, data []byte) {
			check(tile, data)
			delete(listed, tile)
		})
		for tile := range listed {
			if tile.W != 256 {
				t.Fatalf("size %d: no tile %v", size, tile)
			}
		}
	}
	if want := 256 + 1 + 1; full != want {
		t.Errorf("%d complete tiles, want %d", full, want)
	}
	var empty Frontier
	if root, _ := tlog.TreeHash(0, reader); empty.Root() != root {
		t.Errorf("the root of nothing is %v, tlog has %v", empty.Root(), root)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ got, want string }{
		{TilePath(tlog.Tile{H: 8, L: 0, N: 0, W: 256}), "tile/0/000"},
		{TilePath(tlog.Tile{H: 8, L: 3, N: 1234067, W: 5}), "tile/3/x001/x234/067.p/5"},
		{TilePath(tlog.Tile{H: 8, L: 8, N: 1, W: 256}), "tile/8/001"},
		{EntriesPath(0, 256), "tile/entries/000"},
		{EntriesPath(1000, 1), "tile/entries/x001/000.p/1"},
	} {
		if test.got != test.want {
			t.Errorf("path %s, want %s", test.got, test.want)
		}
	}
}

func TestBundle(t *testing.T) {
	t.Parallel()
	var bundle []byte
	leaves := [][]byte{{}, []byte("a"), bytes.Repeat([]byte("x"), MaxLeaf)}
	for _, l := range leaves {
		var err error
		if bundle, err = AppendLeaf(bundle, l); err != nil {
			t.Fatal(err)
		}
	}
	got, err := SplitBundle(bundle)
	if err != nil || len(got) != 3 || !bytes.Equal(got[2], leaves[2]) || !bytes.Equal(got[1], leaves[1]) {
		t.Errorf("%d leaves, %v", len(got), err)
	}
	for _, bad := range [][]byte{bundle[:len(bundle)-1], bundle[:1], bundle[:4]} {
		if _, err := SplitBundle(bad); err == nil {
			t.Errorf("%d bytes of a bundle were taken", len(bad))
		}
	}
	if _, err := AppendLeaf(nil, make([]byte, MaxLeaf+1)); err == nil {
		t.Error("a leaf that is too long was taken")
	}
}

// The log of any size up to 40, and of sizes at which tiles end: every receipt
// verifies, and so does the export, in which any one entry exchanged is found.
func TestEverySize(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, "s.test", 1)
	opts := &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}
	for n := range 520 {
		l.add(Entry{Kind: KindRun, ID: fmt.Sprint(n), State: "failed"}, nil)
		if size := n + 1; size > 40 && size%256 > 1 && size%256 < 255 {
			continue
		}
		l.checkpoint()
		for i := 0; i <= n; i += 1 + n/41 {
			if v := Verify(l.receipt(int64(i)).Encode(), opts); !v.OK {
				t.Fatalf("entry %d of %d: %s", i, n+1, problems(v))
			}
		}
		files := l.export()
		if v := VerifyExport(files, opts); !v.OK {
			t.Fatalf("export of %d: %s", n+1, problems(v))
		}
		e, _ := ParseEntry(l.leaves[n/2])
		e.State = "passed"
		was := l.leaves[n/2]
		l.leaves[n/2] = e.Encode()
		if v := VerifyExport(l.export(), opts); v.OK {
			t.Fatalf("export of %d: an entry exchanged was not found", n+1)
		}
		l.leaves[n/2] = was
	}
}
