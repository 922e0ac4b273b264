// Package eventstore keeps the log: one dense sequence of immutable events per shard, appended in serial commits, with
// the idempotency rows, stream versions and snapshots that belong to them. There are two implementations, postgres and
// memory, under one conformance suite (eventstoretest).
package eventstore

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

var (
	// ErrVersionConflict says that a stream was not at the expected version; nothing was written.
	ErrVersionConflict = errors.New("a stream is not at the expected version")
	// ErrCommandExists says that one of the command ids is recorded already; nothing was written.
	ErrCommandExists = errors.New("a command id is recorded already")
	// ErrUnknown says that the connection was lost during the commit. Look the command ids up under a new lock: what
	// is found there happened, and what is decided again there can no longer happen twice.
	ErrUnknown = errors.New("the outcome of the commit is unknown")
	// ErrUnavailable says that the store cannot be reached; nothing was written. Worth trying again later.
	ErrUnavailable = errors.New("the event store is unavailable")
	// ErrHeadMoved says that the head is not where the caller saw it; nothing was written.
	ErrHeadMoved = errors.New("the head of the log has moved")
	// ErrGap says that a position is missing: the log is damaged or somebody wrote past the store; never skip it.
	ErrGap = errors.New("a position is missing from the log")
)

// Event is one row of the log.
type Event struct {
	Shard         int16
	Position      int64 // dense, from 1
	StreamID      domain.StreamID
	StreamVersion int64 // dense within the stream, from 1
	EventID       uuid.UUID
	Type          string // "wallet.usage_charged.v1"
	SchemaVersion int16  // the number after ".v"
	RecordedAt    time.Time
	EffectiveAt   time.Time
	Actor         string
	CorrelationID uuid.UUID
	CausationID   uuid.UUID
	CommandID     uuid.UUID
	Salt          [16]byte
	Body          []byte   // JSON; exactly the stored bytes
	LeafHash      [32]byte // see Leaf
}

// Head is the end of the log. An append that follows a head follows that very event: while one batch is under way and
// the next was decided on it, another process may take its position.
type Head struct {
	Position   int64
	EventID    uuid.UUID // of the last event; the nil UUID before the first
	RecordedAt time.Time // of the last event; never goes back
}

// StreamWrite moves one stream's version, if the stream is there. From 0 creates the stream.
type StreamWrite struct {
	ID       domain.StreamID
	From, To int64
}

// Command is an idempotency row.
type Command struct {
	ID        uuid.UUID
	InputHash [32]byte
	Position  int64 // of the command's last event; of the head when it wrote none
	At        time.Time
	Refused   bool
	Outcome   []byte // JSON: the result, or the refusal's code, message and details
}

// Snapshot is a stream's folded state at a version.
type Snapshot struct {
	StreamID domain.StreamID
	Version  int64
	Position int64 // of the event of that version
	Schema   int16 // of the state's encoding; a migration to a new one empties the snapshots
	State    []byte
}

// Stream is what a reader needs to fold one stream: a snapshot if there is one, and all events after it, in order.
type Stream struct {
	ID       domain.StreamID
	Snapshot *Snapshot
	Events   []Event
}

// Note is an entry of the audit trail, as domain/trail makes it: JSON, and what is personal apart from it, empty for nothing.
type Note struct{ Body, Personal []byte }

// Batch is everything that one commit writes. Positions, salts, leaf hashes, shard and recorded time of the events are
// given by Commit, in the order of Events; all else is the caller's.
type Batch struct {
	Events    []Event
	Streams   []StreamWrite
	Commands  []Command
	Snapshots []Snapshot
	Notes     []Note // of commands in this batch; never alone
	// LastID is the id that the last event gets, for who has to know it before; drawn when it is the nil UUID.
	LastID uuid.UUID
}

// HeadAfter is the head that an event is.
func HeadAfter(e *Event) Head {
	return Head{Position: e.Position, EventID: e.EventID, RecordedAt: e.RecordedAt}
}

// Tx is an append under way. It holds the head's lock until Commit or Rollback. Not safe for concurrent use.
type Tx interface {
	// Head is the head as locked.
	Head() Head
	// Now is the log's clock for this append, in microseconds, never before Head().RecordedAt.
	Now() time.Time
	// Tail has the events after the position given to Begin, up to its limit; complete is false when there are more.
	Tail() (events []Event, complete bool)
	// Load reads streams as of the lock, in the order asked for. Unknown streams are empty.
	Load(ctx context.Context, ids []domain.StreamID) ([]Stream, error)
	// Commands looks idempotency rows up as of the lock.
	Commands(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Command, error)
	// Commit writes the batch and the head durably, and ends the append. It fills in the events' given fields. Errors:
	// ErrVersionConflict, ErrCommandExists, ErrUnknown, ErrUnavailable, or any other for a batch that the database
	// refuses; except for ErrUnknown nothing was written. An empty batch only releases the lock.
	Commit(ctx context.Context, b *Batch) error
	// Rollback ends the append without writing; harmless after Commit.
	Rollback(ctx context.Context)
}

// Appender is what writes. A caller has one Begin at a time, or some batches that were sent; any number of processes.
type Appender interface {
	// Now is the log's clock as far as this store knows it without asking, in microseconds.
	Now() time.Time
	// Append writes a batch, decided at the time now against the given head, durably and in one round trip, if the
	// head is still there; else ErrHeadMoved. Errors and what it fills in are those of Tx.Commit. An empty batch only
	// verifies the head.
	Append(ctx context.Context, head Head, now time.Time, b *Batch) error
	// Send is Append that returns when the batch is on its way; done is called once, with what Append would return,
	// maybe before Send returns. What is sent meanwhile comes after it, so its given head may be where this batch will
	// leave it (LastID).
	Send(ctx context.Context, head Head, now time.Time, b *Batch, done func(error))
	// Begin locks the head, in the same round trip reads up to limit events after position since, and returns.
	Begin(ctx context.Context, since int64, limit int) (Tx, error)
	// Load reads streams without a lock, as Tx.Load does.
	Load(ctx context.Context, ids []domain.StreamID) ([]Stream, error)
	// Read is a Reader's.
	Read(ctx context.Context, after int64, limit int) ([]Event, error)
	// Turn waits until all who asked before have ended their turns. It is advice, which spares appenders that share a
	// log from deciding in vain: it keeps nobody from appending. end is nil when it took longer than patience.
	Turn(ctx context.Context, patience time.Duration) (end func(), err error)
}

// Reader is what follows. It works on a read replica.
type Reader interface {
	// Head is the committed end of the log.
	Head(ctx context.Context) (Head, error)
	// Read returns at most limit events after a position, in order and without a gap.
	Read(ctx context.Context, after int64, limit int) ([]Event, error)
	// Wait returns when there may be events after the position: woken by a commit, or by a poll as back-stop.
	Wait(ctx context.Context, after int64) error
	// At maps a time to the last position recorded at or before it (0 before the first event).
	At(ctx context.Context, t time.Time) (int64, error)
}

// Store is both.
type Store interface {
	Appender
	Reader
}
