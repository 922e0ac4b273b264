package routing

import "time"

// Stats has what was measured. See Health.
type Stats interface {
	// Condition of an endpoint that is called with one of these credentials.
	Condition(endpoint string, credentials []string, now time.Time) Condition
}

// Condition of an endpoint. The zero value is that of one of which nothing is known.
type Condition struct {
	Calls, Failed int64 // of the last five minutes that say something about it
	// Latency is the time to the first token, in seconds; Throughput is tokens a second after it. So many per cent of the
	// calls did better than the percentile. 0: not measured.
	Latency, Throughput [percentiles]float64

	Open   bool          // the circuit is: it is not to be called
	Locked bool          // all credentials are set aside
	Retry  time.Duration // until Open or Locked may end; 0 if that is not known
}

const (
	// minCalls is how many calls an uptime needs to mean something.
	minCalls     = 100
	goodUptime   = 0.95
	usableUptime = 0.80
)

// tier is how an endpoint stands behind others of its model: 0 not, 1 for its uptime, 2 as the last resort (rule R4).
func (c *Condition) tier() int {
	uptime, known := c.Uptime()
	switch {
	case !known || uptime >= goodUptime:
		return 0
	case uptime >= usableUptime:
		return 1
	default:
		return 2
	}
}

// Uptime is the share of calls that came out well; known is false below 100 calls.
func (c *Condition) Uptime() (share float64, known bool) {
	if c.Calls == 0 {
		return 1, false
	}
	return 1 - float64(c.Failed)/float64(c.Calls), c.Calls >= minCalls
}

// misses says whether the condition is known to be worse than what the caller prefers (rule R9).
func (c *Condition) misses(p *Preferences) bool {
	for i := range percentiles {
		if least := p.MinThroughput[i]; least > 0 && c.Throughput[i] > 0 && c.Throughput[i] < least {
			return true
		}
		if most := p.MaxLatency[i]; most > 0 && c.Latency[i] > most {
			return true
		}
	}
	return false
}
