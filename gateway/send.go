package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

// maxFailure bounds the body of an answer that is an error, in bytes.
const maxFailure = 64 << 10

// post calls a vendor: the first one that takes the call. The answer has a status of success; its body is the caller's to close.
func (r *run) post(ctx context.Context) (*http.Response, *domain.Error) {
	for {
		resp, f := r.ask()
		if f == nil {
			return resp, nil
		}
		if !f.elsewhere || r.watch.ctx.Err() != nil || !r.moveOn(ctx, f.err) {
			return nil, f.err
		}
	}
}

// ask calls the vendor of the route: a few times, as long as it is safe.
func (r *run) ask() (*http.Response, *fault) {
	body, err := r.x.Request(make([]byte, 0, len(r.call.Body)+spliceRoom), chat.Options{
		Model: r.route.endpoint.UpstreamModel, CapField: r.route.vendor.MaxTokensField, MaxTokens: r.hold.CompletionTokens / r.req.Choices,
		DropUnsupported: r.call.DropUnsupported,
	})
	if err != nil {
		return nil, &fault{err: refusalOf(err), elsewhere: true}
	}
	ctx := r.watch.ctx
	for pause := r.g.o.Backoff; ; pause *= 2 {
		r.facts.Attempts++
		resp, f := r.attempt(ctx, body)
		if f == nil {
			return resp, nil
		}
		next := max(f.wait, jitter(pause))
		if !f.again || r.facts.Attempts >= r.g.o.Attempts || len(r.routes) > 0 || f.wait > r.g.o.RetryWait || next > r.watch.left() {
			return nil, f
		}
		if !wait(ctx, next) {
			return nil, &fault{err: endOf(ctx)}
		}
	}
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

func (r *run) attempt(ctx context.Context, body []byte) (*http.Response, *fault) {
	t := r.route.target
	address := t.address(r.route.endpoint.UpstreamModel, r.req.Stream)
	// The transport may read the body after it has answered, so that it is never used again.
	get := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	rc, _ := get()
	req := (&http.Request{
		Method: http.MethodPost, URL: address, Host: address.Host, Header: t.header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: rc, GetBody: get, ContentLength: int64(len(body)),
	}).WithContext(ctx)
	resp, err := r.g.o.Transport.RoundTrip(req) //nolint:bodyclose // success hands it on, failed closes it
	if err != nil {
		f := broken(ctx, fmt.Errorf("call vendor %s: %w", r.route.vendor.ID, err))
		return nil, &f
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp, nil
	}
	f := r.failed(ctx, resp)
	return nil, &f
}

// failed reads what an answer without success says.
func (r *run) failed(ctx context.Context, resp *http.Response) fault {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFailure))
	_ = resp.Body.Close() // nothing more is wanted from it
	if err != nil && ctx.Err() != nil {
		return fault{err: endOf(ctx)}
	}
	return r.answered(resp, r.x.Failure(body))
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

// jitter keeps calls that failed together from coming back together.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1) //nolint:gosec // no secret
}
