package audit

import (
	"strconv"
	"time"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// The classes by index, in the order of the lines of a charge, with the class whose rate counts when one has none.
const (
	input = iota
	cacheRead
	cacheWrite
	cacheWrite1h
	output
	reasoning
	request
	classes
	none = -1
)

func classIndex(c usage.Class) (int, bool) {
	switch c {
	case usage.Input:
		return input, true
	case usage.CacheRead:
		return cacheRead, true
	case usage.CacheWrite:
		return cacheWrite, true
	case usage.CacheWrite1h:
		return cacheWrite1h, true
	case usage.Output:
		return output, true
	case usage.Reasoning:
		return reasoning, true
	case usage.Request:
		return request, true
	}
	return none, false
}

// parents must be walked from the front: a parent is resolved before its children.
func parents() [classes]int {
	return [classes]int{input: none, cacheRead: input, cacheWrite: input, cacheWrite1h: cacheWrite, output: none, reasoning: output, request: none}
}

// rates are what one unit of each class costs in one situation.
type rates [classes]money.Price

// tariff is a schedule made ready for look-ups: the rates of each combination of overrides are worked out once.
type tariff struct {
	base      catalog.Rates
	overrides []window
	worked    map[uint64]*rates // by the bit set of overrides that hold
	plain     *rates            // when there are no overrides, once they were worked out
}

// window is when an override holds: minutes of the UTC day, from start to before end; both -1 for always.
type window struct {
	above      int64 // prompt tokens
	start, end int
	rates      catalog.Rates
}

func newTariff(s catalog.Schedule) *tariff {
	t := &tariff{base: s.Base, worked: map[uint64]*rates{}}
	for _, o := range s.Overrides {
		t.overrides = append(t.overrides, window{o.MinPromptTokens, minute(o.UTCStart), minute(o.UTCEnd), o.Rates})
	}
	return t
}

// minute reads HH:MM; -1 for anything else.
func minute(s string) int {
	if len(s) != len("HH:MM") {
		return none
	}
	h, errH := strconv.Atoi(s[:2])
	m, errM := strconv.Atoi(s[3:])
	if errH != nil || errM != nil {
		return none
	}
	return 60*h + m
}

func (w window) holds(prompt int64, now int) bool {
	if w.above > 0 && prompt <= w.above {
		return false
	}
	switch {
	case w.start < 0:
		return true
	case w.start <= w.end:
		return w.start <= now && now < w.end
	default: // over midnight
		return now >= w.start || now < w.end
	}
}

// at are the rates for a call of so many prompt tokens whose hold was placed at a time: the base, with each override
// that holds laid over it in order, then children filled from parents.
func (t *tariff) at(prompt int64, placed time.Time) *rates {
	if t.plain != nil {
		return t.plain
	}
	placed = placed.UTC()
	now, set := 60*placed.Hour()+placed.Minute(), uint64(0)
	for i, o := range t.overrides {
		if o.holds(prompt, now) {
			set |= 1 << (i % 64)
		}
	}
	if r, ok := t.worked[set]; ok {
		return r
	}
	var r rates
	var has [classes]bool
	lay := func(over catalog.Rates) {
		for class, price := range over {
			if i, ok := classIndex(class); ok {
				r[i], has[i] = price, true
			}
		}
	}
	lay(t.base)
	for _, o := range t.overrides {
		if o.holds(prompt, now) {
			lay(o.rates)
		}
	}
	for i, parent := range parents() {
		if !has[i] && parent != none {
			r[i], has[i] = r[parent], has[parent]
		}
	}
	if len(t.overrides) <= 64 { // else the set would not tell them apart
		t.worked[set] = &r
	}
	if len(t.overrides) == 0 {
		t.plain = &r
	}
	return &r
}

// worst is the most that a call with at most so many tokens can cost: at the prompt's bound, or just before an override
// of longer prompts begins, all of the prompt and all of the completion at their dearest class, and one request.
func (t *tariff) worst(prompt, completion int64, placed time.Time) money.Amount {
	most := t.most(prompt, completion, placed)
	for _, o := range t.overrides {
		if o.above > 0 && o.above < prompt {
			most = money.Max(most, t.most(o.above, completion, placed))
		}
	}
	return most
}

func (t *tariff) most(prompt, completion int64, placed time.Time) money.Amount {
	r := t.at(prompt, placed)
	in, out := money.Price{}, money.Price{}
	for i := input; i <= cacheWrite1h; i++ {
		in = money.MaxPrice(in, r[i])
	}
	for i := output; i <= reasoning; i++ {
		out = money.MaxPrice(out, r[i])
	}
	return in.Times(prompt).Add(out.Times(completion)).Add(r[request].Times(1))
}

// quantities are a usage by class index.
func quantities(u usage.Usage) (q [classes]int64, prompt int64) {
	for class, n := range u {
		i, ok := classIndex(class)
		if !ok {
			continue
		}
		q[i] = n
		if i <= cacheWrite1h {
			prompt += n
		}
	}
	return q, prompt
}
