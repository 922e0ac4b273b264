package journal_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/journal"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
)

// calls appends n calls, a hold and a settlement each, spread over 1,000 wallets with a top-up.
func calls(b *testing.B, k *pt.Kit, n int) {
	b.Helper()
	const wallets = 1000
	schedule := catalog.Schedule{Base: catalog.Rates{usage.Input: money.MustPrice("0.00000125"), usage.Output: money.MustPrice("0.00001")}}
	used := usage.Usage{usage.Input: 1200, usage.Output: 340}
	var facts []pt.Fact
	add := func(s *wallet.State, id uuid.UUID, e wallet.Event, err error) {
		require.NoError(b, err)
		s.Apply(e, k.Now)
		if facts = append(facts, pt.Fact{Stream: wallet.Stream(id), Event: e}); len(facts) == 1000 {
			k.Append(b.Context(), b, facts)
			k.Now, facts = k.Now.Add(100*time.Millisecond), facts[:0]
		}
	}
	states := make([]*wallet.State, wallets)
	for i := range states {
		states[i] = wallet.New()
		opened, err := states[i].Open(wallet.Open{WalletID: uuid.Must(uuid.NewV7()), Owner: "o", Currency: money.USD})
		add(states[i], opened.WalletID, opened, err)
		credit, err := states[i].TopUp(wallet.TopUp{Amount: pt.Money("1000"), Currency: money.USD, PSP: "operator", Reason: "bench"})
		add(states[i], states[i].ID, credit, err)
	}
	for i := range n {
		s, hold := states[i%wallets], uuid.Must(uuid.NewV7())
		placed, err := s.PlaceHold(wallet.PlaceHold{
			HoldID: hold, KeyID: pt.ID(1), Model: "acme/large", Endpoint: "acme/large@north", PriceVersion: pt.ID(900), PromptTokens: 2100,
			CompletionTokens: 4096, MaxCost: pt.Money("0.043585"), Currency: money.USD, ExpiresAt: k.Now.Add(5 * time.Minute),
		}, k.Now)
		add(s, s.ID, placed, err)
		charged, err := s.SettleHold(wallet.SettleHold{
			HoldID: hold, Vendor: "north", Usage: used, Provenance: usage.Reported, LineItems: schedule.LineItems(used, k.Now), VendorCost: pt.Money("0.0041"),
			Call: wallet.Call{FinishReason: "stop", UpstreamID: hold.String(), Attempts: 1, DurationMS: 4021},
		}, k.Now)
		add(s, s.ID, charged, err)
	}
	k.Append(b.Context(), b, facts)
}

// decoded are the log's events as the runner hands them over.
func decoded(b *testing.B, k *pt.Kit) []runner.Event {
	b.Helper()
	stored, err := k.Store.Read(b.Context(), 0, int(k.Head(b.Context(), b)))
	require.NoError(b, err)
	events := make([]runner.Event, len(stored))
	for i, e := range stored {
		data, err := k.Registry.Decode(e.Type, e.Body)
		require.NoError(b, err)
		events[i] = runner.Event{Position: e.Position, RecordedAt: e.RecordedAt, StreamID: e.StreamID, Data: data}
	}
	return events
}

// BenchmarkProject folds batches of 2,000 events into statements, without a database.
func BenchmarkProject(b *testing.B) {
	k := pt.New(b, pgtest.New(b))
	calls(b, k, 10_000)
	events := decoded(b, k)
	carried, err := journal.Projection{}.Carry(b.Context(), k.Pool)
	require.NoError(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	done := 0
	for b.Loop() {
		for from := 0; from < len(events); from += 2000 {
			w := runner.Writes{Carried: carried}
			require.NoError(b, journal.Projection{}.Project(events[from:min(from+2000, len(events))], &w))
		}
		done += len(events)
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkReplay builds the journal from a log in memory: decoding, folding and writing.
func BenchmarkReplay(b *testing.B) {
	k := pt.New(b, pgtest.New(b))
	calls(b, k, 25_000)
	r := k.Runner(runner.Options{}, journal.Projection{})
	for b.Loop() {
		b.StopTimer()
		_, err := k.Pool.Exec(b.Context(), `DELETE FROM views.checkpoints WHERE name = $1`, journal.Name)
		require.NoError(b, err)
		for _, table := range (journal.Projection{}).Tables() {
			_, err := k.Pool.Exec(b.Context(), `TRUNCATE `+table)
			require.NoError(b, err)
		}
		b.StartTimer()
		require.NoError(b, r.ToEnd(b.Context()))
	}
	b.ReportMetric(float64(k.Head(b.Context(), b))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkAsOf asks for the trial balance in the middle of a history.
func BenchmarkAsOf(b *testing.B) {
	k := pt.New(b, pgtest.New(b))
	calls(b, k, 25_000)
	k.ToEnd(b.Context(), b, 0, journal.Projection{})
	q := journal.NewQuery(k.Pool)
	for name, asOf := range map[string]journal.AsOf{"now": {}, "past": {Position: 31_700}, "time": {Time: k.Now.Add(-2 * time.Second)}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := q.TrialBalance(b.Context(), asOf, 0)
				require.NoError(b, err)
			}
		})
	}
}
