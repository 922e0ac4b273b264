package meter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

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
