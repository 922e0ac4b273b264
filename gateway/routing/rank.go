package routing

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain/money"
)

// ranked is a candidate that may be tried, with what it is ordered by.
type ranked struct {
	index    int // of the candidate
	model    int // place of its model in the list
	order    int // place of its vendor in order, its length if it is not there
	listed   bool
	own      int  // see Candidate.Own; last for the platform's
	missing  bool // it misses a preferred performance
	tier     int  // see Condition.tier
	sort     Sort
	value    float64      // what sort compares, the lowest first; +Inf: not measured
	price    money.Amount // of a typical call
	drawn    float64      // place after the draw, the lowest first; +Inf: it was not drawn from
	share    float64      // probability of being drawn
	strategy Strategy
	endpoint string
}

func (r *ranked) demoted() Demoted {
	switch {
	case r.tier == 2:
		return LastResort
	case r.tier == 1:
		return ByUptime
	case r.missing:
		return ByPerformance
	}
	return ""
}

// add takes a candidate that nothing excludes.
func (d *decision) add(index, model int, m Model, cond *Condition) {
	p, c := &d.q.Preferences, &d.q.Candidates[index]
	r := ranked{
		index: index, model: model, order: c.position(p.Order), sort: p.sortOf(m), price: c.Prices.typical(), drawn: math.Inf(1),
		endpoint: c.Endpoint, own: c.Own,
	}
	r.listed = r.order < len(p.Order)
	switch {
	case r.listed:
		r.strategy = Ordered // the caller's word: neither uptime nor performance change it
	case c.Own > 0:
		r.strategy = Sorted // neither do they make anybody pay the whole price
	default:
		r.missing, r.tier, r.strategy = cond.misses(p), cond.tier(), Sorted
	}
	if c.Own == 0 {
		r.own = math.MaxInt
	}
	switch r.sort {
	case ByThroughput:
		r.value = math.Inf(1)
		if v := cond.Throughput[P50]; v > 0 {
			r.value = -v
		}
	case ByLatency:
		r.value = math.Inf(1)
		if v := cond.Latency[P50]; v > 0 {
			r.value = v
		}
	case ByPrice, Balanced:
	}
	d.ranked = append(d.ranked, r)
}

// group is what is ordered before the strategy: two with equal groups stand beside each other.
func (d *decision) group(a, b *ranked) int {
	return cmp.Or(flag(a.missing, b.missing), cmp.Compare(d.together(a), d.together(b)), cmp.Compare(a.own, b.own),
		cmp.Compare(a.order, b.order), cmp.Compare(a.tier, b.tier))
}

func flag(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// rank orders the candidates.
func (d *decision) rank(random Random) {
	d.order()
	if len(d.q.Preferences.Order) > 0 {
		return // drawing is off
	}
	type first struct{ together, own int }
	seen := make(map[first]bool)
	for from := 0; from < len(d.ranked); {
		to := from + 1
		for to < len(d.ranked) && d.group(&d.ranked[from], &d.ranked[to]) == 0 {
			to++
		}
		if first := (first{d.together(&d.ranked[from]), d.ranked[from].own}); !seen[first] {
			seen[first] = true
			if d.ranked[from].sort == Balanced {
				d.draw(d.ranked[from:to], random)
			}
		}
		from = to
	}
	d.order()
}

// together names what is tried as one: endpoints of a model, or all of them.
func (d *decision) together(r *ranked) int {
	if d.q.Preferences.Partition == AcrossModels {
		return 0
	}
	return r.model
}

func (d *decision) order() {
	slices.SortStableFunc(d.ranked, func(a, b ranked) int {
		return cmp.Or(d.group(&a, &b), cmp.Compare(a.drawn, b.drawn), cmp.Compare(a.value, b.value), a.price.Cmp(b.price),
			cmp.Compare(a.model, b.model), strings.Compare(a.endpoint, b.endpoint))
	})
}

// draw chooses the first of a group by the inverse square of the price (rule R6). The group is ordered by price. For a conversation all of
// them are ordered by it (rule R7): so a call that falls back goes where the next one of the conversation will go.
func (d *decision) draw(group []ranked, random Random) {
	weights, sum := weigh(group)
	key := d.q.Conversation
	for i := range group {
		group[i].share = weights[i] / sum
		if group[i].strategy = Weighted; key != 0 {
			group[i].strategy, group[i].drawn = Sticky, key.score(group[i].endpoint, weights[i])
		}
	}
	if key != 0 {
		return
	}
	at, drawn := random()*sum, 0
	for i, w := range weights {
		if w > 0 {
			drawn = i
		}
		if at -= w; at < 0 {
			break
		}
	}
	group[drawn].drawn = 0
}

// weigh gives each the weight of its price: 1 for the cheapest. The price is exact; a probability need not be.
func weigh(group []ranked) (weights []float64, sum float64) {
	weights = make([]float64, len(group))
	cheapest := group[0].price
	for _, r := range group {
		cheapest = money.Min(cheapest, r.price)
	}
	least := approximate(cheapest)
	for i, r := range group {
		switch {
		case r.price.Equal(cheapest):
			weights[i] = 1
		case !cheapest.IsZero():
			ratio := least / approximate(r.price)
			weights[i] = ratio * ratio
		}
		sum += weights[i]
	}
	return weights, sum
}

func approximate(a money.Amount) float64 {
	_, hi, lo := a.Units()
	return float64(hi)*(1<<64) + float64(lo)
}
