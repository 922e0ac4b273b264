package catalog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	domaincatalog "github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/catalog"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
)

func vendor(id string) []pt.Fact {
	return []pt.Fact{{Stream: domaincatalog.VendorStream(id), Event: domaincatalog.VendorPublished{Vendor: domaincatalog.Vendor{
		ID: id, Name: id, BaseURL: "https://" + id + ".example/v1", Dialect: "openai", CancelPolicy: domaincatalog.Drain,
		MaxTokensField: "max_tokens", Status: domaincatalog.Active,
	}}}}
}

func model(id, name string) []pt.Fact {
	return []pt.Fact{{Stream: domaincatalog.ModelStream(id), Event: domaincatalog.ModelPublished{Model: domaincatalog.Model{
		ID: id, Name: name, ContextLength: 128_000, MaxCompletionTokens: 4096, InputModalities: []string{"text"},
		OutputModalities: []string{"text"}, ReleasedAt: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Status: domaincatalog.Active,
	}}}}
}

func endpoint(id, model, vendor string) []pt.Fact {
	return []pt.Fact{{Stream: domaincatalog.EndpointStream(id), Event: domaincatalog.EndpointPublished{Endpoint: domaincatalog.Endpoint{
		ID: id, Model: model, Vendor: vendor, UpstreamModel: "up", ContextLength: 128_000, MaxCompletionTokens: 4096, Status: domaincatalog.Active,
	}}}}
}

func price(endpoint string, n uint64, input string, from time.Time) []pt.Fact {
	cost := domaincatalog.Schedule{Base: domaincatalog.Rates{usage.Input: money.MustPrice("0.000000000001"), usage.Output: money.MustPrice("0")}}
	return []pt.Fact{{Stream: domaincatalog.EndpointStream(endpoint), Event: domaincatalog.PricePublished{EndpointID: endpoint, PriceVersion: domaincatalog.PriceVersion{
		ID: pt.ID(n), Currency: money.USD, EffectiveFrom: from, Cost: &cost,
		Price: domaincatalog.Schedule{
			Base: domaincatalog.Rates{usage.Input: money.MustPrice(input), usage.Output: money.MustPrice("0.00001")},
			Overrides: []domaincatalog.Override{{
				MinPromptTokens: 1000, UTCStart: "22:00", UTCEnd: "06:00",
				Rates: domaincatalog.Rates{usage.CacheRead: money.MustPrice("0.000000123456")},
			}},
		},
	}}}}
}

func inputPrices(versions []domaincatalog.PriceVersion) []string {
	var out []string
	for _, v := range versions {
		out = append(out, v.Price.Base[usage.Input].String())
	}
	return out
}

func TestPublicationsBecomeACatalogue(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	start := k.Now
	k.Append(t.Context(), t, vendor("north"), model("acme/two", "Two"), model("acme/one", "One"), endpoint("acme/one@north", "acme/one", "north"))
	k.Now = start.Add(time.Hour)
	k.Append(t.Context(), t, vendor("south"), endpoint("acme/one@south", "acme/one", "south"), model("acme/two", "Two, again"),
		price("acme/one@north", 1, "0.000002", k.Now), price("acme/one@north", 2, "0.000001", k.Now.Add(time.Hour)))
	k.Twice(t.Context(), t, catalog.Projection{})

	q := catalog.NewQuery(k.Pool)
	s, err := q.Snapshot(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(9), s.Position)
	require.Equal(t, int64(9), s.Last)
	require.Equal(t, k.Now, s.AsOf)
	require.Len(t, s.Vendors, 2)
	require.Equal(t, "https://south.example/v1", s.Vendors["south"].BaseURL)
	require.Equal(t, []string{"acme/two", "acme/one"}, s.ModelOrder)
	require.Equal(t, "Two, again", s.Models["acme/two"].Name)
	require.Equal(t, start, s.PublishedAt["acme/two"])
	require.Equal(t, []string{"acme/one@north", "acme/one@south"}, s.ByModel["acme/one"])
	require.Equal(t, "north", s.Endpoints["acme/one@north"].Vendor)
	require.Equal(t, []string{"0.000002", "0.000001"}, inputPrices(s.Prices["acme/one@north"]))
	require.Equal(t, price("acme/one@north", 1, "0.000002", k.Now)[0].Event.(domaincatalog.PricePublished).PriceVersion, s.Prices["acme/one@north"][0],
		"a price comes back whole")
	inForce, ok := domaincatalog.InForce(s.Prices["acme/one@north"], k.Now)
	require.True(t, ok)
	require.Equal(t, pt.ID(1), inForce.ID)

	h, err := q.PriceHistory(t.Context(), "acme/one@north")
	require.NoError(t, err)
	require.Len(t, h.Prices, 2)
	require.Equal(t, int64(8), h.Prices[0].Position)
	require.Equal(t, k.Now, h.Prices[0].RecordedAt)
	require.Equal(t, pt.ID(2), h.Prices[1].ID)
	h, err = q.PriceHistory(t.Context(), "acme/unknown@north")
	require.NoError(t, err)
	require.Empty(t, h.Prices)
	_, err = q.PriceHistory(t.Context(), "a\x00b")
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
}

func TestTheCacheReadsWhatIsNewAndOutlivesTheDatabase(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	cache := catalog.NewCache(catalog.NewQuery(k.Pool), time.Nanosecond)
	_, err := cache.Get(t.Context())
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "nothing was ever built")

	k.Append(t.Context(), t, vendor("north"), model("acme/one", "One"), endpoint("acme/one@north", "acme/one", "north"), price("acme/one@north", 1, "1", k.Now))
	k.ToEnd(t.Context(), t, 0, catalog.Projection{})
	first, err := cache.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, inputPrices(first.Prices["acme/one@north"]))

	k.Append(t.Context(), t, model("acme/one", "Uno"), model("acme/two", "Two"), endpoint("acme/one@south", "acme/one", "north"), price("acme/one@north", 2, "2", k.Now))
	k.ToEnd(t.Context(), t, 0, catalog.Projection{})
	second, err := cache.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2"}, inputPrices(second.Prices["acme/one@north"]))
	require.Equal(t, []string{"acme/one", "acme/two"}, second.ModelOrder)
	require.Equal(t, "Uno", second.Models["acme/one"].Name)
	require.Equal(t, []string{"1"}, inputPrices(first.Prices["acme/one@north"]), "a snapshot never changes")
	require.Equal(t, []string{"acme/one"}, first.ModelOrder)
	require.Equal(t, "One", first.Models["acme/one"].Name)
	require.Equal(t, []string{"acme/one@north"}, first.ByModel["acme/one"])

	fresh, err := catalog.NewQuery(k.Pool).Snapshot(t.Context())
	require.NoError(t, err)
	require.Equal(t, fresh, second, "step by step it is what it is at once")

	k.Pool.Close()
	last, err := cache.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, second.Position, last.Position)
	_, err = catalog.NewQuery(k.Pool).Snapshot(t.Context())
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
}

func TestTheCacheDoesNotAskMoreOftenThanItsAge(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Append(t.Context(), t, model("acme/one", "One"))
	k.ToEnd(t.Context(), t, 0, catalog.Projection{})
	cache := catalog.NewCache(catalog.NewQuery(k.Pool), time.Hour)
	first, err := cache.Get(t.Context())
	require.NoError(t, err)
	k.Append(t.Context(), t, model("acme/two", "Two"))
	k.ToEnd(t.Context(), t, 0, catalog.Projection{})
	again, err := cache.Get(t.Context())
	require.NoError(t, err)
	require.Same(t, first, again)
}

// TestTheCacheBeginsAnewAfterASwitch: another build may have what the one before it lacked, also far back.
func TestTheCacheBeginsAnewAfterASwitch(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Append(t.Context(), t, vendor("north"), vendor("south"))
	k.ToEnd(t.Context(), t, 0, catalog.Projection{})
	_, err := k.Pool.Exec(t.Context(), `DELETE FROM views.catalog_publications_v1 WHERE id = 'north'`)
	require.NoError(t, err)
	cache := catalog.NewCache(catalog.NewQuery(k.Pool), time.Nanosecond)
	s, err := cache.Get(t.Context())
	require.NoError(t, err)
	require.NotContains(t, s.Vendors, "north")
	r := k.Runner(runner.Options{}, catalog.Projection{})
	require.ErrorAs(t, r.Rebuild(t.Context(), catalog.Name), new(*runner.MismatchError))
	require.NoError(t, r.Switch(t.Context(), catalog.Name))
	s, err = cache.Get(t.Context())
	require.NoError(t, err)
	require.Contains(t, s.Vendors, "north")
	require.Contains(t, s.Vendors, "south")
}
