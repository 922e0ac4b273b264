package bedrock

import (
	"bytes"
	"math"
	"strconv"

	"github.com/massrouter/massrouter/gateway/meter"
)

// counts is a usage as the dialect tells it: inputTokens are those of the prompt that were neither read from a cache nor written to one;
// reasoning is a part of outputTokens that is not told apart.
type counts struct {
	given, broken bool

	input, reads, write, output, total int64
	hasTotal                           bool
	write5m, write1h                   int64
	writeGiven, detailed               bool
	tier                               string
}

// read takes in what is told; null tells nothing.
func (c *counts) read(s *scanner) error {
	if kind := s.Kind(); kind != '{' {
		if kind != 'n' {
			c.given, c.broken = true, true
		}
		return s.Skip()
	}
	c.given = true
	_, err := s.Object(func(name []byte) error {
		switch string(name) {
		case "inputTokens":
			return c.tokens(s, &c.input)
		case "outputTokens":
			return c.tokens(s, &c.output)
		case "totalTokens":
			c.hasTotal = s.Kind() != 'n'
			return c.tokens(s, &c.total)
		case "cacheReadInputTokens":
			return c.tokens(s, &c.reads)
		case "cacheWriteInputTokens":
			c.writeGiven = s.Kind() != 'n'
			return c.tokens(s, &c.write)
		case "cacheDetails":
			_, err := s.Array(func(int) error { return c.detail(s) })
			return err
		}
		return s.Skip()
	})
	return err
}

// detail reads how many tokens were written for how long.
func (c *counts) detail(s *scanner) error {
	var n int64
	var ttl string
	is, err := s.Object(func(name []byte) error {
		switch string(name) {
		case "inputTokens":
			return c.tokens(s, &n)
		case "ttl":
			return s.text(&ttl)
		}
		return s.Skip()
	})
	if err != nil || !is {
		return err
	}
	c.detailed = true
	to := &c.write5m
	if ttl == "1h" {
		to = &c.write1h
	}
	var ok bool
	if *to, ok = sum(*to, n); !ok {
		c.broken = true
	}
	return nil
}

// served reads the tier, {type: …}.
func (c *counts) served(s *scanner) error {
	_, err := s.Object(func(name []byte) error {
		if string(name) == "type" {
			return s.text(&c.tier)
		}
		return s.Skip()
	})
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
		return meter.Report{Tier: c.tier}
	}
	r := meter.Report{
		Given: true, Broken: c.broken, Cached: c.reads, CacheWrite: c.write, CacheWrite1h: c.write1h, Completion: c.output, Tier: c.tier,
	}
	split, ok := sum(c.write5m, c.write1h)
	if c.detailed && !c.writeGiven {
		r.CacheWrite = split
	}
	with, fine := sum(c.reads, r.CacheWrite)
	r.Prompt, fine = add(with, c.input, fine)
	all, fine := add(r.Prompt, c.output, fine)
	r.Broken = r.Broken || !ok || !fine
	switch bare, sound := sum(c.input, c.output); {
	case r.Broken:
	case c.detailed && split != r.CacheWrite:
		r.HasTotal, r.Total = true, all-r.CacheWrite+split // what was told of the writes does not add up, so that the whole does not
	case c.hasTotal && c.total == bare && sound:
		// Some models leave what the cache did out of the total.
	default:
		r.HasTotal, r.Total = c.hasTotal, c.total
	}
	return r
}

func add(a, b int64, ok bool) (int64, bool) {
	total, fits := sum(a, b)
	return total, ok && fits
}

func sum(a, b int64) (total int64, ok bool) {
	if a > 0 && b > math.MaxInt64-a || a < 0 && b < math.MinInt64-a {
		return 0, false
	}
	return a + b, true
}
