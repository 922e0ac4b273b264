package audit

import "crypto/sha256"

// Tree computes the RFC 6962 Merkle root of leaves as they come. The zero value is the empty tree.
type Tree struct{ tree tree }

// Add appends a leaf by its hash.
func (t *Tree) Add(leaf [32]byte) { t.tree.add(leaf) }

// Root is the root of all leaves so far.
func (t *Tree) Root() [32]byte { return t.tree.root() }

// tree computes the RFC 6962 Merkle root of leaves as they come: it keeps the roots of the complete subtrees that the
// leaves so far fall into, the largest first, at most one a power of two.
type tree struct {
	size  uint64
	roots [][32]byte
	tile  [32]byte // root of the last subtree of TileWidth leaves
}

func (t *tree) add(leaf [32]byte) {
	t.size++
	for n := t.size; n%2 == 0; n /= 2 { // the new leaf completes a subtree for each trailing zero bit
		last := len(t.roots) - 1
		leaf, t.roots = node(t.roots[last], leaf), t.roots[:last]
		if t.size/n*2 == TileWidth {
			t.tile = leaf
		}
	}
	t.roots = append(t.roots, leaf)
}

// root is SHA-256 of nothing for the empty tree.
func (t *tree) root() [32]byte {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	root := t.roots[len(t.roots)-1]
	for i := len(t.roots) - 2; i >= 0; i-- {
		root = node(t.roots[i], root)
	}
	return root
}

func node(left, right [32]byte) [32]byte {
	var b [65]byte
	b[0] = 0x01
	copy(b[1:], left[:])
	copy(b[33:], right[:])
	return sha256.Sum256(b[:])
}
