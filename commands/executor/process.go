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

// doubt is what may have become of a batch's commands before they are decided.
type doubt int

const (
	untouched doubt = iota // nothing was sent
	repeated               // some may be recorded, so they are looked up
	// unknown is repeated, and a lost commit may still be on its way. It is kept out by the next one, which moves the
	// head or records one of its ids: a refusal that would leave no row could be followed by the effect it denied.
	unknown
)

func doubtAfter(err error) doubt {
	switch {
	case errors.Is(err, eventstore.ErrUnknown):
		return unknown
	case errors.Is(err, eventstore.ErrHeadMoved):
		return untouched
	default:
		return repeated
	}
}

// process brings a batch to its end under the lock: every request gets exactly one answer.
func (e *Executor) process(ctx context.Context, batch []*Request, before doubt) {
	started := time.Now()
	var err error
	for tries := 0; tries < attempts; tries++ {
		var b *building
		b, batch, err = e.try(ctx, batch, before)
		if err == nil {
			e.report(b, time.Since(started))
			b.send()
			if len(batch) == 0 {
				return
			}
			before, tries = max(before, repeated), -1 // what is left has the id of a command that was just answered
			continue
		}
		if !retryable(err) {
			break
		}
		before = max(before, doubtAfter(err))
	}
	e.giveUp(ctx, batch, before, err)
}

func retryable(err error) bool {
	return errors.Is(err, eventstore.ErrCommandExists) || errors.Is(err, eventstore.ErrVersionConflict) ||
		errors.Is(err, eventstore.ErrUnknown)
}

// lost says that it is the store that failed, not the batch.
func lost(err error) bool {
	return errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrUnknown) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// giveUp answers a batch that could not be committed. A batch that the database refused is split until the command
// that is to blame is alone; the others go through. Only what is surely not recorded is called a failure.
func (e *Executor) giveUp(ctx context.Context, batch []*Request, before doubt, err error) {
	if !lost(err) && len(batch) > 1 {
		e.process(ctx, batch[:len(batch)/2], before)
		e.process(ctx, batch[len(batch)/2:], before)
		return
	}
	answer := domain.Errorf(domain.CodeInternal, "the command could not be recorded").Wrap(err)
	if lost(err) || before == unknown {
		answer = domain.Errorf(domain.CodeUnavailable, "the ledger cannot be reached; try again").Wrap(err)
	}
	e.o.Logger.Error().Err(err).Int("commands", len(batch)).Msg("batch not committed")
	for _, r := range batch {
		r.done <- Result{Err: answer}
	}
}

// try is one attempt at one commit. It returns what was decided, and the requests that have to wait for the next
// commit because the same id is in this one.
func (e *Executor) try(ctx context.Context, batch []*Request, before doubt) (*building, []*Request, error) {
	ctx, cancel := context.WithTimeout(ctx, e.o.Timeout)
	defer cancel()
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
	e.catchUp(tx)
	if err := e.warm(ctx, tx, batch); err != nil {
		return nil, batch, err
	}
	b := newBuilding(e, tx.Head(), tx.Now())
	b.fence = before == unknown
	later, err := e.decideAll(ctx, tx, b, batch, before)
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

func (e *Executor) decideAll(ctx context.Context, tx eventstore.Tx, b *building, batch []*Request, before doubt) ([]*Request, error) {
	known := map[uuid.UUID]eventstore.Command{}
	if before >= repeated {
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
