package executor

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore"
)

// Decision is what a command sees: the log's clock and the aggregates that it named, as of the lock and after the
// commands before it in the batch.
type Decision struct {
	now      time.Time
	batch    *building
	request  *Request
	appended int
}

// Now is the log's clock.
func (d *Decision) Now() time.Time { return d.now }

// Get is the state of one of the request's streams. The caller reads it; only Append changes it.
func (d *Decision) Get(id domain.StreamID) domain.Aggregate {
	a, err := d.named(id)
	if err != nil {
		panic(err)
	}
	return a.state
}

// Append adds an event to a stream and folds it.
func (d *Decision) Append(id domain.StreamID, event domain.Event) error {
	a, err := d.named(id)
	if err != nil {
		return err
	}
	if err := d.batch.append(d, id, a, event); err != nil {
		return err
	}
	d.appended++
	return nil
}

// named gives only what the request names, so that a use case that forgets to name a stream never works by luck.
func (d *Decision) named(id domain.StreamID) (*cached, error) {
	a, ok := d.batch.e.cache.get(id)
	if !ok || !slices.Contains(d.request.Streams, id) {
		return nil, fmt.Errorf("command %s did not name stream %s", d.request.Name, id)
	}
	return a, nil
}

// building is the batch of one commit while it is decided.
type building struct {
	e        *Executor
	head     eventstore.Head // the commit follows it
	now      time.Time
	requests []*Request
	seen     map[uuid.UUID]struct{} // the ids that get an idempotency row
	fence    bool                   // every refusal gets one too; see unknown
	out      eventstore.Batch
	touched  map[domain.StreamID]touch
	answers  []answer
}

func newBuilding(e *Executor, head eventstore.Head, now time.Time) *building {
	e.cache.age()
	return &building{e: e, head: head, now: now, seen: map[uuid.UUID]struct{}{}, touched: map[domain.StreamID]touch{}}
}

func (b *building) has(id uuid.UUID) bool {
	_, ok := b.seen[id]
	return ok
}

// end is the head after the commit, once the batch is finished.
func (b *building) end() eventstore.Head {
	if len(b.out.Events) == 0 {
		return b.head
	}
	return eventstore.Head{Position: b.position(), EventID: b.out.LastID, RecordedAt: b.now}
}

// send gives the answers; the commit is durable.
func (b *building) send() {
	for _, a := range b.answers {
		a.request.done <- a.result
	}
}

// undo forgets the aggregates that have folded events which did not get into the log.
func (b *building) undo() {
	for id := range b.touched {
		b.e.cache.drop(id)
	}
}

type touch struct {
	a    *cached
	from int64
}

// answer is what a request gets once the commit is durable.
type answer struct {
	request *Request
	result  Result
}

// errPoison is an error that is the command's own fault and dooms the commit it is in.
var errPoison = errors.New("the command cannot be stored")

func (b *building) append(d *Decision, id domain.StreamID, a *cached, event domain.Event) error {
	if p, ok := event.(interface {
		Posting() (money.Currency, money.Entry)
	}); ok {
		if _, entry := p.Posting(); !entry.Sum().IsZero() {
			return fmt.Errorf("%w: the legs of %s do not sum to zero", errPoison, event.EventType())
		}
	}
	body, err := domain.Encode(event)
	if err != nil {
		return fmt.Errorf("%w: %w", errPoison, err)
	}
	if _, ok := b.touched[id]; !ok {
		b.touched[id] = touch{a: a, from: a.version}
	}
	a.state.Apply(event, b.now)
	a.version++
	b.out.Events = append(b.out.Events, eventstore.Event{
		StreamID: id, StreamVersion: a.version, Type: event.EventType(), SchemaVersion: schemaVersion(event.EventType()),
		Actor: d.request.Actor, CorrelationID: d.request.CorrelationID, CausationID: d.request.CausationID,
		CommandID: d.request.ID, Body: body,
	})
	return nil
}

// decide runs one request. A returned error is fatal for the batch; refusals are answers.
func (b *building) decide(r *Request) (err error) {
	b.requests = append(b.requests, r)
	d := Decision{now: b.now, batch: b, request: r}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: command %s panicked: %v", errPoison, r.Name, p)
		}
	}()
	value, refusal := r.Decide(&d)
	if refusal != nil {
		var known *domain.Error
		if d.appended > 0 || !errors.As(refusal, &known) {
			return fmt.Errorf("%w: command %s: %w", errPoison, r.Name, refusal)
		}
		return b.refuse(r, known)
	}
	outcome, err := domain.AppendJSON(nil, value)
	if err != nil {
		return fmt.Errorf("%w: encode the outcome of %s: %w", errPoison, r.Name, err)
	}
	if r.Note != nil {
		note, err := r.Note(b.out.Events[len(b.out.Events)-d.appended:], b.position())
		if err != nil {
			return fmt.Errorf("%w: note %s: %w", errPoison, r.Name, err)
		}
		b.out.Notes = append(b.out.Notes, note)
	}
	b.answer(r, outcome, false, Result{Value: value})
	return nil
}

type refusal struct {
	Code    domain.Code       `json:"code"`
	Message string            `json:"message"`
	Details map[string]string `json:"details,omitempty"`
}

func (b *building) refuse(r *Request, why *domain.Error) error {
	if r.Forgets != nil && r.Forgets(why.Code) && !b.fence {
		b.answers = append(b.answers, answer{request: r, result: Result{Err: why, Position: b.position(), RecordedAt: b.now}})
		return nil
	}
	outcome, err := json.Marshal(refusal{Code: why.Code, Message: why.Message, Details: why.Details})
	if err != nil {
		return fmt.Errorf("%w: encode a refusal: %w", errPoison, err)
	}
	b.answer(r, outcome, true, Result{Err: why})
	return nil
}

func (b *building) answer(r *Request, outcome []byte, refused bool, res Result) {
	b.seen[r.ID] = struct{}{}
	res.Position, res.RecordedAt = b.position(), b.now
	b.out.Commands = append(b.out.Commands, eventstore.Command{
		ID: r.ID, InputHash: r.InputHash, Position: res.Position, At: b.now, Refused: refused, Outcome: outcome,
	})
	b.answers = append(b.answers, answer{request: r, result: res})
}

// position is that of the last event decided so far.
func (b *building) position() int64 { return b.head.Position + int64(len(b.out.Events)) }

// finish adds stream versions and due snapshots, names the last event, and checks the aggregates' invariants.
func (b *building) finish() (err error) {
	if b.out.LastID, err = eventstore.NewEventID(b.now); err != nil {
		return err
	}
	last := make(map[domain.StreamID]int64, len(b.touched))
	for i := range b.out.Events {
		last[b.out.Events[i].StreamID] = b.head.Position + int64(i) + 1
	}
	for id, t := range b.touched {
		if err := t.a.state.Check(); err != nil {
			return fmt.Errorf("%w: %w", errPoison, err)
		}
		b.out.Streams = append(b.out.Streams, eventstore.StreamWrite{ID: id, From: t.from, To: t.a.version})
		if err := b.snapshot(id, t, last[id]); err != nil {
			return err
		}
	}
	return nil
}

func (b *building) snapshot(id domain.StreamID, t touch, position int64) error {
	kind, err := b.e.kind(id)
	if err != nil {
		return err
	}
	if kind.SnapshotEvery == 0 || t.from/kind.SnapshotEvery == t.a.version/kind.SnapshotEvery {
		return nil
	}
	state, err := json.Marshal(t.a.state)
	if err != nil {
		return fmt.Errorf("encode the snapshot of %s: %w", id, err)
	}
	b.out.Snapshots = append(b.out.Snapshots, eventstore.Snapshot{
		StreamID: id, Version: t.a.version, Position: position, Schema: kind.Schema, State: state,
	})
	return nil
}

// schemaVersion is the number after the last ".v"; event names are constants, so a name without one is a bug.
func schemaVersion(eventType string) int16 {
	_, digits, _ := strings.Cut(eventType[strings.LastIndexByte(eventType, '.')+1:], "v")
	n, err := strconv.ParseInt(digits, 10, 16)
	if err != nil {
		panic("event type without a version: " + eventType)
	}
	return int16(n)
}
