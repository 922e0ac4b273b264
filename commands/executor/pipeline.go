package executor

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// quietAppends is after how many undisturbed appends the executor stops taking the lock before it decides.
const quietAppends = 8

// portion is how many commands are decided between two looks at the flight.
const portion = 16

// pipeline overlaps deciding with committing. While one commit is under way (the flight), commands that arrive are
// decided into the next batch (open) as if the flight had landed; it leaves as soon as the flight is durable, in one
// round trip, and only if the head is where the flight left it. When that fails, everything since is decided anew under
// the lock. While other processes append too, each batch is decided under the lock from the start.
type pipeline struct {
	e      *Executor
	open   *building
	flight *flight
	later  []*Request // have the id of a command in open or in the flight
}

// flight is a commit under way.
type flight struct {
	b    *building
	done chan error
}

func (p *pipeline) idle() bool { return p.open == nil && p.flight == nil && len(p.later) == 0 }

// busy says that nothing more can be taken before the flight has landed.
func (p *pipeline) busy() bool {
	return len(p.later) > 0 || (p.open != nil && len(p.open.requests) >= p.e.o.Batch)
}

func (p *pipeline) landing() <-chan error {
	if p.flight == nil {
		return nil
	}
	return p.flight.done
}

// optimistic says whether batches are decided without the lock.
func (e *Executor) optimistic() bool { return e.last.Position > 0 && e.quiet >= quietAppends }

// take decides what has arrived.
func (p *pipeline) take(ctx context.Context, first *Request) {
	if !p.e.optimistic() {
		// Then nothing is under way: only what ends the flight and the open batch changes the mode.
		p.e.process(ctx, p.e.collect(first, p.e.o.Batch), untouched)
		return
	}
	most := p.e.o.Batch
	if p.open != nil {
		most -= len(p.open.requests)
	}
	if p.flight != nil {
		// In portions, so that the next batch leaves soon after the flight has landed.
		most = min(most, portion)
	}
	batch := p.e.collect(first, most)
	if err := p.e.warm(ctx, p.e.store, batch); err != nil {
		p.retreat(ctx, batch)
		return
	}
	for i, r := range batch {
		if p.pending(r.ID) {
			p.later = append(p.later, r)
			continue
		}
		if p.open == nil {
			p.open = p.next()
		}
		if err := p.open.decide(r); err != nil {
			p.retreat(ctx, batch[i+1:])
			return
		}
	}
}

// next begins the batch that follows the flight, or the log's head when there is none.
func (p *pipeline) next() *building {
	head := p.e.last
	if p.flight != nil {
		head = p.flight.b.end()
	}
	now := p.e.store.Now()
	if now.Before(head.RecordedAt) {
		now = head.RecordedAt
	}
	return newBuilding(p.e, head, now)
}

func (p *pipeline) pending(id uuid.UUID) bool {
	return (p.open != nil && p.open.has(id)) || (p.flight != nil && p.flight.b.has(id))
}

// launch sends the open batch, or decides what had to wait for it, until one is under way or nothing is left.
func (p *pipeline) launch(ctx context.Context) {
	for p.flight == nil && !p.idle() {
		b, later := p.open, p.later
		switch {
		case b == nil:
			p.later = nil
			p.e.process(ctx, later, repeated)
		case b.finish() != nil:
			p.retreat(ctx, nil)
		default:
			p.open, p.flight = nil, &flight{b: b, done: make(chan error, 1)}
			go p.flight.fly(ctx, p.e)
		}
	}
}

// fly commits and answers. Nothing of the executor's but the store is touched here.
func (f *flight) fly(ctx context.Context, e *Executor) {
	ctx, cancel := context.WithTimeout(ctx, e.o.Timeout)
	defer cancel()
	started := time.Now()
	err := e.store.Append(ctx, f.b.head, f.b.now, &f.b.out)
	if err == nil {
		e.o.OnBatch(len(f.b.answers), len(f.b.out.Events), time.Since(started))
		f.b.send()
	}
	f.done <- err
}

// land notes what became of the flight.
func (p *pipeline) land(ctx context.Context, err error) {
	b := p.flight.b
	p.flight = nil
	if err == nil {
		p.e.last = b.end()
		return
	}
	p.e.quiet = 0
	b.undo()
	again := b.requests
	if p.open != nil {
		p.open.undo()
		again = append(again, p.open.requests...)
		p.open = nil
	}
	p.e.process(ctx, again, doubtAfter(err))
}

// retreat gives the open batch up and decides its commands, and some more, under the lock.
func (p *pipeline) retreat(ctx context.Context, more []*Request) {
	var again []*Request
	if p.open != nil {
		p.open.undo()
		again, p.open = p.open.requests, nil
	}
	if p.flight != nil {
		p.land(ctx, <-p.flight.done)
	}
	if again = append(again, more...); len(again) > 0 {
		p.e.process(ctx, again, untouched)
	}
}
