package executor

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// quietAppends is after how many undisturbed turns, or appends under the lock, the executor believes that it is alone.
const quietAppends = 8

// portion is how many commands are decided between two looks at the flights.
const portion = 16

// mostFlights is how many commits are on their way at most. The second waits in the database for the first, so that the
// database never waits for this process.
const mostFlights = 2

// pipeline overlaps deciding with committing. While commits are under way (the flights), commands that arrive are
// decided into the next batch (open) as if the flights had landed; each leaves in one round trip, and is committed only
// if the head is where the flight before left it. When that fails, everything since is decided anew under the lock.
// While other processes append too, they take turns: a turn begins with folding what the others appended, and goes on as
// if there were no others.
type pipeline struct {
	e       *Executor
	open    *building
	flights []*flight    // in the order in which they land
	runway  chan *flight // to the pilot
	later   []*Request   // have the id of a command in open or in a flight
}

// flight is a commit under way.
type flight struct {
	b    *building
	done chan error
}

func (p *pipeline) idle() bool { return p.open == nil && len(p.flights) == 0 && len(p.later) == 0 }

// busy says that nothing more can be taken before a flight has landed.
func (p *pipeline) busy() bool {
	return len(p.later) > 0 || (p.open != nil && len(p.open.requests) >= p.e.o.Batch)
}

func (p *pipeline) landing() <-chan error {
	if len(p.flights) == 0 {
		return nil
	}
	return p.flights[0].done
}

// optimistic says whether batches are decided without the lock: the process is alone, or it is its turn.
func (e *Executor) optimistic() bool {
	return e.last.Position > 0 && (e.quiet >= quietAppends || e.turn.ahead)
}

// take decides what has arrived.
func (p *pipeline) take(ctx context.Context, first *Request) {
	if !p.e.optimistic() {
		// Then nothing is under way: only what ends the flights and the open batch changes the mode.
		p.e.takeTurn(ctx)
	}
	if !p.e.optimistic() {
		p.e.process(ctx, p.e.collect(first, p.e.o.Batch), untouched)
		return
	}
	most := p.e.o.Batch
	if p.open != nil {
		most -= len(p.open.requests)
	}
	if len(p.flights) > 0 {
		// In portions, so that the next batch leaves soon after a flight has landed.
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

// next begins the batch that follows the last flight, or the log's head when there is none.
func (p *pipeline) next() *building {
	head := p.e.last
	if n := len(p.flights); n > 0 {
		head = p.flights[n-1].b.end()
	}
	now := p.e.store.Now()
	if now.Before(head.RecordedAt) {
		now = head.RecordedAt
	}
	return newBuilding(p.e, head, now)
}

func (p *pipeline) pending(id uuid.UUID) bool {
	return (p.open != nil && p.open.has(id)) ||
		slices.ContainsFunc(p.flights, func(f *flight) bool { return f.b.has(id) })
}

// launch sends the open batch, or decides what had to wait for it, as far as that may be now.
func (p *pipeline) launch(ctx context.Context) {
	for !p.idle() && p.clear() {
		b, later := p.open, p.later
		switch {
		case b == nil:
			p.later = nil
			p.e.process(ctx, later, repeated)
		case b.finish() != nil:
			p.retreat(ctx, nil)
		default:
			f := &flight{b: b, done: make(chan error, 1)}
			p.open, p.flights = nil, append(p.flights, f)
			p.runway <- f
		}
	}
}

// clear says whether the next thing may leave: anything when nothing is under way, else only a batch that is worth it.
// One without events goes alone, since only the head's lock makes it wait for a flight.
func (p *pipeline) clear() bool {
	if len(p.flights) == 0 {
		return true
	}
	return len(p.flights) < mostFlights && p.open != nil && len(p.open.requests) >= p.e.o.Second && len(p.open.out.Events) > 0
}

// pilot sends one flight after the other, until there will be no more. Nothing of the executor's but the store is
// touched here.
func (p *pipeline) pilot(ctx context.Context) {
	for f := range p.runway {
		ctx, cancel := context.WithTimeout(ctx, p.e.o.Timeout)
		started := time.Now()
		p.e.store.Send(ctx, f.b.head, f.b.now, &f.b.out, func(err error) {
			cancel()
			f.arrive(p.e, err, time.Since(started))
		})
	}
}

// arrive gives the answers, once the commit is durable.
func (f *flight) arrive(e *Executor, err error, took time.Duration) {
	if err == nil {
		e.report(f.b, took)
		f.b.send()
	}
	f.done <- err
}

// land notes what became of the first flight. When it failed, so did the next, unless only its answer was lost.
func (p *pipeline) land(ctx context.Context, err error) {
	if err == nil {
		p.e.last = p.flights[0].b.end()
		p.flights = p.flights[1:]
		return
	}
	p.e.quiet, p.e.turn.ahead = 0, false
	doubt, again := doubtAfter(err), p.flights[0].b.requests
	for _, f := range p.flights[1:] {
		if err := <-f.done; err != nil {
			doubt, again = max(doubt, doubtAfter(err)), append(again, f.b.requests...)
		}
	}
	for _, f := range p.flights {
		f.b.undo()
	}
	p.flights = nil
	if p.open != nil {
		p.open.undo()
		again = append(again, p.open.requests...)
		p.open = nil
	}
	p.e.process(ctx, again, doubt)
}

// retreat gives the open batch up and decides its commands, and some more, under the lock.
func (p *pipeline) retreat(ctx context.Context, more []*Request) {
	var again []*Request
	if p.open != nil {
		p.open.undo()
		again, p.open = p.open.requests, nil
	}
	for len(p.flights) > 0 {
		p.land(ctx, <-p.flights[0].done)
	}
	if again = append(again, more...); len(again) > 0 {
		p.e.process(ctx, again, untouched)
	}
}
