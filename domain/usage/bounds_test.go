package usage_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
)

func TestBoundsCheck(t *testing.T) {
	t.Parallel()
	extra := usage.Usage{}
	for _, class := range usage.ExtraClasses() {
		extra[class] = 1
	}
	require.NoError(t, usage.Bounds{Prompt: 1, Completion: 1, Extra: extra}.Check())
	require.NoError(t, usage.Bounds{}.Check())
	for _, class := range usage.Classes() {
		_, fine := extra[class]
		err := usage.Bounds{Extra: usage.Usage{class: 1}}.Check()
		require.Equal(t, fine, err == nil, class)
	}
	for _, bad := range []usage.Bounds{
		{Prompt: -1},
		{Completion: -1},
		{Extra: usage.Usage{usage.Image: -1}},
		{Extra: usage.Usage{usage.Image: usage.MaxQuantity + 1}},
		{Extra: usage.Usage{"images": 1}},
	} {
		require.Equal(t, domain.CodeUsageInvalid, domain.CodeOf(bad.Check()), "%v", bad)
	}
}

func TestBoundsAllow(t *testing.T) {
	t.Parallel()
	b := usage.Bounds{Prompt: 10, Completion: 5, Extra: usage.Usage{usage.AudioInput: 4, usage.AudioOutput: 2, usage.Search: 1}}
	for _, row := range []struct {
		used usage.Usage
		fine bool
	}{
		{nil, true},
		{usage.Usage{usage.Input: 10, usage.Output: 5, usage.Request: 1}, true},
		{usage.Usage{usage.Input: 11}, false},
		{usage.Usage{usage.Input: 8, usage.CacheRead: 3}, false},
		{usage.Usage{usage.Output: 4, usage.Reasoning: 2}, false},
		{usage.Usage{usage.Request: 2}, false},
		{usage.Usage{usage.AudioInput: 4}, true},
		{usage.Usage{usage.AudioInput: 3, usage.AudioCacheRead: 2}, false},
		{usage.Usage{usage.Input: 7, usage.AudioInput: 4}, false},
		{usage.Usage{usage.ImageInput: 1}, false},
		{usage.Usage{usage.AudioOutput: 2, usage.Output: 3}, true},
		{usage.Usage{usage.AudioOutput: 3}, false},
		{usage.Usage{usage.Search: 1}, true},
		{usage.Usage{usage.Search: 2}, false},
		{usage.Usage{usage.Image: 1}, false},
	} {
		require.Equal(t, row.fine, b.Allow(row.used), "%v", row.used)
	}
}

func TestWholeSeconds(t *testing.T) {
	t.Parallel()
	for milliseconds, want := range map[int64]int64{
		math.MinInt64: 0, -1: 0, 0: 0, 1: 1, 999: 1, 1000: 1, 1001: 2, 60_000: 60, math.MaxInt64: math.MaxInt64 / 1000,
	} {
		require.Equal(t, want, usage.WholeSeconds(milliseconds), milliseconds)
	}
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(0, 1<<50).Draw(t, "milliseconds")
		n := usage.WholeSeconds(ms)
		require.GreaterOrEqual(t, n*1000, ms)
		require.Less(t, n*1000, ms+1000)
	})
}
