package routing_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/routing"
)

const m = "a/m" // the model of most tests

func three() []routing.Candidate {
	return []routing.Candidate{offer(m, "c", "3"), offer(m, "a", "1"), offer(m, "b", "2")}
}

// TestR6FirstIsDrawnByTheInverseSquareOfThePrice: with prices 1, 2 and 3 the shares are 36 : 9 : 4 of 49.
func TestR6FirstIsDrawnByTheInverseSquareOfThePrice(t *testing.T) {
	t.Parallel()
	const n = 49_000
	q := routing.Question{Candidates: three()}
	random := seeded(7)
	first := make(map[string]float64)
	for range n {
		plan, err := routing.Choose(&q, conditions{}, epoch, random)
		require.Nil(t, err)
		got := vendors(plan)
		first[got[0]]++
		rest := map[string][]string{"a": {"b", "c"}, "b": {"a", "c"}, "c": {"a", "b"}}[got[0]]
		require.Equal(t, rest, got[1:], "the rest by price")
	}
	requireShares(t, first, map[string]float64{"a": 36. / 49, "b": 9. / 49, "c": 4. / 49}, n)
	plan := choose(t, q, conditions{})
	require.Equal(t, routing.Weighted, plan.Explanation.Strategy)
	for _, c := range plan.Explanation.Considered {
		require.InDelta(t, map[string]float64{"a": 36. / 49, "b": 9. / 49, "c": 4. / 49}[c.Provider], c.Weight, 1e-12)
	}
}

// requireShares is Pearson's chi-square test of a count against shares, at a level of one in a thousand.
func requireShares(t *testing.T, got, shares map[string]float64, n float64) {
	t.Helper()
	chi := 0.
	for key, share := range shares {
		d := got[key] - n*share
		chi += d * d / (n * share)
	}
	bound := map[int]float64{1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47}[len(shares)-1]
	require.Less(t, chi, bound, "%v", got)
	require.Len(t, got, len(shares))
}

func TestR6FreeEndpointsAreDrawnAlike(t *testing.T) {
	t.Parallel()
	const n = 10_000
	q := routing.Question{Candidates: []routing.Candidate{offer(m, "paid", "0.000001"), offer(m, "x", "0"), offer(m, "y", "0")}}
	random := seeded(3)
	first := make(map[string]float64)
	for range n {
		plan, err := routing.Choose(&q, conditions{}, epoch, random)
		require.Nil(t, err)
		first[plan.Options[0].Vendor]++
		require.Equal(t, "paid", plan.Options[2].Vendor)
	}
	requireShares(t, first, map[string]float64{"x": 0.5, "y": 0.5}, n)
}

// TestR4UptimeAndTheExampleOfTheReference: A costs 1, B 2, C 3, and B had outages: A is drawn nine times as often as C, and B comes last.
func TestR4UptimeAndTheExampleOfTheReference(t *testing.T) {
	t.Parallel()
	const n = 20_000
	random := seeded(11)
	q := routing.Question{Candidates: three()}
	first := make(map[string]float64)
	for range n {
		plan, err := routing.Choose(&q, conditions{"a/m@b": failing(100)}, epoch, random)
		require.Nil(t, err)
		first[plan.Options[0].Vendor]++
		require.Equal(t, "b", plan.Options[2].Vendor)
		require.Equal(t, routing.ByUptime, plan.Explanation.Considered[2].Demoted)
	}
	requireShares(t, first, map[string]float64{"a": 0.9, "c": 0.1}, n)

	for name, row := range map[string]struct {
		stats conditions
		want  []string
	}{
		"last resort after demoted":    {conditions{"a/m@a": failing(201), "a/m@b": failing(199)}, []string{"c", "b", "a"}},
		"95 % are good":                {conditions{"a/m@a": failing(51), "a/m@c": failing(51)}, []string{"b", "a", "c"}},
		"80 % are no last resort":      {conditions{"a/m@a": failing(200), "a/m@b": failing(201)}, []string{"c", "a", "b"}},
		"below 100 calls nothing says": {conditions{"a/m@b": {Calls: 99, Failed: 99}, "a/m@a": failing(900), "a/m@c": failing(900)}, []string{"b", "a", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.want, vendors(choose(t, q, row.stats)))
		})
	}
}

func TestR5AnOpenCircuitIsLeftOut(t *testing.T) {
	t.Parallel()
	q := routing.Question{Candidates: three(), Preferences: routing.Preferences{Sort: routing.ByPrice}}
	plan := choose(t, q, conditions{"a/m@a": {Open: true, Retry: time.Second}, "a/m@b": {Locked: true}})
	require.Equal(t, []string{"c"}, vendors(plan))
	require.Equal(t, map[string]routing.Reason{"a/m@a": routing.CircuitOpen, "a/m@b": routing.CredentialsBlocked}, reasons(plan.Explanation))

	err, _ := refused(t, q, conditions{
		"a/m@a": {Open: true, Retry: 20 * time.Second}, "a/m@b": {Locked: true, Retry: 1500 * time.Millisecond}, "a/m@c": {Open: true, Retry: time.Minute},
	})
	require.Equal(t, routing.CodeVendorUnavailable, err.Code)
	require.Equal(t, "2", err.Details["retry_after"])
}

// TestR1EachPreferenceExcludes: of two endpoints one does not meet the wish, and one does.
func TestR1EachPreferenceExcludes(t *testing.T) {
	t.Parallel()
	type p = routing.Preferences
	type c = routing.Candidate
	for reason, row := range map[routing.Reason]struct {
		wish  p
		needs routing.Needs
		bad   func(*c)
		good  func(*c)
	}{
		routing.NotInOnly:         {wish: p{Only: []string{"good"}}},
		routing.Ignored:           {wish: p{Ignore: []string{"Bad"}}},
		routing.NotInOrder:        {wish: p{Order: []string{"good"}, NoFallbacks: true}},
		routing.Quantization:      {wish: p{Quantizations: []string{"fp8", "bf16"}}, good: func(c *c) { c.Quantization = "bf16" }},
		routing.CollectsData:      {wish: p{DenyCollection: true}, bad: func(c *c) { c.Collects = true }},
		routing.RetainsData:       {wish: p{ZDR: true}, good: func(c *c) { c.ZDR = true }},
		routing.NotDistillable:    {wish: p{Distillable: true}, good: func(c *c) { c.Distillable = true }},
		routing.NotFree:           {wish: p{Models: []routing.Model{{ID: m, Variant: routing.Free}}}, good: func(c *c) { c.Prices = routing.Prices{} }},
		routing.PromptTooDear:     {wish: p{MaxPrice: routing.MaxPrice{Prompt: limit("1")}}, bad: func(c *c) { c.Prices.Prompt = perToken("1.000001") }},
		routing.CompletionTooDear: {wish: p{MaxPrice: routing.MaxPrice{Completion: limit("1")}}, bad: func(c *c) { c.Prices.Completion = perToken("1.000001") }},
		routing.RequestTooDear:    {wish: p{MaxPrice: routing.MaxPrice{Request: limit("0")}}, bad: func(c *c) { c.Prices.Request = money.MustPrice("0.000000000001") }},
		routing.ImageTooDear:      {wish: p{MaxPrice: routing.MaxPrice{Image: limit("0.01")}}, bad: func(c *c) { c.Prices.Image = money.MustPrice("0.011") }},
		routing.AudioTooDear:      {wish: p{MaxPrice: routing.MaxPrice{Audio: limit("0.01")}}, bad: func(c *c) { c.Prices.Audio = money.MustPrice("0.011") }},
		routing.ModalityMissing: {
			needs: routing.Needs{Modalities: []string{"image"}},
			bad:   func(c *c) { c.Modalities = []string{"text"} },
			good:  func(c *c) { c.Modalities = []string{"text", "image", "file"} },
		},
		routing.ParameterMissing: {
			wish: p{RequireParameters: true}, needs: routing.Needs{Parameters: []string{"seed"}}, good: func(c *c) { c.Parameters = []string{"top_k", "seed"} },
		},
		routing.ContextTooShort: {needs: routing.Needs{PromptTokens: 99_000, OutputTokens: 1000}, bad: func(c *c) { c.Context = 99_999 }},
		routing.OutputTooShort:  {needs: routing.Needs{OutputTokens: 10_000}, bad: func(c *c) { c.Output = 9_999 }},
		routing.ModelNotListed:  {wish: p{Models: []routing.Model{{ID: m}}}, bad: func(c *c) { c.Model = "a/other" }},
		routing.NoPrice:         {bad: func(c *c) { c.Unavailable = routing.NoPrice }},
		routing.FallbacksOff:    {wish: p{NoFallbacks: true, Sort: routing.ByPrice}, bad: func(c *c) { c.Prices.Prompt = perToken("2") }},
	} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			good, bad := offer(m, "good", "1"), offer(m, "bad", "1")
			if row.good != nil {
				row.good(&good)
			}
			if row.bad != nil {
				row.bad(&bad)
			}
			q := routing.Question{Candidates: []routing.Candidate{bad, good}, Preferences: row.wish, Needs: row.needs}
			plan := choose(t, q, conditions{})
			require.Equal(t, []string{"good"}, vendors(plan))
			require.Equal(t, map[string]routing.Reason{"a/m@bad": reason}, reasons(plan.Explanation))
			require.Equal(t, 1, plan.Options[0].Index)
			if reason == routing.FallbacksOff {
				return // one endpoint is always tried
			}
			q.Candidates = q.Candidates[:1]
			err, why := refused(t, q, conditions{})
			require.Equal(t, map[string]routing.Reason{"a/m@bad": reason}, why)
			require.NotEqual(t, domain.CodeInternal, err.Code)
		})
	}
}

func TestToolsAreNeededWhateverTheCallerRequires(t *testing.T) {
	t.Parallel()
	needs := routing.Needs{Parameters: []string{"tools", "seed"}, Required: []string{"tools"}}
	with := offer(m, "with", "9", func(c *routing.Candidate) { c.Parameters = []string{"tools"} })
	q := routing.Question{Candidates: []routing.Candidate{offer(m, "without", "1", func(c *routing.Candidate) { c.Parameters = []string{"seed"} }), with}, Needs: needs}
	plan := choose(t, q, conditions{})
	require.Equal(t, []string{"with"}, vendors(plan), "seed may be left out, tools may not")
	require.Equal(t, "tools", plan.Explanation.Considered[1].Detail)

	q.Candidates = []routing.Candidate{offer(m, "silent", "1")}
	require.Equal(t, []string{"silent"}, vendors(choose(t, q, conditions{})), "nobody says that it has no tools")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	long := routing.Needs{PromptTokens: 200_000}
	err, _ := refused(t, routing.Question{Candidates: three(), Needs: long}, conditions{})
	requireRefused(t, err, "messages")

	err, _ = refused(t, routing.Question{}, conditions{})
	require.Equal(t, domain.CodeModelNotFound, err.Code)

	off := offer(m, "a", "1", func(c *routing.Candidate) { c.Unavailable = routing.NoCredential })
	err, _ = refused(t, routing.Question{Candidates: []routing.Candidate{off}}, conditions{})
	require.Equal(t, routing.CodeVendorUnavailable, err.Code)

	blind := offer(m, "b", "1", func(c *routing.Candidate) { c.Modalities = []string{"text"} })
	err, _ = refused(t, routing.Question{Candidates: []routing.Candidate{off, blind}, Needs: routing.Needs{Modalities: []string{"image"}}}, conditions{})
	require.Equal(t, domain.CodeInvalid, err.Code)
	require.Equal(t, "the model reads no image input", err.Message)

	wish := routing.Preferences{ZDR: true, Ignore: []string{"a"}}
	err, _ = refused(t, routing.Question{Candidates: append(three(), off), Preferences: wish}, conditions{})
	require.Equal(t, routing.CodeNoEndpoint, err.Code)
	require.Equal(t, "ignored:1,no_credential:1,retains_data:2", err.Details["excluded"])
}

func TestR3OrderComesFirst(t *testing.T) {
	t.Parallel()
	stats := conditions{"a/m@c": failing(900), "a/m@a": {Latency: [4]float64{9}}}
	wish := routing.Preferences{Order: []string{"c", "nobody", "b"}, MaxLatency: routing.Cutoffs{1}}
	q := routing.Question{Candidates: append(three(), offer(m, "d", "0.5")), Preferences: wish}
	plan := choose(t, q, stats)
	require.Equal(t, []string{"c", "b", "d", "a"}, vendors(plan), "the caller's word counts more than uptime; the slow one is last")
	require.Equal(t, routing.Ordered, plan.Explanation.Strategy)
	for _, c := range plan.Explanation.Considered {
		require.Zero(t, c.Weight)
	}
	q.Preferences.NoFallbacks = true
	require.Equal(t, []string{"c", "b"}, vendors(choose(t, q, stats)))
	q.Preferences.Order = []string{"nobody"}
	q.Preferences.NoFallbacks = false
	require.Equal(t, []string{"d", "b", "c", "a"}, vendors(choose(t, q, conditions{"a/m@a": stats["a/m@a"]})))
}

func TestNamesOfProviders(t *testing.T) {
	t.Parallel()
	c := offer(m, "vendor-7", "1", func(c *routing.Candidate) { c.Slug, c.Name, c.Tag = "deepinfra", "Deep Infra", "deepinfra/turbo" })
	for _, name := range []string{"vendor-7", "DeepInfra", "deep infra", "deep-infra", "deepinfra/turbo", "DeepInfra/Turbo"} {
		require.True(t, c.Is(name), name)
	}
	for _, name := range []string{"", "deep", "deepinfra/fast", "vendor"} {
		require.False(t, c.Is(name), name)
	}
	bare := offer(m, "x", "1")
	require.False(t, bare.Is(""))
}

func TestR8SortSwitchesDrawingOff(t *testing.T) {
	t.Parallel()
	stats := conditions{
		"a/m@a": {Throughput: [4]float64{10, 9, 8, 7}, Latency: [4]float64{3}},
		"a/m@b": {Throughput: [4]float64{90}, Latency: [4]float64{2}},
		"a/m@c": {Throughput: [4]float64{50}, Latency: [4]float64{1}},
	}
	for sort, want := range map[routing.Sort][]string{
		routing.ByPrice: {"a", "b", "c", "new"}, routing.ByThroughput: {"b", "c", "a", "new"}, routing.ByLatency: {"c", "b", "a", "new"},
	} {
		q := routing.Question{Candidates: append(three(), offer(m, "new", "9")), Conversation: 5}
		q.Preferences.Sort = sort
		plan := choose(t, q, stats)
		require.Equal(t, want, vendors(plan), sort)
		require.Equal(t, routing.Sorted, plan.Explanation.Strategy)
		for i, v := range map[routing.Sort]routing.Variant{routing.ByPrice: routing.Floor, routing.ByThroughput: routing.Nitro} {
			if i == sort {
				q.Preferences = routing.Preferences{Models: []routing.Model{{ID: m, Variant: v}}}
				require.Equal(t, want, vendors(choose(t, q, stats)), v)
			}
		}
		worse := conditions{"a/m@a": failing(900), "a/m@b": failing(900), "a/m@c": failing(900)}
		require.Equal(t, "new", vendors(choose(t, q, worse))[0], "uptime counts more than %s", sort)
	}
}

func TestR2ModelsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	candidates := []routing.Candidate{offer("b/n", "x", "0.1"), offer("b/n", "y", "0.2"), offer(m, "x", "8"), offer(m, "y", "9"), offer("c/o", "x", "0")}
	q := routing.Question{Candidates: candidates, Preferences: routing.Preferences{
		Models: []routing.Model{{ID: m}, {ID: "b/n"}}, Sort: routing.ByPrice,
	}}
	require.Equal(t, []string{"a/m@x", "a/m@y", "b/n@x", "b/n@y"}, endpoints(choose(t, q, conditions{})))
	q.Preferences.Partition = routing.AcrossModels
	require.Equal(t, []string{"b/n@x", "b/n@y", "a/m@x", "a/m@y"}, endpoints(choose(t, q, conditions{})))
	q.Preferences.NoFallbacks = true
	require.Equal(t, []string{"b/n@x"}, endpoints(choose(t, q, conditions{})))
	q.Preferences.Partition = routing.WithinModel
	require.Equal(t, []string{"a/m@x", "b/n@x"}, endpoints(choose(t, q, conditions{})), "the fallback to another model is the list's")
	q.Preferences = routing.Preferences{Models: q.Preferences.Models, Order: []string{"y"}}
	require.Equal(t, []string{"a/m@y", "a/m@x", "b/n@y", "b/n@x"}, endpoints(choose(t, q, conditions{})))
	require.Equal(t, map[string]routing.Reason{"c/o@x": routing.ModelNotListed}, reasons(choose(t, q, conditions{}).Explanation))
}

// TestEachModelOfTheListIsDrawn: fallbacks are spread as well, and variants belong to their model.
func TestEachModelOfTheListIsDrawn(t *testing.T) {
	t.Parallel()
	const n = 10_000
	candidates := []routing.Candidate{offer(m, "x", "5"), offer(m, "y", "5"), offer("b/n", "x", "1"), offer("b/n", "y", "1"), offer("c/o", "x", "1"), offer("c/o", "y", "2")}
	q := routing.Question{Candidates: candidates, Preferences: routing.Preferences{
		Models: []routing.Model{{ID: m}, {ID: "b/n"}, {ID: "c/o", Variant: routing.Floor}},
	}}
	random := seeded(5)
	first, second := make(map[string]float64), make(map[string]float64)
	for range n {
		plan, err := routing.Choose(&q, conditions{}, epoch, random)
		require.Nil(t, err)
		got := endpoints(plan)
		first[got[0]]++
		second[got[2]]++
		require.Equal(t, []string{"c/o@x", "c/o@y"}, got[4:])
	}
	requireShares(t, first, map[string]float64{"a/m@x": 0.5, "a/m@y": 0.5}, n)
	requireShares(t, second, map[string]float64{"b/n@x": 0.5, "b/n@y": 0.5}, n)
}

func TestR9PreferredPerformance(t *testing.T) {
	t.Parallel()
	stats := conditions{
		"a/m@a": {Throughput: [4]float64{100, 90, 40, 20}, Latency: [4]float64{1, 2, 3, 9}},
		"a/m@b": {Throughput: [4]float64{80, 70, 60, 50}, Latency: [4]float64{2, 2, 2, 2}},
		"b/n@x": {Throughput: [4]float64{200, 200, 200, 200}, Latency: [4]float64{0.1, 0.1, 0.1, 0.1}},
	}
	for name, row := range map[string]struct {
		wish routing.Preferences
		want []string
	}{
		"median throughput":      {routing.Preferences{MinThroughput: routing.Cutoffs{90}}, []string{"a/m@a", "a/m@c", "b/n@x", "a/m@b"}},
		"low throughput of some": {routing.Preferences{MinThroughput: routing.Cutoffs{50, 0, 50}}, []string{"a/m@b", "a/m@c", "b/n@x", "a/m@a"}},
		"latency of most":        {routing.Preferences{MaxLatency: routing.Cutoffs{0, 0, 0, 5}}, []string{"a/m@b", "a/m@c", "b/n@x", "a/m@a"}},
		"equal is enough":        {routing.Preferences{MaxLatency: routing.Cutoffs{2}, MinThroughput: routing.Cutoffs{80}}, []string{"a/m@a", "a/m@b", "a/m@c", "b/n@x"}},
		"nobody":                 {routing.Preferences{MaxLatency: routing.Cutoffs{0.01}}, []string{"a/m@c", "a/m@a", "a/m@b", "b/n@x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := routing.Question{Candidates: append(three(), offer("b/n", "x", "1")), Preferences: row.wish}
			q.Preferences.Models = []routing.Model{{ID: m}, {ID: "b/n"}}
			q.Preferences.Sort = routing.ByPrice
			require.Equal(t, row.want, endpoints(choose(t, q, stats)))
		})
	}
}

func TestR10AutoIsTheCheapestHealthyThatTakesTheCall(t *testing.T) {
	t.Parallel()
	small := offer("a/small", "x", "1", func(c *routing.Candidate) { c.Context = 1000 })
	candidates := []routing.Candidate{offer("a/large", "x", "5"), small, offer("a/mid", "x", "2"), offer("a/mid", "y", "1.5"), offer("a/else", "x", "0.1")}
	list := []string{"a/small", "a/mid", "a/large"}
	q := routing.Question{Candidates: candidates, Preferences: routing.Preferences{}.Auto(list), Needs: routing.Needs{PromptTokens: 500}}
	require.Equal(t, []string{"a/small@x", "a/mid@y", "a/mid@x", "a/large@x"}, endpoints(choose(t, q, conditions{})))
	q.Needs.PromptTokens = 1000
	require.Equal(t, []string{"a/mid@y", "a/mid@x", "a/large@x"}, endpoints(choose(t, q, conditions{})))
	require.Equal(t, []string{"a/mid@x", "a/large@x", "a/mid@y"}, endpoints(choose(t, q, conditions{"a/mid@y": failing(300)})))
}

// TestR7AConversationStaysWhereItIs: over many conversations the shares are those of the draw; one that loses its endpoint moves, the others
// stay, and it comes back.
func TestR7AConversationStaysWhereItIs(t *testing.T) {
	t.Parallel()
	const n = 49_000
	q := routing.Question{Candidates: three()}
	down := conditions{"a/m@b": {Open: true}}
	first := make(map[string]float64)
	moved := make(map[string]float64)
	for i := range n {
		q.Conversation = routing.NewConversation([]byte("org"), fmt.Appendf(nil, "conversation %d", i))
		plan := choose(t, q, conditions{})
		home := plan.Options[0].Vendor
		first[home]++
		lost := choose(t, q, down)
		if home == "b" {
			moved[lost.Options[0].Vendor]++
			require.Equal(t, plan.Options[1].Vendor, lost.Options[0].Vendor, "a fallback goes where the conversation will go")
		} else {
			require.Equal(t, home, lost.Options[0].Vendor)
		}
	}
	requireShares(t, first, map[string]float64{"a": 36. / 49, "b": 9. / 49, "c": 4. / 49}, n)
	requireShares(t, moved, map[string]float64{"a": 0.9, "c": 0.1}, first["b"])
	require.Equal(t, routing.Sticky, choose(t, q, conditions{}).Explanation.Strategy)
}

func TestConversationsOfDifferentPartsDiffer(t *testing.T) {
	t.Parallel()
	require.Equal(t, routing.Conversation(0xe2a35c7bb819c8cf), routing.NewConversation([]byte("a"), []byte("b")), "in every process, for ever")
	require.NotEqual(t, routing.NewConversation([]byte("ab"), nil), routing.NewConversation([]byte("a"), []byte("b")))
	require.NotZero(t, routing.NewConversation())
}

func TestExplanationAsJSON(t *testing.T) {
	t.Parallel()
	wish := routing.Preferences{Order: []string{"b"}, Ignore: []string{"a"}}
	plan := choose(t, routing.Question{Candidates: three(), Preferences: wish}, conditions{"a/m@c": failing(90)})
	got, err := json.Marshal(plan.Explanation, json.Deterministic(true))
	require.NoError(t, err)
	require.JSONEq(t, `{"strategy":"order","considered":[
		{"endpoint":"a/m@b","model":"a/m","provider":"b","rank":1},
		{"endpoint":"a/m@c","model":"a/m","provider":"c","rank":2,"demoted":"uptime"},
		{"endpoint":"a/m@a","model":"a/m","provider":"a","reason":"ignored"}]}`, string(got))
}

func TestPricesOfAVersion(t *testing.T) {
	t.Parallel()
	v := catalog.PriceVersion{ID: uuid.Nil, Price: catalog.Schedule{
		Base:      catalog.Rates{usage.Input: money.MustPrice("1"), usage.Output: money.MustPrice("2"), usage.Request: money.MustPrice("3")},
		Overrides: []catalog.Override{{MinPromptTokens: 100, Rates: catalog.Rates{usage.Input: money.MustPrice("4")}}},
	}}
	p := routing.PricesOf(&v, 100, epoch)
	require.Equal(t, []string{"1", "2", "3"}, []string{p.Prompt.String(), p.Completion.String(), p.Request.String()})
	require.Equal(t, "4", routing.PricesOf(&v, 101, epoch).Prompt.String())
}

// TestR12CustomersKeysComeFirst: in their turn, whatever order and measurements say; within a turn and among the platform's as ever.
func TestR12CustomersKeysComeFirst(t *testing.T) {
	t.Parallel()
	own := func(turn int) func(*routing.Candidate) {
		return func(c *routing.Candidate) { c.Own, c.Endpoint = turn, fmt.Sprintf("%s#%d", c.Endpoint, turn) }
	}
	q := routing.Question{Candidates: []routing.Candidate{
		offer(m, "a", "1"), offer(m, "b", "2"), offer(m, "c", "9", own(2)), offer(m, "c", "9", own(1)), offer(m, "a", "1", own(1)), offer(m, "c", "9"),
	}}
	stats := conditions{m + "@a#1": {Calls: 1000, Failed: 1000}, m + "@c#2": {Calls: 1000, Failed: 900, Latency: [...]float64{50, 50, 50, 50}}}
	turns := func(p routing.Plan) string {
		text := ""
		for _, o := range p.Options {
			text += fmt.Sprintf(" %s%d", o.Vendor, q.Candidates[o.Index].Own)
		}
		return text
	}
	random := seeded(5)
	seen := map[string]bool{}
	for range 3000 {
		plan, err := routing.Choose(&q, stats, epoch, random)
		require.Nil(t, err)
		seen[turns(plan)] = true
	}
	for text := range seen {
		require.Contains(t, []string{" a1 c1", " c1 a1"}, text[:6], "the first turn is drawn")
		require.Equal(t, " c2", text[6:9])
	}
	require.Greater(t, len(seen), 3, "both turns and the platform's are drawn: %v", seen)

	q.Preferences.Order = []string{"b", "c"}
	require.Equal(t, " c1 a1 c2 b0 c0 a0", turns(choose(t, q, stats)))
	q.Preferences.NoFallbacks, q.Preferences.Order = true, nil
	require.Len(t, choose(t, q, stats).Options, 1)
	require.Positive(t, q.Candidates[choose(t, q, stats).Options[0].Index].Own)

	q.Preferences = routing.Preferences{}
	q.Conversation = routing.NewConversation([]byte("key"), []byte(m), []byte("opening"))
	first := turns(choose(t, q, stats))
	for range 20 {
		plan, err := routing.Choose(&q, stats, epoch, random)
		require.Nil(t, err)
		require.Equal(t, first, turns(plan), "a conversation stays where it is, also in what it falls back to")
	}
	q.Candidates = slices.Insert(q.Candidates, 0, offer("other/model", "z", "1"))
	q.Preferences.Models = []routing.Model{{ID: "other/model"}, {ID: m}}
	require.Equal(t, "z", choose(t, q, stats).Options[0].Vendor, "a model's keys do not come before the models that stand before it")
}
