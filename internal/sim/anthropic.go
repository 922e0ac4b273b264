package sim

import (
	"net/http"
	"strconv"
	"time"
)

// anthropic is Anthropic's POST /v1/messages, version 2023-06-01: the files anthropic_*.go are its wire form.
type anthropic struct{}

func (anthropic) name() string   { return "messages" }
func (anthropic) method() string { return http.MethodPost }
func (anthropic) begun(*call)    {}

func (anthropic) key(r *http.Request) string {
	if key := r.Header.Get("X-Api-Key"); key != "" {
		return key
	}
	return bearer(r)
}

func (anthropic) label(b []byte, serial uint64) []byte {
	return strconv.AppendUint(append(b, "msg_sim_"...), serial, 16)
}

// Rate limits as the headers tell them. The simulator does not enforce them: the fault 429 does.
const (
	limitRequests, leftRequests = "4000", "3999"
	limitTokens, leftTokens     = "2000000", "1999000"
	limitWindow                 = time.Minute
)

func (anthropic) headers(h http.Header, a *about) {
	h["Request-Id"] = []string{string(requestID(nil, a.serial))}
	h["Anthropic-Organization-Id"] = []string{"00000000-0000-4000-8000-000000000000"}
	if a.failure != nil && a.failure.status == http.StatusUnauthorized {
		return
	}
	limitHeaders(h, a)
	if f := a.failure; f != nil {
		again := f.status >= 500 || f.status == 408 || f.status == 409 || (f.status == 429 && f.code != codeHardQuota)
		h["X-Should-Retry"] = []string{strconv.FormatBool(again)}
	}
	retryHeaders(h, a)
}

// limitHeaders tells the limits. All values stand in one list that the headers take their pieces of.
func limitHeaders(h http.Header, a *about) {
	values := []string{limitRequests, leftRequests, limitTokens, leftTokens, a.now.Add(limitWindow).UTC().Format(time.RFC3339)}
	if a.failure != nil && a.failure.status == http.StatusTooManyRequests {
		values[1], values[3] = "0", "0"
	}
	for i, names := range [...][4]string{
		{"Anthropic-Ratelimit-Requests-Limit"},
		{"Anthropic-Ratelimit-Requests-Remaining"},
		{"Anthropic-Ratelimit-Tokens-Limit", "Anthropic-Ratelimit-Input-Tokens-Limit", "Anthropic-Ratelimit-Output-Tokens-Limit"},
		{"Anthropic-Ratelimit-Tokens-Remaining", "Anthropic-Ratelimit-Input-Tokens-Remaining", "Anthropic-Ratelimit-Output-Tokens-Remaining"},
		{
			"Anthropic-Ratelimit-Requests-Reset", "Anthropic-Ratelimit-Tokens-Reset", "Anthropic-Ratelimit-Input-Tokens-Reset",
			"Anthropic-Ratelimit-Output-Tokens-Reset",
		},
	} {
		for _, name := range names {
			if name != "" {
				h[name] = values[i : i+1 : i+1]
			}
		}
	}
}

func requestID(b []byte, serial uint64) []byte {
	return strconv.AppendUint(append(b, "req_sim_"...), serial, 16)
}

// failure appends {"type":"error","error":{…},"request_id":…}, which is an event's data too.
func (anthropic) failure(b []byte, f *failure, a *about) []byte {
	kind, message := anthropicError(f)
	b = append(b, `{"type":"error","error":{"type":"`...)
	b = append(b, kind...)
	b = append(b, `","message":`...)
	b = appendText(b, message)
	if f.code == codeHardQuota {
		b = append(b, `,"details":{"error_code":"enforced_spend_limit_reached"}`...)
	}
	b = append(b, `},"request_id":"`...)
	b = requestID(b, a.serial)
	return append(b, `"}`...)
}

// anthropicError is the type of an error, by its status, and what it says.
func anthropicError(f *failure) (kind, message string) {
	switch f.status {
	case http.StatusUnauthorized:
		return "authentication_error", "invalid x-api-key"
	case http.StatusPaymentRequired:
		return "billing_error", "Your credit balance is too low to access the API."
	case http.StatusForbidden:
		return "permission_error", f.message
	case http.StatusNotFound:
		return "not_found_error", f.message
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "timeout_error", "Request timed out"
	case http.StatusConflict:
		return "conflict_error", f.message
	case http.StatusRequestEntityTooLarge:
		return "request_too_large", "Request exceeds the maximum size"
	case http.StatusTooManyRequests:
		return "rate_limit_error", f.message
	case statusOverloaded:
		return "overloaded_error", "Overloaded"
	}
	if f.status >= http.StatusInternalServerError {
		return "api_error", "Internal server error"
	}
	return "invalid_request_error", f.message
}

// statusOverloaded is Anthropic's own status.
const statusOverloaded = 529

// anthropicStop is how messages call the end; null is none.
func (c *call) anthropicStop(b []byte) []byte {
	reason := "end_turn"
	switch c.plan.finish {
	case "":
		return append(b, `null,"stop_sequence":null`...)
	case finishLength:
		reason = "max_tokens"
	case finishCalls:
		reason = "tool_use"
	case finishFilter, finishRefusal, finishBlocked:
		return append(b, `"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":null,"explanation":null}`...)
	case finishStopSequence:
		b = append(b, `"stop_sequence","stop_sequence":`...)
		return appendNullable(b, c.req.stopSequence)
	case finishPause:
		reason = "pause_turn"
	default:
	}
	b = append(b, '"')
	b = append(b, reason...)
	return append(b, `","stop_sequence":null`...)
}

// anthropicUsage appends usage; opening says that it stands in message_start, where nothing but one token is produced yet.
func (c *call) anthropicUsage(b []byte, opening bool) []byte {
	u := wireUsage{Usage: c.used}
	if opening {
		u.Completion = min(u.Completion, 1)
	} else {
		u = c.wireUsage()
	}
	five := u.CacheWrite - u.CacheWrite1h
	if c.req.controls.fault == FaultAbsurdUsage && c.req.controls.variant == "total" {
		five += absurdlyFar // the only sum that this dialect states
	}
	b = append(b, `{"input_tokens":`...)
	b = strconv.AppendInt(b, u.Prompt-u.Cached-u.CacheWrite, 10)
	b = append(b, `,"cache_creation_input_tokens":`...)
	b = strconv.AppendInt(b, u.CacheWrite, 10)
	b = append(b, `,"cache_read_input_tokens":`...)
	b = strconv.AppendInt(b, u.Cached, 10)
	b = append(b, `,"cache_creation":{"ephemeral_5m_input_tokens":`...)
	b = strconv.AppendInt(b, five, 10)
	b = append(b, `,"ephemeral_1h_input_tokens":`...)
	b = strconv.AppendInt(b, u.CacheWrite1h, 10)
	b = append(b, `},"output_tokens":`...)
	b = u.completion(b, u.Completion)
	if !opening {
		b = append(b, `,"output_tokens_details":{"thinking_tokens":`...)
		b = strconv.AppendInt(b, u.Reasoning, 10)
		b = append(b, '}')
	}
	return append(b, `,"service_tier":"standard","inference_geo":"global"}`...)
}
