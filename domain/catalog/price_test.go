package catalog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

func rates(in, out string) catalog.Rates {
	return catalog.Rates{usage.Input: money.MustPrice(in), usage.Output: money.MustPrice(out)}
}

func TestScheduleRefusals(t *testing.T) {
	t.Parallel()
	one := catalog.Rates{usage.Input: money.MustPrice("1")}
	for name, row := range map[string]struct {
		schedule catalog.Schedule
		fine     bool
	}{
		"base only":         {catalog.Schedule{Base: rates("1", "2")}, true},
		"free":              {catalog.Schedule{Base: rates("0", "0")}, true},
		"highest":           {catalog.Schedule{Base: rates("50000", "50000")}, true},
		"too high":          {catalog.Schedule{Base: rates("50000.000000000001", "1")}, false},
		"nothing":           {catalog.Schedule{}, false},
		"no output price":   {catalog.Schedule{Base: one}, false},
		"unknown class":     {catalog.Schedule{Base: catalog.Rates{usage.Input: {}, usage.Output: {}, "images": {}}}, false},
		"32 overrides":      {with(repeated(32, catalog.Override{MinPromptTokens: 1, Rates: one})...), true},
		"33 overrides":      {with(repeated(33, catalog.Override{MinPromptTokens: 1, Rates: one})...), false},
		"no condition":      {with(catalog.Override{Rates: one}), false},
		"negative prompt":   {with(catalog.Override{MinPromptTokens: -1, Rates: one}), false},
		"absurd prompt":     {with(catalog.Override{MinPromptTokens: 1 << 33, Rates: one}), false},
		"no rates":          {with(catalog.Override{MinPromptTokens: 1}), false},
		"unknown override":  {with(catalog.Override{MinPromptTokens: 1, Rates: catalog.Rates{"x": {}}}), false},
		"override too high": {with(catalog.Override{MinPromptTokens: 1, Rates: catalog.Rates{usage.Input: money.MustPrice("50001")}}), false},
		"window":            {with(catalog.Override{UTCStart: "22:00", UTCEnd: "06:00", Rates: one}), true},
		"start only":        {with(catalog.Override{UTCStart: "22:00", Rates: one}), false},
		"end only":          {with(catalog.Override{UTCEnd: "06:00", Rates: one}), false},
		"empty window":      {with(catalog.Override{UTCStart: "06:00", UTCEnd: "06:00", Rates: one}), false},
		"24:00":             {with(catalog.Override{UTCStart: "22:00", UTCEnd: "24:00", Rates: one}), false},
		"60 minutes":        {with(catalog.Override{UTCStart: "22:60", UTCEnd: "23:00", Rates: one}), false},
		"one digit":         {with(catalog.Override{UTCStart: "2:00", UTCEnd: "23:00", Rates: one}), false},
		"signs":             {with(catalog.Override{UTCStart: "+2:00", UTCEnd: "23:-1", Rates: one}), false},
		"words":             {with(catalog.Override{UTCStart: "noon!", UTCEnd: "23:00", Rates: one}), false},
	} {
		err := row.schedule.Check()
		require.Equal(t, row.fine, err == nil, "%s: %v", name, err)
		v := version(1, start, "1")
		v.Cost = &row.schedule
		_, costErr := publishedEndpoint(t).PublishPrice(v, start)
		require.Equal(t, domain.CodeOf(err), domain.CodeOf(costErr), name)
		v.Price, v.Cost = row.schedule, nil
		_, priceErr := publishedEndpoint(t).PublishPrice(v, start)
		require.Equal(t, domain.CodeOf(err), domain.CodeOf(priceErr), name)
	}
	v := version(1, start, "1")
	v.Currency = "usd"
	_, err := publishedEndpoint(t).PublishPrice(v, start)
	requireCode(t, domain.CodeAmountInvalid, err)
}

func with(overrides ...catalog.Override) catalog.Schedule {
	return catalog.Schedule{Base: rates("1", "2"), Overrides: overrides}
}

func repeated(n int, o catalog.Override) []catalog.Override {
	out := make([]catalog.Override, n)
	for i := range out {
		out[i] = o
	}
	return out
}

func TestRate(t *testing.T) {
	t.Parallel()
	s := catalog.Schedule{
		Base: catalog.Rates{usage.Input: money.MustPrice("1"), usage.CacheRead: money.MustPrice("0.1"), usage.Output: money.MustPrice("5")},
		Overrides: []catalog.Override{
			{MinPromptTokens: 1000, Rates: catalog.Rates{usage.Input: money.MustPrice("2"), usage.Output: money.MustPrice("8")}},
			{UTCStart: "22:00", UTCEnd: "06:00", Rates: catalog.Rates{usage.Output: money.MustPrice("4")}},
			{MinPromptTokens: 2000, UTCStart: "00:00", UTCEnd: "01:00", Rates: catalog.Rates{usage.Reasoning: money.MustPrice("3")}},
		},
	}
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 4, hour, minute, 0, 0, time.UTC) }
	for _, row := range []struct {
		name   string
		class  usage.Class
		prompt int64
		at     time.Time
		want   string
	}{
		{"base", usage.Input, 10, at(12, 0), "1"},
		{"own price", usage.CacheRead, 10, at(12, 0), "0.1"},
		{"parent's price", usage.CacheWrite, 10, at(12, 0), "1"},
		{"grandparent's price", usage.CacheWrite1h, 10, at(12, 0), "1"},
		{"reasoning as output", usage.Reasoning, 10, at(12, 0), "5"},
		{"no price", usage.Request, 10, at(12, 0), "0"},
		{"at the threshold", usage.Input, 1000, at(12, 0), "1"},
		{"above the threshold", usage.Input, 1001, at(12, 0), "2"},
		{"parent's price above the threshold", usage.CacheWrite, 1001, at(12, 0), "2"},
		{"own base price comes before the parent's override", usage.CacheRead, 1001, at(12, 0), "0.1"},
		{"before the window", usage.Output, 10, at(21, 59), "5"},
		{"the window's start", usage.Output, 10, at(22, 0), "4"},
		{"around midnight", usage.Output, 10, at(0, 0), "4"},
		{"the window's last minute", usage.Output, 10, at(5, 59), "4"},
		{"the window's end", usage.Output, 10, at(6, 0), "5"},
		{"the later override wins", usage.Output, 5000, at(23, 0), "4"},
		{"both conditions", usage.Reasoning, 2001, at(0, 59), "3"},
		{"one of two conditions", usage.Reasoning, 2000, at(0, 59), "4"},
		{"the other of two conditions", usage.Reasoning, 2001, at(1, 0), "4"},
		{"another zone", usage.Output, 10, at(12, 0).In(time.FixedZone("", 11*3600)), "5"},
	} {
		require.Equal(t, row.want, s.Rate(row.class, row.prompt, row.at).String(), row.name)
	}
}

func TestLineItems(t *testing.T) {
	t.Parallel()
	s := catalog.Schedule{Base: catalog.Rates{
		usage.Input: money.MustPrice("0.00000125"), usage.CacheRead: money.MustPrice("0.000000125"), usage.Output: money.MustPrice("0.00001"),
	}}
	used := usage.Usage{usage.Output: 200, usage.Request: 1, usage.Reasoning: 50, usage.CacheRead: 100, usage.Input: 900, usage.CacheWrite: 0}
	items := s.LineItems(used, start)
	var classes []usage.Class
	for _, item := range items {
		require.NoError(t, item.Check())
		classes = append(classes, item.Class)
	}
	require.Equal(t, []usage.Class{usage.Input, usage.CacheRead, usage.Output, usage.Reasoning}, classes)
	require.Equal(t, "0.0036375", usage.Total(items).String())
	require.NotNil(t, s.LineItems(nil, start))
	s.Base[usage.Request] = money.MustPrice("0.01")
	require.Equal(t, "0.0136375", usage.Total(s.LineItems(used, start)).String())
}

func drawRates(t *rapid.T, base bool) catalog.Rates {
	price := rapid.Custom(func(t *rapid.T) money.Price {
		return money.MustPrice(rapid.SampledFrom([]string{
			"0", "0.000000000001", "0.000000125", "0.00000125", "0.0000025", "0.00001", "0.000015", "0.01", "1", "49999.999999999999",
		}).Draw(t, "rate"))
	})
	r := catalog.Rates(rapid.MapOfN(rapid.SampledFrom(usage.Classes()), price, 1, 16).Draw(t, "rates"))
	if base {
		r[usage.Input], r[usage.Output] = price.Draw(t, "input"), price.Draw(t, "output")
	}
	return r
}

func drawSchedule(t *rapid.T) catalog.Schedule {
	clock := rapid.SampledFrom([]string{"00:00", "05:59", "06:00", "12:00", "12:01", "22:00", "23:59"})
	s := catalog.Schedule{Base: drawRates(t, true)}
	for range rapid.IntRange(0, 5).Draw(t, "overrides") {
		o := catalog.Override{Rates: drawRates(t, false)}
		if rapid.Bool().Draw(t, "by time") {
			o.UTCStart, o.UTCEnd = clock.Draw(t, "start"), clock.Draw(t, "end")
		}
		if o.UTCStart == o.UTCEnd {
			o.UTCStart, o.UTCEnd = "", ""
		}
		if o.UTCStart == "" || rapid.Bool().Draw(t, "by prompt") {
			o.MinPromptTokens = rapid.Int64Range(1, 60).Draw(t, "above")
		}
		s.Overrides = append(s.Overrides, o)
	}
	require.NoError(t, s.Check())
	return s
}

func drawBounds(t *rapid.T) usage.Bounds {
	b := usage.Bounds{Prompt: rapid.Int64Range(0, 70).Draw(t, "prompt"), Completion: rapid.Int64Range(0, 70).Draw(t, "completion")}
	if rapid.Bool().Draw(t, "text only") {
		return b
	}
	b.Extra = usage.Usage{}
	for _, class := range usage.ExtraClasses() {
		b.Extra[class] = rapid.SampledFrom([]int64{0, 0, 1, 9, 40, 100}).Draw(t, "extra")
	}
	require.NoError(t, b.Check())
	return b
}

// drawUsage draws a call within the bounds.
func drawUsage(t *rapid.T, b usage.Bounds) usage.Usage {
	used := usage.Usage{usage.Request: rapid.Int64Range(0, 1).Draw(t, "request")}
	sound := b.Extra[usage.AudioInput]
	for _, side := range []struct {
		most    int64
		classes []usage.Class
	}{{b.Prompt, usage.InputClasses()}, {b.Completion, usage.OutputClasses()}} {
		left := rapid.Int64Range(0, side.most).Draw(t, "tokens")
		if rapid.Bool().Draw(t, "all") {
			left = side.most
		}
		for _, class := range rapid.Permutation(side.classes).Draw(t, "classes") {
			most := left
			switch class {
			case usage.AudioInput, usage.AudioCacheRead:
				most = min(left, sound)
			case usage.ImageInput, usage.AudioOutput, usage.ImageOutput:
				most = min(left, b.Extra[class])
			}
			used[class] = rapid.Int64Range(0, most).Draw(t, "of class")
			if rapid.Bool().Draw(t, "all of class") {
				used[class] = most
			}
			left -= used[class]
			if class == usage.AudioInput || class == usage.AudioCacheRead {
				sound -= used[class]
			}
		}
	}
	for _, class := range []usage.Class{usage.Image, usage.Second, usage.Character, usage.Search} {
		used[class] = rapid.Int64Range(0, b.Extra[class]).Draw(t, "units")
	}
	require.True(t, b.Allow(used))
	return used
}

func drawMoment(t *rapid.T) time.Time {
	return time.Date(2026, 3, 4, 0, rapid.IntRange(0, 24*60-1).Draw(t, "minute"), rapid.IntRange(0, 59).Draw(t, "second"), 0, time.UTC)
}

func TestMaxCostIsAnUpperBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at, b := drawSchedule(t), drawMoment(t), drawBounds(t)
		most := s.MaxCost(b, at)
		for range 20 {
			used := drawUsage(t, b)
			items := s.LineItems(used, at)
			cost := usage.Total(items)
			require.False(t, most.LessThan(cost), "%v costs %s, more than %s", used, cost, most)
			for _, item := range items {
				require.NoError(t, item.Check())
				require.Equal(t, used[item.Class], item.Quantity)
			}
		}
	})
}

// TestMaxCostIsReached: the bound is not merely high; some call within it costs exactly as much.
func TestMaxCostIsReached(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at, b := drawSchedule(t), drawMoment(t), drawBounds(t)
		dearest := money.Zero()
		for p := range b.Prompt + 1 {
			for _, in := range fillings(usage.InputClasses(), p, b.Extra) {
				cost := costOf(s, in, p, at)
				cost = cost.Add(s.Rate(usage.Request, p, at).Times(1))
				for _, class := range []usage.Class{usage.Image, usage.Second, usage.Character, usage.Search} {
					cost = cost.Add(s.Rate(class, p, at).Times(b.Extra[class]))
				}
				for _, out := range fillings(usage.OutputClasses(), b.Completion, b.Extra) {
					dearest = money.Max(dearest, cost.Add(costOf(s, out, p, at)))
				}
			}
		}
		require.Equal(t, dearest.String(), s.MaxCost(b, at).String())
	})
}

func costOf(s catalog.Schedule, used usage.Usage, prompt int64, at time.Time) money.Amount {
	total := money.Zero()
	for class, n := range used {
		total = total.Add(s.Rate(class, prompt, at).Times(n))
	}
	return total
}

// fillings are ways to spread tokens over the classes of a side, each class as full as may be: first one or two of media, and the
// rest of one class of text.
func fillings(classes []usage.Class, tokens int64, extra usage.Usage) []usage.Usage {
	limit := func(class usage.Class) (most int64, media bool) {
		switch class {
		case usage.AudioInput, usage.AudioCacheRead:
			return extra[usage.AudioInput], true
		case usage.ImageInput, usage.AudioOutput, usage.ImageOutput:
			return extra[class], true
		}
		return tokens, false
	}
	var media, text []usage.Class
	for _, class := range classes {
		if _, ok := limit(class); ok {
			media = append(media, class)
		} else {
			text = append(text, class)
		}
	}
	var out []usage.Usage
	for _, last := range text {
		out = append(out, usage.Usage{last: tokens})
		for _, first := range media {
			a, _ := limit(first)
			a = min(a, tokens)
			out = append(out, usage.Usage{first: a, last: tokens - a})
			for _, second := range media {
				if second == first || first != usage.ImageInput && second != usage.ImageInput && len(media) == 3 {
					continue // sound is bounded once, whoever serves it
				}
				b, _ := limit(second)
				b = min(b, tokens-a)
				out = append(out, usage.Usage{first: a, second: b, last: tokens - a - b})
			}
		}
	}
	return out
}

func TestAffordableOutputIsTheMostWithinTheBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at, b := drawSchedule(t), drawMoment(t), drawBounds(t)
		cost := func(n int64) money.Amount {
			with := b
			with.Completion = n
			return s.MaxCost(with, at)
		}
		budget := cost(rapid.Int64Range(0, 1200).Draw(t, "about"))
		budget = budget.Sub(money.MustParse(rapid.SampledFrom([]string{"0", "0.000000000001", "0.5", "-0.000000000001", "-1"}).Draw(t, "less")))
		b.Completion = rapid.Int64Range(0, 1000).Draw(t, "limit")
		n, ok := s.AffordableOutput(budget, b, at)
		if !ok {
			require.Zero(t, n)
			require.True(t, budget.LessThan(cost(0)), "nothing is affordable")
			return
		}
		require.LessOrEqual(t, n, b.Completion)
		require.False(t, budget.LessThan(cost(n)), "%d tokens cost more than %s", n, budget)
		if n < b.Completion {
			require.True(t, budget.LessThan(cost(n+1)), "%d tokens are affordable too", n+1)
		}
	})
}

func TestNegativeTokensCostNothing(t *testing.T) {
	t.Parallel()
	s := catalog.Schedule{Base: rates("1", "2")}
	require.Equal(t, "0", s.MaxCost(usage.Bounds{Prompt: -5, Completion: -5}, start).String())
	require.Equal(t, "3", s.MaxCost(usage.Bounds{Prompt: 3, Completion: -5}, start).String())
	n, ok := s.AffordableOutput(money.MustParse("10"), usage.Bounds{Prompt: -5, Completion: -7}, start)
	require.True(t, ok)
	require.Zero(t, n)
}

// TestEveryChargeFits: no price that can be published makes a charge that cannot be recorded.
func TestEveryChargeFits(t *testing.T) {
	t.Parallel()
	s := catalog.Schedule{Base: catalog.Rates{}}
	used := usage.Usage{}
	for _, class := range usage.Classes() {
		s.Base[class], used[class] = money.MustPrice("50000"), usage.MaxQuantity
	}
	require.NoError(t, s.Check())
	require.NoError(t, used.Check())
	total := usage.Total(s.LineItems(used, start))
	require.NoError(t, total.Check())
}
