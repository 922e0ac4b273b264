package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/gateway/routing"
)

// using is an account at the vendor in use: one of the platform's, or the customer's.
type using struct {
	account *account     // nil before the vendor is called
	grant   *limit.Grant // of the account's limits; nil without any
	renewed bool         // its token, or the time of its signatures, was renewed for this attempt
}

// use takes one of the platform's keys for the next attempt, within its limits. A key that is at its limit is no attempt: nobody was called.
func (r *run) use(id string) *fault {
	r.using.grant.Done(0) // of the attempt before, which came to nothing
	r.using = using{account: r.route.target.account(id)}
	if r.using.account == nil {
		return &fault{err: domain.Errorf(CodeVendorUnavailable, "nobody serves this model now"), outcome: routing.Outcome{Result: routing.Declined}}
	}
	if r.g.o.Limits != nil && !r.using.account.Limits.None() {
		tokens := r.hold.PromptTokens + r.hold.CompletionTokens
		grant, err := r.g.o.Limits.Take(r.watch.ctx, tokens, r.using.account.Scope())
		if err != nil {
			return atLimit(err)
		}
		r.using.grant = grant
	}
	r.facts.Credential = id
	return nil
}

// never is longer than any call waits.
const never = 24 * time.Hour

// atLimit is the fault of a key that may not be used now. Callers are not told whose limit it is: it is none of theirs.
func atLimit(err error) *fault {
	f := &fault{outcome: routing.Outcome{Result: routing.RateLimited, Withheld: true}}
	var refusal *limit.Refusal
	if errors.As(err, &refusal) {
		f.outcome.Wait = refusal.Retry
	}
	f.err = overloaded(f.outcome.Wait, err)
	if refusal != nil && refusal.Never {
		f.outcome.Wait = never // the call is larger than what the key may use in a minute; another key may take it
	}
	return f
}

// report tells the operator of a key that its vendor does not take: it is set aside for a while.
func (r *run) report(f *fault) {
	switch f.outcome.Result {
	case routing.KeyRefused, routing.KeyNotAllowed, routing.QuotaExhausted:
		if r.route.own != nil {
			r.g.o.Logger.Info().Str("vendor", r.route.vendor.ID).Str("credential", r.facts.Credential).Str("result", string(f.outcome.Result)).
				Msg("a vendor does not take a key of a customer; it is set aside")
			return
		}
		r.g.o.Logger.Warn().Bool("alert", true).Str("vendor", r.route.vendor.ID).Str("credential", r.facts.Credential).
			Str("endpoint", r.route.endpoint.ID).Str("result", string(f.outcome.Result)).Err(f.err).Msg("a vendor does not take a key of ours; it is set aside")
	default:
	}
}

// signed signs a call, where the vendor wants that. The header may be shared by calls: it is copied.
func (r *run) signed(ctx context.Context, req *http.Request, body []byte) *fault {
	signer := r.using.account.signer
	if signer == nil {
		return nil
	}
	req.Header = req.Header.Clone()
	if err := signer.Sign(ctx, req, body); err != nil {
		return &fault{err: vendorFailed(err), outcome: routing.Outcome{Result: routing.Failed, Untouched: true}}
	}
	return nil
}

// late says whether a signature was perhaps refused for its time alone: once an attempt, and only if the vendor's clock is far from ours.
func (r *run) late(resp *http.Response) bool {
	signer := r.using.account.signer
	return signer != nil && !r.using.renewed && (resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusBadRequest) &&
		signer.Adjust(resp.Header.Get("Date"))
}

// authorised is the header of a call, with a token where the account has to get one.
func (r *run) authorised(ctx context.Context) (header http.Header, token string, f *fault) {
	a := r.using.account
	if a.tokens == nil {
		return a.header, "", nil
	}
	token, err := a.tokens.Token(ctx)
	if err != nil {
		err = fmt.Errorf("authorise a call to vendor %s: %w", r.route.vendor.ID, err)
		switch {
		case ctx.Err() != nil:
			return nil, "", &fault{err: endOf(ctx), outcome: routing.Outcome{Result: routing.GaveUp}}
		case errors.Is(err, credential.ErrRefused):
			return nil, "", &fault{err: r.keyRefused(err), outcome: routing.Outcome{Result: routing.KeyRefused}}
		}
		return nil, "", &fault{err: vendorFailed(err), outcome: routing.Outcome{Result: routing.Failed, Untouched: true}}
	}
	header = a.header.Clone()
	header["Authorization"] = []string{"Bearer " + token}
	return header, token, nil
}
