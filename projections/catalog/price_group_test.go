package catalog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	domaincatalog "github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/asof"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

func groupPrice(endpoint, group string, n uint64, input string, from time.Time) []pt.Fact {
	facts := price(endpoint, n, input, from)
	e, _ := facts[0].Event.(domaincatalog.PricePublished)
	e.Group = group
	facts[0].Event = e
	return facts
}

func TestPricesOfGroupsAreApartAndHaveTheirHistory(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	const id = "acme/one@north"
	start := k.Now
	k.Append(t.Context(), t, vendor("north"), model("acme/one", "One"), endpoint(id, "acme/one", "north"), price(id, 1, "1", start)) // 1 to 4
	k.ToEnd(t.Context(), t, 0, catalog.Projection{})
	cache := catalog.NewCache(catalog.NewQuery(k.Pool), time.Nanosecond)
	before, err := cache.Get(t.Context())
	require.NoError(t, err)
	k.Now = start.Add(time.Hour)
	k.Append(t.Context(), t, groupPrice(id, "partners", 2, "0.9", k.Now), groupPrice(id, "partners", 3, "0.8", k.Now.Add(time.Hour)),
		groupPrice(id, "friends", 4, "0.1", k.Now), price(id, 5, "2", k.Now)) // 5 to 8
	k.Twice(t.Context(), t, catalog.Projection{})
	now, err := cache.Get(t.Context())
	require.NoError(t, err)
	require.Empty(t, before.GroupPrices, "a snapshot never changes")
	require.Equal(t, []string{"1", "2"}, inputPrices(now.Prices[id]), "the list is the list")
	require.Equal(t, []string{"0.9", "0.8"}, inputPrices(now.GroupPrices[id]["partners"]))

	then, err := catalog.NewQuery(k.Pool).SnapshotAsOf(t.Context(), mustAt(t, k, 5))
	require.NoError(t, err)
	for _, row := range []struct {
		s     *catalog.Snapshot
		group string
		after time.Duration
		want  string
	}{
		{now, "", time.Hour, "2"},
		{now, "partners", time.Hour, "0.9"},
		{now, "partners", 2 * time.Hour, "0.8"},
		{now, "friends", time.Hour, "0.1"},
		{now, "nobody", time.Hour, "2"},
		{now, "partners", 0, "1"},
		{then, "partners", time.Hour, "0.9"},
		{then, "partners", 2 * time.Hour, "0.9"},
		{then, "friends", time.Hour, "1"},
		{before, "partners", time.Hour, "1"},
	} {
		v, ok := row.s.PriceInForce(id, row.group, start.Add(row.after))
		require.True(t, ok)
		require.Equal(t, []string{row.want}, inputPrices([]domaincatalog.PriceVersion{v}), "%s after %s", row.group, row.after)
	}
	for n := range uint64(5) {
		v, ok := now.Price(id, pt.ID(n+1))
		require.True(t, ok)
		require.Equal(t, pt.ID(n+1), v.ID)
	}
	_, ok := then.Price(id, pt.ID(4))
	require.False(t, ok)
}

func mustAt(t *testing.T, k *pt.Kit, position int64) checkpoint.At {
	t.Helper()
	at, err := asof.New(k.Store).Resolve(t.Context(), asof.Moment{Position: position})
	require.NoError(t, err)
	return at
}
