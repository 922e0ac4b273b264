package executor

import (
	"context"
	"time"

	"github.com/massrouter/massrouter/eventstore"
)

const (
	// turnLength is how long one process appends before the next one may. While it lasts, batches are decided ahead and
	// nothing has to be caught up with; the others' commands wait, and then leave in one batch.
	turnLength = 20 * time.Millisecond
	// turnPatience bounds the wait for processes that hang with the turn; after it the head's lock has to do.
	turnPatience = 250 * time.Millisecond
	// turnPause is how long no turn is asked for when one did not come.
	turnPause = 5 * time.Second
	// turnLook is how often the log is read while waiting.
	turnLook = 4 * time.Millisecond
)

// turn is this process's, among those that append to the same log.
type turn struct {
	end   func() // nil while it is not ours
	since time.Time
	ahead bool      // the cache is current: batches may be decided ahead
	after time.Time // before which none is asked for
}

func (t *turn) over() bool { return t.end != nil && time.Since(t.since) > turnLength }

// takeTurn waits until it is this process's turn, unless it is, or turns do not come.
func (e *Executor) takeTurn(ctx context.Context) {
	t := &e.turn
	if t.end != nil || time.Now().Before(t.after) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*turnPatience)
	defer cancel()
	before := e.last.Position
	if t.end = e.await(ctx); t.end == nil {
		// A store that is away is found out by what follows.
		t.after = time.Now().Add(turnPause)
		return
	}
	t.since, t.ahead = time.Now(), e.follow(ctx)
	switch {
	case e.last.Position > before:
		e.quiet = 0
	case t.ahead:
		e.quiet++
	}
}

// await waits for the turn. Meanwhile it follows what the others append, so that little is left to catch up with.
func (e *Executor) await(ctx context.Context) (end func()) {
	got := make(chan func(), 1)
	go func() {
		end, err := e.store.Turn(ctx, turnPatience)
		if err != nil {
			end = nil
		}
		got <- end
	}()
	look := time.NewTicker(turnLook)
	defer look.Stop()
	for {
		select {
		case end := <-got:
			return end
		case <-look.C:
			e.follow(ctx)
		}
	}
}

// follow folds what is in the log after the last head that this process saw, and says whether that was all. It reads
// without the lock: what comes after, or cannot be read now, is caught up with under it.
func (e *Executor) follow(ctx context.Context) bool {
	if e.last.Position == 0 {
		return false
	}
	tail, err := e.store.Read(ctx, e.last.Position, e.o.Tail)
	if err != nil || (len(tail) > 0 && tail[0].Position != e.last.Position+1) {
		return false
	}
	e.fold(tail)
	if n := len(tail); n > 0 {
		e.last = eventstore.HeadAfter(&tail[n-1])
	}
	return len(tail) < e.o.Tail
}

// endTurn lets the next process append.
func (e *Executor) endTurn() {
	if e.turn.end != nil {
		e.turn.end()
		e.turn.end, e.turn.ahead = nil, false
	}
}
