package usage_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/projections/usage"
)

// near says whether a quantile is as right as is promised.
func near(want, got int64) bool {
	off := want - got
	return max(off, -off)*100 <= usage.RelativeError*want
}

func TestEveryValueIsNearThatOfItsPlace(t *testing.T) {
	t.Parallel()
	last := int64(0)
	check := func(ms int64) {
		var h usage.Histogram
		h.Add(ms)
		require.True(t, near(ms, h.Quantile(50)), "%d ms became %d", ms, h.Quantile(50))
		place := usage.Place(ms)
		require.True(t, place == last || place == last+1, "no place is left out")
		last = place
	}
	for ms := int64(1); ms <= 300_000; ms++ {
		check(ms)
	}
	for ms := int64(300_000); ms <= usage.MaxMS; ms += 1009 {
		check(ms)
	}
	require.Less(t, last, int64(200), "a histogram is small")
	require.Equal(t, usage.Place(usage.MaxMS), usage.Place(1<<62))
	require.Equal(t, int64(1), usage.Place(-5))
}

func TestHistogramsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(1, 50), rapid.Int64Range(1, 20_000), rapid.Int64Range(1, usage.MaxMS)), 0, 300).Draw(t, "values")
		var whole usage.Histogram
		parts := make([]usage.Histogram, 3)
		for i, v := range values {
			whole.Add(v)
			parts[i%3].Add(v)
		}
		before := slices.Clone(parts[1])
		merged := parts[0].Merge(parts[1].Merge(parts[2]))
		require.Equal(t, before, parts[1])
		require.Equal(t, whole, append(usage.Histogram(nil), merged...))
		require.Equal(t, int64(len(values)), merged.Count())
		slices.Sort(values)
		for percent := int64(1); percent <= 100; percent++ {
			require.True(t, near(nearestRank(values, percent), merged.Quantile(percent)))
		}
	})
}

// nearestRank is the exact quantile of sorted values.
func nearestRank(sorted []int64, percent int64) int64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(int64(len(sorted))*percent+99)/100-1]
}
