package config

import "time"

// Limits are how the rate limits of API keys are kept. What the limits are is recorded with each key.
type Limits struct {
	LimitBudget    time.Duration `env:"MASSROUTER_LIMIT_BUDGET" doc:"How long a call may wait for its turn to ask Redis about its rate limits, and then for the answer. Beyond it, and while Redis is away, each process decides about its share of the limits." used:"serve dev"`
	LimitLease     time.Duration `env:"MASSROUTER_LIMIT_LEASE" doc:"How long the parallel calls of a process that died still count, and for how long such a process counts itself." used:"serve dev"`
	LimitProcesses int64         `env:"MASSROUTER_LIMIT_PROCESSES" doc:"Number of serve processes that share the limits as long as Redis has not told it: without REDIS_URL, and at a start while Redis is away." used:"serve dev"`
}

func (l Limits) validate(p *Problems) {
	checkDuration(p, "MASSROUTER_LIMIT_BUDGET", l.LimitBudget, time.Millisecond, time.Second)
	checkDuration(p, "MASSROUTER_LIMIT_LEASE", l.LimitLease, time.Second, 10*time.Minute)
	p.add(l.LimitProcesses >= 1 && l.LimitProcesses <= 10_000, "MASSROUTER_LIMIT_PROCESSES", "%d is not between 1 and 10000", l.LimitProcesses)
}
