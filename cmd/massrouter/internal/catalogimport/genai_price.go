package catalogimport

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

const (
	millionth  = 6 // places
	thousandth = 3
)

// table is one set of prices: base rates, and by a number of prompt tokens the rates of calls with strictly more.
type table struct {
	base  catalog.Rates
	tiers map[int64]catalog.Rates
}

// starts are the thresholds, ascending.
func (t table) starts() []int64 { return slices.Sorted(maps.Keys(t.tiers)) }

// rate is what a class costs in a call with strictly more than so many prompt tokens, by the class's own price or its
// parent's.
func (t table) rate(class usage.Class, tokens int64) money.Price {
	for {
		price, ok := t.base[class]
		for _, start := range t.starts() {
			if p, there := t.tiers[start][class]; there && start <= tokens {
				price = p
			}
		}
		if ok {
			return price
		}
		parent, has := class.Parent()
		if !has {
			return money.Price{}
		}
		class = parent
	}
}

// genaiTiers is a price with tiers: "the whole call costs the price of its tier", for strictly more prompt tokens than its
// start, as an override's min_prompt_tokens means it.
type genaiTiers struct {
	Base  jsontext.Value `json:"base"`
	Tiers []struct {
		Start int64          `json:"start"`
		Price jsontext.Value `json:"price"`
	} `json:"tiers"`
}

// readTable reads a ModelPrice of genai-prices.
func readTable(raw jsontext.Value) (table, error) {
	t := table{base: catalog.Rates{}, tiers: map[int64]catalog.Rates{}}
	var prices map[string]jsontext.Value
	if err := json.Unmarshal(raw, &prices); err != nil || prices == nil {
		return t, refuse(ReasonShape, "the prices are no object")
	}
	if len(prices) == 0 {
		return t, refuse(ReasonNoPrice, "there is no price: is it free, or not known?")
	}
	for _, key := range slices.Sorted(maps.Keys(prices)) {
		if err := t.read(key, prices[key]); err != nil {
			return t, within(key, err)
		}
	}
	if _, ok := t.base[usage.Input]; !ok {
		return t, refuse(ReasonNoInput, "there is no price of prompt tokens")
	}
	if _, ok := t.base[usage.Output]; !ok {
		return t, refuse(ReasonNoOutput, "there is no price of completion tokens")
	}
	return t, nil
}

func (t table) read(key string, raw jsontext.Value) error {
	class, shift := usage.Class(""), millionth
	switch key {
	case "input_mtok":
		class = usage.Input
	case "cache_read_mtok":
		class = usage.CacheRead
	case "cache_write_mtok":
		class = usage.CacheWrite
	case "output_mtok":
		class = usage.Output
	case "input_audio_mtok":
		class = usage.AudioInput
	case "cache_audio_read_mtok":
		class = usage.AudioCacheRead
	case "output_audio_mtok":
		class = usage.AudioOutput
	case "requests_kcount":
		class, shift = usage.Request, thousandth
	default:
		return refuse(ReasonPriceClass, "%s", clip(key))
	}
	if raw.Kind() != '{' {
		price, err := number(raw, shift)
		t.base[class] = price
		return err
	}
	var tiered genaiTiers
	if err := json.Unmarshal(raw, &tiered, json.RejectUnknownMembers(true)); err != nil {
		return refuse(ReasonShape, "the tiers do not have their form")
	}
	return t.readTiers(class, shift, tiered)
}

func (t table) readTiers(class usage.Class, shift int, tiered genaiTiers) error {
	base, err := number(tiered.Base, shift)
	if err != nil {
		return within("base", err)
	}
	t.base[class] = base
	if len(tiered.Tiers) > maxConditions {
		return refuse(ReasonTiers, "there are %d tiers; at most %d can be read", len(tiered.Tiers), maxConditions)
	}
	before := int64(0)
	for _, tier := range tiered.Tiers {
		if tier.Start <= before {
			return refuse(ReasonTiers, "the tiers do not begin at rising numbers of tokens above 0")
		}
		before = tier.Start
		price, err := number(tier.Price, shift)
		if err != nil {
			return within("tiers", err)
		}
		if t.tiers[tier.Start] == nil {
			t.tiers[tier.Start] = catalog.Rates{}
		}
		t.tiers[tier.Start][class] = price
	}
	return nil
}

// window is a set of prices for some hours of each day.
type window struct {
	start, end string // "HH:MM" UTC
	table
}

// schedule is a base table with windows over it, of which later ones win. A window replaces the base whole, so its
// override has every class that anything has.
func schedule(base table, windows []window) catalog.Schedule {
	s := catalog.Schedule{Base: maps.Clone(base.base)}
	for _, start := range base.starts() {
		s.Overrides = append(s.Overrides, catalog.Override{MinPromptTokens: start, Rates: maps.Clone(base.tiers[start])})
	}
	classes := map[usage.Class]bool{}
	for _, t := range append([]window{{table: base}}, windows...) {
		for class := range t.base {
			classes[class] = true
		}
	}
	for _, w := range windows {
		for _, tokens := range append([]int64{0}, w.starts()...) {
			rates := catalog.Rates{}
			for class := range classes {
				rates[class] = w.rate(class, tokens)
			}
			s.Overrides = append(s.Overrides, catalog.Override{MinPromptTokens: tokens, UTCStart: w.start, UTCEnd: w.end, Rates: rates})
		}
	}
	return s
}
