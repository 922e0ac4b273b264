package hot_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/redistest"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/rankings"
	"github.com/massrouter/massrouter/projections/rankings/hot"
)

// counting counts how often Postgres is asked.
type counting struct {
	hot.Source
	n atomic.Int64
}

func (c *counting) Rank(ctx context.Context, r rankings.Request) (rankings.Table, error) {
	c.n.Add(1)
	return c.Source.Rank(ctx, r)
}

type bundle struct {
	*pt.Kit
	server *redistest.Server
	client *redis.Client
	source *counting
	writer *hot.Writer
	query  *hot.Query
	misses chan error
}

// setup makes a log with three apps used by three wallets, and a Redis that has nothing.
func setup(t *testing.T) *bundle {
	t.Helper()
	k := pt.New(t, pgtest.New(t))
	for w := range uint64(3) {
		k.Append(t.Context(), t, pt.Wallet(pt.ID(w+1), wallet.ToppedUp{Amount: pt.Money("9"), PSP: "operator", Reason: "r", Currency: money.USD, Balances: pt.After("9", "0")}))
		k.Append(t.Context(), t, pt.App(pt.ID(31+w), app.Registered{AppID: pt.ID(31 + w), WalletID: pt.ID(1), Details: app.Details{Name: "n", URL: "https://n.example"}}))
	}
	b := &bundle{Kit: k, server: redistest.Start(t), misses: make(chan error, 100)}
	b.calls(t)
	o, err := redis.ParseURL(b.server.URL())
	require.NoError(t, err)
	b.client = redis.NewClient(o)
	t.Cleanup(func() { require.NoError(t, b.client.Close()) })
	b.source = &counting{Source: rankings.NewQuery(k.Pool, k.Store, k.Registry)}
	b.writer = hot.NewWriter(b.client, b.source.Source, hot.Options{Short: time.Nanosecond, Long: time.Nanosecond})
	b.query = hot.NewQuery(b.client, b.source, hot.QueryOptions{Timeout: 10 * time.Second, OnMiss: func(err error) { b.misses <- err }})
	return b
}

func (b *bundle) calls(t *testing.T) {
	t.Helper()
	for w := range uint64(3) {
		for n := range uint64(3) {
			e := pt.Charged(pt.ID(900), pt.ID(901), "0.333333333333", "0", pt.After("9", "0"))
			e.Usage["input"] = int64(n + 1)
			e.Call.AppID = pt.ID(31 + n)
			b.Append(t.Context(), t, pt.Wallet(pt.ID(w+1), e))
		}
	}
	b.ToEnd(t.Context(), t, 0, rankings.Projection{})
}

// long keeps copies for the length of a test.
func (b *bundle) long() *hot.Writer {
	return hot.NewWriter(b.client, b.source.Source, hot.Options{Short: time.Hour, Long: time.Hour})
}

func ask(board rankings.Board) rankings.Request {
	return rankings.Request{Board: board, Window: rankings.Day, By: rankings.Spend}
}

// TestCopiesSayWhatPostgresSays: every board, of any length, to the last decimal.
func TestCopiesSayWhatPostgresSays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.long().Refresh(t.Context()))
	for _, board := range rankings.Boards() {
		for _, window := range rankings.Windows() {
			for _, by := range rankings.Metrics() {
				for _, trending := range []bool{false, window != rankings.All} {
					for _, top := range []int{0, 1, 2, 100} {
						r := rankings.Request{Board: board, Window: window, By: by, Trending: trending, Top: top}
						want, err := b.source.Source.Rank(t.Context(), r)
						require.NoError(t, err)
						got, err := b.query.Rank(t.Context(), r)
						require.NoError(t, err)
						require.True(t, want.Total.Equal(got.Total))
						require.True(t, want.Other.Equal(got.Other))
						require.Equal(t, [...]any{want.Start, want.End, want.Final, want.Wallets, want.Position, want.AsOf, len(want.Rows)},
							[...]any{got.Start, got.End, got.Final, got.Wallets, got.Position, got.AsOf, len(got.Rows)})
						for i := range want.Rows {
							w, g := want.Rows[i], got.Rows[i]
							require.True(t, w.Value.Equal(g.Value) && w.Mean.Equal(g.Mean) && w.Change.Equal(g.Change))
							require.Equal(t, [...]any{w.Rank, w.Subject, w.Name, w.URL, w.Wallets, w.Before}, [...]any{g.Rank, g.Subject, g.Name, g.URL, g.Wallets, g.Before})
						}
					}
				}
			}
		}
	}
	require.Zero(t, b.source.n.Load(), "Postgres was not asked")
}

func TestWhatHasNoCopyComesFromPostgres(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.long().Refresh(t.Context()))
	asOf, dated, model, newer := ask(rankings.Models), ask(rankings.Models), ask(rankings.Apps), ask(rankings.Models)
	asOf.AsOfPosition, dated.Date, model.Model = 5, b.Now, "acme/one"
	b.calls(t)
	newer.MinPosition = b.Head(t.Context(), t)
	for i, r := range []rankings.Request{asOf, dated, model, newer} {
		table, err := b.query.Rank(t.Context(), r)
		require.NoError(t, err)
		require.GreaterOrEqual(t, table.Position, r.MinPosition)
		require.EqualValues(t, i+1, b.source.n.Load())
	}
	for _, r := range []rankings.Request{
		{Board: "x", Window: rankings.Day, By: rankings.Spend},
		{Board: rankings.Models, Window: rankings.All, By: rankings.Spend, Trending: true},
		{Board: rankings.Models, Window: rankings.Day, By: rankings.Spend, Top: 101},
	} {
		_, err := b.query.Rank(t.Context(), r)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}
	require.Empty(t, b.misses, "no copy of these was missed")
	require.NoError(t, b.writer.Refresh(t.Context()), "the next copy is a newer one")
}

// TestRedisLosesEverything: the answers go on, and the next refresh makes all copies again, whenever they would have been due.
func TestRedisLosesEverything(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.long()
	require.NoError(t, w.Refresh(t.Context()))
	before := b.client.DBSize(t.Context()).Val()
	require.NoError(t, w.Refresh(t.Context()))
	require.NoError(t, b.client.FlushAll(t.Context()).Err())
	_, err := b.query.Rank(t.Context(), ask(rankings.Models))
	require.NoError(t, err)
	require.EqualValues(t, 1, b.source.n.Load())
	require.NoError(t, <-b.misses, "Redis answered that it has none")
	require.NoError(t, w.Refresh(t.Context()))
	require.Equal(t, before, b.client.DBSize(t.Context()).Val())
	_, err = b.query.Rank(t.Context(), ask(rankings.Models))
	require.NoError(t, err)
	require.EqualValues(t, 1, b.source.n.Load())
}

// TestStaleCopiesVanish: without a writer there is soon nothing left to be old.
func TestStaleCopiesVanish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.writer.Refresh(t.Context()), "copies that live for nanoseconds")
	require.Eventually(t, func() bool { return b.client.DBSize(t.Context()).Val() == 1 }, time.Minute, time.Millisecond, "only the marker is left")
}

func TestRedisIsDownAndComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.long()
	require.NoError(t, w.Refresh(t.Context()))
	b.server.Kill(t)
	q := hot.NewQuery(b.client, b.source, hot.QueryOptions{Pause: time.Hour, OnMiss: func(err error) { b.misses <- err }})
	for range 10 {
		_, err := q.Rank(t.Context(), ask(rankings.Models))
		require.NoError(t, err)
	}
	require.EqualValues(t, 10, b.source.n.Load())
	require.Len(t, b.misses, 3, "then it is left alone")
	require.Error(t, w.Refresh(t.Context()))
	b.server.Restart(t)
	require.NoError(t, w.Refresh(t.Context()))
	again := hot.NewQuery(b.client, b.source, hot.QueryOptions{Timeout: 10 * time.Second})
	_, err := again.Rank(t.Context(), ask(rankings.Models))
	require.NoError(t, err)
	require.EqualValues(t, 10, b.source.n.Load())
}

// TestRedisIsSlow: a server that takes connections and says nothing costs three time-outs in all.
func TestRedisIsSlow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })
	client := redis.NewClient(&redis.Options{Addr: silent.Addr().String(), MaxRetries: -1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	q := hot.NewQuery(client, b.source, hot.QueryOptions{Timeout: 20 * time.Millisecond, Pause: time.Hour, OnMiss: func(err error) { b.misses <- err }})
	for range 10 {
		_, err := q.Rank(t.Context(), ask(rankings.Models))
		require.NoError(t, err)
	}
	require.Len(t, b.misses, 3)
}

// TestWithoutRedis: all who ask the same at the same time cost Postgres one question.
func TestWithoutRedis(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gate := &gated{Source: b.source, open: make(chan struct{}), entered: make(chan struct{}, 100)}
	q := hot.NewQuery(nil, gate, hot.QueryOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := q.Rank(ctx, ask(rankings.Models))
		first <- err
	}()
	<-gate.entered
	var wg sync.WaitGroup
	var waiting atomic.Int64
	for range 50 {
		wg.Go(func() {
			waiting.Add(1)
			table, err := q.Rank(t.Context(), ask(rankings.Models))
			if err != nil || len(table.Rows) != 1 {
				t.Errorf("%v %v", table, err)
			}
		})
	}
	require.Eventually(t, func() bool { return waiting.Load() == 50 }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-first, context.Canceled, "who goes away takes nobody along")
	close(gate.open)
	wg.Wait()
	require.Less(t, b.source.n.Load(), int64(25), "but for those who came too late")
}

// gated lets nobody through before it is open.
type gated struct {
	hot.Source
	open    chan struct{}
	entered chan struct{}
}

func (g *gated) Rank(ctx context.Context, r rankings.Request) (rankings.Table, error) {
	g.entered <- struct{}{}
	<-g.open
	return g.Source.Rank(ctx, r)
}
