package audit

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ForkError says that two checkpoints of one log are not of the same history.
type ForkError struct {
	Known Checkpoint // the one that was published
	Other Checkpoint // the one that should follow it
}

// Error names sizes and roots.
func (e *ForkError) Error() string {
	if e.Other.Size < e.Known.Size {
		return fmt.Sprintf("the log is behind its published checkpoint: published %s; the log has %s", e.Known, e.Other)
	}
	return fmt.Sprintf("the log is not the one of its published checkpoint: published %s; the log has %s", e.Known, e.Other)
}

// CheckConsistency proves from a log's tiles that the tree of next only adds leaves to that of known. The error is a
// *ForkError when that is not so, and another one when the tiles cannot be read or do not belong to next.
func CheckConsistency(ctx context.Context, log Tiles, known, next Checkpoint) error {
	fork := &ForkError{Known: known, Other: next}
	switch {
	case next.Size < known.Size, next.Size == known.Size && next.Root != known.Root:
		return fork
	case next.Size == known.Size:
		return nil
	case known.Size == 0:
		if known.Root != EmptyRoot() {
			return fork
		}
		return nil
	}
	proof, err := tlog.ProveTree(next.Size, known.Size, hashes(ctx, log, next))
	if err != nil {
		return fmt.Errorf("make the proof of consistency of %s: %w", next, err)
	}
	if tlog.CheckTree(proof, next.Size, next.Root, known.Size, known.Root) != nil {
		return fork
	}
	return nil
}

// EmptyRoot is the root of a log without leaves.
func EmptyRoot() [32]byte { return (&tree{}).root() }

// ProveInclusion makes the RFC 6962 inclusion proof of a leaf, and checks it.
func ProveInclusion(ctx context.Context, log Tiles, c Checkpoint, index int64, leaf [32]byte) ([][32]byte, error) {
	if index < 0 || index >= c.Size {
		return nil, fmt.Errorf("the tree of %d leaves has no leaf %d", c.Size, index)
	}
	proof, err := tlog.ProveRecord(c.Size, index, hashes(ctx, log, c))
	if err != nil {
		return nil, fmt.Errorf("make the inclusion proof of leaf %d: %w", index, err)
	}
	if tlog.CheckRecord(proof, c.Size, c.Root, index, leaf) != nil {
		return nil, fmt.Errorf("the event at position %d is not the leaf %d of the tree: %w", index+1, index, errChanged)
	}
	out := make([][32]byte, len(proof))
	for i, h := range proof {
		out[i] = h
	}
	return out, nil
}

var errChanged = errors.New("the event or the log's tiles were changed")
