// Package meter turns what a vendor says, and what it produced, into a usage of disjoint classes that can be charged.
package meter

import "github.com/massrouter/massrouter/domain/usage"

// Report is a vendor's usage as it stands in an answer: cached and cache-written tokens, and those of media, are part of the
// prompt; reasoning tokens, and those of media, part of the completion.
type Report struct {
	Given  bool // there was one
	Broken bool // with a number that is no whole number, or is too large for one
	Untold bool `json:",omitempty"` // there was none, and there is none in this form: an estimate is not to be wondered at

	Prompt, Completion            int64
	Cached, CacheWrite, Reasoning int64
	CacheWrite1h                  int64 // the part of CacheWrite that is kept for an hour
	Total                         int64
	HasTotal                      bool

	// Media has what is not text, none when nil. Of AudioInput it has all tokens of sound, also those that a cache served; of
	// AudioCacheRead the part of them that a cache served, where the vendor tells it. See usage.ExtraClasses for the others.
	Media usage.Usage `json:",omitempty"`
	// Tier is the service tier that the vendor says it served with; "" when it does not say.
	Tier string `json:",omitempty"`
}

// Bounds are what a call can have used at most.
type Bounds struct {
	Context    int64       // the endpoint's context length
	Prompt     int64       // of the prompt: what the hold reserved
	Completion int64       // of all choices together: the cap that the vendor was told
	Extra      usage.Usage // see usage.Bounds
}

// Add notes more units of a class that are no text. What is below zero stays so, and what is too large breaks the report.
func (r *Report) Add(class usage.Class, n int64) {
	switch was := r.Media[class]; {
	case was < 0 || n < 0:
		r.Set(class, min(was, n))
	case n > usage.MaxQuantity-was:
		r.Broken = true
	default:
		r.Set(class, was+n)
	}
}

// Set notes how many units of a class there are that are no text.
func (r *Report) Set(class usage.Class, n int64) {
	if n == r.Media[class] {
		return
	}
	if r.Media == nil {
		r.Media = make(usage.Usage, 1)
	}
	if r.Media[class] = n; n > usage.MaxQuantity {
		r.Broken = true
	}
}

// After keeps, of what an earlier event of the same stream reported, what this one does not repeat: the tier, and the searches.
func (r *Report) After(earlier *Report) {
	if r.Tier == "" {
		r.Tier = earlier.Tier
	}
	if n := earlier.Media[usage.Search]; n > r.Media[usage.Search] {
		r.Set(usage.Search, n)
	}
}

// Absurd says, as a stable code, why a report cannot be true; "" when it can. produced: something came out.
func (r *Report) Absurd(b Bounds, produced bool) string {
	if code := r.missing(); code != "" {
		return code
	}
	switch {
	case r.Prompt > b.Context:
		return "usage_above_context"
	case r.Completion > b.Completion:
		return "usage_above_cap"
	case r.Cached > r.Prompt || r.CacheWrite > r.Prompt-r.Cached || r.CacheWrite1h > r.CacheWrite:
		return "usage_cached_above_prompt"
	case r.Reasoning > r.Completion:
		return "usage_reasoning_above_completion"
	case r.Media != nil && r.mediaAbsurd():
		return "usage_media_above_total"
	case r.HasTotal && r.Total != r.Prompt+r.Completion:
		return "usage_total_wrong"
	case r.zero(produced && b.Completion > 0): // without a bound there is none to put out
		return "usage_zero"
	}
	return ""
}

func (r *Report) missing() string {
	switch {
	case !r.Given:
		return "usage_missing"
	case r.Broken:
		return "usage_not_whole"
	case r.Prompt < 0 || r.Completion < 0 || r.Cached < 0 || r.CacheWrite < 0 || r.CacheWrite1h < 0 || r.Reasoning < 0 || r.Total < 0:
		return "usage_negative"
	}
	for _, n := range r.Media {
		if n < 0 {
			return "usage_negative"
		}
	}
	return ""
}

// mediaAbsurd says whether media have more tokens than the whole.
func (r *Report) mediaAbsurd() bool {
	m := r.Media
	return m[usage.AudioCacheRead] > min(m[usage.AudioInput], r.Cached) ||
		m[usage.AudioInput]+m[usage.ImageInput] > r.Prompt ||
		m[usage.AudioOutput]+m[usage.ImageOutput] > r.Completion-r.Reasoning
}

// zero says whether nothing is reported where there must be something: tokens or, in place of them, other units.
func (r *Report) zero(produced bool) bool {
	pieces := r.Media[usage.Image] > 0 || r.Media[usage.Second] > 0 || r.Media[usage.Character] > 0
	searched := r.Media[usage.Search] > 0
	if r.Prompt == 0 && !pieces && !searched {
		return true
	}
	return produced && r.Completion == 0 && !pieces && (r.Prompt > 0 || !searched)
}

// Above says whether the report is more than was held, though it can be true.
func (r *Report) Above(b Bounds) bool {
	if r.Prompt > b.Prompt {
		return true
	}
	for _, class := range usage.ExtraClasses() {
		if r.Media[class] > b.Extra[class] {
			return true
		}
	}
	return false
}

// Usage splits the report into disjoint classes. It must not be Absurd. Where the vendor does not tell how much of the sound
// and of the pictures a cache served, it is as little as can be: what the counts together have above the prompt, first of the
// sound.
func (r *Report) Usage() usage.Usage {
	u := make(usage.Usage, 4+len(r.Media))
	cached, write5m, write1h := r.Cached, r.CacheWrite-r.CacheWrite1h, r.CacheWrite1h
	sound, pictures := r.Media[usage.AudioInput], r.Media[usage.ImageInput]
	cachedSound := r.Media[usage.AudioCacheRead]
	cached, sound = cached-cachedSound, sound-cachedSound
	over := max(sound+pictures+cachedSound+cached+r.CacheWrite-r.Prompt, 0)
	both := min(over, sound, cached) // sound that a cache served
	cachedSound, sound, cached, over = cachedSound+both, sound-both, cached-both, over-both
	both = min(over, pictures) // pictures that a cache served, or took
	pictures, over = pictures-both, over-both
	sound -= over // sound that a cache took
	set(u, usage.Input, r.Prompt-cached-r.CacheWrite-sound-cachedSound-pictures)
	set(u, usage.CacheRead, cached)
	set(u, usage.CacheWrite, write5m)
	set(u, usage.CacheWrite1h, write1h)
	set(u, usage.AudioInput, sound)
	set(u, usage.AudioCacheRead, cachedSound)
	set(u, usage.ImageInput, pictures)
	set(u, usage.Output, r.Completion-r.Reasoning-r.Media[usage.AudioOutput]-r.Media[usage.ImageOutput])
	set(u, usage.Reasoning, r.Reasoning)
	for _, class := range [...]usage.Class{
		usage.AudioOutput, usage.ImageOutput, usage.Image, usage.Second, usage.Character, usage.Search,
	} {
		set(u, class, r.Media[class])
	}
	set(u, usage.Request, 1)
	return u
}

func set(u usage.Usage, class usage.Class, n int64) {
	if n > 0 {
		u[class] = n
	}
}
