// Package translog keeps the transparency log: the RFC 6962 Merkle tree over the leaf hashes of the events, and signed
// checkpoints of it, in the formats of C2SP (tlog-tiles, tlog-checkpoint, signed-note). Leaf i is the event at position
// i+1; its hash is the stored leaf_hash, which is an RFC 6962 leaf hash already.
//
// A checkpoint goes three ways, each only after the one before is durable: full tiles and the signed note into
// PostgreSQL in one transaction; the tiles into a folder outside the database; the note over the folder's old one. So a
// tile that a published checkpoint needs is always there, and two checkpoints of one size cannot both be signed. A
// restart after any step continues at the next.
//
// A checkpoint is signed only if the tree proves, from its tiles, that it continues the newest checkpoint of the database
// and the newest in the folder. The folder is what a restored backup of the database cannot take back: see Guard.
package translog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/eventstore"
)

// Options of a Log.
type Options struct {
	Shard    int16
	Signer   note.Signer   // Ed25519; its name is the log's origin
	Verifier note.Verifier // of the same key
	// Dir is the folder outside the database that gets tiles and checkpoints, to be served as static files. "" is none:
	// then a restored backup cannot be noticed.
	Dir string
	// Every is the least time between two checkpoints. 0 means 1 s.
	Every time.Duration
	// Takeover is how often a process that does not own the log tries to, and the wait after a failure. 0 means 1 s.
	Takeover time.Duration
	// Batch is the most events read at a time. 0 means 4,096.
	Batch int
	// OnError, when given, is told why the log stopped, each time before it is tried again.
	OnError func(error)
	// OnCheckpoint, when given, is told each checkpoint of this process once it is published.
	OnCheckpoint func(audit.Checkpoint)

	// after, in tests, is called after each step of a checkpoint; its error stops the log there.
	after func(step) error
}

// step is a point at which a process may die.
type step string

const (
	stepTiles     step = "full tiles of a backlog are stored"
	stepRecorded  step = "tiles and checkpoint are stored"
	stepWritten   step = "the tiles are in the folder"
	stepPublished step = "the checkpoint is in the folder"
)

func (o Options) withDefaults() Options {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Takeover <= 0 {
		o.Takeover = time.Second
	}
	if o.Batch <= 0 {
		o.Batch = 4096
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.OnCheckpoint == nil {
		o.OnCheckpoint = func(audit.Checkpoint) {}
	}
	if o.after == nil {
		o.after = func(step) error { return nil }
	}
	return o
}

// Log makes checkpoints. Any number of processes may run one log: it has one owner at a time, by an advisory lock on the
// session that also writes its tables.
type Log struct {
	*Reader
	pool    *pgxpool.Pool
	events  eventstore.Reader
	options Options
	demand  chan struct{} // somebody in this process wants a checkpoint now
}

// New makes a log. The events must be those of the database behind the pool. Running takes one connection out of the pool.
func New(pool *pgxpool.Pool, events eventstore.Reader, o Options) (*Log, error) {
	if o.Signer == nil || o.Verifier == nil {
		return nil, errors.New("the transparency log needs a key")
	}
	if o.Signer.Name() != o.Verifier.Name() || o.Signer.KeyHash() != o.Verifier.KeyHash() {
		return nil, errors.New("the transparency log's signing key and public key are not of one pair")
	}
	return &Log{
		Reader: NewReader(pool, o.Shard, o.Signer.Name()), pool: pool, events: events, options: o.withDefaults(), demand: make(chan struct{}, 1),
	}, nil
}

// Run follows the events until the context ends, and then returns nil. It makes a checkpoint when something is new, at
// most one each Options.Every. A failure is told to OnError, and it is tried again.
func (l *Log) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := l.follow(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, errOwned) {
			l.options.OnError(err)
		}
		_ = pause(ctx, l.options.Takeover) // the loop asks the context
	}
	return nil
}

func (l *Log) follow(ctx context.Context) error {
	owner, err := l.own(ctx)
	if err != nil {
		return err
	}
	defer owner.close(ctx)
	for {
		if _, err := owner.advance(ctx); err != nil {
			return err
		}
		if err := l.rest(ctx); err != nil {
			return err
		}
		if err := l.events.Wait(ctx, owner.tree.size); err != nil {
			return err
		}
		if err := owner.session.Ping(ctx); err != nil {
			return fmt.Errorf("keep the lock: %w", err)
		}
	}
}

// rest is the time between two checkpoints, cut short by a demand.
func (l *Log) rest(ctx context.Context) error {
	timer := time.NewTimer(l.options.Every)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.demand:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Checkpoint returns a published checkpoint that covers everything that was in the log when it was called, making one if
// needed. When another process owns the log, it waits for that one's.
func (l *Log) Checkpoint(ctx context.Context) (Signed, error) {
	head, err := l.events.Head(ctx)
	if err != nil {
		return Signed{}, fmt.Errorf("read the end of the log: %w", err)
	}
	for {
		newest, err := l.Newest(ctx)
		if err != nil {
			return Signed{}, err
		}
		if newest != nil && newest.Size >= head.Position {
			out, err := l.isOut(ctx, newest)
			if err != nil || out {
				return *newest, err
			}
		}
		owner, err := l.own(ctx)
		if err == nil {
			signed, err := owner.advance(ctx)
			owner.close(ctx)
			return signed, err
		}
		if !errors.Is(err, errOwned) {
			return Signed{}, err
		}
		select {
		case l.demand <- struct{}{}:
		default: // it was asked for already
		}
		if err := pause(ctx, lookAgain); err != nil {
			return Signed{}, fmt.Errorf("wait for a checkpoint of position %d: %w", head.Position, err)
		}
	}
}

// isOut says whether the newest recorded checkpoint is the folder's, too. If not, somebody is about to publish it, or the
// database is not the one of the folder: who owns the log finds out.
func (l *Log) isOut(ctx context.Context, recorded *Signed) (bool, error) {
	there, err := l.published(ctx)
	return l.options.Dir == "" || there != nil && *there == recorded.Checkpoint, err
}

const lookAgain = 10 * time.Millisecond

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
