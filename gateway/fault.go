package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/routing"
)

// fault is what went wrong in one attempt at a vendor. What the vendor said stays in the cause, for the log; callers get
// words of ours, except where the vendor speaks of their own request.
type fault struct {
	err     *domain.Error
	outcome routing.Outcome // what it means for further attempts. What this vendor may have done for the call is ours to pay
}

func vendorFailed(cause error) *domain.Error {
	return domain.Errorf(CodeVendorError, "the vendor of this model failed").Wrap(cause)
}

// endOf is the fault behind a context that ended: of time, or of the caller's patience.
func endOf(ctx context.Context) *domain.Error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errTimeout):
		return domain.Errorf(CodeVendorTimeout, "the vendor of this model did not answer in time").Wrap(cause)
	case errors.Is(cause, errGone):
		return domain.Errorf(CodeClientGone, "the caller went away").Wrap(cause)
	default:
		return domain.Errorf(CodeStopping, "the process is shutting down").Wrap(cause)
	}
}

// broken is the fault of a connection. Only one that was never made is safe to try again: of any other it is not known how
// far the vendor got.
func broken(ctx context.Context, err error) fault {
	if ctx.Err() != nil {
		return fault{err: endOf(ctx), outcome: routing.Outcome{Result: routing.GaveUp}}
	}
	var op *net.OpError
	return fault{err: vendorFailed(err), outcome: routing.Outcome{Result: routing.Failed, Untouched: errors.As(err, &op) && op.Op == "dial"}}
}

// answered is the fault of an answer with a status that is no success.
func (r *run) answered(resp *http.Response, said *chat.Failure) fault {
	if said == nil {
		said = new(chat.Failure)
	}
	cause := fmt.Errorf("vendor %s answered %d (type %s, code %s)", r.route.vendor.ID, resp.StatusCode,
		safe(said.Type, 60), safe(said.Code, 60))
	pause := max(retryAfter(resp.Header), time.Duration(said.RetryAfter)*time.Millisecond)
	f := fault{err: vendorFailed(cause), outcome: routing.Outcome{Result: routing.OfStatus(resp.StatusCode), Wait: pause}}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		if invalidKey(said) {
			f.err, f.outcome.Result = r.keyRefused(cause), routing.KeyRefused
			break
		}
		if said.Type == "ServiceQuotaExceededException" {
			f.err, f.outcome.Result = r.keyRefused(cause), routing.QuotaExhausted
			break
		}
		f.err = r.notTaken(said, cause)
	case http.StatusTooManyRequests:
		if said.Type == "ModelNotReadyException" { // the model's capacity, not our key's
			f.err, f.outcome.Result = overloaded(pause, cause), routing.Overloaded
			break
		}
		if exhausted(said) {
			f.err = r.keyRefused(cause)
			f.outcome.Result = routing.QuotaExhausted
			break
		}
		f.err = overloaded(pause, cause)
	case http.StatusServiceUnavailable, statusOverloaded:
		f.err = overloaded(pause, cause)
	case http.StatusInternalServerError:
		f.outcome.Untouched = true
	case http.StatusUnauthorized:
		f.err = r.keyRefused(cause)
	case http.StatusForbidden:
		if signature(said) {
			f.err, f.outcome.Result = r.keyRefused(cause), routing.KeyRefused
			break
		}
		switch {
		case !permission(said):
			// It may be about what the caller says (moderation): one caller must not keep an endpoint from all others.
			f.outcome.Result = routing.Declined
		case r.route.own != nil:
			f.err = r.keyRefused(cause)
		}
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		f.err = domain.Errorf(CodeVendorTimeout, "the vendor of this model did not answer in time").Wrap(cause)
	}
	return f
}

// keyRefused is the failure of a call for which the vendor does not take the customer's own key, or none of the platform's.
func (r *run) keyRefused(cause error) *domain.Error {
	if r.route.own != nil {
		return ownKeyRefused(r.route.vendor.ID, cause)
	}
	return domain.Errorf(CodeVendorUnavailable, "the vendor of this model does not serve us now").Wrap(cause)
}

// permission says whether a 403 is about our key, not about what the caller says.
func permission(said *chat.Failure) bool {
	for _, word := range []string{said.Type, said.Code} {
		switch word {
		case "permission_error", "PERMISSION_DENIED", "insufficient_permissions", "invalid_api_key", "access_denied", "PermissionDenied", "AccessDeniedException":
			return true
		}
	}
	return false
}

// signature says whether a 403 is about an access key of Amazon's, or what was signed with it.
func signature(said *chat.Failure) bool {
	switch said.Type {
	case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch",
		"MissingAuthenticationTokenException", "IncompleteSignatureException", "RequestExpired":
		return true
	}
	return false
}

// invalidKey says whether a 400 is about our key: Google's are, and some of Amazon's.
func invalidKey(said *chat.Failure) bool {
	return signature(said) || said.Code == "API_KEY_INVALID" || said.Type == "INVALID_ARGUMENT" && strings.HasPrefix(said.Message, "API key ")
}

// statusOverloaded is what some vendors say instead of 503.
const statusOverloaded = 529

func overloaded(wait time.Duration, cause error) *domain.Error {
	e := domain.Errorf(CodeVendorOverloaded, "the vendor of this model has no capacity now").Wrap(cause)
	if wait > 0 {
		return e.With("retry_after", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
	return e
}

// exhausted says whether a 429 means that the platform's own account at the vendor is at its end: no retry helps.
func exhausted(said *chat.Failure) bool {
	if said.Type == "insufficient_quota" {
		return true
	}
	switch said.Code {
	case "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
		"project_spend_limit_exceeded", "organization_usage_limit_exceeded",
		"enforced_spend_limit_reached": // the last is Anthropic's
		return true
	}
	return strings.Contains(said.Code, "PerDay") || // a quota of Google's
		said.Type == "ThrottlingException" && strings.Contains(said.Message, "per day") // one of Amazon's
}

// notTaken hands on what the vendor says of the caller's request, unless the platform's credential stands in it.
func (r *run) notTaken(said *chat.Failure, cause error) *domain.Error {
	message := safe(said.Message, 1000)
	if message == "" || r.using.account.reveals(said.Message) {
		message = "the vendor of this model does not take this request"
	}
	e := domain.Errorf(CodeVendorRefused, "%s", message).Wrap(cause)
	if param := safe(said.Param, 100); param != "" {
		e = e.With("param", param)
	}
	if code := safe(said.Code, 100); code != "" {
		e = e.With("provider_code", code)
	}
	return e
}

// safe makes a vendor's text fit for logs, events and answers: valid UTF-8, no control characters, not too long.
func safe(text string, longest int) string {
	clean := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == utf8.RuneError {
			return ' '
		}
		return c
	}, text)
	for len(clean) > longest || !utf8.ValidString(clean) {
		clean = clean[:min(longest, len(clean)-1)]
	}
	return strings.TrimSpace(clean)
}

// retryAfter is how long a vendor asks to wait; 0 when it does not say it in seconds or milliseconds.
func retryAfter(h http.Header) time.Duration {
	const most = 24 * 60 * 60
	if ms, err := strconv.ParseInt(h.Get("Retry-After-Ms"), 10, 64); err == nil && ms >= 0 && ms <= most*1000 {
		return time.Duration(ms) * time.Millisecond
	}
	if s, err := strconv.ParseInt(h.Get("Retry-After"), 10, 64); err == nil && s >= 0 && s <= most {
		return time.Duration(s) * time.Second
	}
	if ms, err := strconv.ParseInt(h.Get("X-Amz-Retry-After"), 10, 64); err == nil && ms >= 0 && ms <= most*1000 {
		return time.Duration(ms) * time.Millisecond
	}
	return 0
}
