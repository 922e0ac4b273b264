package catalog

import (
	"math"
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// Rate is the price of one unit of a class for a call with so many prompt tokens whose hold was placed at the given
// time, in the standard tier: see For. A class without a price takes its parent's; a base class without one is free.
func (s Schedule) Rate(class usage.Class, promptTokens int64, at time.Time) money.Price {
	for {
		if p, ok := s.find(class, promptTokens, at); ok {
			return p
		}
		parent, ok := class.Parent()
		if !ok {
			return money.Price{}
		}
		class = parent
	}
}

func (s Schedule) find(class usage.Class, promptTokens int64, at time.Time) (money.Price, bool) {
	for i := len(s.Overrides) - 1; i >= 0; i-- {
		if p, ok := s.Overrides[i].Rates[class]; ok && s.Overrides[i].holds(promptTokens, at) {
			return p, true
		}
	}
	p, ok := s.Base[class]
	return p, ok
}

// LineItems prices a usage exactly: one line per class with a quantity, amount = quantity × rate.
func (s Schedule) LineItems(u usage.Usage, at time.Time) []usage.LineItem {
	prompt := u.Prompt()
	items := make([]usage.LineItem, 0, len(u))
	for _, class := range usage.Classes() {
		n := u[class]
		if n == 0 {
			continue
		}
		rate := s.Rate(class, prompt, at)
		if class == usage.Request && rate.IsZero() {
			continue
		}
		items = append(items, usage.LineItem{Class: class, Quantity: n, Price: rate, Amount: rate.Times(n)})
	}
	return items
}

// MaxCost is the most that a call within the bounds can cost, however its tokens are spread over the classes.
func (s Schedule) MaxCost(b usage.Bounds, at time.Time) money.Amount {
	most := money.Zero()
	for _, p := range s.peaks(b, at) {
		cost, left := p.fixed, max(b.Completion, 0)
		for _, step := range p.output {
			n := min(step.most, left)
			cost, left = cost.Add(step.price.Times(n)), left-n
		}
		most = money.Max(most, cost)
	}
	return most
}

// AffordableOutput is the largest number of completion tokens, at most the bounds', whose MaxCost stays within budget; ok is
// false when not even none is affordable.
func (s Schedule) AffordableOutput(budget money.Amount, b usage.Bounds, at time.Time) (n int64, ok bool) {
	n = max(b.Completion, 0)
	for _, p := range s.peaks(b, at) {
		rest := budget.Sub(p.fixed)
		if rest.Sign() < 0 {
			return 0, false
		}
		var affordable int64
		for _, step := range p.output {
			units, priced := step.price.Units(rest)
			if !priced {
				units = step.most
			}
			units = min(units, step.most, n-affordable)
			affordable += units
			if units < step.most {
				break
			}
			rest = rest.Sub(step.price.Times(units))
		}
		n = min(n, affordable)
	}
	return n, true
}

// peak is the worst case of a call with one number of prompt tokens: what it costs before any output, and what output tokens
// cost, the dearest first.
type peak struct {
	fixed  money.Amount
	output []step
}

// step is a number of tokens at one price.
type step struct {
	price money.Price
	most  int64
}

// peaks are the worst cases at the prompt sizes where the cost can be highest: the bound itself, and each override's
// threshold below it, the last size before the override begins. Between two of them the rates stay the same and the
// cost rises with the prompt, so no other size costs more.
func (s Schedule) peaks(b usage.Bounds, at time.Time) []peak {
	prompt := max(b.Prompt, 0)
	sizes := append(make([]int64, 0, 4), prompt)
	for _, o := range s.Overrides {
		if o.MinPromptTokens > 0 && o.MinPromptTokens < prompt && !slices.Contains(sizes, o.MinPromptTokens) {
			sizes = append(sizes, o.MinPromptTokens)
		}
	}
	out := make([]peak, len(sizes))
	for i, size := range sizes {
		out[i] = peak{fixed: s.fixed(size, b.Extra, at), output: s.output(size, b.Extra, at)}
	}
	return out
}

// fixed is what a prompt of so many tokens and all that is no token cost at most.
func (s Schedule) fixed(size int64, extra usage.Usage, at time.Time) money.Amount {
	cost := s.Rate(usage.Request, size, at).Times(1)
	for _, class := range [...]usage.Class{usage.Image, usage.Second, usage.Character, usage.Search} {
		if n := extra[class]; n > 0 {
			cost = cost.Add(s.Rate(class, size, at).Times(n))
		}
	}
	left := size
	text := s.dearest(size, at, usage.Input, usage.CacheRead, usage.CacheWrite, usage.CacheWrite1h)
	for _, step := range dearer(text,
		step{s.dearest(size, at, usage.AudioInput, usage.AudioCacheRead), extra[usage.AudioInput]},
		step{s.Rate(usage.ImageInput, size, at), extra[usage.ImageInput]},
	) {
		n := min(step.most, left)
		cost, left = cost.Add(step.price.Times(n)), left-n
	}
	return cost
}

func (s Schedule) output(size int64, extra usage.Usage, at time.Time) []step {
	return dearer(s.dearest(size, at, usage.Output, usage.Reasoning),
		step{s.Rate(usage.AudioOutput, size, at), extra[usage.AudioOutput]},
		step{s.Rate(usage.ImageOutput, size, at), extra[usage.ImageOutput]})
}

// dearer are the steps that cost more than text, the dearest first, and then text without a bound.
func dearer(text money.Price, media ...step) []step {
	steps := slices.DeleteFunc(media, func(m step) bool { return m.most <= 0 || m.price.Cmp(text) <= 0 })
	slices.SortFunc(steps, func(a, b step) int { return b.price.Cmp(a.price) })
	return append(steps, step{text, math.MaxInt64})
}

func (s Schedule) dearest(promptTokens int64, at time.Time, classes ...usage.Class) money.Price {
	most := money.Price{}
	for _, class := range classes {
		most = money.MaxPrice(most, s.Rate(class, promptTokens, at))
	}
	return most
}

func (o Override) holds(promptTokens int64, at time.Time) bool {
	if o.ServiceTier != "" {
		return false // the schedule is that of the standard tier: see For
	}
	if o.MinPromptTokens > 0 && promptTokens <= o.MinPromptTokens {
		return false
	}
	if o.UTCStart == "" {
		return true
	}
	start, _ := minuteOfDay(o.UTCStart)
	end, _ := minuteOfDay(o.UTCEnd)
	now := at.UTC().Hour()*60 + at.UTC().Minute()
	if start <= end {
		return start <= now && now < end
	}
	return now >= start || now < end
}
