package catalogimport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// listCurrency is that of both formats.
const listCurrency = money.USD

// changes collects what differs, for people.
type changes []string

func (c *changes) add(field string, was, is any) {
	a, b := fmt.Sprint(was), fmt.Sprint(is)
	if a == b {
		return
	}
	if a == "" || a == "0" || a == "[]" {
		*c = append(*c, fmt.Sprintf("%s %s", field, b))
		return
	}
	*c = append(*c, fmt.Sprintf("%s %s → %s", field, a, b))
}

func vendorChanges(was, is catalog.Vendor) []string {
	var c changes
	c.add("name", was.Name, is.Name)
	c.add("base URL", was.BaseURL, is.BaseURL)
	c.add("dialect", was.Dialect, is.Dialect)
	return c
}

func modelChanges(was, is catalog.Model) []string {
	var c changes
	c.add("name", was.Name, is.Name)
	c.add("context", was.ContextLength, is.ContextLength)
	c.add("output", was.MaxCompletionTokens, is.MaxCompletionTokens)
	c.add("reads", was.InputModalities, is.InputModalities)
	c.add("writes", was.OutputModalities, is.OutputModalities)
	for _, field := range []struct {
		name string
		same bool
	}{
		{"description", was.Description == is.Description},
		{"parameters", slices.Equal(was.SupportedParameters, is.SupportedParameters)},
		{"tokenizer", was.Tokenizer == is.Tokenizer},
		{"release date", was.ReleasedAt.Equal(is.ReleasedAt)},
		{"set of facts", same(was.Facts, is.Facts)},
	} {
		if !field.same && was.ID != "" {
			c = append(c, "another "+field.name)
		}
	}
	return c
}

func endpointChanges(was, is catalog.Endpoint) []string {
	var c changes
	c.add("vendor's name", was.UpstreamModel, is.UpstreamModel)
	c.add("context", was.ContextLength, is.ContextLength)
	c.add("output", was.MaxCompletionTokens, is.MaxCompletionTokens)
	c.add("moderated", was.Terms.Moderated, is.Terms.Moderated)
	return c
}

// priceChanges has prices of a million tokens, as price lists do.
func priceChanges(was, is catalog.Schedule, priced bool) []string {
	var c changes
	for _, class := range usage.Classes() {
		a, b := "", "–"
		if p, ok := was.Base[class]; ok && priced {
			a = perMillion(class, p)
		}
		if p, ok := is.Base[class]; ok {
			b = perMillion(class, p)
		}
		if a != "" || b != "–" {
			c.add(string(class), a, b)
		}
	}
	if !sameSchedule(catalog.Schedule{Overrides: was.Overrides}, catalog.Schedule{Overrides: is.Overrides}) {
		c = append(c, overrides(is))
	}
	return c
}

// overrides are all that a schedule has, for people.
func overrides(s catalog.Schedule) string {
	if len(s.Overrides) == 0 {
		return "no overrides"
	}
	parts := make([]string, len(s.Overrides))
	for i, o := range s.Overrides {
		var when, rates []string
		if o.UTCStart != "" {
			when = append(when, fmt.Sprintf("%s–%s UTC", o.UTCStart, o.UTCEnd))
		}
		if o.ServiceTier != "" {
			when = append(when, "service tier "+o.ServiceTier)
		}
		if o.MinPromptTokens > 0 {
			when = append(when, fmt.Sprintf("above %d prompt tokens", o.MinPromptTokens))
		}
		for _, class := range usage.Classes() {
			if p, ok := o.Rates[class]; ok {
				rates = append(rates, string(class)+" "+perMillion(class, p))
			}
		}
		parts[i] = strings.Join(when, ", ") + ": " + strings.Join(rates, ", ")
	}
	return strings.Join(parts, "; ")
}

func perMillion(class usage.Class, p money.Price) string {
	if class.Side() == usage.Neither {
		return p.String()
	}
	return p.Times(1_000_000).String() + "/M"
}

// vendorOf is the vendor of an endpoint's id, or the text itself when it is a vendor's.
func vendorOf(subject string) string {
	_, vendor, ok := strings.Cut(subject, "@")
	if !ok {
		return subject
	}
	return vendor
}
