package runner

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// feed reads and decodes the log once for all projections of a process that are near each other. It keeps the last
// blocks of decoded events; a projection that runs ahead of another by all of them waits a moment for it, so that in a
// replay all use the same blocks. A projection that is elsewhere (a rebuild) has blocks of its own.
type feed struct {
	store    eventstore.Reader
	registry *domain.Registry
	size     int64         // positions of a block
	most     int           // events of a batch
	capacity int           // blocks that are kept
	gap      time.Duration // least time between two reads at the end of the log
	patience time.Duration // longest wait for a slower reader
	idle     time.Duration // longest wait for new events

	mu      sync.Mutex
	blocks  map[int64]*block
	readers map[*reader]struct{}
	changed chan struct{} // closed and replaced at every change of the fields above
	again   time.Time     // when the end of the log may be read again
}

// block has the events of positions k*size+1 to (k+1)*size, as far as they were read: those after the position after.
type block struct {
	after   int64
	events  []Event
	loading bool
	atEnd   bool // it is loading, and waits for the log to go on
}

func (b *block) end() int64 { return b.after + int64(len(b.events)) }

// reader is one projection's place in the log. Its fields are guarded by the feed's mutex.
type reader struct {
	position int64
	stalled  bool // others no longer wait for it until it moves
	ahead    sync.WaitGroup
	stop     context.CancelFunc // of what is read ahead for it; nil when nothing is
	own      []Event            // memory for a batch of several blocks
	rest     []Event            // what was left over of the last one
}

func newFeed(store eventstore.Reader, registry *domain.Registry, o Options) *feed {
	size := min(o.BatchSize, blockSize)
	return &feed{
		store: store, registry: registry, size: int64(size), most: o.BatchSize, capacity: keptBlocks + o.BatchSize/size, gap: o.Gap,
		patience: patience, idle: o.Takeover,
		blocks: map[int64]*block{}, readers: map[*reader]struct{}{}, changed: make(chan struct{}),
	}
}

// join adds a reader that has everything up to the position.
func (f *feed) join(position int64) *reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &reader{position: position}
	f.readers[r] = struct{}{}
	return r
}

// move says that a reader is done with everything up to the position.
func (f *feed) move(r *reader, position int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.position, r.stalled = position, false
	f.broadcast()
}

// leave takes a reader out, so that nobody waits for it.
func (f *feed) leave(r *reader) {
	f.mu.Lock()
	delete(f.readers, r)
	f.broadcast()
	if r.stop != nil {
		r.stop()
	}
	f.mu.Unlock()
	r.ahead.Wait()
}

// readAhead begins to read the block after a full one, while the reader is busy with that.
func (f *feed) readAhead(ctx context.Context, r *reader, b *block) {
	next := (r.position/f.size + 1) * f.size
	if b.end() < next || f.blocks[next/f.size] != nil || len(f.tooFarBehind(&reader{position: next})) > 0 {
		return
	}
	if r.stop != nil {
		r.stop() // it has ended, or nobody needs it
	}
	ctx, r.stop = context.WithCancel(ctx)
	ahead := f.block(next)
	ahead.loading = true
	r.ahead.Go(func() {
		_, _ = f.load(ctx, ahead, next+f.size, true) // whoever needs the block tries again, and is told
	})
}

func (f *feed) broadcast() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// next returns the events after the reader's position, at most a block; it waits for them, but returns none when none came for
// a while. The events are shared: nobody changes them.
func (f *feed) next(ctx context.Context, r *reader) ([]Event, error) { return f.take(ctx, r, true) }

// take is next, which need not wait at the end of the log.
func (f *feed) take(ctx context.Context, r *reader, wait bool) ([]Event, error) {
	patience, idle := time.NewTimer(f.patience), time.NewTimer(f.idle)
	defer patience.Stop()
	defer idle.Stop()
	for {
		f.mu.Lock()
		b := f.block(r.position)
		switch {
		case r.position < b.after: // the block was begun further on: read alone up to there
			f.mu.Unlock()
			return f.read(ctx, r.position, int(b.after-r.position))
		case r.position < b.end():
			events := b.events[r.position-b.after:]
			f.readAhead(ctx, r, b)
			f.mu.Unlock()
			return events[:len(events):len(events)], nil
		case !b.loading && len(f.tooFarBehind(r)) == 0:
			b.loading = true
			f.mu.Unlock()
			if more, err := f.load(ctx, b, (r.position/f.size+1)*f.size, wait); err != nil || !more {
				return nil, err
			}
			continue
		case b.atEnd && !wait:
			f.mu.Unlock()
			return nil, nil
		}
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-patience.C:
			f.giveUpOn(r)
		case <-idle.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// block finds or begins the block with the event after a position. The one that is needed last makes place.
func (f *feed) block(position int64) *block {
	k := position / f.size
	b, ok := f.blocks[k]
	if !ok {
		if len(f.blocks) >= f.capacity {
			f.evict()
		}
		b = &block{after: position}
		f.blocks[k] = b
	}
	return b
}

func (f *feed) evict() {
	last, latest := int64(0), int64(-1)
	for k, b := range f.blocks {
		if need := f.neededIn(b); need > latest && !b.loading {
			last, latest = k, need
		}
	}
	if latest >= 0 {
		delete(f.blocks, last)
	}
}

// neededIn is how far the next reader is from a block; never when all are past it.
func (f *feed) neededIn(b *block) int64 {
	need := never
	for r := range f.readers {
		if r.position < b.end() {
			need = min(need, max(b.after-r.position, 0))
		}
	}
	return need
}

// tooFarBehind lists the readers that would lose the blocks that they still need if r went on.
func (f *feed) tooFarBehind(r *reader) []*reader {
	var slow []*reader
	kept := f.size * int64(f.capacity-1)
	for other := range f.readers {
		lag := r.position - other.position
		if !other.stalled && lag <= kept && lag+f.size > kept {
			slow = append(slow, other)
		}
	}
	return slow
}

func (f *feed) giveUpOn(r *reader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, slow := range f.tooFarBehind(r) {
		slow.stalled = true
	}
}

const (
	busyRead = 100 // events at the end of the log that lengthen the gap by one more
	busiest  = 5   // gaps at most
)

// load reads on in a block, up to its last position. At the end of the log it waits for more, and does not read again before the
// gap is over: an idle log is followed at once, a busy one in batches, and the gap grows with what it brings in. It says
// whether there is, or may be, more.
func (f *feed) load(ctx context.Context, b *block, last int64, wait bool) (more bool, err error) {
	var events []Event
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		b.events = append(b.events, events...)
		if len(events) > 0 && b.end() < last {
			f.again = time.Now().Add(f.gap * time.Duration(min(1+len(events)/busyRead, busiest)))
		}
		b.loading, b.atEnd = false, false
		f.broadcast()
	}()
	f.mu.Lock()
	after, rest := b.end(), time.Until(f.again)
	if rest > 0 {
		f.waits(b)
	}
	f.mu.Unlock()
	if rest > 0 && !wait {
		return false, nil
	}
	if err := pause(ctx, rest); err != nil {
		return false, err
	}
	events, err = f.read(ctx, after, int(last-after))
	if err != nil || len(events) > 0 {
		return true, err
	}
	if !wait {
		return false, nil
	}
	f.mu.Lock()
	f.waits(b)
	f.mu.Unlock()
	waiting, stop := context.WithTimeout(ctx, f.idle)
	defer stop()
	if err = f.store.Wait(waiting, after); err != nil && ctx.Err() == nil && waiting.Err() != nil {
		return false, nil
	}
	return true, err
}

// waits tells those who will not that a block has all that the log has.
func (f *feed) waits(b *block) {
	b.atEnd = true
	f.broadcast()
}

// read returns decoded events. What this program cannot decode stops the reader there, after all that comes before.
func (f *feed) read(ctx context.Context, after int64, limit int) ([]Event, error) {
	stored, err := eventstore.ReadDense(ctx, f.store, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	events := make([]Event, 0, len(stored))
	for i := range stored {
		e := &stored[i]
		data, err := f.registry.Decode(e.Type, e.Body)
		if err != nil {
			if i > 0 {
				break
			}
			return nil, fmt.Errorf("event at position %d: %w", e.Position, err)
		}
		events = append(events, Event{Position: e.Position, RecordedAt: e.RecordedAt, StreamID: e.StreamID, Actor: e.Actor, Data: data})
	}
	return events, nil
}

// pause waits; no time at all when d is not above zero.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
