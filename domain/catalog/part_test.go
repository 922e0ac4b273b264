package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// TestPartOfASchedule: each rate of the base and of the overrides is the part, and all else stays.
func TestPartOfASchedule(t *testing.T) {
	t.Parallel()
	whole := catalog.Schedule{
		Base: catalog.Rates{usage.Input: money.MustPrice("0.000002"), usage.Output: money.MustPrice("0.000000000007")},
		Overrides: []catalog.Override{
			{MinPromptTokens: 200, UTCStart: "22:00", UTCEnd: "06:00", Rates: catalog.Rates{usage.Input: money.MustPrice("0.000004")}},
			{ServiceTier: "flex", Rates: catalog.Rates{usage.Output: money.MustPrice("0.5")}},
		},
	}
	require.Equal(t, catalog.Schedule{
		Base: catalog.Rates{usage.Input: money.MustPrice("0.0000001"), usage.Output: money.MustPrice("0")},
		Overrides: []catalog.Override{
			{MinPromptTokens: 200, UTCStart: "22:00", UTCEnd: "06:00", Rates: catalog.Rates{usage.Input: money.MustPrice("0.0000002")}},
			{ServiceTier: "flex", Rates: catalog.Rates{usage.Output: money.MustPrice("0.025")}},
		},
	}, whole.Part(money.MustPrice("0.05")))
	require.Equal(t, whole, whole.Part(money.MustPrice("1")))
	require.Equal(t, "0.000002", whole.Base[usage.Input].String(), "the whole is not changed")
}
