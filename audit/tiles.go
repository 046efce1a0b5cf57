package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// TileHeight is the height of tiles in C2SP tlog-tiles: 256 hashes each.
const TileHeight = 8

// TilePath is where a tile stands in an export: C2SP's form, which names no height.
func TilePath(t tlog.Tile) string {
	return strings.Replace(t.Path(), "tile/8/", "tile/", 1)
}

// EntriesPath is where bundle n of leaves stands, which holds width of its 256.
func EntriesPath(n int64, width int) string {
	t := tlog.Tile{H: TileHeight, L: -1, N: n, W: width}
	return strings.Replace(t.Path(), "tile/8/data/", "tile/entries/", 1)
}

// AppendLeaf appends a leaf to a bundle: two bytes of length, then the leaf.
func AppendLeaf(bundle, leaf []byte) ([]byte, error) {
	if len(leaf) > MaxLeaf {
		return nil, fmt.Errorf("a leaf of %d bytes is longer than %d", len(leaf), MaxLeaf)
	}
	return append(binary.BigEndian.AppendUint16(bundle, uint16(len(leaf))), leaf...), nil
}

// SplitBundle gives the leaves of a bundle, which stay parts of it.
func SplitBundle(bundle []byte) ([][]byte, error) {
	var leaves [][]byte
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
			return nil, errors.New("a bundle of entries is cut short")
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		leaves, bundle = append(leaves, bundle[2:end:end]), bundle[end:]
	}
	return leaves, nil
}
