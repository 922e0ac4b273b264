package catalog

import (
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// Rate is the price of one unit of a class for a call with so many prompt tokens whose hold was placed at the given
// time. A class without a price takes its parent's; a base class without one is free.
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

// MaxCost is the most that a call can cost with at most so many prompt and completion tokens and one request, however
// the tokens are spread over the classes.
func (s Schedule) MaxCost(promptTokens, completionTokens int64, at time.Time) money.Amount {
	most := money.Zero()
	for _, p := range s.peaks(max(promptTokens, 0), at) {
		most = money.Max(most, p.fixed.Add(p.output.Times(max(completionTokens, 0))))
	}
	return most
}

// AffordableOutput is the largest number of completion tokens, at most limit, whose MaxCost stays within budget;
// ok is false when not even none is affordable.
func (s Schedule) AffordableOutput(budget money.Amount, promptTokens, limit int64, at time.Time) (n int64, ok bool) {
	n = max(limit, 0)
	for _, p := range s.peaks(max(promptTokens, 0), at) {
		rest := budget.Sub(p.fixed)
		if rest.Sign() < 0 {
			return 0, false
		}
		if units, priced := p.output.Units(rest); priced {
			n = min(n, units)
		}
	}
	return n, true
}

// peak is the worst case of a call with one number of prompt tokens: what it costs before any output, and the dearest
// price of an output token.
type peak struct {
	fixed  money.Amount
	output money.Price
}

// peaks are the worst cases at the prompt sizes where the cost can be highest: the bound itself, and each override's
// threshold below it, the last size before the override begins. Between two of them the rates stay the same and the
// cost rises with the prompt, so no other size costs more.
func (s Schedule) peaks(promptTokens int64, at time.Time) []peak {
	sizes := append(make([]int64, 0, 4), promptTokens)
	for _, o := range s.Overrides {
		if o.MinPromptTokens > 0 && o.MinPromptTokens < promptTokens && !slices.Contains(sizes, o.MinPromptTokens) {
			sizes = append(sizes, o.MinPromptTokens)
		}
	}
	out := make([]peak, len(sizes))
	for i, size := range sizes {
		out[i] = peak{
			fixed:  s.dearest(usage.InputClasses(), size, at).Times(size).Add(s.Rate(usage.Request, size, at).Times(1)),
			output: s.dearest(usage.OutputClasses(), size, at),
		}
	}
	return out
}

func (s Schedule) dearest(classes []usage.Class, promptTokens int64, at time.Time) money.Price {
	most := money.Price{}
	for _, class := range classes {
		most = money.MaxPrice(most, s.Rate(class, promptTokens, at))
	}
	return most
}

func (o Override) holds(promptTokens int64, at time.Time) bool {
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
