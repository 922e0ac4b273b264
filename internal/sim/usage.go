package sim

import "strconv"

// wireUsage is usage as it is written, true or not.
type wireUsage struct {
	Usage
	total int64
	// literal, if there is one, is written in place of the completion tokens.
	literal string
}

func (c *call) appendUsage(b []byte) []byte {
	u := wireUsage{Usage: c.used, total: c.used.Prompt + c.used.Completion}
	if c.req.controls.fault == FaultAbsurdUsage {
		u = absurd(u, c.req.controls.variant)
	}
	b = append(b, `{"prompt_tokens":`...)
	b = strconv.AppendInt(b, u.Prompt, 10)
	b = append(b, `,"completion_tokens":`...)
	if u.literal != "" {
		b = append(b, u.literal...)
	} else {
		b = strconv.AppendInt(b, u.Completion, 10)
	}
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, u.total, 10)
	b = append(b, `,"prompt_tokens_details":{"cached_tokens":`...)
	b = strconv.AppendInt(b, u.Cached, 10)
	b = append(b, `,"cache_write_tokens":`...)
	b = strconv.AppendInt(b, u.CacheWrite, 10)
	b = append(b, `,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":`...)
	b = strconv.AppendInt(b, u.Reasoning, 10)
	return append(b, `,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`...)
}

// absurd distorts usage in one of the ways of absurdVariants.
func absurd(u wireUsage, variant string) wireUsage {
	const far, huge = 1000, 4_000_000_000_000_000_000
	switch variant {
	case "negative":
		u.Completion = -u.Completion - 1
		u.total = u.Prompt + u.Completion
	case "huge":
		u.Completion = huge
		u.total = u.Prompt + huge
	case "overflow":
		u.literal = "123456789012345678901234567890"
	case "cached":
		u.Cached = u.Prompt + far
	case "reasoning":
		u.Reasoning = u.Completion + far
	case "total":
		u.total += far
	case "fraction":
		u.literal = strconv.FormatInt(u.Completion, 10) + ".5"
	case "string":
		u.literal = `"` + strconv.FormatInt(u.Completion, 10) + `"`
	case "zero":
		u = wireUsage{}
	}
	return u
}
