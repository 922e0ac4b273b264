package catalog

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// Rates is a price per class. Input and Output are required; a class without a price takes its parent's.
type Rates map[usage.Class]money.Price

// Override replaces rates when all of its conditions hold; of several that hold, later ones win class by class.
type Override struct {
	// MinPromptTokens: holds when the call has strictly more prompt tokens. 0 means no such condition.
	MinPromptTokens int64 `json:"min_prompt_tokens,omitempty"`
	// UTCStart and UTCEnd ("HH:MM"): holds in the daily window from start (inclusive) to end (exclusive), which may
	// wrap midnight. Both empty means no such condition. The time that counts is when the hold was placed.
	UTCStart string `json:"utc_start,omitempty"`
	UTCEnd   string `json:"utc_end,omitempty"`
	Rates    Rates  `json:"rates"`
}

// Schedule is a base table of rates and its overrides.
type Schedule struct {
	Base      Rates      `json:"base"`
	Overrides []Override `json:"overrides,omitempty"`
}

// PriceVersion is an immutable price of one endpoint.
type PriceVersion struct {
	ID            uuid.UUID      `json:"price_version"`
	Currency      money.Currency `json:"currency"`
	Price         Schedule       `json:"price"`          // what the customer pays
	Cost          *Schedule      `json:"cost,omitempty"` // what the vendor bills us; the same as Price when absent
	EffectiveFrom time.Time      `json:"effective_from"`
}

const (
	// maxOverrides bounds the work of pricing: it grows with the square of the overrides.
	maxOverrides = 32
	// maxRate bounds each price per unit, in whole units of the currency. With usage.MaxQuantity in every class a
	// charge still fits an Amount, so no settlement can be refused for its size.
	maxRate = "100000"
)

// Check refuses missing base rates, unknown classes, rates that are too high, malformed windows and too many
// overrides with code invalid_request.
func (s Schedule) Check() error {
	if len(s.Overrides) > maxOverrides {
		return domain.Errorf(domain.CodeInvalid, "a price has at most %d overrides", maxOverrides)
	}
	for _, required := range []usage.Class{usage.Input, usage.Output} {
		if _, ok := s.Base[required]; !ok {
			return domain.Errorf(domain.CodeInvalid, "the base rates need a price for class %s", required)
		}
	}
	if err := s.Base.check(); err != nil {
		return err
	}
	for _, o := range s.Overrides {
		if err := o.check(); err != nil {
			return err
		}
	}
	return nil
}

func (r Rates) check() error {
	most := money.MustPrice(maxRate)
	for class, rate := range r {
		if !class.Known() {
			return domain.Errorf(domain.CodeInvalid, "unknown usage class %q in the rates", string(class))
		}
		if rate.Cmp(most) > 0 {
			return domain.Errorf(domain.CodeInvalid, "the price of class %s is above %s a unit", class, maxRate)
		}
	}
	return nil
}

func (s Schedule) clone() Schedule {
	out := Schedule{Base: maps.Clone(s.Base), Overrides: slices.Clone(s.Overrides)}
	for i := range out.Overrides {
		out.Overrides[i].Rates = maps.Clone(out.Overrides[i].Rates)
	}
	return out
}

func (o Override) check() error {
	if o.MinPromptTokens > maxTokens {
		return domain.Errorf(domain.CodeInvalid, "an override's min_prompt_tokens is at most %d", maxTokens)
	}
	if o.MinPromptTokens < 0 || (o.MinPromptTokens == 0 && o.UTCStart == "" && o.UTCEnd == "") {
		return domain.Errorf(domain.CodeInvalid, "an override needs min_prompt_tokens above 0 or a UTC window")
	}
	if (o.UTCStart == "") != (o.UTCEnd == "") {
		return domain.Errorf(domain.CodeInvalid, "an override's UTC window needs both start and end")
	}
	if o.UTCStart != "" && o.UTCStart == o.UTCEnd {
		return domain.Errorf(domain.CodeInvalid, "an override's UTC window ends at another time than it starts")
	}
	for _, at := range []string{o.UTCStart, o.UTCEnd} {
		if _, ok := minuteOfDay(at); at != "" && !ok {
			return domain.Errorf(domain.CodeInvalid, "an override's UTC window is given as HH:MM")
		}
	}
	if len(o.Rates) == 0 {
		return domain.Errorf(domain.CodeInvalid, "an override needs rates")
	}
	return o.Rates.check()
}

func minuteOfDay(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	return h*60 + m, h < 24 && m < 60
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

// CostSchedule is what the vendor bills: Cost, or Price when the version has no Cost.
func (v PriceVersion) CostSchedule() Schedule {
	if v.Cost != nil {
		return *v.Cost
	}
	return v.Price
}
