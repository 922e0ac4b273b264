package catalogimport

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/usage"
)

// openRouterClass is the usage class of a price key; none for what usage does not count.
func openRouterClass(key string) (usage.Class, bool) {
	switch key {
	case "prompt":
		return usage.Input, true
	case "completion":
		return usage.Output, true
	case "request":
		return usage.Request, true
	case "input_cache_read":
		return usage.CacheRead, true
	case "input_cache_write":
		return usage.CacheWrite, true
	case "input_cache_write_1h":
		return usage.CacheWrite1h, true
	case "internal_reasoning":
		return usage.Reasoning, true
	case "audio":
		return usage.AudioInput, true
	case "input_audio_cache":
		return usage.AudioCacheRead, true
	case "audio_output":
		return usage.AudioOutput, true
	case "image_token":
		return usage.ImageInput, true
	case "image_output":
		return usage.Image, true
	case "web_search":
		return usage.Search, true
	}
	return "", false
}

// openRouterPrice reads a pricing object: decimal strings in USD for a unit.
func openRouterPrice(raw jsontext.Value) (catalog.Schedule, error) {
	var prices map[string]jsontext.Value
	if err := json.Unmarshal(raw, &prices); err != nil || prices == nil {
		return catalog.Schedule{}, refuse(ReasonNoPrice, "there is no pricing object")
	}
	s := catalog.Schedule{Base: catalog.Rates{}}
	for _, key := range slices.Sorted(maps.Keys(prices)) {
		var err error
		switch key {
		case "overrides":
			s.Overrides, err = openRouterOverrides(prices[key])
		case "discount":
			err = noDiscount(prices[key])
		default:
			err = readRate(s.Base, key, prices[key])
		}
		if err != nil {
			return s, within(key, err)
		}
	}
	if _, ok := s.Base[usage.Input]; !ok {
		return s, refuse(ReasonNoInput, "there is no price of prompt tokens")
	}
	if _, ok := s.Base[usage.Output]; !ok {
		return s, refuse(ReasonNoOutput, "there is no price of completion tokens")
	}
	return s, checkFree(s.Base)
}

// readRate adds a price to rates. A zero price of what usage does not count adds nothing to a charge.
func readRate(rates catalog.Rates, key string, raw jsontext.Value) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return refuse(ReasonPriceInvalid, "%s is no decimal string", clip(string(raw)))
	}
	if text == "-1" {
		return refuse(ReasonPriceVaries, "-1 says that the price depends on where a call is routed")
	}
	price, err := parsePrice(text, 0)
	if err != nil {
		return err
	}
	class, ok := openRouterClass(key)
	switch {
	case ok:
		rates[class] = price
	case !price.IsZero():
		return refuse(ReasonPriceClass, "%s", clip(key))
	}
	return nil
}

// checkFree refuses a class that costs nothing while what it is a part of costs something: lists write 0 for what is free
// as well as for what has no price of its own.
func checkFree(rates catalog.Rates) error {
	for _, class := range usage.Classes() {
		parent, ok := class.Parent()
		price, priced := rates[class]
		if !ok || !priced || !price.IsZero() {
			continue
		}
		if of := (catalog.Schedule{Base: rates}).Rate(parent, 0, time.Time{}); !of.IsZero() {
			return refuse(ReasonPriceUnclear, "%s costs 0 and %s does not: is it free, or has it no price of its own?", class, parent)
		}
	}
	return nil
}

func noDiscount(raw jsontext.Value) error {
	if discount, err := number(raw, 0); err != nil || !discount.IsZero() {
		return refuse(ReasonPriceUnclear, "a discount of %s: prices are those before it or after it", clip(string(raw)))
	}
	return nil
}

// openRouterOverrides reads the overrides, whose meaning is that of the catalogue's: all conditions have to hold, strictly
// more prompt tokens, half-open windows that may wrap midnight, later ones win class by class.
func openRouterOverrides(raw jsontext.Value) ([]catalog.Override, error) {
	var list []map[string]jsontext.Value
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, refuse(ReasonShape, "the overrides are no list of objects")
	}
	overrides := make([]catalog.Override, 0, len(list))
	for i, entry := range list {
		o := catalog.Override{Rates: catalog.Rates{}}
		for _, key := range slices.Sorted(maps.Keys(entry)) {
			if err := readOverride(&o, key, entry[key]); err != nil {
				return nil, within(fmt.Sprintf("%d/%s", i, key), err)
			}
		}
		overrides = append(overrides, o)
	}
	return overrides, nil
}

func readOverride(o *catalog.Override, key string, raw jsontext.Value) (err error) {
	switch key {
	case "min_prompt_tokens":
		if json.Unmarshal(raw, &o.MinPromptTokens) != nil || o.MinPromptTokens < 1 {
			return refuse(ReasonTiers, "%s is no whole number above 0", clip(string(raw)))
		}
	case "utc_start":
		o.UTCStart, err = hhmm(raw)
	case "utc_end":
		o.UTCEnd, err = hhmm(raw)
	default:
		before := len(o.Rates)
		if err = readRate(o.Rates, key, raw); err == nil && len(o.Rates) == before {
			return refuse(ReasonPriceClass, "%s", clip(key))
		}
	}
	return err
}

// hhmm reads a clock number: 1030 is 10:30.
func hhmm(raw jsontext.Value) (string, error) {
	var n int
	if json.Unmarshal(raw, &n) != nil || n < 0 || n/100 > 23 || n%100 > 59 {
		return "", refuse(ReasonConstraint, "%s is no clock number HHMM", clip(string(raw)))
	}
	return fmt.Sprintf("%02d:%02d", n/100, n%100), nil
}
