package routing

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain"
)

// The codes of calls that nobody can serve.
const (
	CodeNoEndpoint        domain.Code = "no_endpoint"        // nobody offers what the caller wishes; Details["excluded"] has the reasons
	CodeVendorUnavailable domain.Code = "vendor_unavailable" // somebody does, but not now; perhaps with retry_after, in seconds
)

// Question is who is to serve a call.
type Question struct {
	Candidates   []Candidate
	Preferences  Preferences
	Needs        Needs
	Conversation Conversation // 0 without one
}

// Random gives numbers in [0, 1), such as rand.Float64.
type Random func() float64

// Plan is the endpoints to try, one after the other.
type Plan struct {
	Options      []Option
	Conversation Conversation // of the question
	Explanation  Explanation
}

// Option is an endpoint to try. Index is its place among the question's candidates.
type Option struct {
	Index       int
	Endpoint    string
	Model       string
	Vendor      string
	Provider    string // its public name
	Credentials []string
}

// Choose makes the plan of a call. Errors: no_endpoint, vendor_unavailable, and invalid_request when the call is too long for
// everybody; the plan has the explanation in any case.
func Choose(q *Question, stats Stats, now time.Time, random Random) (Plan, *domain.Error) {
	d := decision{q: q, ranked: make([]ranked, 0, len(q.Candidates)), choices: make([]Choice, len(q.Candidates)), retry: -1}
	models := q.models()
	for i := range q.Candidates {
		c := &q.Candidates[i]
		at, model, listed := models.find(c.Model)
		why, detail := q.excluded(c, model, listed)
		if why == "" {
			cond := stats.Condition(c.Endpoint, c.Credentials, now)
			if why = cond.away(); why == "" {
				d.add(i, at, model, &cond)
			} else if d.retry < 0 || cond.Retry < d.retry {
				d.retry = cond.Retry
			}
		}
		d.choices[i] = Choice{Endpoint: c.Endpoint, Model: c.Model, Provider: c.provider(), Reason: why, Detail: detail}
	}
	d.rank(random)
	if q.Preferences.NoFallbacks && len(q.Preferences.Order) == 0 {
		d.firstOnly()
	}
	p := d.plan()
	if len(p.Options) == 0 {
		return p, d.refusal()
	}
	return p, nil
}

// provider is the vendor's public name.
func (c *Candidate) provider() string {
	if c.Slug != "" {
		return c.Slug
	}
	return c.Vendor
}

// modelList is the models that a caller named; nil: any.
type modelList []Model

func (q *Question) models() modelList { return q.Preferences.Models }

func (l modelList) find(id string) (at int, m Model, listed bool) {
	if len(l) == 0 {
		return 0, Model{}, true
	}
	for i, m := range l {
		if m.ID == id {
			return i, m, true
		}
	}
	return len(l), Model{}, false
}

// decision is a plan in the making.
type decision struct {
	q       *Question
	ranked  []ranked
	choices []Choice      // by candidate
	retry   time.Duration // until one may be back that is away now; -1: none is
}

// firstOnly leaves only the first of each model, or of all when they are sorted together.
func (d *decision) firstOnly() {
	seen := make(map[int]bool)
	d.ranked = slices.DeleteFunc(d.ranked, func(r ranked) bool {
		group := d.together(&r)
		drop := seen[group]
		seen[group] = true
		if drop {
			d.choices[r.index].Reason = FallbacksOff
		}
		return drop
	})
}

func (d *decision) plan() Plan {
	p := Plan{
		Options: make([]Option, len(d.ranked)), Conversation: d.q.Conversation,
		Explanation: Explanation{Strategy: d.strategy(), Considered: make([]Choice, 0, len(d.choices))},
	}
	for rank, r := range d.ranked {
		c := &d.q.Candidates[r.index]
		p.Options[rank] = Option{Index: r.index, Endpoint: c.Endpoint, Model: c.Model, Vendor: c.Vendor, Provider: c.provider(), Credentials: c.Credentials}
		choice := d.choices[r.index]
		choice.Rank, choice.Weight, choice.Demoted = rank+1, r.share, r.demoted()
		p.Explanation.Considered = append(p.Explanation.Considered, choice)
	}
	for _, c := range d.choices {
		if c.Reason != "" {
			p.Explanation.Considered = append(p.Explanation.Considered, c)
		}
	}
	return p
}

func (d *decision) strategy() Strategy {
	if len(d.ranked) == 0 {
		return NoStrategy
	}
	return d.ranked[0].strategy
}

// refusal says why there is nothing to try.
func (d *decision) refusal() *domain.Error {
	count := make(map[Reason]int)
	for _, c := range d.choices {
		if c.Reason != ModelNotListed {
			count[c.Reason]++
		}
	}
	if d.retry >= 0 {
		e := domain.Errorf(CodeVendorUnavailable, "the vendors of this model are not available now")
		if d.retry > 0 {
			e = e.With("retry_after", strconv.FormatInt(int64((d.retry+time.Second-1)/time.Second), 10))
		}
		return e
	}
	if count[ModalityMissing] > 0 && count[ModalityMissing] == total(count)-unavailable(count) {
		return refuse("", "the model reads no %s input", d.missing())
	}
	switch long := count[ContextTooShort]; {
	case long > 0 && long == total(count)-unavailable(count):
		return refuse("messages", "the prompt and the output together are longer than the context of the model")
	case len(count) == 0:
		return domain.Errorf(domain.CodeModelNotFound, "nobody offers this model now").With("param", "model")
	case unavailable(count) == total(count):
		return domain.Errorf(CodeVendorUnavailable, "nobody serves this model now")
	}
	return domain.Errorf(CodeNoEndpoint, "nobody who offers this model meets the wishes of the request").With("excluded", list(count))
}

// missing is a kind of input that somebody cannot read.
func (d *decision) missing() string {
	for _, c := range d.choices {
		if c.Reason == ModalityMissing {
			return c.Detail
		}
	}
	return ""
}

func total(count map[Reason]int) int {
	n := 0
	for _, c := range count {
		n += c
	}
	return n
}

// unavailable counts those that no other request would get either.
func unavailable(count map[Reason]int) int {
	return count[Disabled] + count[NoPrice] + count[NoCredential] + count[NotSupported]
}

// list is "reason:number", sorted.
func list(count map[Reason]int) string {
	parts := make([]string, 0, len(count))
	for _, why := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, string(why)+":"+strconv.Itoa(count[why]))
	}
	return strings.Join(parts, ",")
}
