// Package outbox works through messages that wait in a table: those that are due are taken, a batch at a time, and each is sent beside the others.
package outbox

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// Worker takes and sends messages of one kind.
type Worker[T any] struct {
	// Take claims what is due, at most Batch messages, so that no other process sends them for a while.
	Take  func(ctx context.Context) ([]T, error)
	Batch int
	// Send sends one and notes what came of it. Its context does not end with the worker's: what is under way is finished.
	Send    func(ctx context.Context, message T) error
	Poll    time.Duration // between two looks, when there was less than a batch
	OnError func(error)   // never with what a message says
}

// Run works until the context ends.
func (w *Worker[T]) Run(ctx context.Context) {
	ticker := time.NewTicker(w.Poll)
	defer ticker.Stop()
	for {
		n, err := w.turn(ctx)
		if err != nil && ctx.Err() == nil {
			w.OnError(err)
		}
		if n == w.Batch && err == nil {
			continue
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// turn sends what is due.
func (w *Worker[T]) turn(ctx context.Context) (int, error) {
	taken, err := w.Take(ctx)
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	for _, message := range taken {
		group.Go(func() error { return w.Send(context.WithoutCancel(ctx), message) })
	}
	return len(taken), group.Wait()
}

// Clip shortens what a server said, for whoever looks into the table.
func Clip(text string) string {
	const longest = 300
	all := []rune(text)
	return string(all[:min(len(all), longest)])
}
