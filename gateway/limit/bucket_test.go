package limit_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/limit"
)

func anyLimit() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64Range(1, 5), rapid.Int64Range(1, 1000), rapid.SampledFrom([]int64{7, 59_999, 60_000, 60_001, limit.MaxPerMinute}))
}

// TestTheMeterIsTheModel: the arithmetic in whole numbers decides, and tells, what the model in fractions does.
func TestTheMeterIsTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := anyLimit().Draw(t, "limit")
		var b limit.Bucket
		var m arrival
		now := rapid.Int64Range(0, 2e12).Draw(t, "start")
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now += rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 50), rapid.Int64Range(0, 200_000), rapid.Just(int64(1e11))).Draw(t, "gone")
			n := min(most, rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, most), rapid.Just(most)).Draw(t, "n"))
			if rapid.IntRange(0, 3).Draw(t, "back") == 0 {
				n = rapid.Int64Range(-most, most).Draw(t, "given")
				b.GiveBack(n, most, now)
				m.giveBack(n, most, now)
				require.Equal(t, up(m.left(now)), (b.Owed(most, now)+most-1)/most)
				continue
			}
			remaining, reset, wait, ok := b.Fits(n, most, most, now)
			require.Equal(t, m.wait(n, most, now).Sign() <= 0, ok)
			if ok {
				b.Take(n, most, now)
				m.take(n, most, now)
				continue
			}
			require.Equal(t, []int64{m.remaining(most, now), up(m.left(now)), up(m.wait(n, most, now))}, []int64{remaining, reset, wait})
			_, _, _, ok = b.Fits(n, most, most, now+wait)
			require.True(t, ok, "after the wait it fits")
			_, _, _, ok = b.Fits(n, most, most, now+wait-1)
			require.False(t, ok, "and not before")
		}
	})
}

// TestNoWindowHasMore: in any time w no more than limit × (1 + w / 1 min) come through, and a saturated meter lets no less through.
func TestNoWindowHasMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.Int64Range(1, 200).Draw(t, "limit")
		var b limit.Bucket
		var through []int64
		now := int64(1)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now += rapid.Int64Range(0, 2*minute/most).Draw(t, "gone")
			if _, _, _, ok := b.Fits(1, most, most, now); ok {
				b.Take(1, most, now)
				through = append(through, now)
			}
		}
		for i := range through {
			for j := i; j < len(through); j++ {
				require.LessOrEqual(t, int64(j-i+1)*minute, most*(minute+through[j]-through[i]))
			}
		}
		last := b.Owed(most, now)
		require.LessOrEqual(t, last, most*limit.Unit)
		if _, _, _, ok := b.Fits(1, most, most, now); !ok {
			require.Greater(t, last, (most-1)*limit.Unit, "it refuses only what does not fit")
		}
	})
}

// TestAClockThatGoesBackGivesNothing: a server that takes over with another clock forgives no debt and locks nobody out.
func TestAClockThatGoesBackGivesNothing(t *testing.T) {
	t.Parallel()
	var b limit.Bucket
	b.Take(60, 60, 10_000_000)
	require.EqualValues(t, 60*limit.Unit, b.Owed(60, 1))
	b.GiveBack(0, 60, 1)
	require.EqualValues(t, 30*limit.Unit, b.Owed(60, 30_001))
}
