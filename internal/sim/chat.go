package sim

import (
	"net/http"
	"strconv"
	"time"
)

// chat is OpenAI's POST /v1/chat/completions: the files chat_*.go are its wire form.
type chat struct{}

func (chat) name() string               { return "chat" }
func (chat) method() string             { return http.MethodPost }
func (chat) key(r *http.Request) string { return bearer(r) }
func (chat) begun(c *call)              { c.used.CacheWrite1h = 0 }

func (chat) label(b []byte, serial uint64) []byte {
	return strconv.AppendUint(append(b, "chatcmpl-sim-"...), serial, 16)
}

func (chat) parse(c *call, _ *http.Request) error {
	return c.parser.chat(&c.body, c.server.decode, &c.req)
}

func (chat) headers(h http.Header, a *about) {
	h["X-Request-Id"] = []string{string(a.id)}
	openAILimits(h, a)
}

// openAILimits tells, with a rate limit that is reached, which it is and when to try again.
func openAILimits(h http.Header, a *about) {
	retryHeaders(h, a)
	if a.failure == nil || a.failure.status != http.StatusTooManyRequests {
		return
	}
	h.Set("X-Ratelimit-Limit-Requests", limitRequests)
	h.Set("X-Ratelimit-Remaining-Requests", "0")
	h.Set("X-Ratelimit-Reset-Requests", max(a.retry, 0).String())
	h.Set("X-Ratelimit-Limit-Tokens", limitTokens)
	h.Set("X-Ratelimit-Remaining-Tokens", leftTokens)
	h.Set("X-Ratelimit-Reset-Tokens", "0s")
}

// retryHeaders says when to try again, if there is something to say.
func retryHeaders(h http.Header, a *about) {
	if a.retry < 0 {
		return
	}
	seconds := (a.retry + time.Second - 1) / time.Second
	h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	h.Set("Retry-After-Ms", strconv.FormatInt(a.retry.Milliseconds(), 10))
}

func (chat) failure(b []byte, f *failure, _ *about) []byte { return appendOpenAIFailure(b, f) }

// appendOpenAIFailure appends {"error":{…}}; an empty param or code is null.
func appendOpenAIFailure(b []byte, f *failure) []byte {
	b = append(b, `{"error":{"message":`...)
	b = appendText(b, f.message)
	b = append(b, `,"type":`...)
	b = appendText(b, f.kind)
	b = append(b, `,"param":`...)
	b = appendNullable(b, f.param)
	b = append(b, `,"code":`...)
	b = appendNullable(b, f.code)
	return append(b, `}}`...)
}

// chatFinish is how chat completions call the end.
func chatFinish(f finish) string {
	switch f {
	case "":
		return ""
	case finishLength:
		return "length"
	case finishCalls:
		return "tool_calls"
	case finishFilter, finishBlocked:
		return "content_filter"
	default:
		return "stop"
	}
}
