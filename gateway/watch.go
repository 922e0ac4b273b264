package gateway

import (
	"context"
	"sync"
	"time"
)

// watch is the context of the calls to a vendor, with the clocks that end it: one for the whole call, one for silence. The
// caller going away does not end it by itself.
type watch struct {
	ctx    context.Context // nil before start
	cancel context.CancelCauseFunc
	detach func() bool // from the caller's context

	mu      sync.Mutex
	timer   *time.Timer
	end     time.Time     // of the whole call
	silence time.Duration // that is tolerated
	heard   time.Time     // when the vendor was last heard of
	closed  bool
}

// start begins the call. gone is called once if the caller's context ends.
func (w *watch) start(base, caller context.Context, total, silence time.Duration, gone func()) {
	w.ctx, w.cancel = context.WithCancelCause(base)
	now := time.Now()
	w.mu.Lock()
	w.end, w.silence, w.heard = now.Add(total), silence, now
	w.timer = time.AfterFunc(min(total, silence), w.check)
	w.mu.Unlock()
	w.detach = context.AfterFunc(caller, gone)
}

// progress notes that the vendor was heard of; from now on it may be silent for so long.
func (w *watch) progress(silence time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = time.Now()
	if silence != w.silence {
		w.silence = silence
		w.arm(w.heard)
	}
}

// limit makes the whole call end after so long at the latest.
func (w *watch) limit(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if end := now.Add(d); end.Before(w.end) {
		w.end = end
		w.arm(now)
	}
}

// arm sets the timer to when something may be due. It is not moved for every byte that comes: check sees to that.
func (w *watch) arm(now time.Time) {
	if !w.closed {
		w.timer.Reset(max(w.due().Sub(now), 0))
	}
}

func (w *watch) due() time.Time {
	if quiet := w.heard.Add(w.silence); quiet.Before(w.end) {
		return quiet
	}
	return w.end
}

// left is how much time there is until the call ends, should nothing be heard.
func (w *watch) left() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.due())
}

func (w *watch) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.closed {
		return
	}
	if now.Before(w.due()) {
		w.arm(now)
		return
	}
	w.cancel(errTimeout)
}

// close ends what is left of the call.
func (w *watch) close() {
	if w.ctx == nil {
		return
	}
	w.detach()
	w.mu.Lock()
	w.closed = true
	w.timer.Stop()
	w.mu.Unlock()
	w.cancel(context.Canceled)
}
