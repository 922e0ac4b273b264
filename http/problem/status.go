package problem

import (
	"net/http"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/preset"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/oauth/appcode"
	"github.com/massrouter/massrouter/identity/oauth/sso"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
)

// The codes that only HTTP can cause.
const (
	CodeTooLarge             domain.Code = "request_too_large"
	CodeUnsupportedMediaType domain.Code = "unsupported_media_type"
	CodeMethodNotAllowed     domain.Code = "method_not_allowed"
	CodeTimeout              domain.Code = "timeout"
	// CodeNotConfigured says that this service was not set up for what was asked.
	CodeNotConfigured domain.Code = "not_configured"
)

// personStatus is of what people can cause when they sign in or change what they sign in with; 0 for other codes.
func personStatus(code domain.Code) int {
	switch code {
	case password.CodeWeak:
		return http.StatusBadRequest
	case account.CodeSignIn, session.CodeRenewed:
		return http.StatusUnauthorized
	case signin.CodeFactorRequired, signin.CodeStepUp, appcode.CodeWrong, sso.CodeRequired:
		return http.StatusForbidden
	case signin.CodeOver, organisation.CodeLastOwner, oauth.CodeFlow, oauth.CodeTaken, oauth.CodeLast:
		return http.StatusConflict
	case account.CodeLink, account.CodePassword, factor.CodeWrong, passkey.CodeWrong, oauth.CodeRefused, sso.CodeUnproved:
		return http.StatusUnprocessableEntity
	case signin.CodeTooMany, phone.CodeTooMany:
		return http.StatusTooManyRequests
	case oauth.CodeFailed:
		return http.StatusBadGateway
	default:
		return 0
	}
}

// Status is the one table from code to HTTP status; 500 for a code that is not in it.
func Status(code domain.Code) int {
	if status := personStatus(code); status != 0 {
		return status
	}
	switch code {
	case domain.CodeInvalid, domain.CodeAmountInvalid, domain.CodeAmountOutOfRange:
		return http.StatusBadRequest
	case domain.CodeUnauthenticated, domain.CodeKeyInvalid, domain.CodeKeyRevoked, domain.CodeKeyExpired:
		return http.StatusUnauthorized
	case domain.CodeInsufficientCredits, domain.CodeKeyLimitExceeded:
		return http.StatusPaymentRequired
	case domain.CodeForbidden, domain.CodeKeyDisabled, domain.CodeModelNotAllowed:
		return http.StatusForbidden
	case domain.CodeNotFound, domain.CodeWalletNotFound, domain.CodeHoldNotFound, domain.CodeKeyNotFound,
		domain.CodeVendorNotFound, domain.CodeModelNotFound, domain.CodeEndpointNotFound, domain.CodePriceNotFound,
		domain.CodePriceNotInForce, domain.CodeAppNotFound, domain.CodeChargeNotFound, preset.CodeNotFound, ownkey.CodeNotFound:
		return http.StatusNotFound
	case CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case domain.CodeConflict, domain.CodeIdempotencyConflict, domain.CodeInProgress, domain.CodeWalletExists,
		domain.CodeHoldExists, domain.CodeHoldClosed, domain.CodeHoldActive, domain.CodeKeyExists, domain.CodePriceConflict,
		domain.CodeAppExists, domain.CodeAppArchived, domain.CodeChargeFinal, domain.CodeChargeReviewed, domain.CodeEvidenceUsed, preset.CodeArchived, content.CodeUnreadable:
		return http.StatusConflict
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeUnsupportedMediaType:
		return http.StatusUnsupportedMediaType
	case domain.CodeRateLimited:
		return http.StatusTooManyRequests
	case domain.CodeCurrencyMismatch, domain.CodeUsageInvalid:
		return http.StatusUnprocessableEntity
	case domain.CodeOverloaded, domain.CodeUnavailable:
		return http.StatusServiceUnavailable
	case CodeNotConfigured:
		return http.StatusNotImplemented
	case CodeTimeout:
		return http.StatusGatewayTimeout
	case domain.CodeInternal, domain.CodeUnbalanced:
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
}

// Missing says whether a code is of something that there is not.
func Missing(code domain.Code) bool { return Status(code) == http.StatusNotFound }

// consoleStatus is Status, but a key's own state is a conflict: on the console 401 and 403 speak of the caller only.
func consoleStatus(code domain.Code) int {
	status := Status(code)
	caller := code == domain.CodeUnauthenticated || code == domain.CodeForbidden || personStatus(code) != 0
	if !caller && (status == http.StatusUnauthorized || status == http.StatusForbidden) {
		return http.StatusConflict
	}
	return status
}

// RetryAfter is how many seconds a client should wait before it tries again, 0 for errors that waiting does not help.
func RetryAfter(code domain.Code) int {
	switch Status(code) {
	case http.StatusServiceUnavailable:
		return 1
	default:
		return 0
	}
}
