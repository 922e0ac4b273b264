package hits

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// Options of a Recorder. Zero values take the defaults named here.
type Options struct {
	Waiting int           // hits that wait at most; 20,000. Those beyond are lost.
	Flush   time.Duration // how long Run writes on after its context has ended; 5 s
	OnLost  func(n int)   // counts hits that were not recorded
	Logger  zerolog.Logger
}

const (
	defaultWaiting = 20_000
	defaultFlush   = 5 * time.Second
	batchHits      = 1000
	writeTime      = 10 * time.Second
	firstPause     = 50 * time.Millisecond
	longPause      = 2 * time.Second
)

// Recorder records hits beside the calls, which never wait for it.
type Recorder struct {
	*Store
	o    Options
	wake chan struct{}

	mu    sync.Mutex
	queue []Hit // with the batch that is written now
}

// NewRecorder makes a Recorder. Nothing is recorded before it runs.
func NewRecorder(s *Store, o Options) *Recorder {
	if o.Waiting == 0 {
		o.Waiting = defaultWaiting
	}
	if o.Flush == 0 {
		o.Flush = defaultFlush
	}
	if o.OnLost == nil {
		o.OnLost = func(int) {}
	}
	return &Recorder{Store: s, o: o, wake: make(chan struct{}, 1)}
}

// Put takes a hit. It returns at once.
func (r *Recorder) Put(h Hit) {
	r.mu.Lock()
	full := len(r.queue) >= r.o.Waiting
	if !full {
		r.queue = append(r.queue, h)
	}
	r.mu.Unlock()
	if full {
		r.o.OnLost(1)
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Find is one hit of a wallet, also one that waits here. Errors: not_found, ledger_unavailable.
func (r *Recorder) Find(ctx context.Context, id, walletID uuid.UUID) (Hit, error) {
	r.mu.Lock()
	for i := range r.queue {
		if h := r.queue[i]; h.ID == id && h.Wallet == walletID {
			r.mu.Unlock()
			return h, nil
		}
	}
	r.mu.Unlock()
	return r.Store.Find(ctx, id, walletID)
}

// Run records what was put until ctx ends, and then what waits still, within the time for that.
func (r *Recorder) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := r.drain(ctx); err != nil {
			break // it was cut off
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		}
	}
	flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.o.Flush)
	defer cancel()
	if err := r.drain(flushing); err != nil {
		lost := len(r.next(r.o.Waiting))
		r.o.OnLost(lost)
		r.o.Logger.Warn().Err(err).Int("hits", lost).Msg("answers from the cache were not counted before the end")
	}
	return nil
}

// drain records until nothing waits. What cannot be recorded is tried again until ctx ends; then why is returned.
func (r *Recorder) drain(ctx context.Context) error {
	for pause := firstPause; ; {
		batch := r.next(batchHits)
		if len(batch) == 0 {
			return nil
		}
		limited, cancel := context.WithTimeout(ctx, writeTime)
		err := r.write(limited, batch)
		cancel()
		if err == nil {
			r.drop(len(batch))
			pause = firstPause
			continue
		}
		if ctx.Err() == nil {
			r.o.Logger.Warn().Err(err).Msg("answers from the cache cannot be counted now; it is tried again")
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			pause = min(2*pause, longPause)
		}
	}
}

// next are the first hits that wait. They stay in the queue, where they can be found, until drop.
func (r *Recorder) next(most int) []Hit {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.queue), most)
	return r.queue[:n:n]
}

func (r *Recorder) drop(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queue = r.queue[n:]; len(r.queue) == 0 {
		r.queue = nil
	}
}
