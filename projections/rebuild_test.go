package projections_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/balance"
	projectedcatalog "github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
)

// traffic appends what a service does all day, one commit at a time.
type traffic struct {
	kit   *pt.Kit
	state *wallet.State
	key   uuid.UUID
	last  atomic.Int64 // position
}

func newTraffic(t *testing.T, kit *pt.Kit) *traffic {
	t.Helper()
	f := &traffic{kit: kit, state: wallet.New(), key: uuid.New()}
	opened, err := f.state.Open(wallet.Open{WalletID: uuid.New(), Owner: "o", Currency: money.USD})
	require.NoError(t, err)
	credit := f.wallet(t, opened)
	topped, err := f.state.TopUp(wallet.TopUp{Amount: pt.Money("100000"), Currency: money.USD, PSP: "operator", Reason: "r"})
	require.NoError(t, err)
	issued := pt.Key(f.key, apikey.Issued{KeyID: f.key, WalletID: f.state.ID, Hash: apikey.HashSecret("s"), Label: "l"})
	f.last.Store(kit.Append(t.Context(), t, credit, f.wallet(t, topped), issued))
	return f
}

func (f *traffic) wallet(t *testing.T, e wallet.Event) []pt.Fact {
	t.Helper()
	f.state.Apply(e, f.kit.Now)
	return pt.Wallet(f.state.ID, e)
}

// call is one call, and a publication now and then.
func (f *traffic) call(ctx context.Context, t *testing.T, i int) {
	t.Helper()
	f.kit.Now = f.kit.Now.Add(time.Duration(i%900) * time.Second)
	id, used := uuid.New(), usage.Usage{usage.Input: 1200, usage.Output: int64(i%300) + 1}
	rates := catalog.Schedule{Base: catalog.Rates{usage.Input: money.MustPrice("0.00000125"), usage.Output: money.MustPrice("0.00001")}}
	placed, err := f.state.PlaceHold(wallet.PlaceHold{
		HoldID: id, KeyID: f.key, Model: "acme/large", Endpoint: "acme/large@north", PriceVersion: pt.ID(900), PromptTokens: 2100,
		CompletionTokens: 4096, MaxCost: pt.Money("0.043585"), Currency: money.USD, ExpiresAt: f.kit.Now.Add(5 * time.Minute),
	}, f.kit.Now)
	require.NoError(t, err)
	facts := [][]pt.Fact{f.wallet(t, placed)}
	settled, err := f.state.SettleHold(wallet.SettleHold{
		HoldID: id, Vendor: "north", Usage: used, Provenance: usage.Reported, LineItems: rates.LineItems(used, f.kit.Now),
		VendorCost: pt.Money("0.0041"), Call: wallet.Call{Streamed: true, FinishReason: "stop", UpstreamID: "u", Attempts: 1, DurationMS: 4021},
	}, f.kit.Now)
	require.NoError(t, err)
	facts = append(facts, f.wallet(t, settled))
	if i%10 == 0 {
		name := fmt.Sprintf("vendor%d", i)
		facts = append(facts, []pt.Fact{{Stream: catalog.VendorStream(name), Event: catalog.VendorPublished{Vendor: catalog.Vendor{ID: name, Name: name}}}})
	}
	f.last.Store(f.kit.Append(ctx, t, facts...))
}

// TestEveryReadModelIsRebuiltUnderLoad: while calls come in and questions are asked, each read model is rebuilt by another process,
// compared, switched to and rolled back. No answer fails or goes back, and in the end all builds are what a replay gives.
func TestEveryReadModelIsRebuiltUnderLoad(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	kit := pt.New(t, poolOn(t, url))
	f := newTraffic(t, kit)
	for i := range 300 {
		f.call(t.Context(), t, i)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	service := runner.New(kit.Store, poolOn(t, url), kit.Registry, projections.All(), runner.Options{BatchSize: 64})
	var all sync.WaitGroup
	all.Go(func() { assert.NoError(t, service.Run(ctx)) })
	for _, p := range projections.All() {
		require.NoError(t, checkpoint.NewView(kit.Pool, p.Name(), p.Version(), checkpoint.WithMaxWait(time.Minute)).WaitFor(ctx, f.last.Load()))
	}
	all.Go(func() { // calls, at most as many a second as the issue asks for
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 300; ; i++ {
			select {
			case <-tick.C:
				f.call(context.WithoutCancel(ctx), t, i)
			case <-ctx.Done():
				return
			}
		}
	})
	asking := poolOn(t, url)
	for _, p := range projections.All() {
		all.Go(func() { assert.NoError(t, ask(ctx, asking, p)) })
	}
	all.Go(func() { assert.NoError(t, askQueries(ctx, asking, f.state.ID)) })

	operator := runner.New(kit.Store, poolOn(t, url), kit.Registry, projections.All(), runner.Options{BatchSize: 500})
	wall := wallOf(t, kit.Pool)
	require.Greater(t, len(wall), 15)
	for _, p := range projections.All() {
		for _, change := range []func(context.Context, string) error{operator.Rebuild, operator.Rollback} {
			require.NoError(t, change(ctx, p.Name()), p.Name())
			need := f.last.Load() + 1
			view := checkpoint.NewView(kit.Pool, p.Name(), p.Version(), checkpoint.WithMaxWait(time.Minute))
			require.NoError(t, view.WaitFor(ctx, need), "%s follows on", p.Name())
		}
	}
	stop()
	all.Wait()
	require.NoError(t, operator.ToEnd(t.Context()))
	for _, p := range projections.All() {
		compared, err := operator.Verify(t.Context(), p.Name())
		require.NoError(t, err)
		require.True(t, compared.Equal, "%s: %v", p.Name(), compared.Differences)
		require.NoError(t, operator.Rollback(t.Context(), p.Name())) // the build that served for a while
		require.NoError(t, operator.ToEnd(t.Context(), p.Name()))
		other, err := operator.Digest(t.Context(), p.Name(), 0)
		require.NoError(t, err)
		require.Equal(t, compared.Live, other, p.Name())
	}
	require.Equal(t, wall, wallOf(t, kit.Pool), "new builds keep tenants apart as the old ones did")
}

// wallOf is what keeps tenants apart in the live builds: policies, whether they are in force, and rights.
func wallOf(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT concat_ws(' ', c.relname, c.relrowsecurity, p.policyname, p.cmd, p.roles::text, p.qual, has_table_privilege('massrouter_tenant', c.oid, 'SELECT'))
		FROM pg_class c LEFT JOIN pg_policies p ON p.schemaname = 'views' AND p.tablename = c.relname
		WHERE c.relnamespace = 'views'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}

func poolOn(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.MaxConns = 12
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(t.Context()), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// ask reads all tables of a projection until the context ends.
func ask(ctx context.Context, pool *pgxpool.Pool, p runner.Projection) error {
	counts := make([]string, len(p.Tables()))
	for i, table := range p.Tables() {
		counts[i] = `(SELECT count(*) FROM ` + table + `)`
	}
	sql := `SELECT ` + strings.Join(counts, " + ") + ` AS n`
	view := checkpoint.NewView(pool, p.Name(), p.Version())
	last := int64(0)
	for {
		at, err := view.Read(context.WithoutCancel(ctx), last, sql, `r.n`, nil, func(checkpoint.Row) error { return nil })
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", p.Name(), err)
		case at.Position < last:
			return fmt.Errorf("%s went back from %d to %d", p.Name(), last, at.Position)
		case ctx.Err() != nil:
			return nil
		}
		last = at.Position
	}
}

// askQueries asks as the service does: every answer is whole.
func askQueries(ctx context.Context, pool *pgxpool.Pool, id uuid.UUID) error {
	balances, prices := balance.NewQuery(pool), projectedcatalog.NewCache(projectedcatalog.NewQuery(pool), time.Millisecond)
	vendors, last := 0, int64(0)
	for {
		w, err := balances.Wallet(context.WithoutCancel(ctx), id, last)
		if err != nil {
			return err
		}
		s, err := prices.Get(context.WithoutCancel(ctx))
		switch {
		case err != nil:
			return err
		case !w.Posted.Equal(w.CreditedTotal.Sub(w.ChargedTotal)):
			return fmt.Errorf("the balance at position %d does not add up", w.Position)
		case len(s.Vendors) < vendors:
			return fmt.Errorf("the catalogue went back from %d vendors to %d", vendors, len(s.Vendors))
		case ctx.Err() != nil:
			return nil
		}
		last, vendors = w.Position, len(s.Vendors)
	}
}
