package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// attempts bounds how often one batch is tried after conflicts and lost connections.
const attempts = 5

// process brings a batch to its end under the lock: every request gets exactly one answer. lookUp says that some of
// the commands may be recorded already.
func (e *Executor) process(ctx context.Context, batch []*Request, lookUp bool) {
	started := time.Now()
	var err error
	for tries := 0; tries < attempts; tries++ {
		var b *building
		b, batch, err = e.try(ctx, batch, lookUp)
		if err == nil {
			e.o.OnBatch(len(b.answers), len(b.out.Events), time.Since(started))
			b.send()
			if len(batch) == 0 {
				return
			}
			lookUp, tries = true, -1 // what is left has the id of a command that was just answered
			continue
		}
		if !retryable(err) {
			break
		}
		// A repeated or half-known command must be looked up before it is decided again.
		lookUp = true
	}
	e.giveUp(ctx, batch, lookUp, err)
}

func retryable(err error) bool {
	return errors.Is(err, eventstore.ErrCommandExists) || errors.Is(err, eventstore.ErrVersionConflict) ||
		errors.Is(err, eventstore.ErrUnknown)
}

// giveUp answers a batch that could not be committed. A batch that the database refused is split until the command
// that is to blame is alone; the others go through.
func (e *Executor) giveUp(ctx context.Context, batch []*Request, lookUp bool, err error) {
	unavailable := retryable(err) || errors.Is(err, eventstore.ErrUnavailable)
	if !unavailable && len(batch) > 1 {
		e.process(ctx, batch[:len(batch)/2], lookUp)
		e.process(ctx, batch[len(batch)/2:], lookUp)
		return
	}
	answer := domain.Errorf(domain.CodeInternal, "the command could not be recorded").Wrap(err)
	if unavailable {
		answer = domain.Errorf(domain.CodeUnavailable, "the ledger cannot be reached; try again").Wrap(err)
	}
	e.o.Logger.Error().Err(err).Int("commands", len(batch)).Msg("batch not committed")
	for _, r := range batch {
		r.done <- Result{Err: answer}
	}
}

// try is one attempt at one commit. It returns what was decided, and the requests that have to wait for the next
// commit because the same id is in this one.
func (e *Executor) try(ctx context.Context, batch []*Request, lookUp bool) (*building, []*Request, error) {
	tail := 0
	if e.last.Position > 0 {
		// What nobody has touched is loaded before the lock is taken, to hold it as short as possible.
		if err := e.warm(ctx, e.store, batch); err != nil {
			return nil, batch, err
		}
		tail = e.o.Tail
	}
	tx, err := e.store.Begin(ctx, e.last.Position, tail)
	if err != nil {
		return nil, batch, err
	}
	defer tx.Rollback(ctx)
	if err := e.catchUp(tx); err != nil {
		e.cache.clear()
		return nil, batch, err
	}
	if err := e.warm(ctx, tx, batch); err != nil {
		return nil, batch, err
	}
	b := newBuilding(e, tx.Head(), tx.Now())
	later, err := e.decideAll(ctx, tx, b, batch, lookUp)
	if err == nil {
		err = b.finish()
	}
	if err == nil {
		err = tx.Commit(ctx, &b.out)
	}
	if err != nil {
		b.undo()
		return nil, batch, err
	}
	e.last = b.end()
	return b, later, nil
}

func (e *Executor) decideAll(ctx context.Context, tx eventstore.Tx, b *building, batch []*Request, lookUp bool) ([]*Request, error) {
	known := map[uuid.UUID]eventstore.Command{}
	if lookUp {
		ids := make([]uuid.UUID, len(batch))
		for i, r := range batch {
			ids[i] = r.ID
		}
		var err error
		if known, err = tx.Commands(ctx, ids); err != nil {
			return nil, fmt.Errorf("look commands up: %w", err)
		}
	}
	var later []*Request
	for _, r := range batch {
		if c, ok := known[r.ID]; ok {
			b.answers = append(b.answers, answer{request: r, result: replay(r, c)})
			continue
		}
		if b.has(r.ID) {
			later = append(later, r)
			continue
		}
		if err := b.decide(r); err != nil {
			return nil, err
		}
	}
	return later, nil
}

// replay turns a recorded outcome into the answer: the first outcome again for the same input, a conflict for another.
func replay(r *Request, c eventstore.Command) Result {
	if c.InputHash != r.InputHash {
		return Result{Err: domain.Errorf(domain.CodeIdempotencyConflict, "this id was used for another command")}
	}
	res := Result{Position: c.Position, RecordedAt: c.At, Replayed: true}
	if !c.Refused {
		res.Stored = c.Outcome
		return res
	}
	var why refusal
	if err := json.Unmarshal(c.Outcome, &why); err != nil {
		res.Err = domain.Errorf(domain.CodeInternal, "the recorded outcome cannot be read").Wrap(err)
		return res
	}
	res.Err = &domain.Error{Code: why.Code, Message: why.Message, Details: why.Details}
	return res
}
