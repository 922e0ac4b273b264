package content

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// WriterOptions of a Writer. Zero values take the defaults named here.
type WriterOptions struct {
	Calls  int           // that wait at most; 10,000
	Bytes  int64         // of their bodies; 64 MiB. Calls beyond are noted without their bodies.
	Flush  time.Duration // how long Run writes on after its context has ended; 5 s
	OnCall func(State)   // counts what became of a call's content; Dropped also when not even that could be noted
	Logger zerolog.Logger
}

const (
	defaultCalls = 10_000
	defaultBytes = 64 << 20
	defaultFlush = 5 * time.Second
	// A statement stores at most so many calls, and stops taking more beyond so many bytes.
	batchCalls = 64
	batchBytes = 4 << 20
	// writeTime bounds one statement; pauses follow one that failed.
	writeTime  = 10 * time.Second
	firstPause = 50 * time.Millisecond
	longPause  = 2 * time.Second
)

// Writer stores contents beside the calls, which never wait for it.
type Writer struct {
	store *Store
	o     WriterOptions
	wake  chan struct{}

	mu    sync.Mutex
	queue []*entry
	bytes int64 // of the bodies in the queue and in the batch that is written now
}

// NewWriter makes a Writer. Nothing is stored before it runs.
func NewWriter(store *Store, o WriterOptions) *Writer {
	if o.Calls == 0 {
		o.Calls = defaultCalls
	}
	if o.Bytes == 0 {
		o.Bytes = defaultBytes
	}
	if o.Flush == 0 {
		o.Flush = defaultFlush
	}
	if o.OnCall == nil {
		o.OnCall = func(State) {}
	}
	return &Writer{store: store, o: o, wake: make(chan struct{}, 1)}
}

// Put takes the content of a call that has ended. It returns at once. Without room for its bodies only that is noted.
func (w *Writer) Put(c Call) {
	e := &entry{Call: c}
	size := int64(len(c.Request.Bytes)) + int64(len(c.Response.Bytes))
	w.mu.Lock()
	full := len(w.queue) >= w.o.Calls
	if !full {
		if w.bytes+size > w.o.Bytes {
			e.dropped, e.Request.Bytes, e.Response.Bytes, size = true, nil, nil, 0
		}
		w.bytes += size
		w.queue = append(w.queue, e)
	}
	w.mu.Unlock()
	if full || e.dropped {
		w.o.OnCall(Dropped)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run stores what was put until ctx ends, and then what waits still, within the time for that.
func (w *Writer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := w.drain(ctx); err != nil {
			break // it was cut off
		}
		select {
		case <-ctx.Done():
		case <-w.wake:
		}
	}
	flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.o.Flush)
	defer cancel()
	if err := w.drain(flushing); err != nil {
		w.mu.Lock()
		lost := len(w.queue)
		w.mu.Unlock()
		for range lost {
			w.o.OnCall(Dropped)
		}
		w.o.Logger.Warn().Err(err).Int("calls", lost).Msg("the contents of calls were not stored before the end")
	}
	return nil
}

// drain stores until nothing waits. A batch that cannot be stored is tried again until ctx ends; then it waits again, and why is returned.
func (w *Writer) drain(ctx context.Context) error {
	pause := firstPause
	for {
		batch := w.take()
		if len(batch) == 0 {
			return nil
		}
		err := w.write(ctx, batch)
		if err == nil {
			w.done(batch)
			pause = firstPause
			continue
		}
		if refusedForGood(err) {
			w.drop(batch, err)
			continue
		}
		w.putBack(batch)
		if ctx.Err() == nil {
			w.o.Logger.Warn().Err(err).Msg("the contents of calls cannot be stored now; it is tried again")
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			pause = min(2*pause, longPause)
		}
	}
}

func (w *Writer) write(ctx context.Context, batch []*entry) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	return w.store.put(ctx, batch)
}

func (e *entry) size() int64 { return int64(len(e.Request.Bytes)) + int64(len(e.Response.Bytes)) }

// take takes the next calls out of the queue.
func (w *Writer) take() []*entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, size := 0, int64(0)
	for n < len(w.queue) && n < batchCalls && (n == 0 || size+w.queue[n].size() <= batchBytes) {
		size += w.queue[n].size()
		n++
	}
	batch := w.queue[:n:n]
	if w.queue = w.queue[n:]; len(w.queue) == 0 {
		w.queue = nil
	}
	return batch
}

func (w *Writer) putBack(batch []*entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(batch, w.queue...)
}

// drop gives a batch up that the database does not take.
func (w *Writer) drop(batch []*entry, err error) {
	w.o.Logger.Error().Err(err).Int("calls", len(batch)).Msg("the contents of calls cannot be stored; they are dropped")
	w.free(batch)
	for _, e := range batch {
		if !e.dropped {
			w.o.OnCall(Dropped)
		}
	}
}

// free makes room again.
func (w *Writer) free(batch []*entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range batch {
		w.bytes -= e.size()
	}
}

func (w *Writer) done(batch []*entry) {
	w.free(batch)
	for _, e := range batch {
		if !e.dropped {
			w.o.OnCall(Stored)
		}
	}
}
