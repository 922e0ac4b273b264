package projections_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	domaincatalog "github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/asof"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
	"github.com/massrouter/massrouter/projections/statement"
)

// timeline asks the read models that keep their history, live and as of the past.
type timeline struct {
	balance   *balance.Query
	statement *statement.Query
	catalog   *catalog.Query
	log       *asof.Log
}

// answers are what the read models said at a moment.
type answers struct {
	Wallet    balance.Wallet
	Statement statement.Page
	Catalog   catalog.Snapshot
}

// now asks live, at a position.
func (l *timeline) now(h *history, position int64) answers {
	w, err := l.balance.Wallet(h.Context(), h.id, position)
	require.NoError(h, err)
	w.OpenHolds, w.LastPosition = 0, 0 // not kept for the past
	p, err := l.statement.List(h.Context(), statement.Request{WalletID: h.id, Limit: 7, MinPosition: position})
	require.NoError(h, err)
	view := checkpoint.NewView(h.kit.Pool, catalog.Name, catalog.Version)
	require.NoError(h, view.WaitFor(h.Context(), position))
	s, err := l.catalog.Snapshot(h.Context())
	require.NoError(h, err)
	return answers{w, p, *s}
}

// then asks as of a moment.
func (l *timeline) then(h *history, m asof.Moment) answers {
	at, err := l.log.Resolve(h.Context(), m)
	require.NoError(h, err)
	w, err := l.balance.WalletAsOf(h.Context(), h.id, at)
	require.NoError(h, err)
	p, err := l.statement.List(h.Context(), statement.Request{WalletID: h.id, Limit: 7, AsOf: at})
	require.NoError(h, err)
	s, err := l.catalog.SnapshotAsOf(h.Context(), at)
	require.NoError(h, err)
	return answers{w, p, *s}
}

// publish changes the catalogue.
func (h *history) publish() {
	id := rapid.SampledFrom([]string{"acme/one@north", "acme/two@north"}).Draw(h.T, "endpoint")
	rate := money.MustPrice(rapid.StringMatching(`0\.[0-9]{1,12}`).Draw(h.T, "price"))
	h.kit.Append(h.Context(), h, []pt.Fact{{Stream: domaincatalog.EndpointStream(id), Event: domaincatalog.PricePublished{
		EndpointID: id, PriceVersion: domaincatalog.PriceVersion{
			ID: h.next(), Currency: money.USD, EffectiveFrom: h.kit.Now, Price: domaincatalog.Schedule{Base: domaincatalog.Rates{usage.Output: rate}},
		},
	}}})
}

// TestAnswersAsOfThePastAreWhatWasAnsweredThen: whatever happens to wallets and prices, balance, statement and catalogue as of a
// position, and as of its time, say what they said when the log ended there.
func TestAnswersAsOfThePastAreWhatWasAnsweredThen(t *testing.T) {
	t.Parallel()
	kit, signal := pt.New(t, pgtest.New(t)), &checkpoint.Signal{}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error)
	follower := kit.Runner(runner.Options{BatchSize: 16, Gap: -1, Signal: signal}, projections.All()...)
	go func() { done <- follower.Run(ctx) }()
	told := checkpoint.WithSignal(signal)
	line := &timeline{balance.NewQuery(kit.Pool, told), statement.NewQuery(kit.Pool, told), catalog.NewQuery(kit.Pool, told), asof.New(kit.Store)}
	var last uint64 = 1000
	next := func() uuid.UUID { last++; return pt.ID(last) }
	rapid.Check(t, func(t *rapid.T) {
		before := kit.Head(t.Context(), t)
		h := newHistory(t, kit, next)
		steps := append(h.steps(), h.publish, h.publish)
		type moment struct {
			position int64
			at       time.Time
			said     answers
		}
		var moments []moment
		for range rapid.IntRange(3, 6).Draw(t, "moments") {
			for range rapid.IntRange(1, 12).Draw(t, "steps") {
				steps[rapid.IntRange(0, len(steps)-1).Draw(t, "step")]()
			}
			position := kit.Head(t.Context(), t)
			moments = append(moments, moment{position, kit.Now, line.now(h, position)})
			kit.Now = kit.Now.Add(time.Microsecond) // a time means everything that was recorded at it
		}
		for _, m := range moments {
			want := text(h, m.said)
			require.Equal(h, want, text(h, line.then(h, asof.Moment{Position: m.position})))
			require.Equal(h, want, text(h, line.then(h, asof.Moment{Time: m.at})))
		}
		if before > 0 { // the wallet was not there yet
			at, err := line.log.Resolve(t.Context(), asof.Moment{Position: before})
			require.NoError(h, err)
			_, err = line.balance.WalletAsOf(t.Context(), h.id, at)
			require.Equal(h, domain.CodeWalletNotFound, domain.CodeOf(err))
		}
	})
	stop()
	require.NoError(t, <-done)
}
