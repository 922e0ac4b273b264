package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/bedrock"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/routing"
)

// maxFailure bounds the body of an answer that is an error, in bytes.
const maxFailure = 64 << 10

// post calls a vendor: the first one of the plan that takes the call. The answer has a status of success; its body is the caller's to
// close.
func (r *run) post(ctx context.Context) (*http.Response, *domain.Error) {
	failure := domain.Errorf(CodeVendorUnavailable, "nobody serves this model now")
	for {
		step, stop := r.attempts.Next(r.g.o.Now())
		switch {
		case stop != routing.GoOn:
			return nil, failure
		case step.Pause > 0 && step.Pause > r.watch.left():
			return nil, failure
		case step.Pause > 0 && !wait(r.watch.ctx, step.Pause): //nolint:contextcheck // the vendor call has a context of its own
			return nil, endOf(r.watch.ctx) //nolint:contextcheck // it is the vendor call that ended, and why
		}
		f := r.moved(ctx, step.Option.Index, failure)
		if f == nil {
			if f = r.use(step.Credential); f == nil {
				var resp *http.Response
				if resp, f = r.ask(); f == nil {
					r.explain()
					return resp, nil
				}
				r.report(f)
			}
			failure = f.err
		}
		f.outcome.FirstByte = r.out.hasBegun()
		r.attempts.Ended(f.outcome, r.g.o.Now())
		if r.watch.ctx.Err() != nil {
			return nil, endOf(r.watch.ctx) //nolint:contextcheck // it is the vendor call that ended, and why
		}
	}
}

// explain tells the caller who serves the call, and why, if it is not too late for that.
func (r *run) explain() {
	if !r.call.Explain {
		return
	}
	explanation, err := json.Marshal(r.attempts.Explanation())
	if err != nil {
		r.g.o.Logger.Error().Err(err).Str("generation", r.name).Msg("the routing of a call cannot be told")
		return
	}
	r.out.routed(explanation)
}

// moved sees to it that the hold is placed for an offer.
func (r *run) moved(ctx context.Context, offer int, failure *domain.Error) *fault {
	if offer == r.at && r.hold.placed || r.moveTo(ctx, offer, failure) {
		return nil
	}
	return &fault{err: failure, outcome: routing.Outcome{Result: routing.Declined}} // the wallet, mostly: no fault of the endpoint
}

// ask calls the vendor of the route once.
func (r *run) ask() (*http.Response, *fault) {
	o := chat.Options{
		Model: r.route.endpoint.UpstreamModel, CapField: r.route.vendor.MaxTokensField, MaxTokens: r.hold.CompletionTokens / r.req.Choices,
		DropUnsupported: r.call.DropUnsupported,
	}
	if w := r.route.vendor.Wire; w != nil {
		o.BodyVersion, o.NoStreamUsage = w.BodyVersion, w.NoStreamUsage
	}
	if err := r.inline(r.watch.ctx); err != nil {
		return nil, &fault{err: refusalOf(err), outcome: routing.Outcome{Result: routing.Declined}} // another vendor may fetch it
	}
	sound := r.req.Operation == exchange.Speech || r.req.Operation == exchange.Transcription
	o.CountsTokens = sound && r.countsTokens(r.watch.ctx)
	body, err := r.x.Request(make([]byte, 0, len(r.call.Body)+spliceRoom), o)
	if err != nil {
		return nil, &fault{err: refusalOf(err), outcome: routing.Outcome{Result: routing.Declined}} // another dialect may be able to say it
	}
	r.facts.Attempts++
	return r.attempt(r.watch.ctx, body)
}

// spliceRoom is how much longer a body usually gets.
const spliceRoom = 256

// answerRoom is the same for answers: usage and cost.
const answerRoom = 1 << 10

// refusalOf is an error of a dialect as a refusal.
func refusalOf(err error) *domain.Error {
	var e *domain.Error
	if errors.As(err, &e) {
		return e
	}
	return domain.Errorf(domain.CodeInternal, "the request could not be written for the vendor of this model").Wrap(err)
}

// attempt sends the body. A vendor that does not take a token that has served before gets it once more with a new one; one that does not take a
// signature while its clock is far from ours, with a signature by its clock.
func (r *run) attempt(ctx context.Context, body []byte) (*http.Response, *fault) {
	for {
		begun := r.g.o.Now()
		header, token, f := r.authorised(ctx)
		if f != nil {
			return nil, f
		}
		req := r.request(ctx, header, body)
		if f = r.signed(ctx, req, body); f != nil {
			return nil, f
		}
		resp, err := r.g.o.Transport.RoundTrip(req) //nolint:bodyclose // success hands it on, failed closes it
		if err != nil {
			f := broken(ctx, fmt.Errorf("call vendor %s: %w", r.route.vendor.ID, err))
			return nil, &f
		}
		switch {
		case resp.StatusCode >= 200 && resp.StatusCode <= 299:
			r.facts.UpstreamID = safe(resp.Header.Get(bedrock.RequestID), 100) // where the answer itself has none
			return resp, nil
		case r.late(resp):
			r.using.renewed = true
			_ = resp.Body.Close() // nothing more is wanted from it
			continue
		case resp.StatusCode == http.StatusUnauthorized && token != "" && r.using.account.tokens.Drop(token, begun) && !r.using.renewed:
			r.using.renewed = true
			_ = resp.Body.Close() // nothing more is wanted from it
			continue
		}
		answered := r.failed(ctx, resp)
		return nil, &answered
	}
}

// request is the call to the vendor as HTTP. The transport may read the body after it has answered, so that it is never used again.
func (r *run) request(ctx context.Context, header http.Header, body []byte) *http.Request {
	t := r.route.target
	address := r.using.account.with(t.at(r.route.endpoint.UpstreamModel, r.req.Ask(t.dialect)))
	get := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	rc, _ := get()
	if form, ok := r.x.(exchange.Form); ok {
		header = header.Clone() // it is shared by calls
		header["Content-Type"] = []string{form.ContentType()}
	}
	return (&http.Request{
		Method: http.MethodPost, URL: address, Host: address.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: rc, GetBody: get, ContentLength: int64(len(body)),
	}).WithContext(ctx)
}

// failed reads what an answer without success says.
func (r *run) failed(ctx context.Context, resp *http.Response) fault {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFailure))
	_ = resp.Body.Close() // nothing more is wanted from it
	if err != nil && ctx.Err() != nil {
		return fault{err: endOf(ctx), outcome: routing.Outcome{Result: routing.GaveUp}}
	}
	return r.answered(resp, bedrock.Classify(resp.Header, r.x.Failure(body)))
}

// wait waits; false when the context ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
