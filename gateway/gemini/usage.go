package gemini

import (
	"bytes"
	"math"
	"strconv"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

// report reads usageMetadata and says where it stands. Null is no report; anything else that is no object is a broken one,
// and numbers that are not whole break it too.
func (w *walker) report(u *meter.Report) (span, error) {
	if kind := w.peek(); kind != '{' {
		_, at, err := w.value()
		if kind != 'n' {
			*u = meter.Report{Given: true, Broken: true}
		}
		return at, err
	}
	*u = meter.Report{Given: true}
	if err := w.step(); err != nil {
		return span{}, err
	}
	from := w.at() - 1
	var prompt, tools, candidates, thoughts int64
	err := w.members(func(name []byte) error {
		switch string(name) {
		case "promptTokenCount":
			return w.tokens(u, &prompt)
		case "toolUsePromptTokenCount":
			return w.tokens(u, &tools)
		case "cachedContentTokenCount":
			return w.tokens(u, &u.Cached)
		case "candidatesTokenCount":
			return w.tokens(u, &candidates)
		case "thoughtsTokenCount":
			return w.tokens(u, &thoughts)
		case "totalTokenCount":
			u.HasTotal = w.peek() != 'n'
			return w.tokens(u, &u.Total)
		}
		return w.skip()
	})
	u.Prompt, u.Completion, u.Reasoning = sum(u, prompt, tools), sum(u, candidates, thoughts), thoughts
	return span{from, w.at()}, err
}

// tokens reads a count; null is none.
func (w *walker) tokens(u *meter.Report, n *int64) error {
	raw, _, err := w.value()
	if err != nil || raw.Kind() == 'n' {
		return err
	}
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if raw.Kind() != '0' || bytes.ContainsAny(raw, ".eE") || err != nil {
		u.Broken = true
		return nil
	}
	*n = v
	return nil
}

// sum adds two counts so that a negative one stays visible.
func sum(u *meter.Report, a, b int64) int64 {
	switch {
	case a < 0 || b < 0:
		return min(a, b)
	case a > math.MaxInt64-b:
		u.Broken = true
		return 0
	}
	return a + b
}

// AppendUsage appends the usageMetadata that the caller is told: promptTokenCount has all of the input, thoughts stand apart
// from candidates, and cost is a JSON number with all its digits.
func AppendUsage(dst []byte, u usage.Usage, cost chat.Cost) []byte {
	prompt, completion := u.Prompt(), u.Completion()
	dst = strconv.AppendInt(append(dst, `{"promptTokenCount":`...), prompt, 10)
	if n := u[usage.CacheRead]; n > 0 {
		dst = strconv.AppendInt(append(dst, `,"cachedContentTokenCount":`...), n, 10)
	}
	dst = strconv.AppendInt(append(dst, `,"candidatesTokenCount":`...), completion-u[usage.Reasoning], 10)
	if n := u[usage.Reasoning]; n > 0 {
		dst = strconv.AppendInt(append(dst, `,"thoughtsTokenCount":`...), n, 10)
	}
	dst = strconv.AppendInt(append(dst, `,"totalTokenCount":`...), prompt+completion, 10)
	return append(append(append(dst, `,"cost":`...), cost.Total.String()...), '}')
}
