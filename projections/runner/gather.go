package runner

import (
	"context"
	"time"
)

// blockSize is how many events are read and shared at a time.
const blockSize = 2000

// batch returns the events after a position, at most up to another, and no more than a transaction takes: those of one block, and of
// those after it as long as the log goes on. It waits as next does, but not for more than the first ones.
func (f *feed) batch(ctx context.Context, r *reader, after, stop int64) ([]Event, error) {
	events := r.rest
	if len(events) == 0 || events[0].Position != after+1 {
		f.move(r, after)
		var err error
		if events, err = f.next(ctx, r); err != nil || len(events) == 0 {
			return nil, err
		}
	}
	r.rest = nil
	events = f.gather(ctx, r, events, stop)
	events = events[:min(int64(len(events)), stop-after)] // positions are dense
	if len(events) < f.most {
		r.own = nil
		return events, nil
	}
	n := lastBeginning(events[:f.most])
	events, r.rest = events[:n:n], events[n:]
	return events, nil
}

// gather adds what lies in the next blocks already, or can be read. An error there will come again.
func (f *feed) gather(ctx context.Context, r *reader, events []Event, stop int64) []Event {
	own := false
	for len(events) < f.most {
		last := events[len(events)-1].Position
		if last >= stop || last%f.size != 0 { // a block that is not full is the end of the log
			break
		}
		f.move(r, last)
		more, err := f.take(ctx, r, false)
		if err != nil || len(more) == 0 {
			break
		}
		if !own { // blocks are shared
			events, own = append(r.own[:0], events...), true
		}
		events = append(events, more...)
	}
	if own {
		r.own = events
	}
	return events
}

// lastBeginning is the number of events up to the last one that begins a minute; all, when none does. A projection that sums minutes
// up, which are over when the next one begins, has them whole in a batch then.
func lastBeginning(events []Event) int {
	minute := func(i int) time.Time { return events[i].RecordedAt.Truncate(time.Minute) }
	for i := len(events) - 1; i > 0; i-- {
		if !minute(i).Equal(minute(i - 1)) {
			return i + 1
		}
	}
	return len(events)
}
