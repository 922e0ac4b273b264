package hot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"github.com/massrouter/massrouter/projections/rankings"
)

const (
	defaultTop = 20
	strikes    = 3 // failures in a row after which Redis is left alone
)

// QueryOptions of a Query. Zero values take the defaults named here.
type QueryOptions struct {
	Timeout time.Duration   // for Redis to answer; 50 ms
	Pause   time.Duration   // how long Redis is left alone after it failed some times in a row; 5 s
	Slow    time.Duration   // for Postgres to answer all who ask the same; 10 s
	OnMiss  func(err error) // called when a copy should have been there: nil when it was not, else why Redis did not say
}

// Query answers from the copies, and from the source what they cannot answer: other windows, other moments, and everything while
// Redis is down, slow or empty. An answer may be as old as a copy lives; it says its position, and MinPosition is kept. Safe for
// concurrent use.
type Query struct {
	redis  redis.UniversalClient
	source Source
	o      QueryOptions
	copies map[string]struct{} // the names of all copies: nothing else of a caller goes to Redis
	flight singleflight.Group
	failed atomic.Int64 // in a row
	until  atomic.Int64 // Redis is left alone, in nanoseconds since 1970
}

// NewQuery makes the queries; without a client everything comes from the source.
func NewQuery(client redis.UniversalClient, source Source, o QueryOptions) *Query {
	o.Timeout = cmp.Or(o.Timeout, 50*time.Millisecond)
	o.Pause = cmp.Or(o.Pause, 5*time.Second)
	o.Slow = cmp.Or(o.Slow, 10*time.Second)
	if o.OnMiss == nil {
		o.OnMiss = func(error) {}
	}
	q := &Query{redis: client, source: source, o: o, copies: map[string]struct{}{}}
	for _, r := range requests() {
		q.copies[key(&r)] = struct{}{}
	}
	return q
}

// Rank reads a board. Errors are those of the source.
func (q *Query) Rank(ctx context.Context, r rankings.Request) (rankings.Table, error) {
	if _, known := q.copies[key(&r)]; !known || !plain(&r) {
		return q.source.Rank(ctx, r)
	}
	if q.redis != nil && time.Now().UnixNano() >= q.until.Load() {
		if table, ok := q.look(ctx, &r); ok && table.Position >= r.MinPosition {
			return table, nil
		}
	}
	return q.ask(ctx, r)
}

// look reads a copy.
func (q *Query) look(ctx context.Context, r *rankings.Request) (rankings.Table, bool) {
	limited, cancel := context.WithTimeout(ctx, q.o.Timeout)
	defer cancel()
	top := cmp.Or(r.Top, defaultTop)
	members, err := q.redis.ZRangeArgs(limited, redis.ZRangeArgs{Key: key(r), Start: 0, Stop: top}).Result()
	var table rankings.Table
	if err == nil {
		q.failed.Store(0)
		table, err = decode(members)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if q.failed.Add(1) >= strikes {
			q.failed.Store(0)
			q.until.Store(time.Now().Add(q.o.Pause).UnixNano())
		}
		q.o.OnMiss(err)
	case len(members) == 0:
		q.o.OnMiss(nil)
	default:
		return table, true
	}
	return rankings.Table{}, false
}

func decode(members []string) (table rankings.Table, err error) {
	for i, member := range members {
		if i == 0 {
			if err := json.Unmarshal([]byte(member), &table); err != nil {
				return rankings.Table{}, fmt.Errorf("read the copy of a board: %w", err)
			}
			table.Other = table.Total
			continue
		}
		var row rankings.Row
		if err := json.Unmarshal([]byte(member), &row); err != nil {
			return rankings.Table{}, fmt.Errorf("read the copy of a row: %w", err)
		}
		table.Rows = append(table.Rows, row)
		table.Other = table.Other.Sub(row.Value)
	}
	return table, nil
}

// Daily comes from the source.
func (q *Query) Daily(ctx context.Context, r rankings.DailyRequest) (rankings.Daily, error) {
	return q.source.Daily(ctx, r)
}

// ask asks the source, once for all who ask the same at the same time.
func (q *Query) ask(ctx context.Context, r rankings.Request) (rankings.Table, error) {
	name := key(&r) + ":" + strconv.Itoa(r.Top) + ":" + strconv.FormatInt(r.MinPosition, 10)
	answer := q.flight.DoChan(name, func() (any, error) {
		// It serves all who wait for it: one of them going away does not end it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.o.Slow)
		defer cancel()
		return q.source.Rank(ctx, r)
	})
	select {
	case res := <-answer:
		table, _ := res.Val.(rankings.Table)
		return table, res.Err
	case <-ctx.Done():
		return rankings.Table{}, fmt.Errorf("read the rankings: %w", ctx.Err())
	}
}
