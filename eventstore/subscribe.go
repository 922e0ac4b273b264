package eventstore

import (
	"context"
	"fmt"
)

// Subscribe calls handle with batches of consecutive events after position from, for ever: until the context ends,
// handle fails, or a position is missing (ErrGap). handle is called from one goroutine, and a batch is handed over once
// per call of Subscribe; who must not see an event twice keeps the last position with its effect.
func Subscribe(ctx context.Context, r Reader, from int64, limit int, handle func(context.Context, []Event) error) error {
	last := from
	for {
		events, err := ReadDense(ctx, r, last, limit)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			if err := r.Wait(ctx, last); err != nil {
				return err
			}
			continue
		}
		if err := handle(ctx, events); err != nil {
			return err
		}
		last = events[len(events)-1].Position
	}
}

// ReadDense is Read with the proof that nothing is missing: each position is the one before plus one, else ErrGap.
func ReadDense(ctx context.Context, r Reader, after int64, limit int) ([]Event, error) {
	events, err := r.Read(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	for i := range events {
		if want := after + int64(i) + 1; events[i].Position != want {
			return nil, fmt.Errorf("%w: expected %d, read %d", ErrGap, want, events[i].Position)
		}
	}
	return events, nil
}
