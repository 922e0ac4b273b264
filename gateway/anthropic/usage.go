package anthropic

import (
	"bytes"
	"math"
	"strconv"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// counts is a usage as the dialect tells it: the parts of the prompt exclude each other. A stream tells it in pieces; what a later
// piece does not name is unchanged.
type counts struct {
	given, broken bool

	input, read, write, output int64
	write5m, write1h, thinking int64
	writeGiven                 bool // the sum of both writes was told
	given5m, given1h           bool // and so were they
	searches                   int64
	tier                       string
}

// merge takes in what is told and says where it stands; null tells nothing.
func (c *counts) merge(s *scanner) (jsonscan.Span, error) {
	if kind := s.Kind(); kind != '{' {
		_, at, err := s.Value()
		if kind != 'n' {
			c.given, c.broken = true, true
		}
		return at, err
	}
	c.given = true
	_, err := s.Object(func(name []byte) error {
		switch string(name) {
		case "input_tokens":
			return c.tokens(s, &c.input)
		case "output_tokens":
			return c.tokens(s, &c.output)
		case "cache_read_input_tokens":
			return c.tokens(s, &c.read)
		case "cache_creation_input_tokens":
			c.writeGiven = c.writeGiven || s.Kind() != 'n'
			return c.tokens(s, &c.write)
		case "cache_creation", "output_tokens_details", "server_tool_use":
			return c.details(s)
		case "service_tier":
			return c.served(s)
		}
		return s.Skip()
	})
	return s.Last(), err
}

// details reads the inner objects; their names do not overlap.
func (c *counts) details(s *scanner) error {
	_, err := s.Object(func(name []byte) error {
		switch string(name) {
		case "ephemeral_5m_input_tokens":
			c.given5m = c.given5m || s.Kind() != 'n'
			return c.tokens(s, &c.write5m)
		case "ephemeral_1h_input_tokens":
			c.given1h = c.given1h || s.Kind() != 'n'
			return c.tokens(s, &c.write1h)
		case "thinking_tokens":
			return c.tokens(s, &c.thinking)
		case "web_search_requests":
			return c.tokens(s, &c.searches)
		}
		return s.Skip()
	})
	return err
}

// served reads the service tier; null is none.
func (c *counts) served(s *scanner) error {
	raw, _, err := s.Value()
	if err == nil && raw.Kind() == '"' {
		c.tier = jsonscan.Unquoted(raw)
	}
	return err
}

// tokens reads a count; null is none.
func (c *counts) tokens(s *scanner, n *int64) error {
	kind := s.Kind()
	raw, _, err := s.Value()
	if err != nil || kind == 'n' {
		return err
	}
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if kind != '0' || bytes.ContainsAny(raw, ".eE") || err != nil {
		c.broken = true
		return nil
	}
	*n = v
	return nil
}

// report is the usage as the meter wants it. Numbers whose sum is none break it.
func (c *counts) report() meter.Report {
	if !c.given {
		return meter.Report{}
	}
	r := meter.Report{
		Given: true, Broken: c.broken, Cached: c.read, CacheWrite: c.write, CacheWrite1h: c.write1h,
		Completion: c.output, Reasoning: c.thinking, Tier: c.tier,
	}
	r.Set(usage.Search, c.searches)
	var ok, fits bool
	if !c.writeGiven {
		r.CacheWrite, ok = sum(c.write5m, c.write1h)
		r.Broken = r.Broken || !ok
	}
	r.Prompt, ok = sum(c.input, c.read)
	r.Prompt, fits = sum(r.Prompt, r.CacheWrite)
	r.Broken = r.Broken || !ok || !fits
	c.total(&r)
	return r
}

// total is what the parts come to, where they do not come to what was told of them together: such a report does not add up.
func (c *counts) total(r *meter.Report) {
	if r.Broken || !c.writeGiven || !c.given5m || !c.given1h {
		return
	}
	split, ok := sum(c.write5m, c.write1h)
	all, fits := sum(r.Prompt, r.Completion)
	if more, sound := sum(all, split-c.write); ok && fits && sound && split != c.write {
		r.HasTotal, r.Total = true, more
	}
}

func sum(a, b int64) (total int64, ok bool) {
	if a > 0 && b > math.MaxInt64-a || a < 0 && b < math.MinInt64-a {
		return 0, false
	}
	return a + b, true
}
