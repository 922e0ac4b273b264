package bus

import (
	"context"
	"time"
)

// patience runs work that cannot be told to stop, one at a time.
type patience struct{ free chan struct{} }

func newPatience() patience { return patience{free: make(chan struct{}, 1)} }

// do returns when the work is done or ctx ends; then abandon is called, which is to make the work end soon. The next work
// begins only when this one has ended.
func (p patience) do(ctx context.Context, work func() error, abandon func()) error {
	select {
	case p.free <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-p.free }()
		done <- work()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		abandon()
		return ctx.Err()
	}
}

// last waits until nothing is under way, but not for ever, and lets nothing begin any more.
func (p patience) last() (ended bool) {
	timer := time.NewTimer(closeTime)
	defer timer.Stop()
	select {
	case p.free <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}
