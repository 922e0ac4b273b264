package limit

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// queued corrections wait at most; what comes above is lost, and flows off or ends with its lease.
	queued = 16_384
	// together many corrections or renewals are sent.
	together = 256
	// patience is how long Redis may take for what no call waits for.
	patience = 2 * time.Second
)

// correction is the end of a call, on its way to Redis.
type correction struct {
	grant *Grant
	back  int64
}

// leases are the calls under way that count as parallel.
type leases struct {
	mu   sync.Mutex
	held map[*Grant]struct{}
}

func (h *leases) hold(g *Grant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held[g] = struct{}{}
}

func (h *leases) drop(g *Grant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.held, g)
}

func (h *leases) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.held)
}

func (h *leases) all() []*Grant {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*Grant, 0, len(h.held))
	for g := range h.held {
		out = append(out, g)
	}
	return out
}

func (l *Limiter) enqueue(c correction) {
	select {
	case l.queue <- c:
	default:
		l.lost.Add(1)
	}
}

// Run renews leases, sends corrections, and looks whether Redis is back, until ctx ends; then it sends what waits and returns the
// context's error. One goroutine does all of it in turn, so that no renewal brings a lease back that was ended after it.
func (l *Limiter) Run(ctx context.Context) error {
	renew, look := time.NewTicker(l.o.Lease/3), time.NewTicker(l.o.Retry)
	defer renew.Stop()
	defer look.Stop()
	l.renew(ctx)
	for {
		select {
		case <-ctx.Done():
			l.leave(context.WithoutCancel(ctx))
			return ctx.Err()
		case c := <-l.queue:
			l.correct(ctx, l.more(c))
		case <-renew.C:
			l.local.sweep(l.now())
			l.renew(ctx)
		case <-look.C:
			if l.link.away() {
				l.renew(ctx)
			}
		}
	}
}

// more is a correction with those that wait behind it.
func (l *Limiter) more(first correction) []correction {
	batch := []correction{first}
	for len(batch) < together {
		select {
		case c := <-l.queue:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// correct sends corrections, once: it is not known how far one got that failed, and twice would give tokens away.
func (l *Limiter) correct(ctx context.Context, batch []correction) {
	if l.link.away() {
		l.lost.Add(int64(len(batch)))
		return
	}
	var keys []string
	var args []any
	for _, c := range batch {
		for i := range c.grant.scopes {
			s := &c.grant.scopes[i]
			if s.Limits.Tokens == 0 && s.Limits.Parallel == 0 {
				continue
			}
			keys = append(keys, s.meterKey(), s.leaseKey())
			args = append(args, c.grant.lease, c.back, s.Limits.Requests, s.Limits.Tokens, s.Limits.Parallel)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := l.done.Run(ctx, l.redis, keys, args...).Err(); err != nil {
		l.lost.Add(int64(len(batch)))
		l.failed(err)
		return
	}
	l.link.good()
}

// renew tells Redis which calls are under way and that this process lives. Redis is asked again when it has taken that, and then
// answers within the budget.
func (l *Limiter) renew(ctx context.Context) {
	if l.redis == nil {
		return
	}
	if err := l.tell(ctx, l.leases.all()); err != nil {
		if ctx.Err() == nil {
			l.failed(err)
		}
		return
	}
	if !l.link.away() {
		return
	}
	limited, cancel := context.WithTimeout(ctx, l.o.Budget)
	defer cancel()
	if l.redis.Ping(limited).Err() == nil && l.link.back() {
		l.o.Logger.Info().Msg("rate limits are counted in Redis again")
	}
}

// tell renews leases, some at a time; no leases is one time, too.
func (l *Limiter) tell(ctx context.Context, held []*Grant) error {
	for begun := false; !begun || len(held) > 0; begun = true {
		n := min(together, len(held))
		byKey := map[string][]any{}
		for _, g := range held[:n] {
			if g.ended.Load() {
				continue
			}
			for i := range g.scopes {
				if s := &g.scopes[i]; s.Limits.Parallel > 0 {
					byKey[s.leaseKey()] = append(byKey[s.leaseKey()], g.lease)
				}
			}
		}
		held = held[n:]
		keys, args := []string{processesKey}, []any{l.process, l.o.Lease.Milliseconds()}
		for key, names := range byKey {
			keys, args = append(keys, key), append(append(args, len(names)), names...)
		}
		if err := l.say(ctx, keys, args); err != nil {
			return err
		}
	}
	return nil
}

func (l *Limiter) say(ctx context.Context, keys []string, args []any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	n, err := l.renewal.Run(ctx, l.redis, keys, args...).Int64()
	if err != nil {
		return fmt.Errorf("renew the leases: %w", err)
	}
	l.processes.Store(max(n, 1))
	return nil
}

// leave sends what waits, and says that this process is gone.
func (l *Limiter) leave(ctx context.Context) {
	for l.redis != nil && !l.link.away() {
		select {
		case c := <-l.queue:
			l.correct(ctx, l.more(c))
			continue
		default:
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		_ = l.redis.ZRem(ctx, processesKey, l.process).Err() // it would be forgotten after a lease's length
		return
	}
}
