package projections_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
)

// calls appends n calls (a hold and a settlement each, by the domain's decisions) spread over 1,000 wallets. As in a gateway under
// load, a hold is settled some hundred events later.
func calls(b *testing.B, k *pt.Kit, n int) {
	b.Helper()
	const wallets, open = 1000, 200
	schedule := catalog.Schedule{Base: catalog.Rates{
		usage.Input: money.MustPrice("0.00000125"), usage.CacheRead: money.MustPrice("0.000000125"), usage.Output: money.MustPrice("0.00001"),
	}}
	states := make([]*wallet.State, wallets)
	keys := make([]uuid.UUID, wallets)
	var facts []pt.Fact
	flush := func() {
		if len(facts) > 0 {
			k.Append(b.Context(), b, facts)
			k.Now = k.Now.Add(100 * time.Millisecond)
			facts = facts[:0]
		}
	}
	add := func(w int, e wallet.Event, err error) {
		require.NoError(b, err)
		states[w].Apply(e, k.Now)
		facts = append(facts, pt.Fact{Stream: wallet.Stream(states[w].ID), Event: e})
		if len(facts) >= 1000 {
			flush()
		}
	}
	for w := range states {
		states[w] = wallet.New()
		id := uuid.Must(uuid.NewV7())
		keys[w] = uuid.Must(uuid.NewV7())
		opened, err := states[w].Open(wallet.Open{WalletID: id, Owner: "owner", Currency: money.USD})
		add(w, opened, err)
		credit, err := states[w].TopUp(wallet.TopUp{Amount: pt.Money("1000"), Currency: money.USD, PSP: "operator", Reason: "bench"})
		add(w, credit, err)
		facts = append(facts, pt.Key(keys[w], apikey.Issued{KeyID: keys[w], WalletID: id, Hash: apikey.HashSecret(id.String()), Label: "l"})...)
	}
	settle := func(i int, id uuid.UUID) {
		used := usage.Usage{usage.Input: 1200, usage.CacheRead: 800, usage.Output: 340}
		e, err := states[i%wallets].SettleHold(wallet.SettleHold{
			HoldID: id, Vendor: "north", Usage: used, Provenance: usage.Reported, LineItems: schedule.LineItems(used, k.Now), VendorCost: pt.Money("0.0041"),
			Call: wallet.Call{
				Streamed: true, FinishReason: "stop", NativeFinishReason: "stop", UpstreamID: "chatcmpl-" + id.String(), Attempts: 1,
				StartedAt: k.Now, FirstTokenMS: 312, DurationMS: 4021,
			},
		}, k.Now)
		add(i%wallets, e, err)
	}
	var holds []uuid.UUID
	for i := range n {
		id := uuid.Must(uuid.NewV7())
		e, err := states[i%wallets].PlaceHold(wallet.PlaceHold{
			HoldID: id, KeyID: keys[i%wallets], Model: "acme/model-large", Endpoint: "acme/model-large@north", PriceVersion: pt.ID(900), PromptTokens: 2100,
			CompletionTokens: 4096, MaxCost: pt.Money("0.043585"), Currency: money.USD, ExpiresAt: k.Now.Add(5 * time.Minute),
		}, k.Now)
		add(i%wallets, e, err)
		holds = append(holds, id)
		if i >= open {
			settle(i-open, holds[i-open])
		}
	}
	for i := max(0, n-open); i < n; i++ {
		settle(i, holds[i])
	}
	flush()
}

// BenchmarkReplay builds all read models, and each alone, from position 0 of a log of calls in memory: decoding, folding and writing,
// without reading a log from disk.
func BenchmarkReplay(b *testing.B) {
	const n = 25_000
	k := pt.New(b, pgtest.New(b))
	calls(b, k, n)
	head := k.Head(b.Context(), b)
	run := func(name string, batch int, list []runner.Projection) {
		b.Run(fmt.Sprintf("%s/batch=%d", name, batch), func(b *testing.B) {
			r := k.Runner(runner.Options{BatchSize: batch}, list...)
			for b.Loop() {
				b.StopTimer()
				for _, p := range list {
					_, err := k.Pool.Exec(b.Context(), `DELETE FROM views.checkpoints WHERE name = $1`, p.Name())
					require.NoError(b, err)
					for _, table := range p.Tables() {
						_, err := k.Pool.Exec(b.Context(), `TRUNCATE `+table)
						require.NoError(b, err)
					}
				}
				b.StartTimer()
				require.NoError(b, r.ToEnd(b.Context()))
			}
			b.ReportMetric(float64(head)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
	for _, batch := range []int{500, 1000, 2000, 4000} {
		run("all", batch, projections.All())
	}
	for _, p := range projections.All() {
		run(p.Name(), 2000, []runner.Projection{p})
	}
}
