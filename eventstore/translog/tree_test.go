package translog

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/audit"
)

// plainRoot is RFC 6962 §2.1 as it is written.
func plainRoot(leaves [][32]byte) [32]byte {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := 1 << (bits.Len(uint(n-1)) - 1) // the largest power of two below n
		left, right := plainRoot(leaves[:k]), plainRoot(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

func leaf(i int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("leaf"), uint64(i)))
}

func TestTreeGrowsAsRFC6962Says(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		grown := &tree{}
		var leaves [][32]byte
		var stored []tlog.Hash
		reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(indexes))
			for i, x := range indexes {
				out[i] = stored[x]
			}
			return out, nil
		})
		have := map[string][]byte{}
		for _, more := range rapid.SliceOfN(rapid.IntRange(0, 600), 1, 5).Draw(t, "growth") {
			before := grown.size
			var full []tile
			for range more {
				l := leaf(len(leaves))
				leaves = append(leaves, l)
				full = grown.add(l, full)
				hashes, err := tlog.StoredHashesForRecordHash(int64(len(leaves)-1), l, reader)
				require.NoError(t, err)
				stored = append(stored, hashes...)
			}
			require.Equal(t, plainRoot(leaves), grown.root())
			for _, tile := range append(full, grown.partial()...) {
				have[audit.TilePath(tile.level, tile.index, len(tile.data)/hashSize)] = tile.data
			}
			for _, tile := range tlog.NewTiles(audit.TileHeight, before, grown.size) {
				want, err := tlog.ReadTileData(tile, reader)
				require.NoError(t, err)
				require.Equal(t, want, have[audit.TilePath(tile.L, tile.N, tile.W)], tile.Path())
			}
		}
	})
}

// Three levels of tiles: what a small log never reaches.
func TestTreeOfManyLeaves(t *testing.T) {
	t.Parallel()
	grown, leaves := &tree{}, [][32]byte{}
	var full []tile
	for i := range 1<<16 + 300 {
		leaves = append(leaves, leaf(i))
		full = grown.add(leaves[i], full)
	}
	require.Equal(t, plainRoot(leaves), grown.root())
	require.Len(t, full, 257+1)
	require.Equal(t, plainRoot(leaves[:1<<16]), full[256].root)
	require.Equal(t, []int{44, 1, 1}, widths(grown.partial()))
}

func widths(tiles []tile) (out []int) {
	for _, t := range tiles {
		out = append(out, len(t.data)/hashSize)
	}
	return out
}
