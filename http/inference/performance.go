package inference

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/routing"
	"github.com/massrouter/massrouter/projections/usage"
)

// Measurements has what was measured of endpoints in the last minutes, by all processes. See routing.Health.
type Measurements interface {
	// Seen is the condition of an endpoint; the zero value for one that was not called.
	Seen(endpoint string, now time.Time) routing.Condition
	// Throughput of an endpoint over half an hour, in percentiles, higher is better; zeros when nothing was measured.
	Throughput(endpoint string, now time.Time) [4]float64
}

const (
	// enough calls for a share or a percentile to mean something, and not to tell of single callers.
	enough        = 100
	statisticsAge = time.Minute
	statisticsMax = 1000 // models whose statistics are remembered
	topModels     = 100
	recent        = 30 * time.Minute
	day           = 24 * time.Hour
	week          = 7 * day
)

// percentiles are OpenRouter's PercentileStats.
type percentiles struct {
	P50 float64 `json:"p50"`
	P75 float64 `json:"p75"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

// performance is what is known of an endpoint. Nil is what is not known.
type performance struct {
	uptime5m, uptime30m, uptime1d *float64     // per cent
	latency                       *percentiles // to the first token, in milliseconds, of half an hour
	throughput                    *percentiles // tokens a second after it, of half an hour
	open                          bool         // its circuit is: it is not called now
}

// statistics remembers answers of the read model: everybody may ask, and every answer is a look at a day.
type statistics struct {
	mu      sync.Mutex
	models  map[string]remembered[map[string]performance]
	popular remembered[map[string]int64]
}

type remembered[T any] struct {
	at    time.Time
	value T
}

// performance is that of a model's endpoints, by id. Errors: ledger_unavailable.
func (a *API) performance(ctx context.Context, model string) (func(endpoint string) performance, error) {
	now := time.Now()
	a.seen.mu.Lock()
	known, ok := a.seen.models[model]
	a.seen.mu.Unlock()
	if !ok || now.Sub(known.at) > statisticsAge {
		value, err := a.measured(ctx, model, now)
		if err != nil {
			return nil, err
		}
		known = remembered[map[string]performance]{now, value}
		a.seen.mu.Lock()
		if a.seen.models == nil || len(a.seen.models) >= statisticsMax {
			a.seen.models = map[string]remembered[map[string]performance]{}
		}
		a.seen.models[model] = known
		a.seen.mu.Unlock()
	}
	return func(endpoint string) performance {
		p, fresh := known.value[endpoint], a.performanceNow(endpoint)
		p.uptime5m, p.throughput, p.open = fresh.uptime5m, fresh.throughput, fresh.open
		return p
	}, nil
}

// performanceNow is what the gateway measured: in the last five minutes, the throughput in half an hour.
func (a *API) performanceNow(endpoint string) performance {
	now := time.Now()
	c := a.Health.Seen(endpoint, now)
	p := performance{open: c.Open}
	if share, known := c.Uptime(); known {
		p.uptime5m = percent(share)
	}
	if t := a.Health.Throughput(endpoint, now); t[routing.P50] > 0 {
		p.throughput = &percentiles{t[routing.P50], t[routing.P75], t[routing.P90], t[routing.P99]}
	}
	return p
}

// measured asks the read model. Calls in other currencies than USD are not among them: nor are the prices in this shape.
func (a *API) measured(ctx context.Context, model string, now time.Time) (map[string]performance, error) {
	found := map[string]performance{}
	for _, span := range []time.Duration{recent, day} {
		to := now.Truncate(time.Minute).Add(time.Minute)
		ask := usage.Request{
			Filter:  usage.Filter{Models: []string{model}, From: to.Add(-span), To: to},
			Metrics: []usage.Metric{usage.Calls, usage.Errors, usage.FirstTokenP50}, Dimensions: []usage.Dimension{usage.ByEndpoint}, Top: topModels,
		}
		calls, err := a.Usage.Aggregate(ctx, ask)
		if err != nil {
			return nil, err
		}
		ask.Metrics, ask.Dimensions = []usage.Metric{usage.Errors}, []usage.Dimension{usage.ByEndpoint, usage.ByError}
		failures, err := a.Usage.Aggregate(ctx, ask)
		if err != nil {
			return nil, err
		}
		badly := failedOf(&failures)
		for i := range calls.Rows {
			if row := &calls.Rows[i]; !row.Other {
				p := found[row.Keys[0]]
				p.add(span, row, badly[row.Keys[0]])
				found[row.Keys[0]] = p
			}
		}
	}
	return found, nil
}

// failedOf counts, by endpoint, the calls that the vendor failed. What it refused, what the caller gave up and what is ours says nothing of
// it, and neither does a vendor that is busy.
func failedOf(t *usage.Table) map[string]int64 {
	failed := map[string]int64{}
	for i := range t.Rows {
		row := &t.Rows[i]
		if row.Other {
			continue
		}
		switch row.Keys[1] {
		case string(gateway.CodeVendorError), string(gateway.CodeVendorTimeout), string(gateway.CodeVendorUnavailable):
			failed[row.Keys[0]] += row.Sums.Errors
		}
	}
	return failed
}

func (p *performance) add(span time.Duration, row *usage.Row, failed int64) {
	// Without the errors that say nothing of the vendor.
	counted := row.Sums.Calls - row.Sums.Errors + failed
	if counted >= enough {
		share := percent(1 - float64(failed)/float64(counted))
		if span == day {
			p.uptime1d = share
		} else {
			p.uptime30m = share
		}
	}
	if h := row.Sums.FirstToken; span == recent && h.Count() >= enough {
		p.latency = &percentiles{
			float64(h.Quantile(50)), float64(h.Quantile(75)), float64(h.Quantile(90)), float64(h.Quantile(99)),
		}
	}
}

// percent is a share with two decimals.
func percent(share float64) *float64 {
	p, err := strconv.ParseFloat(strconv.FormatFloat(100*share, 'f', 2, 64), 64)
	if err != nil {
		return nil
	}
	return &p
}

// standing is what an order needs to know.
func (a *API) standing(ctx context.Context, sort string, found []callable) (standing, error) {
	switch sort {
	case "most-popular", "top-weekly":
		tokens, err := a.popular(ctx)
		return standing{tokens: tokens}, err
	case "throughput-high-to-low", "latency-low-to-high":
		s, now := standing{latency: map[string]float64{}, throughput: map[string]float64{}}, time.Now()
		for _, c := range found {
			for _, o := range c.offers {
				seen := a.Health.Seen(o.endpoint.ID, now)
				s.throughput[c.model.ID] = max(s.throughput[c.model.ID], seen.Throughput[routing.P50])
				if l, best := seen.Latency[routing.P50], s.latency[c.model.ID]; l > 0 && (best == 0 || l < best) {
					s.latency[c.model.ID] = l
				}
			}
		}
		return s, nil
	default:
		return standing{}, nil
	}
}

// popular are the tokens of the last seven days of the models that had the most.
func (a *API) popular(ctx context.Context) (map[string]int64, error) {
	now := time.Now()
	a.seen.mu.Lock()
	known := a.seen.popular
	a.seen.mu.Unlock()
	if now.Sub(known.at) <= statisticsAge {
		return known.value, nil
	}
	to := now.Truncate(time.Minute).Add(time.Minute)
	t, err := a.Usage.Aggregate(ctx, usage.Request{
		Filter:  usage.Filter{From: to.Add(-week), To: to},
		Metrics: []usage.Metric{usage.TotalTokens}, Dimensions: []usage.Dimension{usage.ByModel}, Top: topModels,
	})
	if err != nil {
		return nil, err
	}
	tokens := map[string]int64{}
	for i := range t.Rows {
		if row := &t.Rows[i]; !row.Other {
			tokens[row.Keys[0]] = row.Sums.Prompt() + row.Sums.Completion()
		}
	}
	a.seen.mu.Lock()
	a.seen.popular = remembered[map[string]int64]{now, tokens}
	a.seen.mu.Unlock()
	return tokens, nil
}
