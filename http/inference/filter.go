package inference

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

const (
	defaultModels = 500
	maxModels     = 1000
	perMillion    = 1_000_000
)

// filter is what a caller of /api/v1/models asks for. OpenRouter's parameters about what this platform does not know
// (categories, benchmarks, regions) have no effect.
type filter struct {
	text                      string
	parameters, in, out       []string
	authors, providers        []string
	context                   int64
	minPrompt, maxPrompt      *money.Amount // USD per million tokens
	minCompletion, maxComplet *money.Amount
	sort                      string
	paged                     bool
	offset, limit             int
}

func parseFilter(q url.Values) (filter, error) {
	f := filter{
		text: strings.ToLower(q.Get("q")), parameters: words(q.Get("supported_parameters")),
		in: words(q.Get("input_modalities")), out: words(q.Get("output_modalities")),
		authors: words(q.Get("model_authors")), providers: words(q.Get("providers")), sort: q.Get("sort"),
		paged: q.Has("offset") || q.Has("limit"), limit: defaultModels,
	}
	if len(f.out) == 0 {
		f.out = []string{"text"}
	}
	if f.sort != "" && !slices.Contains(sorts(), f.sort) {
		return filter{}, badParameter("sort")
	}
	for _, n := range []struct {
		name        string
		least, most int64
		to          func(int64)
	}{
		{"offset", 0, 1 << 31, func(n int64) { f.offset = int(n) }},
		{"limit", 1, maxModels, func(n int64) { f.limit = int(n) }},
		{"context", 1, 1 << 62, func(n int64) { f.context = n }},
	} {
		if err := whole(q, n.name, n.least, n.most, n.to); err != nil {
			return filter{}, err
		}
	}
	for name, to := range map[string]**money.Amount{
		"min_price": &f.minPrompt, "max_price": &f.maxPrompt,
		"min_output_price": &f.minCompletion, "max_output_price": &f.maxComplet,
	} {
		if err := price(q, name, to); err != nil {
			return filter{}, err
		}
	}
	return f, nil
}

func sorts() []string {
	return []string{
		"newest", "pricing-low-to-high", "pricing-high-to-low", "context-high-to-low", "most-popular", "top-weekly",
		"throughput-high-to-low", "latency-low-to-high", "intelligence-high-to-low", "coding-high-to-low",
		"agentic-high-to-low", "design-arena-elo-high-to-low",
	}
}

func badParameter(name string) error {
	return domain.Errorf(domain.CodeInvalid, "the parameter %s is malformed or out of range", name).With(detailParam, name)
}

func whole(q url.Values, name string, least, most int64, to func(int64)) error {
	if !q.Has(name) {
		return nil
	}
	n, err := strconv.ParseInt(q.Get(name), 10, 64)
	if err != nil || n < least || n > most {
		return badParameter(name)
	}
	to(n)
	return nil
}

func price(q url.Values, name string, to **money.Amount) error {
	if !q.Has(name) {
		return nil
	}
	amount, err := money.Parse(q.Get(name))
	if err != nil || amount.Sign() < 0 {
		return badParameter(name)
	}
	*to = &amount
	return nil
}

// words splits a comma-separated list.
func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || r == ' ' })
}

// apply keeps the models that match, in the order that was asked for.
func (f filter) apply(all []callable) []callable {
	var found []callable
	for _, c := range all {
		if c = inUSD(c); len(c.offers) > 0 && f.matches(c) {
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, f.compare)
	return found
}

func (f filter) matches(c callable) bool {
	author, _, _ := strings.Cut(c.model.ID, "/")
	text := strings.ToLower(c.model.ID + " " + c.model.Name)
	return strings.Contains(text, f.text) && c.model.ContextLength >= f.context &&
		containsAll(c.model.SupportedParameters, f.parameters) && containsAll(c.model.InputModalities, f.in) &&
		(slices.Contains(f.out, "all") || containsAny(c.model.OutputModalities, f.out)) &&
		(len(f.authors) == 0 || slices.Contains(f.authors, author)) && f.matchesVendor(c) &&
		within(rateOf(c, usage.Input), f.minPrompt, f.maxPrompt) &&
		within(rateOf(c, usage.Output), f.minCompletion, f.maxComplet)
}

func (f filter) matchesVendor(c callable) bool {
	return len(f.providers) == 0 || slices.ContainsFunc(c.offers, func(o offer) bool {
		return slices.Contains(f.providers, o.vendor.ID) || slices.Contains(f.providers, strings.ToLower(o.vendor.Name))
	})
}

func containsAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(have, w) })
}

func containsAny(have, want []string) bool {
	return slices.ContainsFunc(want, func(w string) bool { return slices.Contains(have, w) })
}

// rateOf is the base price of a million tokens.
func rateOf(c callable, class usage.Class) money.Amount {
	return c.first().price.Price.Base[class].Times(perMillion)
}

func within(a money.Amount, least, most *money.Amount) bool {
	return (least == nil || !a.LessThan(*least)) && (most == nil || !most.LessThan(a))
}

func (f filter) compare(a, b callable) int {
	switch f.sort {
	case "newest":
		return b.model.ReleasedAt.Compare(a.model.ReleasedAt)
	case "context-high-to-low":
		return cmp.Compare(b.model.ContextLength, a.model.ContextLength)
	case "pricing-low-to-high":
		return both(a).Cmp(both(b))
	case "pricing-high-to-low":
		return both(b).Cmp(both(a))
	default:
		return 0
	}
}

// both is prompt and completion together, which orders as their mean does.
func both(c callable) money.Amount { return rateOf(c, usage.Input).Add(rateOf(c, usage.Output)) }

// window is the part of n models that the page has.
func (f filter) window(n int) (first, last int) {
	if !f.paged {
		return 0, n
	}
	first = min(f.offset, n)
	return first, min(first+f.limit, n)
}

// next is the address of the page after.
func (f filter) next(u *url.URL, offset int) string {
	q := u.Query()
	q.Set("offset", strconv.Itoa(offset))
	q.Set("limit", strconv.Itoa(f.limit))
	return u.Path + "?" + q.Encode()
}
