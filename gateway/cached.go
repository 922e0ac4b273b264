package gateway

import (
	"context"
	"strconv"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/cache"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/hits"
	"github.com/massrouter/massrouter/gateway/meter"
)

// CacheWish is that an answer may come from the cache, and be kept there.
type CacheWish struct {
	TTL   time.Duration // how long the answer is kept, and how old one may be that is given; cache.MinTTL to cache.MaxTTL
	Clear bool          // forget what is kept, and ask anew
}

// CacheStatus is what the cache had to do with a call.
type CacheStatus struct {
	Use CacheUse
	TTL time.Duration
	Age time.Duration // of a hit
}

// CacheUse is whether an answer comes from the cache.
type CacheUse string

// The uses of the cache. What is bypassed is not kept either.
const (
	CacheHit    CacheUse = "HIT"
	CacheMiss   CacheUse = "MISS"
	CacheBypass CacheUse = "BYPASS"
)

// maxStoring bounds the answers that are put into the cache at the same time; others are not kept.
const maxStoring = 64

// caching is what a call has to do with the cache.
type caching struct {
	question  *cache.Question // nil: the answer is not kept
	limit     int
	answer    []byte // as the vendor gives it
	overflown bool
}

// cached answers the call from the cache if it may. Its rate limits count it; nothing is charged. The answer is that of the call which
// was charged, under a name of its own.
func (r *run) cached(ctx context.Context) (served bool, err error) {
	wish := r.call.Cache
	if wish == nil {
		return false, nil
	}
	b, err := r.bounds()
	if err == nil {
		err = r.limit(ctx, b)
	}
	if err != nil {
		return false, err
	}
	status := CacheStatus{Use: CacheBypass, TTL: wish.TTL}
	entry := r.lookUp(ctx, wish)
	if entry != nil {
		if answer, ok := r.again(entry); ok {
			r.outcome, r.caching = "cached", caching{}
			r.out.admitted(domain.GenerationID(r.id))
			r.out.cached(CacheStatus{Use: CacheHit, TTL: wish.TTL, Age: max(time.Since(entry.StoredAt), 0)})
			r.out.give(r.req.Stream, answer)
			r.hit(entry)
			return true, nil
		}
	}
	if r.caching.question != nil {
		status.Use = CacheMiss
	}
	r.out.cached(status)
	return false, nil
}

// hit lets it be counted that an answer was given again.
func (r *run) hit(e *cache.Entry) {
	if r.g.o.Hits == nil {
		return
	}
	saved, err := money.Parse(e.Charge)
	if err != nil {
		r.g.o.Logger.Error().Err(err).Msg("it cannot be read what a cached answer was charged")
	}
	r.g.o.Hits.Put(hits.Hit{
		ID: r.id, Wallet: r.call.WalletID, Key: r.call.KeyID, Source: e.Generation, Model: e.Model, Saved: saved, Streamed: e.Streamed,
		Duration: r.elapsed().Truncate(time.Millisecond), At: r.g.o.Now().UTC().Truncate(time.Microsecond),
	})
}

// lookUp asks the cache, and prepares the keeping of the answer if it can be kept. With several choices it is not known of each whether
// it is whole.
func (r *run) lookUp(ctx context.Context, wish *CacheWish) *cache.Entry {
	store := r.g.o.Cache
	if store == nil || r.req.Choices > 1 {
		return nil
	}
	q := cache.Question{
		Caller: cache.Caller{KeyID: r.call.KeyID, Secret: r.call.Secret},
		Digest: cache.Digest(r.call.Incoming, strconv.FormatBool(r.call.Clamp), strconv.FormatBool(r.call.DropUnsupported)),
	}
	var entry *cache.Entry
	var asked bool
	if wish.Clear {
		asked = store.Drop(ctx, q)
	} else {
		entry, asked = store.Get(ctx, q, wish.TTL)
	}
	if asked {
		r.caching = caching{question: &q, limit: store.MaxEntry()}
	}
	return entry
}

// again makes the caller's answer from what the vendor had answered. Its usage is none.
func (r *run) again(e *cache.Entry) ([]byte, bool) {
	if e.Streamed != r.req.Stream {
		return nil, false
	}
	x, err := r.req.With(chat.Dialect(e.Dialect), &chat.Told{
		ID: domain.GenerationID(r.id), Model: e.Model, Provider: e.Provider, Created: e.Created,
	})
	if err != nil {
		return nil, false
	}
	dst := make([]byte, 0, len(e.Answer)+answerRoom)
	if !e.Streamed {
		step, err := x.Whole(e.Answer, new(meter.Produced))
		if err != nil || step.Failure != nil {
			return nil, false
		}
		return x.AppendWhole(dst, &chat.Bill{}), true
	}
	for rest := e.Answer; len(rest) > 0; {
		name, data, more, ok := cache.Event(rest)
		if !ok {
			return nil, false
		}
		rest = more
		var step exchange.Step
		if dst, step, err = x.Chunk(dst, name, data, new(meter.Produced)); err != nil || step.Failure != nil {
			return nil, false
		}
	}
	return x.AppendEnd(dst, &chat.Bill{}), true
}

// whole notes what the vendor answers.
func (c *caching) whole(body []byte) {
	if c.question != nil {
		c.answer, c.overflown = body, len(body) > c.limit
	}
}

// piece notes a part of an answer that is passed on as it comes.
func (c *caching) piece(p []byte) {
	if c.question == nil || c.overflown {
		return
	}
	if len(c.answer)+len(p) > c.limit {
		c.answer, c.overflown = nil, true
		return
	}
	c.answer = append(c.answer, p...)
}

// event notes an event of a stream.
func (c *caching) event(name string, data []byte) {
	if c.question == nil || c.overflown {
		return
	}
	if len(c.answer)+len(name)+len(data) > c.limit {
		c.answer, c.overflown = nil, true
		return
	}
	c.answer = cache.AppendEvent(c.answer, name, data)
}

// store puts the answer of a call that came to its proper end into the cache, without anybody waiting for it: one that is whole, and
// whose charge nobody doubts.
func (r *run) store(ctx context.Context, e *ending, s *settlement, charge money.Amount) {
	c := &r.caching
	if c.question == nil || !keepable(e, s) {
		return
	}
	if c.overflown {
		r.g.o.Cache.Refused()
		return
	}
	entry := cache.Entry{
		Generation: r.id, Dialect: r.route.vendor.Dialect, Model: r.route.model.ID, Provider: r.route.vendor.Name,
		Created: r.facts.StartedAt.Unix(), Streamed: r.req.Stream, Answer: c.answer, Charge: charge.String(),
	}
	g, q, ttl := r.g, *c.question, r.call.Cache.TTL
	if !g.enter() {
		return
	}
	if g.storing.Add(1) > maxStoring {
		g.storing.Add(-1)
		g.running.Done()
		return
	}
	go func() {
		defer g.running.Done()
		defer g.storing.Add(-1)
		limited, cancel := context.WithTimeout(ctx, g.o.LedgerTimeout)
		defer cancel()
		g.o.Cache.Put(limited, q, entry, ttl)
	}()
}

// keepable says whether an answer may be given again: it is whole, and nobody doubts what it used.
func keepable(e *ending, s *settlement) bool {
	if e.err != nil || s.Release != "" || s.Call.Suspect {
		return false
	}
	switch e.finish {
	case chat.Stopped, chat.ToolCalls, "": // what is no completion has no reason
		return true
	case chat.Length, chat.ContentFilter, chat.Failed:
	}
	return false
}
