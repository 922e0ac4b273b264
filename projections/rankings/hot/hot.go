// Package hot keeps copies of the rankings that are asked for most in Redis: the boards of the windows that are not over. They
// are disposable: process work writes them, they vanish by themselves when nobody does, and whoever finds none asks Postgres.
//
// A copy is one sorted set: the score is the rank, the member a row as JSON; rank 0 is the board without its rows. So one command
// reads the first n of it, all of one moment. Values are decimal text; no score is a value. The marker says which version of the
// projection the copies were made of, and where it was: without it everything is written again.
package hot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/massrouter/massrouter/projections/rankings"
)

// Source is where boards come from.
type Source interface {
	Rank(ctx context.Context, r rankings.Request) (rankings.Table, error)
	Daily(ctx context.Context, r rankings.DailyRequest) (rankings.Daily, error)
}

const (
	prefix = "massrouter:rankings:v"
	// lifetimes is how many intervals a copy lives: one may come late.
	lifetimes = 3
	// share is how many times longer than making the copies of a class the interval between two rounds is at least.
	share = 10
)

func marker() string { return prefix + strconv.Itoa(rankings.Version) + ":marker" }

// plain says whether what is asked for is the newest of a whole board; whether there is such a board is another question.
func plain(r *rankings.Request) bool {
	return r.MinPosition >= 0 && r.AsOfPosition == 0 && r.AsOf.IsZero() && r.Date.IsZero() && r.Model == "" && r.Top >= 0 && r.Top <= rankings.MaxTop
}

// key is the name of a copy, if there is one.
func key(r *rankings.Request) string {
	name := fmt.Sprintf("%s%d:%s:%s:%s", prefix, rankings.Version, r.Board, r.Window, r.By)
	if r.Trending {
		name += ":trending"
	}
	return name
}

// requests are the boards that have copies.
func requests() []rankings.Request {
	var out []rankings.Request
	for _, board := range rankings.Boards() {
		for _, window := range rankings.Windows() {
			for _, by := range rankings.Metrics() {
				r := rankings.Request{Board: board, Window: window, By: by, Top: rankings.MaxTop}
				out = append(out, r)
				if r.Trending = true; window != rankings.All {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// Options of a Writer. Zero values take the defaults named here.
type Options struct {
	Short time.Duration // between two copies of a day's boards, and of all boards of apps, which may be hidden any time; 5 s
	Long  time.Duration // between two copies of the others; 30 s
}

// class is boards that are copied together.
type class struct {
	every time.Duration
	took  time.Duration // to make all of them, the last time
}

// interval is the time from one round to the next: longer when the boards of many wallets take long, so that copying never uses
// more than a tenth of the time.
func (c *class) interval() time.Duration { return max(c.every, share*c.took) }

// Writer makes the copies. Not safe for concurrent use.
type Writer struct {
	redis   redis.UniversalClient
	source  Source
	day     class
	apps    class
	others  class
	written map[string]time.Time
}

// NewWriter makes a writer.
func NewWriter(client redis.UniversalClient, source Source, o Options) *Writer {
	return &Writer{
		redis: client, source: source, written: map[string]time.Time{},
		day: class{every: cmp.Or(o.Short, 5*time.Second)}, apps: class{every: cmp.Or(o.Short, 5*time.Second)},
		others: class{every: cmp.Or(o.Long, 30*time.Second)},
	}
}

// Refresh writes the copies that are due, all of them when Redis has lost them. It is called more often than the short interval.
func (w *Writer) Refresh(ctx context.Context) error {
	err := w.redis.Get(ctx, marker()).Err()
	switch {
	case errors.Is(err, redis.Nil):
		clear(w.written)
	case err != nil:
		return fmt.Errorf("look for the copies of the rankings: %w", err)
	}
	position, took := int64(-1), map[*class]time.Duration{}
	for _, r := range requests() {
		c := w.class(&r)
		if time.Since(w.written[key(&r)]) < c.interval() {
			continue
		}
		begun := time.Now()
		table, err := w.source.Rank(ctx, r)
		if err != nil {
			return fmt.Errorf("read the rankings: %w", err)
		}
		if err := w.write(ctx, &r, &table, lifetimes*c.interval()); err != nil {
			return fmt.Errorf("copy the rankings: %w", err)
		}
		w.written[key(&r)], position = begun, table.Position
		took[c] += time.Since(begun)
	}
	for c, sum := range took {
		c.took = sum
	}
	if position < 0 {
		return nil
	}
	if err := w.redis.Set(ctx, marker(), position, 0).Err(); err != nil {
		return fmt.Errorf("mark the copies of the rankings: %w", err)
	}
	return nil
}

func (w *Writer) class(r *rankings.Request) *class {
	switch {
	case r.Board == rankings.Apps:
		return &w.apps
	case r.Window == rankings.Day:
		return &w.day
	}
	return &w.others
}

func (w *Writer) write(ctx context.Context, r *rankings.Request, table *rankings.Table, life time.Duration) error {
	rows := table.Rows
	head := *table
	head.Rows = nil
	body, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("encode a board: %w", err)
	}
	members := []redis.Z{{Score: 0, Member: body}}
	for i := range rows {
		body, err := json.Marshal(rows[i])
		if err != nil {
			return fmt.Errorf("encode a row: %w", err)
		}
		members = append(members, redis.Z{Score: float64(rows[i].Rank), Member: body})
	}
	_, err = w.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, key(r))
		p.ZAdd(ctx, key(r), members...)
		p.PExpire(ctx, key(r), life)
		return nil
	})
	return err
}
