package routing_test

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/routing"
)

// A call from the caller's wishes to its end: the first endpoint does not answer, the second does.
func Example() {
	health := routing.NewHealth(routing.HealthOptions{})
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

	wishes, err := routing.ParsePreferences(jsontext.Value(`{"sort":"price","max_price":{"completion":4}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	endpoint := func(vendor, completion string) routing.Candidate {
		return routing.Candidate{
			Endpoint: "a/m@" + vendor, Model: "a/m", Vendor: vendor, Credentials: []string{vendor + "-key"}, Context: 8192,
			Prices: routing.Prices{Prompt: money.MustPrice("0.000001"), Completion: money.MustPrice(completion)},
		}
	}
	question := routing.Question{
		Candidates:  []routing.Candidate{endpoint("dear", "0.000005"), endpoint("mid", "0.000003"), endpoint("cheap", "0.000002")},
		Preferences: wishes,
		Needs:       routing.Needs{PromptTokens: 1000, OutputTokens: 500},
	}
	plan, refusal := routing.Choose(&question, health, clock, func() float64 { return 0.5 })
	if refusal != nil {
		fmt.Println(refusal)
		return
	}
	attempts := routing.NewAttempts(&plan, routing.Limits{}, health, func() float64 { return 0.5 }, clock)
	for _, result := range []routing.Result{routing.OfStatus(502), routing.Answered} {
		step, stop := attempts.Next(clock)
		if stop != routing.GoOn {
			break
		}
		fmt.Println("call", step.Option.Endpoint, "with", step.Credential)
		clock = clock.Add(step.Pause + time.Second)
		attempts.Ended(routing.Outcome{Result: result, Tokens: 20}, clock)
	}
	_, stop := attempts.Next(clock)
	fmt.Println(stop)
	for _, c := range attempts.Explanation().Considered {
		fmt.Printf("%d %s %q\n", c.Rank, c.Provider, c.Reason)
	}
	// Output:
	// call a/m@cheap with cheap-key
	// call a/m@mid with mid-key
	// answered
	// 1 cheap ""
	// 2 mid ""
	// 0 dear "above_max_price_completion"
}
