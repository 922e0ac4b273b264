package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/openai"
)

// maxFailure bounds the body of an answer that is an error, in bytes.
const maxFailure = 64 << 10

// post calls the vendor: a few times, as long as it is safe. The answer has a status of success; its body is the caller's to
// close.
func (r *run) post() (*http.Response, *domain.Error) {
	body := r.req.Splice(make([]byte, 0, len(r.call.Body)+spliceRoom), openai.Upstream{
		Model: r.route.endpoint.UpstreamModel, CapField: r.capField(), Cap: r.hold.CompletionTokens / r.req.Choices,
	})
	ctx := r.watch.ctx
	for pause := r.g.o.Backoff; ; pause *= 2 {
		r.facts.Attempts++
		resp, f := r.attempt(ctx, body)
		if f == nil {
			return resp, nil
		}
		next := max(f.wait, jitter(pause))
		if !f.again || r.facts.Attempts >= r.g.o.Attempts || f.wait > r.g.o.RetryWait || next > r.watch.left() {
			return nil, f.err
		}
		if !wait(ctx, next) {
			return nil, endOf(ctx)
		}
	}
}

// spliceRoom is how much longer a body usually gets.
const spliceRoom = 256

func (r *run) capField() string {
	if r.route.vendor.MaxTokensField == openai.MaxCompletionTokens {
		return openai.MaxCompletionTokens
	}
	return openai.MaxTokens
}

func (r *run) attempt(ctx context.Context, body []byte) (*http.Response, *fault) {
	t := r.route.target
	// The transport may read the body after it has answered, so that it is never used again.
	get := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	rc, _ := get()
	req := (&http.Request{
		Method: http.MethodPost, URL: t.url, Host: t.url.Host, Header: t.header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
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
	return r.answered(resp, r.reader.Failure(body))
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
