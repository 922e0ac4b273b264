package webhook

import (
	"context"
	"crypto/x509"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// WorkerOptions tune a Worker. The zero value means the defaults, but for Keys.
type WorkerOptions struct {
	Keys   *Keyring
	Policy Policy
	// Webhooks is how many webhooks are served at once; 0 means 64. Half of that room, at most, is for receivers that fail
	// or are slow, so that they never hold up the others.
	Webhooks int
	// PerWebhook is how many deliveries of one webhook are sent at once; 0 means 8. PerHost is how many webhooks of one host
	// are served at once; 0 means 8.
	PerWebhook, PerHost int
	// Timeout is how long an attempt may take in all; 0 means 15 s.
	Timeout time.Duration
	// Slow is the time of an attempt from which on a receiver counts as slow; 0 means 2 s.
	Slow time.Duration
	// Poll is how often is looked for what is due, unless Wake is called; 0 means 250 ms.
	Poll time.Duration
	// Grace is how long attempts may take to end when the worker is stopped; 0 means 5 s.
	Grace time.Duration
	// Roots are the authorities that certificates are checked with; nil means the system's.
	Roots *x509.CertPool
	Now   func() time.Time // nil means time.Now
	// OnError, when given, is told what went wrong on our side, and OnAttempt of each attempt: its class ("" is a success).
	OnError   func(error)
	OnAttempt func(class string, took time.Duration)
}

func (o WorkerOptions) withDefaults() WorkerOptions {
	for _, n := range []struct {
		value *int
		usual int
	}{{&o.Webhooks, 64}, {&o.PerWebhook, 8}, {&o.PerHost, 8}} {
		if *n.value <= 0 {
			*n.value = n.usual
		}
	}
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&o.Timeout, 15 * time.Second}, {&o.Slow, slowAfter}, {&o.Poll, 250 * time.Millisecond}, {&o.Grace, 5 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.usual
		}
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.OnAttempt == nil {
		o.OnAttempt = func(string, time.Duration) {}
	}
	return o
}

// Worker sends what is due. Any number may run, in any number of processes.
type Worker struct {
	pool   *pgxpool.Pool
	keys   *Keyring
	o      WorkerOptions
	now    func() time.Time
	random func(int64) int64
	sender *sender
	wake   chan struct{}

	mu      sync.Mutex
	running map[uuid.UUID]*turn
}

// NewWorker makes a Worker.
func NewWorker(pool *pgxpool.Pool, o WorkerOptions) *Worker {
	o = o.withDefaults()
	return &Worker{
		pool: pool, keys: o.Keys, o: o, now: clock(o.Now), random: random, sender: newSender(o.Policy, o.Timeout, o.Roots),
		wake: make(chan struct{}, 1), running: map[uuid.UUID]*turn{},
	}
}

// lease is how long a claim lasts: longer than an attempt and its record take.
func (w *Worker) lease() time.Duration { return w.o.Timeout + 15*time.Second }

// Wake makes the worker look at once for what is due. Safe for concurrent use.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // it has been told
	}
}

// Run sends until ctx ends, and then waits a moment for the attempts that are under way.
func (w *Worker) Run(ctx context.Context) error {
	defer w.sender.close()
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var turns sync.WaitGroup
	for ctx.Err() == nil {
		started, err := w.start(ctx, sending, &turns)
		if err != nil && ctx.Err() == nil {
			w.o.OnError(err)
		}
		if started == 0 || err != nil {
			w.pause(ctx)
		}
	}
	timer := time.AfterFunc(w.o.Grace, stop)
	defer timer.Stop()
	turns.Wait()
	return nil
}

// start claims what there is room for, and says how many webhooks it serves.
func (w *Worker) start(ctx, sending context.Context, turns *sync.WaitGroup) (int, error) {
	room, slowToo, busy, full, hosts := w.room()
	if room <= 0 {
		return 0, nil
	}
	claimed, err := w.claim(ctx, room, slowToo, busy, full, hosts)
	if err != nil {
		return 0, err
	}
	for _, t := range claimed {
		w.mu.Lock()
		w.running[t.webhook] = t
		w.mu.Unlock()
		turns.Go(func() { w.serve(sending, t) })
	}
	return len(claimed), nil
}

// room is what may be claimed: how many webhooks, whether slow ones may be among them, which are busy, and whose hosts
// are full.
func (w *Worker) room() (room int, slowToo bool, busy []uuid.UUID, full []string, hosts map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	hosts = map[string]int{}
	slow := 0
	for id, t := range w.running {
		busy = append(busy, id)
		hosts[t.host]++
		if t.slow {
			slow++
		}
	}
	for host, n := range hosts {
		if n >= w.o.PerHost {
			full = append(full, host)
		}
	}
	room = w.o.Webhooks - len(w.running)
	if most := max(1, w.o.Webhooks/2) - slow; most > 0 {
		return min(room, most), true, busy, full, hosts
	}
	return room, false, busy, full, hosts
}

// serve makes the attempts of a turn, all at once, and records them as they end: what ends while a record is written
// goes into the next one together.
func (w *Worker) serve(ctx context.Context, t *turn) {
	results := make(chan result, len(t.deliveries))
	for _, c := range t.deliveries {
		go func() {
			at := w.now()
			o := w.sender.send(ctx, t.url, c.id, at, c.body, t.keys)
			w.o.OnAttempt(o.class, o.took)
			results <- result{claimed: c, at: at, outcome: o}
		}()
	}
	for left := len(t.deliveries); left > 0; {
		ended := []result{<-results}
		for len(results) > 0 {
			ended = append(ended, <-results)
		}
		left -= len(ended)
		recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
		if err := w.conclude(recording, t, ended); err != nil {
			w.o.OnError(err) // the claims end by themselves, and they are sent again
		}
		cancel()
	}
	w.mu.Lock()
	delete(w.running, t.webhook)
	w.mu.Unlock()
	w.Wake()
}

// recordTime is less than what is left of a claim after an attempt.
const recordTime = 10 * time.Second

func (w *Worker) pause(ctx context.Context) {
	timer := time.NewTimer(w.o.Poll)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.wake:
	case <-ctx.Done():
	}
}
