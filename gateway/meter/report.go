// Package meter turns what a vendor says, and what it produced, into a usage of disjoint classes that can be charged.
package meter

import "github.com/massrouter/massrouter/domain/usage"

// Report is a vendor's usage as it stands in an answer: cached and cache-written tokens are part of the prompt, reasoning
// tokens part of the completion.
type Report struct {
	Given  bool // there was one
	Broken bool // with a number that is no whole number, or is too large for one

	Prompt, Completion            int64
	Cached, CacheWrite, Reasoning int64
	CacheWrite1h                  int64 // the part of CacheWrite that is kept for an hour
	Total                         int64
	HasTotal                      bool
}

// Bounds are what a call can have used at most.
type Bounds struct {
	Context    int64 // the endpoint's context length
	Prompt     int64 // of the prompt: what the hold reserved
	Completion int64 // of all choices together: the cap that the vendor was told
}

// Absurd says, as a stable code, why a report cannot be true; "" when it can. produced: something came out.
func (r *Report) Absurd(b Bounds, produced bool) string {
	switch {
	case !r.Given:
		return "usage_missing"
	case r.Broken:
		return "usage_not_whole"
	case r.Prompt < 0 || r.Completion < 0 || r.Cached < 0 || r.CacheWrite < 0 || r.CacheWrite1h < 0 || r.Reasoning < 0 || r.Total < 0:
		return "usage_negative"
	case r.Prompt > b.Context:
		return "usage_above_context"
	case r.Completion > b.Completion:
		return "usage_above_cap"
	case r.Cached > r.Prompt || r.CacheWrite > r.Prompt-r.Cached || r.CacheWrite1h > r.CacheWrite:
		return "usage_cached_above_prompt"
	case r.Reasoning > r.Completion:
		return "usage_reasoning_above_completion"
	case r.HasTotal && r.Total != r.Prompt+r.Completion:
		return "usage_total_wrong"
	case r.Prompt == 0, produced && r.Completion == 0:
		return "usage_zero"
	}
	return ""
}

// Usage splits the report into disjoint classes. It must not be Absurd.
func (r *Report) Usage() usage.Usage {
	u := make(usage.Usage, 4)
	set(u, usage.Input, r.Prompt-r.Cached-r.CacheWrite)
	set(u, usage.CacheRead, r.Cached)
	set(u, usage.CacheWrite, r.CacheWrite-r.CacheWrite1h)
	set(u, usage.CacheWrite1h, r.CacheWrite1h)
	set(u, usage.Output, r.Completion-r.Reasoning)
	set(u, usage.Reasoning, r.Reasoning)
	set(u, usage.Request, 1)
	return u
}

func set(u usage.Usage, class usage.Class, n int64) {
	if n > 0 {
		u[class] = n
	}
}
