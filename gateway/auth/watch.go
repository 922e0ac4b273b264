package auth

import (
	"context"
	"math"
	"sync"
	"time"
)

// watch is up to where it is known which keys have changed.
type watch struct {
	mu    sync.Mutex
	state State
	until time.Time // it is believed
}

// enter marks an entry whose key's changes will be noticed: none that it does not know yet lies before the watch's state.
func (w *watch) enter(e *entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.noticed = e.state.Build == w.state.Build && e.state.Position >= w.state.Position
}

// covers says whether an entry's key has not changed as far as is known, and that is known well enough.
func (w *watch) covers(e *entry, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return e.noticed && e.state.Build == w.state.Build && now.Before(w.until)
}

// Run watches for changed keys until the context ends, and then returns its error. Without it, and while it gets no answers, keys
// are believed for a shorter time.
func (a *Authenticator) Run(ctx context.Context) error {
	tick := time.NewTicker(a.o.Watch)
	defer tick.Stop()
	for {
		a.look(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// look forgets the keys that have changed since the last time.
func (a *Authenticator) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	w := &a.watch
	w.mu.Lock()
	last := w.state
	w.mu.Unlock()
	after := last.Position
	if last == (State{}) {
		after = math.MaxInt64 // nothing is remembered that could have changed
	}
	asked := a.o.Now()
	changed, state, err := a.keys.Changed(ctx, after)
	if err != nil {
		return // covers ends by itself
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	// Entries of another build are not covered any more; those of this one lie after its state.
	for _, id := range changed {
		a.known.forget(id)
	}
	w.state, w.until = state, asked.Add(a.o.Known)
}
