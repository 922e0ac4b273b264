package routing_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/routing"
)

func price(t *rapid.T, label string) money.Price {
	return money.MustPrice(rapid.SampledFrom([]string{"0", "0.000000000001", "0.0000005", "0.000001", "0.000002", "0.01", "7"}).Draw(t, label))
}

func limits(t *rapid.T, label string) routing.Limit {
	return rapid.SampledFrom([]routing.Limit{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, limit("0"), limit("0.5"), limit("1"), limit("9000000")}).Draw(t, label)
}

var words = []string{"tools", "seed", "top_k", "image", "file"}

func some(t *rapid.T, label string, from []string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, 2, rapid.ID[string]).Draw(t, label)
}

func flip(t *rapid.T, label string) bool { return rapid.Bool().Draw(t, label) }

// rare is true about one time in ten; small numbers are drawn more often than others.
func rare(t *rapid.T, label string) bool { return rapid.IntRange(0, 7).Draw(t, label) == 5 }

var (
	someModels  = []string{"a/m", "b/n", "c/o"}
	someVendors = []string{"v1", "v2", "v3", "v4"}
)

func candidates(t *rapid.T) []routing.Candidate {
	var out []routing.Candidate
	for _, model := range someModels {
		for _, vendor := range rapid.SliceOfNDistinct(rapid.SampledFrom(someVendors), 1, 4, rapid.ID[string]).Draw(t, "vendors") {
			out = append(out, routing.Candidate{
				Endpoint: model + "@" + vendor, Model: model, Vendor: vendor, Tag: vendor + "/x",
				Prices: routing.Prices{
					Prompt: price(t, "prompt"), Completion: price(t, "completion"), Request: price(t, "request"), Image: price(t, "image"), Audio: price(t, "audio"),
				},
				Context: rapid.Int64Range(0, 9).Draw(t, "context") * 1000, Output: rapid.Int64Range(0, 5).Draw(t, "output") * 1000,
				Quantization: rapid.SampledFrom([]string{"", "fp8", "int4"}).Draw(t, "quantization"),
				Parameters:   some(t, "parameters", words), Modalities: some(t, "modalities", words),
				Collects: flip(t, "collects"), ZDR: flip(t, "zdr"), Distillable: flip(t, "distillable"),
				Unavailable: rapid.SampledFrom([]routing.Reason{"", "", "", "", "", "", "", routing.Disabled}).Draw(t, "unavailable"),
			})
		}
	}
	return out
}

func preferences(t *rapid.T) routing.Preferences {
	names := append([]string{"v1/x", "nobody"}, someVendors...)
	p := routing.Preferences{
		NoFallbacks: rare(t, "no fallbacks"), RequireParameters: rare(t, "require"), DenyCollection: rare(t, "deny"), ZDR: rare(t, "zdr"), Distillable: rare(t, "distillable"),
		Sort:      rapid.SampledFrom([]routing.Sort{routing.Balanced, routing.ByPrice, routing.ByLatency, routing.ByThroughput}).Draw(t, "sort"),
		Partition: rapid.SampledFrom([]routing.Partition{routing.WithinModel, routing.AcrossModels}).Draw(t, "partition"),
		MaxPrice: routing.MaxPrice{
			Prompt: limits(t, "max prompt"), Completion: limits(t, "max completion"), Request: limits(t, "max request"), Image: limits(t, "max image"), Audio: limits(t, "max audio"),
		},
		MaxLatency: routing.Cutoffs{rapid.SampledFrom([]float64{0, 1, 2}).Draw(t, "max latency")},
	}
	if rare(t, "only") {
		p.Only = some(t, "only names", names)
	}
	if rare(t, "ignore") {
		p.Ignore = some(t, "ignore names", names)
	}
	if flip(t, "order") {
		p.Order = some(t, "order names", names)
	}
	if rare(t, "quantize") {
		p.Quantizations = []string{"fp8", "unknown"}
	}
	if flip(t, "models") {
		for _, id := range some(t, "model names", someModels) {
			p.Models = append(p.Models, routing.Model{ID: id, Variant: rapid.SampledFrom([]routing.Variant{routing.Plain, routing.Plain, routing.Plain, routing.Plain, routing.Free}).Draw(t, "variant")})
		}
	}
	return p
}

func someConditions(t *rapid.T, all []routing.Candidate) conditions {
	out := make(conditions)
	for i := range all {
		if flip(t, "known") {
			out[all[i].Endpoint] = routing.Condition{
				Calls: 1000, Failed: rapid.Int64Range(0, 4).Draw(t, "failed") * 70, Open: rare(t, "open"), Locked: rare(t, "locked"),
				Latency: [4]float64{rapid.Float64Range(0.1, 3).Draw(t, "latency")}, Throughput: [4]float64{rapid.Float64Range(1, 99).Draw(t, "throughput")},
			}
		}
	}
	return out
}

func question(t *rapid.T) (*routing.Question, conditions) {
	q := &routing.Question{
		Candidates: candidates(t), Preferences: preferences(t), Conversation: routing.Conversation(rapid.Uint64Range(0, 3).Draw(t, "conversation")),
		Needs: routing.Needs{
			PromptTokens: rapid.Int64Range(0, 2).Draw(t, "prompt tokens") * 1000, OutputTokens: rapid.Int64Range(0, 2).Draw(t, "output tokens") * 1000,
		},
	}
	if rare(t, "needs parameters") {
		q.Needs.Parameters = some(t, "needed parameters", words)
		q.Needs.Required = some(t, "required parameters", words)
	}
	if rare(t, "needs modalities") {
		q.Needs.Modalities = some(t, "needed modalities", words)
	}
	return q, someConditions(t, q.Candidates)
}

// forbidden says by other means than the package's why an endpoint must not be tried.
func forbidden(q *routing.Question, c *routing.Candidate, cond routing.Condition) string {
	p, n := &q.Preferences, &q.Needs
	named := func(list []string) bool { return slices.Contains(list, c.Vendor) || slices.Contains(list, c.Tag) }
	subset := func(of, all []string) bool {
		return !slices.ContainsFunc(of, func(w string) bool { return !slices.Contains(all, w) })
	}
	var model *routing.Model
	for i := range p.Models {
		if p.Models[i].ID == c.Model {
			model = &p.Models[i]
		}
	}
	rules := map[string]bool{
		"model":       len(p.Models) > 0 && model == nil,
		"unavailable": c.Unavailable != "",
		"only":        len(p.Only) > 0 && !named(p.Only),
		"ignore":      named(p.Ignore),
		"order":       p.NoFallbacks && len(p.Order) > 0 && !named(p.Order),
		"quantized":   len(p.Quantizations) > 0 && c.Quantization == "int4",
		"collects":    p.DenyCollection && c.Collects,
		"zdr":         p.ZDR && !c.ZDR,
		"distillable": p.Distillable && !c.Distillable,
		"free":        model != nil && model.Variant == routing.Free && c.Prices != routing.Prices{},
		"modalities":  len(c.Modalities) > 0 && !subset(n.Modalities, c.Modalities),
		"required":    len(c.Parameters) > 0 && !subset(n.Required, c.Parameters),
		"parameters":  p.RequireParameters && !subset(n.Parameters, c.Parameters),
		"output":      c.Output > 0 && n.OutputTokens > c.Output,
		"context":     c.Context > 0 && n.PromptTokens+max(n.OutputTokens, 1) > c.Context,
		"open":        cond.Open, "locked": cond.Locked,
		"max prompt": dearer(c.Prices.Prompt, 1e6, p.MaxPrice.Prompt), "max completion": dearer(c.Prices.Completion, 1e6, p.MaxPrice.Completion),
		"max request": dearer(c.Prices.Request, 1, p.MaxPrice.Request), "max image": dearer(c.Prices.Image, 1, p.MaxPrice.Image),
		"max audio": dearer(c.Prices.Audio, 1, p.MaxPrice.Audio),
	}
	for rule, broken := range rules {
		if broken {
			return rule
		}
	}
	return ""
}

func dearer(p money.Price, quantity int64, l routing.Limit) bool {
	have, _ := new(big.Rat).SetString(p.String())
	most, _ := new(big.Rat).SetString(l.Amount.String())
	return l.Set && have.Mul(have, new(big.Rat).SetInt64(quantity)).Cmp(most) > 0
}

// TestR1PlansKeepToThePreferences: nothing that is excluded is in a plan, everything else is, and each candidate stands in the explanation once,
// with its rank or with a reason.
func TestR1PlansKeepToThePreferences(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q, stats := question(t)
		plan, err := routing.Choose(q, stats, epoch, func() float64 { return rapid.Float64Range(0, 0.9999999).Draw(t, "random") })
		require.Equal(t, len(plan.Options) == 0, err != nil)
		ranks := make(map[string]int)
		for i, o := range plan.Options {
			c := &q.Candidates[o.Index]
			require.Equal(t, c.Endpoint, o.Endpoint)
			require.Empty(t, forbidden(q, c, stats[c.Endpoint]), "%s is in the plan", o.Endpoint)
			require.NotContains(t, ranks, o.Endpoint)
			ranks[o.Endpoint] = i + 1
		}
		require.Len(t, plan.Explanation.Considered, len(q.Candidates))
		shares := 0.
		for _, c := range plan.Explanation.Considered {
			require.Equal(t, ranks[c.Endpoint], c.Rank, c.Endpoint)
			require.Equal(t, c.Rank == 0, c.Reason != "", "%+v", c)
			shares += c.Weight
		}
		for i := range q.Candidates {
			c := &q.Candidates[i]
			at := slices.IndexFunc(plan.Explanation.Considered, func(x routing.Choice) bool { return x.Endpoint == c.Endpoint })
			require.GreaterOrEqual(t, at, 0, "%s is not explained", c.Endpoint)
			why := plan.Explanation.Considered[at].Reason
			require.Equal(t, forbidden(q, c, stats[c.Endpoint]) != "", why != "" && why != routing.FallbacksOff, "%s: %s", c.Endpoint, why)
		}
		requireOrdered(t, q, stats, plan)
		if len(q.Preferences.Order) > 0 || q.Preferences.Sort != routing.Balanced {
			require.Zero(t, shares)
		}
	})
}

// requireOrdered checks what stands before what, where the draw has no say.
func requireOrdered(t *rapid.T, q *routing.Question, stats conditions, plan routing.Plan) {
	p := &q.Preferences
	type key struct{ missing, model, order, tier int }
	keyOf := func(o routing.Option) key {
		k := key{order: len(p.Order)}
		for i, name := range p.Order {
			if name == o.Vendor || name == o.Vendor+"/x" {
				k.order = i
				break
			}
		}
		if p.Partition != routing.AcrossModels {
			k.model = max(slices.IndexFunc(p.Models, func(m routing.Model) bool { return m.ID == o.Model }), 0)
		}
		if k.order < len(p.Order) {
			return k
		}
		c := stats[o.Endpoint]
		if p.MaxLatency[0] > 0 && c.Latency[0] > p.MaxLatency[0] {
			k.missing = 1
		}
		switch {
		case c.Failed > 200:
			k.tier = 2
		case c.Failed > 50:
			k.tier = 1
		}
		return k
	}
	for i := 1; i < len(plan.Options); i++ {
		a, b := keyOf(plan.Options[i-1]), keyOf(plan.Options[i])
		text := func(k key) string { return fmt.Sprintf("%d%d%d%d", k.missing, k.model, k.order, k.tier) }
		require.LessOrEqual(t, text(a), text(b), "%s before %s", plan.Options[i-1].Endpoint, plan.Options[i].Endpoint)
		if a == b && p.Sort == routing.ByLatency && stats[plan.Options[i].Endpoint].Latency[0] > 0 {
			require.LessOrEqual(t, stats[plan.Options[i-1].Endpoint].Latency[0], stats[plan.Options[i].Endpoint].Latency[0])
		}
	}
}

// TestPlansAreFunctionsOfTheirArguments: the same question gives the same plan.
func TestPlansAreFunctionsOfTheirArguments(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q, stats := question(t)
		a, errA := routing.Choose(q, stats, epoch, seeded(1))
		b, errB := routing.Choose(q, stats, epoch.Add(time.Hour), seeded(1))
		require.Equal(t, a, b)
		require.Equal(t, errA, errB)
		// Nor does the order of the candidates matter where nothing is drawn by chance.
		slices.Reverse(q.Candidates)
		if q.Conversation != 0 || q.Preferences.Sort != routing.Balanced {
			c, _ := routing.Choose(q, stats, epoch, seeded(2))
			require.Equal(t, endpoints(a), endpoints(c))
		}
	})
}
