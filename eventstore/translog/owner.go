package translog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/eventstore"
)

// owner makes checkpoints as long as it has the lock.
type owner struct {
	*Log

	session *pgx.Conn
	stored  *Reader // over the session
	tree    *tree
	newest  *Signed // the newest checkpoint of the database; nil for none
	pending []tile  // full tiles that are not stored yet
	written int64   // the size of which every tile is in the folder
}

// flushTiles is how many full tiles of a backlog are stored in one transaction without a checkpoint.
const flushTiles = 1024

// open continues where the last owner was: it compares the database with the folder, and publishes what the database has
// and the folder has not.
func (o *owner) open(ctx context.Context) (err error) {
	if o.newest, err = o.stored.Newest(ctx); err != nil {
		return err
	}
	if o.newest != nil {
		kept, err := audit.OpenCheckpoint(o.newest.Note, o.options.Verifier)
		if err != nil {
			return fmt.Errorf("the newest stored checkpoint: %w", err)
		}
		if kept != o.newest.Checkpoint {
			return fmt.Errorf("the newest stored checkpoint: its note says %s, its row %s", kept, o.newest.Checkpoint)
		}
	}
	if o.tree, err = loadTree(ctx, o.stored, never); err != nil {
		return err
	}
	head, err := o.events.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the end of the log: %w", err)
	}
	if o.tree.size > head.Position {
		return fmt.Errorf("the log ends at position %d, its tiles at %d: the events were restored without them", head.Position, o.tree.size)
	}
	outside, err := o.published(ctx)
	if err != nil {
		return err
	}
	if outside != nil {
		o.written = outside.Size
		if err := guard(ctx, o.stored, o.events, *outside); err != nil {
			return err
		}
	}
	if o.newest == nil || (outside != nil && outside.Size >= o.newest.Size) {
		return nil
	}
	return o.publish(ctx, *o.newest)
}

const never = int64(1<<63 - 1)

// published is the folder's newest checkpoint; nil when there is none, or no folder.
func (l *Log) published(ctx context.Context) (*audit.Checkpoint, error) {
	if l.options.Dir == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	return outside(ctx, audit.Folder(l.options.Dir), l.options.Verifier)
}

func outside(ctx context.Context, log audit.Tiles, key note.Verifier) (*audit.Checkpoint, error) {
	signed, err := log.Checkpoint(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // nothing was published yet
	}
	if err != nil {
		return nil, fmt.Errorf("read the published checkpoint: %w", err)
	}
	c, err := audit.OpenCheckpoint(signed, key)
	if err != nil {
		return nil, fmt.Errorf("the published checkpoint: %w", err)
	}
	return &c, nil
}

// advance adds the events that are there now, and signs and publishes a checkpoint if any are new since the last one.
func (o *owner) advance(ctx context.Context) (Signed, error) {
	head, err := o.events.Head(ctx)
	if err != nil {
		return Signed{}, fmt.Errorf("read the end of the log: %w", err)
	}
	for o.tree.size < head.Position {
		limit := int(min(int64(o.options.Batch), head.Position-o.tree.size))
		events, err := eventstore.ReadDense(ctx, o.events, o.tree.size, limit)
		if err != nil {
			return Signed{}, err
		}
		if len(events) == 0 {
			return Signed{}, fmt.Errorf("%w: the log ends before its head, at position %d", eventstore.ErrGap, o.tree.size)
		}
		for i := range events {
			o.pending = o.tree.add(events[i].LeafHash, o.pending)
		}
		if len(o.pending) < flushTiles {
			continue
		}
		if err := o.record(ctx, o.pending, nil); err != nil {
			return Signed{}, err
		}
		o.pending = nil
		if err := o.options.after(stepTiles); err != nil {
			return Signed{}, err
		}
	}
	if o.newest != nil && o.newest.Size == o.tree.size {
		now := audit.Checkpoint{Origin: o.origin, Size: o.tree.size, Root: o.tree.root()}
		if now.Root != o.newest.Root {
			return Signed{}, &audit.ForkError{Known: o.newest.Checkpoint, Other: now}
		}
		return *o.newest, nil
	}
	return o.sign(ctx)
}

// sign makes the checkpoint of the tree as it is. Nothing signed leaves this function before it is recorded.
func (o *owner) sign(ctx context.Context) (Signed, error) {
	next := audit.Checkpoint{Origin: o.origin, Size: o.tree.size, Root: o.tree.root()}
	if err := o.continues(ctx, next); err != nil {
		return Signed{}, err
	}
	text, err := note.Sign(&note.Note{Text: next.Text()}, o.options.Signer)
	if err != nil {
		return Signed{}, fmt.Errorf("sign the checkpoint: %w", err)
	}
	signed := Signed{Checkpoint: next, Note: text}
	if err := o.record(ctx, o.pending, &signed); err != nil {
		return Signed{}, err
	}
	o.pending, o.newest = nil, &signed
	if err := o.options.after(stepRecorded); err != nil {
		return Signed{}, err
	}
	if err := o.publish(ctx, signed); err != nil {
		return Signed{}, err
	}
	o.options.OnCheckpoint(next)
	return signed, nil
}

// continues proves that a checkpoint only adds leaves to the last one of the database and the last one of the folder.
func (o *owner) continues(ctx context.Context, next audit.Checkpoint) error {
	known := []audit.Checkpoint{}
	if o.newest != nil {
		known = append(known, o.newest.Checkpoint)
	}
	outside, err := o.published(ctx)
	if err != nil {
		return err
	}
	o.written = min(o.written, sizeOf(outside)) // somebody may have emptied the folder
	if outside != nil && (o.newest == nil || *outside != o.newest.Checkpoint) {
		known = append(known, *outside)
	}
	for _, k := range known {
		if err := audit.CheckConsistency(ctx, growing{o}, k, next); err != nil {
			return fmt.Errorf("a checkpoint is not signed: %w", err)
		}
	}
	return nil
}

func sizeOf(c *audit.Checkpoint) int64 {
	if c == nil {
		return 0
	}
	return c.Size
}

// growing is the tiles of the owner's tree, of which some are not stored yet.
type growing struct{ *owner }

// Checkpoint implements audit.Tiles.
func (g growing) Checkpoint(ctx context.Context) ([]byte, error) { return g.stored.Checkpoint(ctx) }

// Tile implements audit.Tiles.
func (g growing) Tile(ctx context.Context, level int, index int64, width int) ([]byte, error) {
	for _, t := range append(g.tree.partial(), g.pending...) {
		if t.level == level && t.index == index && len(t.data) >= width*hashSize {
			return t.data[:width*hashSize], nil
		}
	}
	return g.stored.Tile(ctx, level, index, width)
}
