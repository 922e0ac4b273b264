// Package limit bounds how fast calls come: requests and tokens a minute, and calls at the same time, for whatever has a name: an API
// key, a user, an organisation, a key of ours at a vendor. All processes count together in Redis, by Redis' clock.
//
//	limiter.go  Take; ask.go its round trip, shared by the calls of a moment; grant.go its end
//	bucket.go   the arithmetic; take.lua, done.lua the same inside Redis
//	keep.go     what goes on beside the calls: leases, corrections, the look at whether Redis is back
//	local.go    what is done without Redis
//
// Rates are metered by the generic cell rate algorithm in its leaky bucket form (ITU-T I.371, annex A; the same as a theoretical
// arrival time): what was taken flows off evenly, a minute's worth in a minute, and a call is let through when what it needs fits
// above what has not flowed off yet. So after a pause a whole minute's worth may come at once, and in any time w no more than
// limit × (1 + w / 1 min) requests are let through. Numbers are whole: milliseconds, and 1/60,000 of a request or token.
//
// A call takes the most tokens that it can use, and gives back what it did not use when it ends: over any time since the meter was
// empty no more is used than what flowed off plus one minute's worth. What is given back when the meter is empty already is lost.
//
// A call under way holds a lease, which its process renews. A process that dies holds it for a lease's length (30 s) at most.
//
// Without Redis, or while it does not answer within the budget, each process decides by itself about its share: the limit divided by
// the number of processes that were alive last, at least 1. What Redis had counted is not known then, nor is what was shared out
// counted when Redis is back: each of the two changes can let one more minute's worth through. Leases of calls under way are told to
// Redis when it is back. Keys that Redis lost or evicted begin at nothing; all keys of a call have to be on one server, so Redis Cluster
// is not served. Money does not depend on any of this: wallets are decided by the ledger.
package limit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/massrouter/massrouter/domain"
)

// Limits of one scope; zero is no limit. Values above the bounds mean the bounds.
type Limits struct {
	Requests int64 // a minute; at most MaxPerMinute
	Tokens   int64 // a minute; at most MaxPerMinute
	Parallel int64 // at the same time; at most MaxParallel
}

// Bounds of Limits.
const (
	MaxPerMinute = 1_000_000_000
	MaxParallel  = 100_000
)

// None says whether nothing is limited.
func (l Limits) None() bool { return l.Requests <= 0 && l.Tokens <= 0 && l.Parallel <= 0 }

// bounded is the limits within their bounds.
func (l Limits) bounded() Limits {
	return Limits{
		Requests: min(max(l.Requests, 0), MaxPerMinute), Tokens: min(max(l.Tokens, 0), MaxPerMinute), Parallel: min(max(l.Parallel, 0), MaxParallel),
	}
}

// Scope is what has limits of its own.
type Scope struct {
	Kind   string // such as key, user, organisation, vendor_key: a word of ours; callers see it
	ID     string // within the kind; callers do not see it
	Limits Limits
}

const longestName = 100 // bytes

// name is short, whatever the id is.
func (s *Scope) name() string {
	name := s.Kind + ":" + s.ID
	if len(name) <= longestName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// By is one of the limits.
type By string

// The limits, as callers see them.
const (
	ByRequests By = "requests_per_minute"
	ByTokens   By = "tokens_per_minute" //nolint:gosec // tokens of a model, no secret
	ByParallel By = "parallel"
)

// byNumber is a limit as the scripts number it.
func byNumber(n int64) By {
	switch n {
	case 1:
		return ByRequests
	case 2:
		return ByTokens
	}
	return ByParallel
}

// of is the limit's value.
func (b By) of(l Limits) int64 {
	switch b {
	case ByRequests:
		return l.Requests
	case ByTokens:
		return l.Tokens
	case ByParallel:
		return l.Parallel
	}
	return 0
}

// The details of a refusal's *domain.Error, beside retry_after in whole seconds.
const (
	DetailBy        = "limited_by"     // a By
	DetailScope     = "scope"          // the scope's kind
	DetailLimit     = "limit"          // the limit's value; of a share, when it was decided without Redis
	DetailRemaining = "remaining"      // what is left of it now
	DetailReset     = "reset"          // when all of it is free again if nothing comes: Unix time in milliseconds
	DetailRetry     = "retry_after"    // seconds; missing when waiting does not help
	DetailRetryMS   = "retry_after_ms" // the same in milliseconds
)

// Refusal is why a call was not let through. It is the cause of the *domain.Error, so errors.As finds it.
type Refusal struct {
	Scope     Scope
	By        By
	Limit     int64
	Remaining int64
	Reset     time.Duration // until all of the limit is free
	Retry     time.Duration // until the call would be let through if no others come; an estimate for ByParallel
	Never     bool          // the call needs more than the whole limit
	Local     bool          // decided without Redis
}

// Error is for logs.
func (r *Refusal) Error() string {
	return fmt.Sprintf("limit %s of %s %s is %d", r.By, r.Scope.Kind, r.Scope.ID, r.Limit)
}

// refused is what callers are told.
func refused(r *Refusal, tokens int64, now time.Time) error {
	e := &domain.Error{Code: domain.CodeRateLimited, Cause: r, Details: map[string]string{
		DetailBy: string(r.By), DetailScope: r.Scope.Kind, DetailLimit: strconv.FormatInt(r.Limit, 10),
		DetailRemaining: strconv.FormatInt(r.Remaining, 10), DetailReset: strconv.FormatInt(now.Add(r.Reset).UnixMilli(), 10),
	}}
	switch {
	case r.Never:
		e.Message = fmt.Sprintf("this call may use %d tokens, and the limit is %d a minute: lower its output cap or shorten its prompt", tokens, r.Limit)
		return e
	case r.By == ByParallel:
		e.Message = fmt.Sprintf("the limit of %d calls at the same time is reached", r.Limit)
	case r.By == ByTokens:
		e.Message = fmt.Sprintf("the limit of %d tokens a minute is reached: this call may use %d, and %d are left", r.Limit, tokens, r.Remaining)
	default:
		e.Message = fmt.Sprintf("the limit of %d requests a minute is reached", r.Limit)
	}
	e.Details[DetailRetry] = strconv.FormatInt(int64((r.Retry+time.Second-1)/time.Second), 10)
	e.Details[DetailRetryMS] = strconv.FormatInt(r.Retry.Milliseconds(), 10)
	return e
}
