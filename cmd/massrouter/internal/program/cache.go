package program

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/cache"
	"github.com/massrouter/massrouter/gateway/hits"
)

// openHits prepares the counting of answers from the cache.
func (p *Program) openHits() error {
	lost := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "massrouter_cache_hits_lost_total", Help: "Answers from the cache that were given, and not counted for their wallet.",
	})
	if err := register(p.registry, lost); err != nil {
		return fmt.Errorf("prepare the counting of answers from the cache: %w", err)
	}
	p.hits = hits.NewRecorder(hits.New(p.pool), hits.Options{OnLost: func(n int) { lost.Add(float64(n)) }, Logger: p.o.Log})
	return nil
}

// openCache prepares the cache of answers, with a client of its own, as calls wait for it; nil without REDIS_URL.
func (p *Program) openCache() (gateway.Cache, error) {
	url := p.o.Config.Store.RedisURL
	if !url.IsSet() || p.o.Config.Gateway.CacheRoom == 0 {
		return nil, nil //nolint:nilnil // there is none, and nothing wrong
	}
	var err error
	if p.cacheRedis, err = cache.Client(url.Reveal()); err != nil {
		return nil, errors.New("REDIS_URL is no Redis address") // the cause may quote the password
	}
	uses := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "massrouter_cache_uses_total", Help: "What came of asking the cache of answers, and of putting an answer into it.",
	}, []string{"use"})
	if err := register(p.registry, uses); err != nil {
		return nil, fmt.Errorf("prepare the cache of answers: %w", err)
	}
	return cache.New(cache.Options{
		Redis: p.cacheRedis, Room: p.o.Config.Gateway.CacheRoom, Logger: p.o.Log,
		OnUse: func(u cache.Use) { uses.WithLabelValues(string(u)).Inc() },
	}), nil
}
