package translog

import (
	"context"
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/massrouter/massrouter/audit"
)

const (
	hashSize = sha256.Size
	maxLevel = 7
)

// tile is a full tile.
type tile struct {
	level int
	index int64
	data  []byte
	root  [32]byte
}

// tree is the right edge of the Merkle tree: at each level the hashes of the tile that is not full yet. It is all that is
// needed to add leaves and to know the root.
type tree struct {
	size int64
	edge [maxLevel + 1][]byte
}

// add appends a leaf and returns the tiles that became full by it, the lowest first.
func (t *tree) add(leaf [32]byte, full []tile) []tile {
	t.size++
	hash := leaf
	for level := range t.edge {
		t.edge[level] = append(t.edge[level], hash[:]...)
		if len(t.edge[level]) < audit.TileWidth*hashSize {
			return full
		}
		data := t.edge[level]
		t.edge[level] = nil
		hash = audit.HashTile(data)
		full = append(full, tile{level: level, index: t.size>>(audit.TileHeight*(level+1)) - 1, data: data, root: hash})
	}
	return full
}

// root is the Merkle root: the perfect subtrees of the edge, hashed together from the right.
func (t *tree) root() [32]byte {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	var root [32]byte
	empty := true
	for _, data := range t.edge { // from the right: the lowest level is the rightmost
		for width := 1; len(data) > 0; width *= 2 { // the smallest subtree is the rightmost
			if (len(data)/hashSize)&width == 0 {
				continue
			}
			cut := len(data) - width*hashSize
			hash := audit.HashTile(data[cut:])
			data = data[:cut]
			if empty {
				root, empty = hash, false
				continue
			}
			root = tlog.NodeHash(hash, root)
		}
	}
	return root
}

// partial is the tiles that are not full, as they are now.
func (t *tree) partial() []tile {
	var out []tile
	for level, data := range t.edge {
		if len(data) > 0 {
			out = append(out, tile{level: level, index: t.size >> (audit.TileHeight * (level + 1)), data: data})
		}
	}
	return out
}

// loadTree reads the edge of the tree of the full tiles that are stored, of at most limit leaves (a multiple of 256).
func loadTree(ctx context.Context, r *Reader, limit int64) (*tree, error) {
	var stored int64
	err := r.db.QueryRow(ctx, `SELECT coalesce(max(index) + 1, 0) FROM ledger.log_tiles WHERE shard = $1 AND level = 0`, r.shard).Scan(&stored)
	if err != nil {
		return nil, fmt.Errorf("look for stored tiles: %w", err)
	}
	t := &tree{size: min(stored, limit/audit.TileWidth) * audit.TileWidth}
	for level := 1; level <= maxLevel; level++ {
		nodes := t.size >> (audit.TileHeight * level)
		if width := int(nodes % audit.TileWidth); width > 0 {
			if t.edge[level], err = r.Tile(ctx, level, nodes/audit.TileWidth, width); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}
