package routing_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/routing"
)

// epoch is when the simulated clocks of these tests start.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// conditions are measurements that a test made up.
type conditions map[string]routing.Condition

func (c conditions) Condition(endpoint string, _ []string, _ time.Time) routing.Condition {
	return c[endpoint]
}

// seeded is a fixed source of randomness.
func seeded(seed uint64) routing.Random { return rand.New(rand.NewPCG(seed, 1)).Float64 }

// offer is an endpoint model@vendor with a price of so many dollars for a million tokens of each kind.
func offer(model, vendor, perMillion string, with ...func(*routing.Candidate)) routing.Candidate {
	c := routing.Candidate{
		Endpoint: model + "@" + vendor, Model: model, Vendor: vendor, Context: 100_000, Output: 10_000,
		Prices: routing.Prices{Prompt: perToken(perMillion), Completion: perToken(perMillion)},
	}
	for _, f := range with {
		f(&c)
	}
	return c
}

// perToken is the price of a token where a million cost so much.
func perToken(perMillion string) money.Price {
	millionth, err := money.Percent(money.MustParse(perMillion), money.MustPrice("0.0001"))
	if err != nil {
		panic(err)
	}
	return money.MustPrice(millionth.String())
}

func choose(t require.TestingT, q routing.Question, stats routing.Stats) routing.Plan {
	plan, err := routing.Choose(&q, stats, epoch, seeded(1))
	if err != nil {
		require.NoError(t, err)
	}
	return plan
}

// refused is the error of a question that has no answer, and the reasons by endpoint.
func refused(t *testing.T, q routing.Question, stats routing.Stats) (*domain.Error, map[string]routing.Reason) {
	t.Helper()
	plan, err := routing.Choose(&q, stats, epoch, seeded(1))
	require.NotNil(t, err)
	require.Empty(t, plan.Options)
	return err, reasons(plan.Explanation)
}

func reasons(e routing.Explanation) map[string]routing.Reason {
	out := make(map[string]routing.Reason)
	for _, c := range e.Considered {
		if c.Reason != "" {
			out[c.Endpoint] = c.Reason
		}
	}
	return out
}

func vendors(p routing.Plan) []string {
	out := make([]string, len(p.Options))
	for i, o := range p.Options {
		out[i] = o.Vendor
	}
	return out
}

func endpoints(p routing.Plan) []string {
	out := make([]string, len(p.Options))
	for i, o := range p.Options {
		out[i] = o.Endpoint
	}
	return out
}

// failing is a condition with so many of 1,000 calls failed.
func failing(failed int64) routing.Condition { return routing.Condition{Calls: 1000, Failed: failed} }

// sleep moves the clock of a bubble, see testing/synctest.
func sleep(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // nothing waits: the clock is simulated
}
