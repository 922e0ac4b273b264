package inference

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/answers"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/gateway/routing"
	"github.com/massrouter/massrouter/http/problem"
)

// statusClientGone is what logs show for a caller who did not wait for the answer.
const statusClientGone = 499

// statusOf is the table from code to status for this surface: the gateway's own codes here, all others as everywhere.
func statusOf(code domain.Code) int {
	switch code {
	case gateway.CodeVendorRefused:
		return http.StatusBadRequest
	case gateway.CodeOwnKeyRefused:
		return http.StatusForbidden
	case gateway.CodeVendorError:
		return http.StatusBadGateway
	case gateway.CodeVendorTimeout:
		return http.StatusGatewayTimeout
	case gateway.CodeVendorOverloaded, gateway.CodeVendorUnavailable, gateway.CodeStopping:
		return http.StatusServiceUnavailable
	case gateway.CodeClientGone:
		return statusClientGone
	case answers.CodeTooLarge, answers.CodeUnreadable:
		return http.StatusConflict
	case routing.CodeNoEndpoint:
		return http.StatusNotFound
	case domain.CodeKeyNotFound:
		return http.StatusUnauthorized // here the only key is the caller's own
	case domain.CodeWalletNotFound:
		return http.StatusForbidden
	default:
		return problem.Status(code)
	}
}

// kindOf is OpenAI's "type" of an error.
func kindOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusPaymentRequired:
		return "insufficient_quota"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	}
	if status >= http.StatusInternalServerError {
		return "server_error"
	}
	return "invalid_request_error"
}

// retryable says which errors another attempt of the client may cure. All others are marked as final: official clients
// would otherwise repeat a call that was tried several times already.
func retryable(e *domain.Error) bool {
	switch e.Code {
	case domain.CodeOverloaded, domain.CodeUnavailable, domain.CodeInProgress, gateway.CodeStopping:
		return true
	case domain.CodeRateLimited:
		return e.Details[detailRetryAfter] != "" // a call that is too large for its limit stays so
	default:
		return false
	}
}

// failure is an error as this surface shows it: OpenAI's shape, with the status as code and the stable code in the
// metadata, as OpenRouter has it.
type failure struct {
	Code     int               `json:"code"`
	Message  string            `json:"message"`
	Type     string            `json:"type"`
	Param    *string           `json:"param"`
	Metadata map[string]string `json:"metadata"`
}

// detailed are the details that have a place of their own.
const (
	detailParam      = "param"
	detailRetryAfter = "retry_after"
	detailRetryMS    = limit.DetailRetryMS
)

// shown turns an error into what callers may see of it.
func shown(err error) (failure, *domain.Error) {
	var e *domain.Error
	if !errors.As(err, &e) || e.Code == domain.CodeInternal {
		e = domain.Errorf(domain.CodeInternal, "something went wrong on our side").Wrap(err)
	}
	status := statusOf(e.Code)
	f := failure{Code: status, Message: e.Message, Type: kindOf(status), Metadata: map[string]string{"error_type": string(e.Code)}}
	for name, value := range e.Details {
		switch name {
		case detailParam:
			f.Param = &value
		case detailRetryAfter, detailRetryMS:
		default:
			f.Metadata[name] = value
		}
	}
	return f, e
}

// object is the error object as JSON.
func (f failure) object() []byte {
	b, err := json.Marshal(f)
	if err != nil { // strings and numbers only: it cannot be
		return []byte(`{"code":500,"message":"something went wrong on our side"}`)
	}
	return b
}

// wrapped is an error as an answer of its own.
func wrapped(f failure) []byte { return append(append([]byte(`{"error":`), f.object()...), '}') }

// WriteError answers with an error in OpenAI's shape. What callers may not see goes to the request's logger.
func WriteError(w http.ResponseWriter, r *http.Request, err error) { writeError(w, r, err, wrapped) }

func writeError(w http.ResponseWriter, r *http.Request, err error, encode func(failure) []byte) {
	f, e := shown(err)
	trail.From(r.Context()).Fail(string(e.Code))
	logCause(r.Context(), f.Code, e)
	h := w.Header()
	if seconds := retryAfter(e); seconds != "" {
		h.Set("Retry-After", seconds)
	}
	rateLimitHeaders(h, e)
	if f.Code == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	h.Set("X-Should-Retry", strconv.FormatBool(retryable(e)))
	body := encode(f)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(f.Code)
	_, _ = w.Write(body) // a client that went away needs no answer
}

// rateLimitHeaders are set on refusals by a limit of ours, and on nothing else: a vendor's own limits are none of the caller's business.
// X-RateLimit-Reset is Unix time in milliseconds, as OpenRouter has it; Retry-After-Ms is what official clients look at first.
func rateLimitHeaders(h http.Header, e *domain.Error) {
	if e.Code != domain.CodeRateLimited {
		return
	}
	for _, header := range [...]struct{ name, detail string }{
		{"X-Ratelimit-Limit", limit.DetailLimit},
		{"X-Ratelimit-Remaining", limit.DetailRemaining},
		{"X-Ratelimit-Reset", limit.DetailReset},
		{"Retry-After-Ms", detailRetryMS},
	} {
		if value := e.Details[header.detail]; value != "" {
			h.Set(header.name, value)
		}
	}
}

func logCause(ctx context.Context, status int, e *domain.Error) {
	if status >= http.StatusInternalServerError && e.Cause != nil {
		zerolog.Ctx(ctx).Error().Err(e.Cause).Str("code", string(e.Code)).Msg("request failed")
	}
}

// retryAfter is in seconds; "" when waiting does not help.
func retryAfter(e *domain.Error) string {
	if seconds := e.Details[detailRetryAfter]; seconds != "" {
		return seconds
	}
	if retryable(e) {
		return "1"
	}
	return ""
}

// blame names the parameter that a read model's refusal is about in this surface's way.
func blame(err error) error {
	var e *domain.Error
	if !errors.As(err, &e) || e.Details["field"] == "" {
		return err
	}
	named := *e
	named.Details = map[string]string{detailParam: e.Details["field"]}
	return &named
}
