package translog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/eventstore"
)

// Guard compares a log with the newest checkpoint that was published outside its database, before anything is appended
// to it. A log that is behind that checkpoint, or has other events, was restored from an old backup or changed: the error
// is an *audit.ForkError with both sizes and roots. Nothing published is fine.
func Guard(ctx context.Context, pool *pgxpool.Pool, events eventstore.Reader, shard int16, published audit.Tiles, key note.Verifier) error {
	known, err := outside(ctx, published, key)
	if err != nil || known == nil {
		return err
	}
	return guard(ctx, NewReader(pool, shard, key.Name()), events, *known)
}

func guard(ctx context.Context, r *Reader, events eventstore.Reader, known audit.Checkpoint) error {
	head, err := events.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the end of the log: %w", err)
	}
	size := min(known.Size, head.Position)
	root, err := rootAt(ctx, r, events, size)
	if err != nil {
		return err
	}
	if size < known.Size || root != known.Root {
		return &audit.ForkError{Known: known, Other: audit.Checkpoint{Origin: known.Origin, Size: size, Root: root}}
	}
	return nil
}

// rootAt is the root of the tree of the first events: from the stored tiles as far as they go, then from the events.
func rootAt(ctx context.Context, r *Reader, events eventstore.Reader, size int64) ([32]byte, error) {
	t, err := loadTree(ctx, r, size)
	if err != nil {
		return [32]byte{}, err
	}
	const batch = 4096
	for t.size < size {
		more, err := eventstore.ReadDense(ctx, events, t.size, int(min(batch, size-t.size)))
		if err != nil {
			return [32]byte{}, err
		}
		if len(more) == 0 {
			return [32]byte{}, fmt.Errorf("%w: after position %d", eventstore.ErrGap, t.size)
		}
		for i := range more {
			_ = t.add(more[i].LeafHash, nil) // full tiles are not needed here
		}
	}
	return t.root(), nil
}
