package meter_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/meter"
)

func bounds() meter.Bounds { return meter.Bounds{Context: 1000, Prompt: 100, Completion: 50} }

func TestReports(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		report meter.Report
		want   usage.Usage
	}{
		"plain":           {meter.Report{Given: true, Prompt: 10, Completion: 5}, usage.Usage{usage.Input: 10, usage.Output: 5, usage.Request: 1}},
		"with a total":    {meter.Report{Given: true, Prompt: 10, Completion: 5, Total: 15, HasTotal: true}, usage.Usage{usage.Input: 10, usage.Output: 5, usage.Request: 1}},
		"cached":          {meter.Report{Given: true, Prompt: 10, Completion: 5, Cached: 4}, usage.Usage{usage.Input: 6, usage.CacheRead: 4, usage.Output: 5, usage.Request: 1}},
		"all cached":      {meter.Report{Given: true, Prompt: 10, Completion: 5, Cached: 7, CacheWrite: 3}, usage.Usage{usage.CacheRead: 7, usage.CacheWrite: 3, usage.Output: 5, usage.Request: 1}},
		"reasoning":       {meter.Report{Given: true, Prompt: 10, Completion: 5, Reasoning: 5}, usage.Usage{usage.Input: 10, usage.Reasoning: 5, usage.Request: 1}},
		"everything":      {meter.Report{Given: true, Prompt: 100, Completion: 50, Cached: 30, CacheWrite: 20, Reasoning: 10, Total: 150, HasTotal: true}, usage.Usage{usage.Input: 50, usage.CacheRead: 30, usage.CacheWrite: 20, usage.Output: 40, usage.Reasoning: 10, usage.Request: 1}},
		"above the bound": {meter.Report{Given: true, Prompt: 1000, Completion: 50}, usage.Usage{usage.Input: 1000, usage.Output: 50, usage.Request: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, row.report.Absurd(bounds(), true))
			u := row.report.Usage()
			require.Equal(t, row.want, u)
			require.NoError(t, u.Check())
			require.Equal(t, row.report.Prompt, u.Prompt(), "the parts add up")
			require.Equal(t, row.report.Completion, u.Completion(), "the parts add up")
		})
	}
}

func TestAbsurdReports(t *testing.T) {
	t.Parallel()
	for want, reports := range map[string][]meter.Report{
		"usage_missing":                    {{}},
		"usage_not_whole":                  {{Given: true, Broken: true, Prompt: 1, Completion: 1}},
		"usage_negative":                   {{Given: true, Prompt: 1, Completion: -1}, {Given: true, Prompt: -1, Completion: 1}, {Given: true, Prompt: 1, Completion: 1, Cached: -1}, {Given: true, Prompt: 1, Completion: 1, Reasoning: -1}, {Given: true, Prompt: 1, Completion: 1, CacheWrite: -1}, {Given: true, Prompt: 1, Completion: 1, Total: -1}},
		"usage_above_context":              {{Given: true, Prompt: 1001, Completion: 1}, {Given: true, Prompt: 1<<63 - 1, Completion: 1}},
		"usage_above_cap":                  {{Given: true, Prompt: 1, Completion: 51}, {Given: true, Prompt: 1, Completion: 1<<63 - 1, HasTotal: true}},
		"usage_cached_above_prompt":        {{Given: true, Prompt: 10, Completion: 1, Cached: 11}, {Given: true, Prompt: 10, Completion: 1, Cached: 6, CacheWrite: 5}, {Given: true, Prompt: 10, Completion: 1, Cached: 6, CacheWrite: 1<<63 - 1}},
		"usage_reasoning_above_completion": {{Given: true, Prompt: 10, Completion: 1, Reasoning: 2}},
		"usage_total_wrong":                {{Given: true, Prompt: 10, Completion: 1, Total: 12, HasTotal: true}, {Given: true, Prompt: 10, Completion: 1, HasTotal: true}},
		"usage_zero":                       {{Given: true}, {Given: true, Prompt: 10}, {Given: true, Completion: 10}},
	} {
		for _, report := range reports {
			require.Equal(t, want, report.Absurd(bounds(), true), "%+v", report)
		}
	}
	quiet := meter.Report{Given: true, Prompt: 10}
	require.Empty(t, quiet.Absurd(bounds(), false), "nothing came out, and nothing is reported")
}

func drawReport(t *rapid.T) meter.Report {
	upTo := func(most int64) *rapid.Generator[int64] {
		return rapid.Custom(func(t *rapid.T) int64 {
			if rapid.IntRange(0, 30).Draw(t, "odd") == 0 {
				return rapid.Int64Range(-2, 70).Draw(t, "n")
			}
			return rapid.Int64Range(0, most).Draw(t, "n")
		})
	}
	r := meter.Report{
		Given: true, Prompt: upTo(50).Draw(t, "prompt"), Completion: upTo(50).Draw(t, "completion"), Cached: upTo(15).Draw(t, "cached"),
		CacheWrite: upTo(10).Draw(t, "write"), CacheWrite1h: upTo(3).Draw(t, "write for an hour"), Reasoning: upTo(10).Draw(t, "reasoning"),
	}
	for class, count := range rapid.MapOf(rapid.SampledFrom(append(usage.ExtraClasses(), usage.AudioCacheRead)), upTo(9)).Draw(t, "media") {
		r.Set(class, count)
	}
	return r
}

// TestPartsAddUp: whatever a vendor reports, it is absurd, or falls into classes that are disjoint, none below zero, and together
// what the vendor says.
func TestPartsAddUp(t *testing.T) {
	t.Parallel()
	fine := 0
	rapid.Check(t, func(t *rapid.T) {
		r := drawReport(t)
		if r.Absurd(meter.Bounds{Context: 50, Prompt: 50, Completion: 50}, rapid.Bool().Draw(t, "produced")) != "" {
			return
		}
		fine++
		u := r.Usage()
		require.NoError(t, u.Check())
		for class, n := range u {
			require.Positive(t, n, class)
		}
		require.Equal(t, r.Prompt, u.Prompt())
		require.Equal(t, r.Completion, u.Completion())
		require.LessOrEqual(t, u[usage.CacheRead]+u[usage.AudioCacheRead], r.Cached)
		require.Equal(t, r.CacheWrite, u[usage.CacheWrite]+u[usage.CacheWrite1h])
		require.LessOrEqual(t, u[usage.AudioInput]+u[usage.AudioCacheRead], r.Media[usage.AudioInput])
		require.LessOrEqual(t, u[usage.ImageInput], r.Media[usage.ImageInput])
		for _, class := range []usage.Class{usage.AudioOutput, usage.ImageOutput, usage.Image, usage.Second, usage.Character, usage.Search} {
			require.Equal(t, r.Media[class], u[class])
		}
	})
	require.Positive(t, fine, "no report could be true")
}

// TestWhatIsHeldCoversWhatIsReported: a report that is not above what was held is within the bounds of the hold.
func TestWhatIsHeldCoversWhatIsReported(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawReport(t)
		b := meter.Bounds{Context: 60, Prompt: 40, Completion: 50, Extra: usage.Usage{}}
		for _, class := range usage.ExtraClasses() {
			b.Extra[class] = rapid.Int64Range(0, 60).Draw(t, "extra")
		}
		if r.Absurd(b, true) != "" {
			return
		}
		held := usage.Bounds{Prompt: b.Prompt, Completion: b.Completion, Extra: b.Extra}
		if !r.Above(b) {
			require.True(t, held.Allow(r.Usage()), "%+v", r)
		}
	})
}

func TestReportsOfOtherUnits(t *testing.T) {
	t.Parallel()
	b := meter.Bounds{Context: 1000, Prompt: 100, Completion: 50}
	media := func(prompt, completion int64, u usage.Usage) meter.Report {
		return meter.Report{Given: true, Prompt: prompt, Completion: completion, Media: u}
	}
	for name, row := range map[string]struct {
		report meter.Report
		absurd string
		want   usage.Usage
	}{
		"pictures without tokens": {media(0, 0, usage.Usage{usage.Image: 2}), "", usage.Usage{usage.Image: 2, usage.Request: 1}},
		"speech by the character": {media(0, 0, usage.Usage{usage.Character: 40}), "", usage.Usage{usage.Character: 40, usage.Request: 1}},
		"a transcript by seconds": {media(0, 0, usage.Usage{usage.Second: 7}), "", usage.Usage{usage.Second: 7, usage.Request: 1}},
		"a search of documents":   {media(0, 0, usage.Usage{usage.Search: 1}), "", usage.Usage{usage.Search: 1, usage.Request: 1}},
		"a search, but no answer": {media(9, 0, usage.Usage{usage.Search: 1}), "usage_zero", nil},
		"more sound than prompt":  {media(9, 1, usage.Usage{usage.AudioInput: 10}), "usage_media_above_total", nil},
		"more sound than answer":  {media(9, 1, usage.Usage{usage.AudioOutput: 2}), "usage_media_above_total", nil},
		"cached sound, not cached": {meter.Report{
			Given: true, Prompt: 9, Completion: 1, Media: usage.Usage{usage.AudioInput: 5, usage.AudioCacheRead: 5},
		}, "usage_media_above_total", nil},
		"below zero": {media(9, 1, usage.Usage{usage.Search: -1}), "usage_negative", nil},
		"sound that a cache must have served": {meter.Report{
			Given: true, Prompt: 10, Completion: 1, Cached: 8, Media: usage.Usage{usage.AudioInput: 6},
		}, "", usage.Usage{usage.CacheRead: 4, usage.AudioCacheRead: 4, usage.AudioInput: 2, usage.Output: 1, usage.Request: 1}},
		"pictures that a cache must have served": {meter.Report{
			Given: true, Prompt: 10, Completion: 1, Cached: 8, Media: usage.Usage{usage.ImageInput: 6},
		}, "", usage.Usage{usage.CacheRead: 8, usage.ImageInput: 2, usage.Output: 1, usage.Request: 1}},
	} {
		require.Equal(t, row.absurd, row.report.Absurd(b, true), name)
		if row.absurd == "" {
			require.Equal(t, row.want, row.report.Usage(), name)
		}
	}
}

func TestAddAndAfter(t *testing.T) {
	t.Parallel()
	var r meter.Report
	r.Add(usage.Search, 0)
	require.Nil(t, r.Media)
	r.Add(usage.Search, 2)
	r.Add(usage.Search, 3)
	require.Equal(t, int64(5), r.Media[usage.Search])
	r.Add(usage.Search, -4)
	r.Add(usage.Search, 100)
	require.Equal(t, int64(-4), r.Media[usage.Search], "what is below zero stays so")
	require.False(t, r.Broken)
	var huge meter.Report
	huge.Add(usage.Search, usage.MaxQuantity)
	require.False(t, huge.Broken)
	huge.Add(usage.Search, 1)
	require.True(t, huge.Broken)

	later := meter.Report{Given: true, Prompt: 3, Media: usage.Usage{usage.Search: 1}}
	later.After(&meter.Report{Tier: "flex", Prompt: 9, Media: usage.Usage{usage.Search: 2, usage.AudioInput: 4}})
	require.Equal(t, meter.Report{Given: true, Prompt: 3, Tier: "flex", Media: usage.Usage{usage.Search: 2}}, later)
	later.After(&meter.Report{Tier: "default"})
	require.Equal(t, "flex", later.Tier)
}
