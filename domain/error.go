package domain

import (
	"errors"
	"fmt"
)

// Code is the stable, machine-readable name of an error. Codes are part of the public API: they are never renamed.
type Code string

// The codes that decisions and use cases return. The HTTP rooms map each to one status in one table.
const (
	CodeInternal            Code = "internal"
	CodeInvalid             Code = "invalid_request"
	CodeNotFound            Code = "not_found"
	CodeConflict            Code = "conflict"
	CodeIdempotencyConflict Code = "idempotency_conflict"
	CodeInProgress          Code = "request_in_progress"
	CodeOverloaded          Code = "overloaded"
	CodeUnavailable         Code = "ledger_unavailable"
	CodeUnauthenticated     Code = "unauthenticated"
	CodeForbidden           Code = "forbidden"

	CodeWalletNotFound      Code = "wallet_not_found"
	CodeWalletExists        Code = "wallet_exists"
	CodeInsufficientCredits Code = "insufficient_credits"
	CodeHoldNotFound        Code = "hold_not_found"
	CodeHoldExists          Code = "hold_exists"
	CodeHoldClosed          Code = "hold_closed"
	CodeHoldActive          Code = "hold_active"
	CodeChargeNotFound      Code = "charge_not_found"
	CodeChargeFinal         Code = "charge_final"
	CodeChargeReviewed      Code = "charge_reviewed"
	CodeEvidenceUsed        Code = "evidence_used"
	CodeCurrencyMismatch    Code = "currency_mismatch"
	CodeAmountInvalid       Code = "amount_invalid"
	CodeAmountOutOfRange    Code = "amount_out_of_range"
	CodeUnbalanced          Code = "entry_unbalanced"

	CodeKeyNotFound      Code = "key_not_found"
	CodeKeyExists        Code = "key_exists"
	CodeKeyInvalid       Code = "key_invalid"
	CodeKeyRevoked       Code = "key_revoked"
	CodeKeyDisabled      Code = "key_disabled"
	CodeKeyExpired       Code = "key_expired"
	CodeKeyLimitExceeded Code = "key_limit_exceeded"
	CodeModelNotAllowed  Code = "model_not_allowed"
	CodeRateLimited      Code = "rate_limited"

	CodeAppNotFound Code = "app_not_found"
	CodeAppExists   Code = "app_exists"
	CodeAppArchived Code = "app_archived"

	CodeVendorNotFound   Code = "vendor_not_found"
	CodeModelNotFound    Code = "model_not_found"
	CodeEndpointNotFound Code = "endpoint_not_found"
	CodePriceNotInForce  Code = "price_not_in_force"
	CodePriceNotFound    Code = "price_not_found"
	CodePriceConflict    Code = "price_conflict"
	CodeUsageInvalid     Code = "usage_invalid"
)

// Error is what callers may see: a stable code, a message that is safe to show, and optional details (strings only:
// money and counts as decimal strings). The cause stays in the log.
type Error struct {
	Code    Code
	Message string
	Details map[string]string
	Cause   error
}

// Errorf makes an Error with a formatted safe message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// With returns a copy with one more detail.
func (e *Error) With(key, value string) *Error {
	c := *e
	c.Details = make(map[string]string, len(e.Details)+1)
	for k, v := range e.Details {
		c.Details[k] = v
	}
	c.Details[key] = value
	return &c
}

// Wrap returns a copy that carries the cause.
func (e *Error) Wrap(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Error is for logs; clients get Code and Message.
func (e *Error) Error() string {
	if e.Cause != nil {
		return string(e.Code) + ": " + e.Message + ": " + e.Cause.Error()
	}
	return string(e.Code) + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is matches any Error with the same code, so errors.Is(err, &Error{Code: c}) works through wrapping.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf is the code of the first Error in the chain, CodeInternal for any other error, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
