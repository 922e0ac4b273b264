// Package problem turns errors into answers of the console: application/problem+json (RFC 9457) with a stable code. It
// has the one table from code to HTTP status.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/http/request"
	"github.com/massrouter/massrouter/identity"
)

// ContentType is the media type of problem documents.
const ContentType = "application/problem+json"

// typePrefix makes a code a URI; it names the problem and leads nowhere.
const typePrefix = "urn:massrouter:problem:"

// detailRetryAfter is after how many seconds a client may try again, where the error knows it.
const detailRetryAfter = "retry_after"

// Problem is the document.
type Problem struct {
	Type      string            `json:"type"`
	Title     string            `json:"title"`
	Status    int               `json:"status"`
	Code      domain.Code       `json:"code"`
	Detail    string            `json:"detail"`
	RequestID uuid.UUID         `json:"request_id"`
	Details   map[string]string `json:"details,omitempty"`
}

// Safe is what a caller may see of an error: a *domain.Error as it is, a deadline as a timeout, anything else as
// internal without its text.
func Safe(err error) *domain.Error {
	var e *domain.Error
	switch {
	case errors.As(err, &e) && e.Code != domain.CodeInternal && e.Code != domain.CodeUnbalanced:
		return e
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return domain.Errorf(CodeTimeout, "the request took too long; what it asked for may still have "+
			"happened. Ask again: with the same Idempotency-Key nothing is done twice").Wrap(err)
	default:
		return domain.Errorf(domain.CodeInternal, "something went wrong on our side").Wrap(err)
	}
}

// Write answers with the problem of an error; one of a database that is away is ledger_unavailable, whichever room it comes from. What callers may not see goes to the request's logger.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	safe := Safe(identity.Away(err))
	status := consoleStatus(safe.Code)
	trail.From(r.Context()).Fail(string(safe.Code))
	if status >= http.StatusInternalServerError && safe.Cause != nil && r.Context().Err() == nil {
		zerolog.Ctx(r.Context()).Error().Err(safe.Cause).Str("code", string(safe.Code)).Msg("request failed")
	}
	if told := safe.Details[detailRetryAfter]; told != "" {
		w.Header().Set("Retry-After", told)
	} else if seconds := RetryAfter(safe.Code); seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	body, err := json.Marshal(Problem{
		Type: typePrefix + string(safe.Code), Title: title(safe.Code), Status: status, Code: safe.Code,
		Detail: safe.Message, RequestID: request.ID(r.Context()), Details: safe.Details,
	})
	if err != nil {
		zerolog.Ctx(r.Context()).Error().Err(err).Msg("problem cannot be encoded")
		http.Error(w, http.StatusText(status), status)
		return
	}
	w.Header().Set("Content-Type", ContentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away needs no answer
}

// title is the code for people.
func title(code domain.Code) string {
	words := strings.ReplaceAll(string(code), "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}
