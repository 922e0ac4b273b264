package program

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/projections/rankings/hot"
)

const (
	// copyEvery is how often the copies of the rankings are looked after; most times there is little to do.
	copyEvery = 2 * time.Second
	// redisPatience bounds a connection and a command of the copies, where nobody waits for it.
	redisPatience = 2 * time.Second
)

// openRankings prepares the rankings: with copies in Redis where there is one.
func (p *Program) openRankings() error {
	misses := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "massrouter_rankings_copy_misses_total", Help: "Boards that Postgres was asked for because their copy was missing or Redis did not answer.",
	}, []string{"reason"})
	if err := p.registry.Register(misses); err != nil {
		return fmt.Errorf("register the metrics of the rankings: %w", err)
	}
	missing, failed := misses.WithLabelValues("missing"), misses.WithLabelValues("redis")
	var client redis.UniversalClient // nil without a server, and not a nil pointer in an interface
	if url := p.o.Config.Store.RedisURL; url.IsSet() {
		options, err := redis.ParseURL(url.Reveal())
		if err != nil {
			return errors.New("REDIS_URL is no Redis address") // the cause may quote the password
		}
		options.ContextTimeoutEnabled, options.MaxRetries = true, -1
		options.DialTimeout, options.ReadTimeout, options.WriteTimeout = redisPatience, redisPatience, redisPatience
		p.redis = redis.NewClient(options)
		client = p.redis
	}
	p.rankings = hot.NewQuery(client, p.views.rankings, hot.QueryOptions{OnMiss: func(err error) {
		if err != nil {
			failed.Inc()
		} else {
			missing.Inc()
		}
	}})
	return nil
}

// copies is what writes the copies of the rankings; nothing without a Redis.
func (p *Program) copies() stage {
	if p.redis == nil {
		return nil
	}
	c := copier{writer: hot.NewWriter(p.redis, p.views.rankings, hot.Options{}), log: p.o.Log}
	copying := task{name: "rankings copies", every: copyEvery, pool: p.workers, log: p.o.Log, tick: c.tick}
	return stage{{"copies of the rankings", copying.run}}
}

// copier says once that copies cannot be made, and once that they can again: nothing depends on them.
type copier struct {
	writer *hot.Writer
	log    zerolog.Logger
	failed bool
}

func (c *copier) tick(ctx context.Context) error {
	err := c.writer.Refresh(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil && !c.failed:
		c.log.Warn().Err(err).Msg("the rankings are not copied to Redis; answers come from the database")
	case err == nil && c.failed:
		c.log.Info().Msg("the rankings are copied to Redis again")
	}
	c.failed = err != nil
	return nil
}

// redisDetail is whether Redis answers, for /readyz. Nothing stops without it.
type redisDetail struct {
	State string `json:"state"` // up or down
}

func (p *Program) redisDetails(ctx context.Context) (any, error) {
	if err := p.redis.Ping(ctx).Err(); err != nil {
		return redisDetail{"down"}, nil //nolint:nilerr // that is the answer
	}
	return redisDetail{"up"}, nil
}
