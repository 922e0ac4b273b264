package export

import (
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// tree computes the RFC 6962 root of leaves as they come. It keeps only the hashes that later ones are made of: those
// of the complete subtrees that the leaves so far fall into, at most one a level.
type tree struct {
	size   int64
	hashes map[int64]tlog.Hash // by their index in the storage order of package tlog
}

// ReadHashes is for tlog: it asks for nothing but what is kept.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hash, ok := t.hashes[index]
		if !ok {
			return nil, fmt.Errorf("the hash %d of the tree is not kept", index)
		}
		out[i] = hash
	}
	return out, nil
}

func (t *tree) add(leaf [32]byte) error {
	made, err := tlog.StoredHashesForRecordHash(t.size, tlog.Hash(leaf), t)
	if err != nil {
		return fmt.Errorf("add to the tree: %w", err)
	}
	level := len(made) - 1
	for l := range level { // each completed subtree takes in its left sibling, which nobody asks for again
		delete(t.hashes, tlog.StoredHashIndex(l, t.size>>l-1))
	}
	if t.hashes == nil {
		t.hashes = map[int64]tlog.Hash{}
	}
	t.hashes[tlog.StoredHashIndex(level, t.size>>level)] = made[level]
	t.size++
	return nil
}

// root is in hex; that of nothing is SHA-256 of nothing.
func (t *tree) root() (string, error) {
	root, err := tlog.TreeHash(t.size, t)
	if err != nil {
		return "", fmt.Errorf("compute the root: %w", err)
	}
	return hex.EncodeToString(root[:]), nil
}
