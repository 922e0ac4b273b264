package usage_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
	"github.com/massrouter/massrouter/projections/usage"
)

// TestTheOpenMinuteIsTakenUp: a process that is ended in the midst of a minute leaves the calls so far behind, one row each. Whoever comes
// next writes the minute as one that saw all of it does.
func TestTheOpenMinuteIsTakenUp(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Now = noon
	for i := range 12 { // of two keys of one wallet and of another wallet, in places of histograms that meet and that do not
		e := pt.Charged(uuid.New(), pt.ID(uint64(11+i%2)), "0.25", "1", pt.After("5", "3"))
		e.Call.FirstTokenMS, e.Call.DurationMS = int64(100+300*(i%3)), int64(7000*i)
		if i%5 == 0 {
			e.Call.Error = "vendor_overloaded"
		}
		k.Append(t.Context(), t, pt.Wallet([]uuid.UUID{w1, w1, w2}[i%3], e))
		release(t, k, []string{"timeout", "upstream_failed"}[i%2])
		k.Append(t.Context(), t, pt.Wallet(w1, wallet.HoldExpired{HoldID: uuid.New(), KeyID: k1, Amount: pt.Money("1"), Currency: money.USD, Balances: pt.After("5", "0")}))
		if i%3 == 2 {
			k.ToEnd(t.Context(), t, 2, usage.Projection{}) // a session of its own each time
		}
		k.Now = k.Now.Add(2 * time.Second)
	}
	open := func() (rows int) {
		require.NoError(t, k.Pool.QueryRow(t.Context(), `SELECT count(*) FROM views.usage_open_v3`).Scan(&rows))
		return rows
	}
	require.Equal(t, 36, open())
	require.Empty(t, buckets(t, k, "minute"))
	k.Now = noon.Add(time.Minute)
	charge(t, k, w1, "acme/one", "north", "1")
	k.ToEnd(t.Context(), t, 0, usage.Projection{})
	require.Equal(t, 1, open())
	require.Equal(t, []string{noon.Format("01-02 15:04")}, buckets(t, k, "minute"))
	k.Rebuilt(t.Context(), t, 1000, usage.Projection{}) // the minute in one batch
	k.Rebuilt(t.Context(), t, 5, usage.Projection{})
}

// TestAnOpenMinuteThatIsNotAsItWasStopsTheProjection: its sums are not those of the rows any more.
func TestAnOpenMinuteThatIsNotAsItWasStopsTheProjection(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Now = noon
	charge(t, k, w1, "acme/one", "north", "1")
	k.ToEnd(t.Context(), t, 0, usage.Projection{})
	carried, err := usage.Projection{}.Carry(t.Context(), k.Pool)
	require.NoError(t, err)
	_, err = k.Pool.Exec(t.Context(), `DELETE FROM views.usage_open_v3`)
	require.NoError(t, err)
	k.Now = noon.Add(time.Minute)
	charge(t, k, w1, "acme/one", "north", "1")
	err = k.Runner(runner.Options{}, remembering{carried: carried}).ToEnd(t.Context())
	require.ErrorContains(t, err, "changed 0 rows, not 1: the view does not fit the log")
}

// remembering carries what was read earlier.
type remembering struct {
	usage.Projection
	carried any
}

func (r remembering) Project(events []runner.Event, w *runner.Writes) error {
	w.Carried = r.carried
	return r.Projection.Project(events, w)
}
