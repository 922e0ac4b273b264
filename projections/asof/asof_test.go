package asof_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/asof"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

func TestAMomentIsTheLastEventAtOrBeforeIt(t *testing.T) {
	t.Parallel()
	k := pt.New(t, nil)
	log := asof.New(k.Store)
	_, err := log.Resolve(t.Context(), asof.Moment{Time: k.Now})
	refused(t, err, "before the beginning")
	start := k.Now
	opened := wallet.Opened{WalletID: pt.ID(1), Owner: "o", Currency: money.USD}
	k.Append(t.Context(), t, pt.Wallet(pt.ID(1), opened))
	k.Now = start.Add(time.Hour)
	k.Append(t.Context(), t, pt.Wallet(pt.ID(2), opened), pt.Wallet(pt.ID(3), opened))

	for _, c := range []struct {
		moment   asof.Moment
		position int64
		at       time.Time
	}{
		{asof.Moment{Position: 1}, 1, start},
		{asof.Moment{Position: 2}, 2, k.Now},
		{asof.Moment{Position: 3}, 3, k.Now},
		{asof.Moment{Time: start}, 1, start},
		{asof.Moment{Time: k.Now.Add(-time.Microsecond)}, 1, start},
		{asof.Moment{Time: k.Now}, 3, k.Now},
		{asof.Moment{Time: k.Now.Add(time.Minute)}, 3, k.Now}, // nothing was recorded since
	} {
		at, err := log.Resolve(t.Context(), c.moment)
		require.NoError(t, err)
		require.Equal(t, c.position, at.Position)
		require.Equal(t, c.at, at.AsOf)
	}
	for want, m := range map[string]asof.Moment{
		"before the beginning": {Time: start.Add(-time.Microsecond)}, "lies before": {Position: -1}, "the log ends at position 3": {Position: 4},
		"in the future": {Time: time.Now().Add(time.Hour)}, "not both": {Position: 1, Time: start},
	} {
		_, err := log.Resolve(t.Context(), m)
		refused(t, err, want)
	}
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, domain.CodeInvalid, e.Code)
	require.Equal(t, "as_of", e.Details["field"])
	require.Contains(t, e.Message, want)
}

// away is a log that does not answer.
type away struct{ eventstore.Reader }

func (away) Head(context.Context) (eventstore.Head, error) {
	return eventstore.Head{}, eventstore.ErrUnavailable
}

func TestALogThatIsAwaySaysSo(t *testing.T) {
	t.Parallel()
	_, err := asof.New(away{}).Resolve(t.Context(), asof.Moment{Position: 1})
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = asof.New(pt.New(t, nil).Store).Resolve(ctx, asof.Moment{Position: 1})
	require.ErrorIs(t, err, context.Canceled)
}
