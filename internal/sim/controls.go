package sim

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of the controls, so that no request makes the simulator hold a process or its memory for good.
const (
	maxControls    = 1024 // bytes of one source of controls
	maxTokens      = 1_000_000
	maxAllTokens   = 2_000_000 // tokens times choices
	maxPrompt      = 1 << 40
	maxLatency     = 10 * time.Minute
	maxTimes       = 1_000_000
	maxPiece       = 1 << 20
	maxCalls       = 128
	defaultLong    = 100_000
	defaultPiece   = 16
	defaultDrip    = 10 * time.Millisecond
	defaultStrike  = 4
	unset          = -1
	errorOfControl = "invalid_sim_control"
)

// controls says how one call is answered. The numbers are unset (-1) where the default depends on the call.
type controls struct {
	fault        Fault
	variant      string
	key          string
	times        int64
	after        int64
	tokens       int64
	prompt       int64
	cached       int64
	cacheWrite   int64
	cacheWrite1h int64
	reasoning    int64
	tools        int64
	words        int64
	ping         int64
	piece        int64
	finish       finish
	first        time.Duration
	between      time.Duration
	wait         time.Duration
	retryAfter   time.Duration
	tokensGiven  bool
	drain        bool
	flush        bool
	redacted     bool
	signed       bool
	stamped      bool
	unready      int64
}

// defaults is what a call without any control gets.
func (o *Options) defaults() controls {
	return controls{
		times: unset, after: unset, tokens: unset, prompt: unset, piece: unset, tools: unset, words: unset, retryAfter: unset,
		first: o.FirstToken, between: o.BetweenTokens, wait: o.Stall,
	}
}

// read adds the controls of one source; source names it in messages.
func (c *controls) read(text, source string) error {
	if len(text) > maxControls {
		return invalid(errorOfControl, source, "The controls have %d bytes, at most %d are allowed.", len(text), maxControls)
	}
	var seen uint32
	for rest := text; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		name, value, found := strings.Cut(pair, "=")
		if !found {
			return invalid(errorOfControl, source, "The control %q has no value: write name=value.", clip(pair))
		}
		value, err := url.QueryUnescape(value)
		if err != nil {
			return invalid(errorOfControl, source, "The value of control %q is not well encoded.", clip(name))
		}
		bit, problem := c.set(name, value)
		if problem != "" {
			return invalid(errorOfControl, source, "The control %q cannot be %q: %s.", clip(name), clip(value), problem)
		}
		if seen&bit != 0 {
			return invalid(errorOfControl, source, "The control %q is given twice.", clip(name))
		}
		seen |= bit
	}
	return nil
}

// set applies one control and returns its own bit, or says what is wrong.
func (c *controls) set(name, value string) (bit uint32, problem string) {
	switch name {
	case "fault":
		return 1 << 0, c.setFault(value)
	case "variant":
		c.variant = value
		return 1 << 1, ""
	case "key":
		c.key = value
		return 1 << 2, ""
	case "times":
		return 1 << 3, setCount(&c.times, value, maxTimes)
	case "after":
		return 1 << 4, setCount(&c.after, value, maxPrompt)
	case "tokens":
		return 1 << 5, setCount(&c.tokens, value, maxTokens)
	case "prompt":
		return 1 << 6, setCount(&c.prompt, value, maxPrompt)
	case "cached":
		return 1 << 7, setCount(&c.cached, value, maxPrompt)
	case "cache_write":
		return 1 << 8, setCount(&c.cacheWrite, value, maxPrompt)
	case "reasoning":
		return 1 << 9, setCount(&c.reasoning, value, maxTokens)
	case "piece":
		return 1 << 10, setPiece(&c.piece, value)
	case "first":
		return 1 << 11, setLatency(&c.first, value)
	case "between":
		return 1 << 12, setLatency(&c.between, value)
	case "wait":
		return 1 << 13, setLatency(&c.wait, value)
	case "retry_after":
		return 1 << 14, setSeconds(&c.retryAfter, value)
	case "drain":
		return 1 << 15, setSwitch(&c.drain, value)
	case "flush":
		return 1 << 16, setSwitch(&c.flush, value)
	}
	return c.setMore(name, value)
}

// setMore is set for the controls that not every dialect knows.
func (c *controls) setMore(name, value string) (bit uint32, problem string) {
	switch name {
	case "cache_write_1h":
		return 1 << 17, setCount(&c.cacheWrite1h, value, maxPrompt)
	case "tools":
		return 1 << 18, setCount(&c.tools, value, maxCalls)
	case "words":
		return 1 << 19, setCount(&c.words, value, maxTokens)
	case "ping":
		return 1 << 20, setCount(&c.ping, value, maxTokens)
	case "finish":
		return 1 << 21, c.setFinish(value)
	case "redacted":
		return 1 << 22, setSwitch(&c.redacted, value)
	case "signed":
		return 1 << 23, setSwitch(&c.signed, value)
	case "stamped":
		return 1 << 24, setSwitch(&c.stamped, value)
	case "unready":
		return 1 << 25, setCount(&c.unready, value, maxTimes)
	}
	return 0, "there is no such control"
}

func (c *controls) setFault(value string) string {
	if _, ok := specOf(value); !ok {
		return "there is no such fault"
	}
	c.fault = Fault(value)
	return ""
}

func (c *controls) setFinish(value string) string {
	switch f := finish(value); f {
	case finishFilter, finishRefusal, finishBlocked, finishStopSequence, finishPause, finishBadCall:
		c.finish = f
		return ""
	default:
	}
	return "there are filter, refusal, blocked, stop_sequence, pause and bad_call"
}

func setCount(to *int64, value string, limit int64) string {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || n > limit || value[0] == '+' || value[0] == '-' {
		return "a whole number from 0 to " + strconv.FormatInt(limit, 10) + " is needed"
	}
	*to = n
	return ""
}

func setPiece(to *int64, value string) string {
	if problem := setCount(to, value, maxPiece); problem != "" || *to > 0 {
		return problem
	}
	return "a piece has at least one byte"
}

func setLatency(to *time.Duration, value string) string {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > maxLatency {
		return "a duration from 0s to " + maxLatency.String() + " is needed, such as 20ms"
	}
	*to = d
	return ""
}

func setSeconds(to *time.Duration, value string) string {
	var n int64
	if setCount(&n, value, int64(maxLatency/time.Second)) == "" {
		*to = time.Duration(n) * time.Second
		return ""
	}
	if setLatency(to, value) == "" {
		return ""
	}
	return "seconds or a duration up to " + maxLatency.String() + " are needed"
}

func setSwitch(to *bool, value string) string {
	switch value {
	case "1", "true":
		*to = true
	case "0", "false":
		*to = false
	default:
		return "1 or 0 is needed"
	}
	return ""
}

// clip shortens a caller's text for a message.
func clip(text string) string { return clipAt(text, 64) }

func clipAt(text string, longest int) string {
	if len(text) <= longest {
		return text
	}
	return text[:longest] + "…"
}
