package password

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/massrouter/massrouter/domain"
)

// pace lets work through one at a time, and after each waits so long that it takes no more than a share of a core. Who waits in vain is told so: those who are many of one
// network before all others. Who comes from where he has signed in before waits in a line of his own, which has three turns and three places of four.
type pace struct {
	share      float64
	patience   time.Duration
	waiting    int
	perNetwork int

	mu      sync.Mutex
	working bool // or resting after it
	known   line
	others  line
	inARow  int // turns of the known while others waited
}

// knownTurns are the turns that the known have before one of the others has his.
const knownTurns = 3

func newPace(share float64, waiting, perNetwork int, patience time.Duration) *pace {
	if share <= 0 || share > 1 {
		share = 0.25
	}
	if waiting <= 0 {
		waiting = 64
	}
	if perNetwork <= 0 {
		perNetwork = 16
	}
	if patience <= 0 {
		patience = 5 * time.Second
	}
	return &pace{share: share, patience: patience, waiting: waiting, perNetwork: perNetwork}
}

// do works when it is its turn.
func (p *pace) do(ctx context.Context, work func()) error {
	if err := p.wait(ctx); err != nil {
		return err
	}
	begun := time.Now()
	work()
	time.AfterFunc(time.Duration(float64(time.Since(begun))*(1/p.share-1)), p.pass)
	return nil
}

// wait waits for the turn.
func (p *pace) wait(ctx context.Context) error {
	w := &waiter{Asker: askerOf(ctx), turn: make(chan bool, 1)}
	if !p.enter(w) {
		return busy()
	}
	select {
	case mine := <-w.turn: // at once, before any patience ends
		if !mine {
			return busy()
		}
		return nil
	default:
	}
	timer := time.NewTimer(p.patience)
	defer timer.Stop()
	select {
	case mine := <-w.turn:
		if !mine {
			return busy()
		}
		return nil
	case <-timer.C:
		p.leave(w)
		return busy()
	case <-ctx.Done():
		p.leave(w)
		return fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
}

// enter gives somebody the turn, or a place to wait; false when there is none for him.
func (p *pace) enter(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.working {
		p.working = true
		w.turn <- true
		return true
	}
	mine := p.line(w)
	before := len(mine.of[w.Network])
	if w.Network != "" && before >= p.perNetwork {
		return false
	}
	if p.known.n+p.others.n >= p.waiting {
		last := p.mostOf(w, before)
		if last == nil {
			return false
		}
		p.line(last).remove(last)
		last.turn <- false
	}
	mine.add(w)
	return true
}

// mostOf is whose place somebody gets when all are taken: of the other line when that has more than its part of them, otherwise of a network of his own line of which more
// wait than of his, where before do. nil: nobody's.
func (p *pace) mostOf(w *waiter, before int) *waiter {
	ofOthers := p.waiting / (knownTurns + 1)
	switch {
	case w.Known && p.others.n > ofOthers:
		return p.others.longest(0)
	case !w.Known && p.others.n < ofOthers:
		return p.known.longest(0)
	}
	return p.line(w).longest(before + 1)
}

func (p *pace) line(w *waiter) *line {
	if w.Known {
		return &p.known
	}
	return &p.others
}

// leave is of somebody who waits no longer. The turn that he was given meanwhile goes to the next.
func (p *pace) leave(w *waiter) {
	p.mu.Lock()
	waited := p.line(w).remove(w)
	p.mu.Unlock()
	if !waited && <-w.turn {
		p.pass()
	}
}

// pass gives the turn to the next, if there is one.
func (p *pace) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, second := &p.known, &p.others
	if p.inARow >= knownTurns {
		first, second = second, first
	}
	w := first.next()
	if w == nil {
		w = second.next()
	}
	if w == nil {
		p.working, p.inARow = false, 0
		return
	}
	if p.inARow++; !w.Known || p.others.n == 0 {
		p.inARow = 0
	}
	w.turn <- true
}

func busy() error {
	return domain.Errorf(domain.CodeOverloaded, "too many sign in at the moment; try again in some seconds")
}
