package inference

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

const (
	defaultModels = 500
	maxModels     = 1000
	perMillion    = 1_000_000
	maxAge        = 1 << 20 // days
)

// filter is what a caller of /api/v1/models asks for.
type filter struct {
	wishes        []func(callable) bool // all have to hold
	sort          string
	paged         bool
	offset, limit int
}

func (f *filter) wish(w func(callable) bool) { f.wishes = append(f.wishes, w) }

// parseFilter reads all of OpenRouter's parameters. Unknown ones are refused, so that a misspelled filter does not list everything.
func parseFilter(q url.Values, now time.Time) (filter, error) {
	p := newParameters(q)
	var f filter
	f.words(p)
	f.numbers(p, now)
	f.choices(p)
	f.scores(p)
	p.text("use_rss") // see feed
	if p.text("use_rss_chat_links") != "" {
		p.refuse("use_rss_chat_links") // there is no chat here
	}
	f.sort = p.oneOf("sort", sorts()...)
	f.page(p)
	return f, p.done()
}

// parsePage reads the parameters of lists that have no filters.
func parsePage(q url.Values) (filter, error) {
	p := newParameters(q)
	var f filter
	f.page(p)
	return f, p.done()
}

func (f *filter) page(p *parameters) {
	f.paged = p.has("offset") || p.has("limit")
	f.offset, f.limit = int(p.whole("offset", 0, 0, 1<<31)), int(p.whole("limit", defaultModels, 1, maxModels))
}

func (f *filter) words(p *parameters) {
	if text := strings.ToLower(p.text("q")); text != "" {
		f.wish(func(c callable) bool { return strings.Contains(strings.ToLower(c.model.ID+" "+c.model.Name), text) })
	}
	if wanted := p.list("supported_parameters"); len(wanted) > 0 {
		f.wish(func(c callable) bool { return containsAll(parametersOf(c), wanted) })
	}
	if wanted := p.list("input_modalities"); len(wanted) > 0 {
		f.wish(func(c callable) bool { return containsAll(c.model.InputModalities, wanted) })
	}
	f.writes(p)
	if wanted := p.list("model_authors"); len(wanted) > 0 {
		f.wish(func(c callable) bool {
			author, _, _ := strings.Cut(c.model.ID, "/")
			return slices.Contains(wanted, author)
		})
	}
	// Names of vendors have spaces: only commas part them.
	if wanted := p.names("providers"); len(wanted) > 0 {
		f.wish(func(c callable) bool {
			return slices.ContainsFunc(c.offers, func(o offer) bool {
				return slices.Contains(wanted, o.vendor.ID) || slices.Contains(wanted, strings.ToLower(o.vendor.Name))
			})
		})
	}
	if family := p.text("arch"); family != "" {
		f.wish(func(c callable) bool {
			return strings.EqualFold(tokenizerGroup(c.model.Tokenizer), family) || strings.EqualFold(c.model.Tokenizer, family)
		})
	}
}

// writes is the filter that lists have without being asked: models that write text, and those of which nobody has said what they write.
func (f *filter) writes(p *parameters) {
	wanted := p.list("output_modalities")
	if len(wanted) == 0 {
		wanted = []string{"text"}
	}
	if !slices.Contains(wanted, "all") {
		text := slices.Contains(wanted, "text")
		f.wish(func(c callable) bool {
			outputs := c.model.OutputModalities
			return containsAny(outputs, wanted) || text && len(outputs) == 0
		})
	}
}

func (f *filter) numbers(p *parameters, now time.Time) {
	if least := p.whole("context", 0, 1, 1<<62); least > 0 {
		f.wish(func(c callable) bool { return c.model.ContextLength >= least })
	}
	for name, class := range map[string]usage.Class{"price": usage.Input, "output_price": usage.Output} {
		if least := p.amount("min_" + name); least != nil {
			f.wish(func(c callable) bool { return !rateOf(c, class).LessThan(*least) })
		}
		if most := p.amount("max_" + name); most != nil {
			f.wish(func(c callable) bool { return !most.LessThan(rateOf(c, class)) })
		}
	}
	if p.has("min_age_days") {
		latest := now.AddDate(0, 0, -int(p.whole("min_age_days", 0, 0, maxAge)))
		f.wish(func(c callable) bool { return !c.model.ReleasedAt.After(latest) })
	}
	if p.has("max_age_days") {
		earliest := now.AddDate(0, 0, -int(p.whole("max_age_days", 0, 0, maxAge)))
		f.wish(func(c callable) bool { return !c.model.ReleasedAt.Before(earliest) })
	}
}

func (f *filter) choices(p *parameters) {
	if category := p.oneOf("category", categories()...); category != "" {
		f.wish(func(c callable) bool { return slices.Contains(c.model.Facts.Categories, category) })
	}
	if distillable := p.oneOf("distillable", "true", "false"); distillable != "" {
		f.wish(func(c callable) bool { return c.model.Facts.Distillable == (distillable == "true") })
	}
	if p.oneOf("zdr", "true") != "" {
		f.wish(func(c callable) bool { return slices.ContainsFunc(c.offers, offer.keepsNothing) })
	}
	if region := p.oneOf("region", "eu", "us"); region != "" {
		f.wish(func(c callable) bool {
			return slices.ContainsFunc(c.offers, func(o offer) bool { return o.endpoint.Terms.Region == region })
		})
	}
}

// scores are the filters by what no model has here: benchmarks of others, and how tool calls came out. A model without a score
// does not pass them, as with any other bound.
func (f *filter) scores(p *parameters) {
	for _, name := range []string{"intelligence_index", "coding_index", "agentic_index", "tool_success_rate"} {
		for _, bound := range []string{"min_" + name, "max_" + name} {
			given := p.amount(bound)
			if given == nil {
				continue
			}
			if name == "tool_success_rate" && money.MustParse("1").LessThan(*given) {
				p.refuse(bound)
			}
			f.wish(func(callable) bool { return false })
		}
	}
}

func categories() []string {
	return []string{
		"programming", "roleplay", "marketing", "marketing/seo", "technology", "science", "translation", "legal", "finance",
		"health", "trivia", "academia",
	}
}

func sorts() []string {
	return []string{
		"newest", "pricing-low-to-high", "pricing-high-to-low", "context-high-to-low", "most-popular", "top-weekly",
		"throughput-high-to-low", "latency-low-to-high", "intelligence-high-to-low", "coding-high-to-low",
		"agentic-high-to-low", "design-arena-elo-high-to-low",
	}
}

// apply keeps the models that match and whose prices are in USD.
func (f filter) apply(all []callable) []callable {
	var found []callable
	for _, c := range all {
		if c = inUSD(c); len(c.offers) == 0 || slices.ContainsFunc(f.wishes, func(w func(callable) bool) bool { return !w(c) }) {
			continue
		}
		found = append(found, c)
	}
	return found
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

// standing is what models are ordered by that is not in the catalogue. What is not known stands last.
type standing struct {
	tokens              map[string]int64   // of a week, by model
	latency, throughput map[string]float64 // medians, of the best endpoint of a model
}

// order puts models in the order that was asked for; equal ones stay in the order of their publication, as do all by a score that none has.
func (f filter) order(found []callable, s standing) {
	slices.SortStableFunc(found, func(a, b callable) int {
		switch f.sort {
		case "newest":
			return b.model.ReleasedAt.Compare(a.model.ReleasedAt)
		case "context-high-to-low":
			return cmp.Compare(b.model.ContextLength, a.model.ContextLength)
		case "pricing-low-to-high":
			return both(a).Cmp(both(b))
		case "pricing-high-to-low":
			return both(b).Cmp(both(a))
		case "most-popular", "top-weekly":
			return cmp.Compare(s.tokens[b.model.ID], s.tokens[a.model.ID])
		case "throughput-high-to-low":
			return cmp.Compare(s.throughput[b.model.ID], s.throughput[a.model.ID])
		case "latency-low-to-high":
			return knownFirst(s.latency[a.model.ID], s.latency[b.model.ID])
		default:
			return 0
		}
	})
}

// knownFirst compares two values of which 0 means not known.
func knownFirst(a, b float64) int {
	if (a == 0) != (b == 0) {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
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
