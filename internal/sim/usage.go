package sim

import "strconv"

// wireUsage is usage as it is written, true or not.
type wireUsage struct {
	Usage
	total int64
	// literal, if there is one, is written in place of the completion tokens.
	literal string
}

// wireUsage is the call's usage as its fault lets it be said.
func (c *call) wireUsage() wireUsage {
	u := wireUsage{Usage: c.used, total: c.used.Prompt + c.used.Completion}
	if c.req.controls.fault == FaultAbsurdUsage {
		u = absurd(u, c.req.controls.variant)
	}
	return u
}

// completion appends n, the completion tokens in the dialect's count, or what stands in their place.
func (u *wireUsage) completion(b []byte, n int64) []byte {
	if u.literal != "" {
		return append(b, u.literal...)
	}
	return strconv.AppendInt(b, n, 10)
}

// absurdlyFar is how far an absurd number is off.
const absurdlyFar = 1000

// absurd distorts usage in one of the ways of absurdVariants.
func absurd(u wireUsage, variant string) wireUsage {
	const far, huge = absurdlyFar, 4_000_000_000_000_000_000
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
