package audit

import (
	"strconv"
	"time"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// The classes by index, in the order of the lines of a charge, with the class whose rate counts when one has none.
const (
	input = iota
	cacheRead
	cacheWrite
	cacheWrite1h
	audioInput
	audioCacheRead
	imageInput
	output
	reasoning
	audioOutput
	imageOutput
	image
	second
	character
	search
	request
	classes
	none = -1
)

// classNames are the classes by index.
func classNames() [classes]usage.Class {
	return [classes]usage.Class{
		input: usage.Input, cacheRead: usage.CacheRead, cacheWrite: usage.CacheWrite, cacheWrite1h: usage.CacheWrite1h,
		audioInput: usage.AudioInput, audioCacheRead: usage.AudioCacheRead, imageInput: usage.ImageInput,
		output: usage.Output, reasoning: usage.Reasoning, audioOutput: usage.AudioOutput, imageOutput: usage.ImageOutput,
		image: usage.Image, second: usage.Second, character: usage.Character, search: usage.Search, request: usage.Request,
	}
}

func classIndex(c usage.Class) (int, bool) {
	switch c { //nolint:exhaustive // those of nearly every call
	case usage.Input:
		return input, true
	case usage.CacheRead:
		return cacheRead, true
	case usage.Output:
		return output, true
	case usage.Reasoning:
		return reasoning, true
	case usage.Request:
		return request, true
	}
	for i, name := range classNames() {
		if c == name {
			return i, true
		}
	}
	return none, false
}

// parents must be walked from the front: a parent is resolved before its children.
func parents() [classes]int {
	return [classes]int{
		input: none, cacheRead: input, cacheWrite: input, cacheWrite1h: cacheWrite, audioInput: input, audioCacheRead: audioInput,
		imageInput: input, output: none, reasoning: output, audioOutput: output, imageOutput: output,
		image: none, second: none, character: none, search: none, request: none,
	}
}

// rates are what one unit of each class costs in one situation.
type rates [classes]money.Price

// tariff is a schedule made ready for look-ups: the rates of each combination of overrides are worked out once.
type tariff struct {
	base      catalog.Rates
	overrides []window
	worked    map[uint64]*rates // by the bit set of overrides that hold
	plain     *rates            // when there are no overrides, once they were worked out
	tiers     map[string]*tariff
}

// window is when an override holds: minutes of the UTC day, from start to before end; both -1 for always.
type window struct {
	above      int64 // prompt tokens
	start, end int
	rates      catalog.Rates
}

// newTariff is that of the standard tier, with those of the others.
func newTariff(s catalog.Schedule) *tariff {
	t := tierTariff(s, "")
	for _, o := range s.Overrides {
		if o.ServiceTier != "" && t.tiers[o.ServiceTier] == nil {
			if t.tiers == nil {
				t.tiers = map[string]*tariff{}
			}
			t.tiers[o.ServiceTier] = tierTariff(s, o.ServiceTier)
		}
	}
	return t
}

// of is the tariff of a tier; nil when it has no price.
func (t *tariff) of(tier string) *tariff {
	if tier == "" {
		return t
	}
	return t.tiers[tier]
}

func tierTariff(s catalog.Schedule, tier string) *tariff {
	t := &tariff{base: s.Base, worked: map[uint64]*rates{}}
	for _, o := range s.Overrides {
		if o.ServiceTier != "" && o.ServiceTier != tier {
			continue
		}
		t.overrides = append(t.overrides, window{o.MinPromptTokens, minute(o.UTCStart), minute(o.UTCEnd), o.Rates})
	}
	return t
}

// minute reads HH:MM; -1 for anything else.
func minute(s string) int {
	if len(s) != len("HH:MM") {
		return none
	}
	h, errH := strconv.Atoi(s[:2])
	m, errM := strconv.Atoi(s[3:])
	if errH != nil || errM != nil {
		return none
	}
	return 60*h + m
}

func (w window) holds(prompt int64, now int) bool {
	if w.above > 0 && prompt <= w.above {
		return false
	}
	switch {
	case w.start < 0:
		return true
	case w.start <= w.end:
		return w.start <= now && now < w.end
	default: // over midnight
		return now >= w.start || now < w.end
	}
}

// at are the rates for a call of so many prompt tokens whose hold was placed at a time: the base, with each override
// that holds laid over it in order, then children filled from parents.
func (t *tariff) at(prompt int64, placed time.Time) *rates {
	if t.plain != nil {
		return t.plain
	}
	placed = placed.UTC()
	now, set := 60*placed.Hour()+placed.Minute(), uint64(0)
	for i, o := range t.overrides {
		if o.holds(prompt, now) {
			set |= 1 << (i % 64)
		}
	}
	if r, ok := t.worked[set]; ok {
		return r
	}
	var r rates
	var has [classes]bool
	lay := func(over catalog.Rates) {
		for class, price := range over {
			if i, ok := classIndex(class); ok {
				r[i], has[i] = price, true
			}
		}
	}
	lay(t.base)
	for _, o := range t.overrides {
		if o.holds(prompt, now) {
			lay(o.rates)
		}
	}
	for i, parent := range parents() {
		if !has[i] && parent != none {
			r[i], has[i] = r[parent], has[parent]
		}
	}
	if len(t.overrides) <= 64 { // else the set would not tell them apart
		t.worked[set] = &r
	}
	if len(t.overrides) == 0 {
		t.plain = &r
	}
	return &r
}

// worstOf is the worst of the tiers that a call allows: the standard one, and the one that it asks for, or all. false when what
// it asks for has no price.
func (t *tariff) worstOf(asked string, b usage.Bounds, placed time.Time) (money.Amount, bool) {
	most := t.worst(b, placed)
	if asked == "" {
		return most, true
	}
	known := asked == catalog.AnyTier
	for name, tier := range t.tiers {
		if name == asked || asked == catalog.AnyTier {
			most, known = money.Max(most, tier.worst(b, placed)), true
		}
	}
	return most, known
}

// worst is the most that a call within the bounds can cost: at the prompt's bound, or just before an override of longer prompts
// begins, all of the prompt and all of the completion at the dearest classes that they may have, all other units, and one request.
func (t *tariff) worst(b usage.Bounds, placed time.Time) money.Amount {
	most := t.most(b.Prompt, b, placed)
	for _, o := range t.overrides {
		if o.above > 0 && o.above < b.Prompt {
			most = money.Max(most, t.most(o.above, b, placed))
		}
	}
	return most
}

func (t *tariff) most(prompt int64, b usage.Bounds, placed time.Time) money.Amount {
	r := t.at(prompt, placed)
	cost := r[request].Times(1)
	for i, class := range classNames() {
		if i >= image && i < request {
			cost = cost.Add(r[i].Times(b.Extra[class]))
		}
	}
	text := money.MaxPrice(money.MaxPrice(r[input], r[cacheRead]), money.MaxPrice(r[cacheWrite], r[cacheWrite1h]))
	cost = cost.Add(filled(prompt, text, money.MaxPrice(r[audioInput], r[audioCacheRead]), b.Extra[usage.AudioInput],
		r[imageInput], b.Extra[usage.ImageInput]))
	return cost.Add(filled(b.Completion, money.MaxPrice(r[output], r[reasoning]), r[audioOutput], b.Extra[usage.AudioOutput],
		r[imageOutput], b.Extra[usage.ImageOutput]))
}

// filled is the most that so many tokens cost of which some may be sound and some pictures.
func filled(tokens int64, text, sound money.Price, sounds int64, picture money.Price, pictures int64) money.Amount {
	if sound.Cmp(picture) < 0 {
		sound, sounds, picture, pictures = picture, pictures, sound, sounds
	}
	if sound.Cmp(text) <= 0 {
		sounds = 0
	}
	if picture.Cmp(text) <= 0 {
		pictures = 0
	}
	sounds = min(sounds, tokens)
	pictures = min(pictures, tokens-sounds)
	return sound.Times(sounds).Add(picture.Times(pictures)).Add(text.Times(tokens - sounds - pictures))
}

// quantities are a usage by class index.
func quantities(u usage.Usage) (q [classes]int64, prompt int64) {
	for class, n := range u {
		i, ok := classIndex(class)
		if !ok {
			continue
		}
		q[i] = n
		if i <= imageInput {
			prompt += n
		}
	}
	return q, prompt
}
