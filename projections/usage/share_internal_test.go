package usage

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSharesAreRoundedQuotients: to six decimals, half a unit away from zero, whatever the size of both.
func TestSharesAreRoundedQuotients(t *testing.T) {
	t.Parallel()
	const most = 1<<63 - 1
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.OneOf(rapid.Int64Range(1, 3_000_000), rapid.Int64Range(1, most)).Draw(t, "whole")
		part := rapid.OneOf(rapid.Int64Range(0, min(whole, 50)), rapid.Int64Range(0, whole), rapid.Just(whole)).Draw(t, "part")
		require.Equal(t, Value{decimal.NewFromInt(part).DivRound(decimal.NewFromInt(whole), 6).String(), 7}, share(part, whole, 7))
	})
	require.Equal(t, Value{}, share(0, 0, 0))
	require.Equal(t, Value{"1", 3}, share(most, most, 3))
	require.Equal(t, Value{"0.000001", 3}, share(1, 2_000_000, 3))
}
