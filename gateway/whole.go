package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/meter"
)

// whole calls the vendor for an answer in one piece and hands it on once it is charged.
func (r *run) whole(ctx context.Context) error {
	body, failure := r.fetch(ctx)
	if failure != nil {
		return r.fail(ctx, failure)
	}
	step, err := r.x.Whole(body, &r.produced)
	switch {
	case err != nil:
		return r.fail(ctx, vendorFailed(fmt.Errorf("read the answer of vendor %s: %w", r.route.vendor.ID, err)))
	case step.Failure != nil:
		return r.fail(ctx, vendorFailed(fmt.Errorf("vendor %s answered 200 with an error (type %s, code %s)", r.route.vendor.ID,
			safe(step.Failure.Type, 60), safe(step.Failure.Code, 60))))
	}
	if step.ID != "" {
		r.facts.UpstreamID = safe(step.ID, 100)
	}
	r.caching.whole(body)
	e := ending{
		report: step.Report, final: true, finish: step.Finish, native: step.Native,
		text: func() *meter.Produced { return r.reread(body) },
	}
	r.pieces(ctx, &e.report)
	final, failure := r.conclude(ctx, &e, func(b *chat.Bill) []byte {
		return r.x.AppendWhole(make([]byte, 0, len(body)+answerRoom), b)
	})
	if failure != nil {
		return failure
	}
	r.out.whole(final)
	return nil
}

// fetch is the vendor's answer.
func (r *run) fetch(ctx context.Context) ([]byte, *domain.Error) {
	resp, failure := r.post(ctx)
	if failure != nil {
		return nil, failure
	}
	body, err := r.readAll(resp)
	_ = resp.Body.Close() // read to its end, or given up
	if form, ok := r.x.(exchange.Form); ok && err == nil && !form.Takes(resp.Header.Get("Content-Type")) {
		err = errOtherMedia
	}
	switch {
	case err != nil && r.watch.ctx.Err() != nil:
		return nil, endOf(r.watch.ctx) //nolint:contextcheck // it is the vendor call that ended, and why
	case err != nil:
		return nil, vendorFailed(fmt.Errorf("read the answer of vendor %s: %w", r.route.vendor.ID, err))
	}
	return body, nil
}

var (
	errTooLong    = errors.New("the answer is too long")
	errOtherMedia = errors.New("the answer is of another media type than what was asked for")
)

func (r *run) readAll(resp *http.Response) ([]byte, error) {
	most := r.g.o.MaxAnswer
	if resp.ContentLength > most {
		return nil, errTooLong
	}
	body := make([]byte, 0, max(resp.ContentLength+1, 512))
	for {
		n, err := resp.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, err
		case int64(len(body)) > most:
			return nil, errTooLong
		case len(body) == cap(body):
			body = append(body, 0)[:len(body)]
		}
	}
}

// reread collects the text of an answer for an estimate.
func (r *run) reread(body []byte) *meter.Produced {
	r.produced = meter.NewProduced(r.g.budget, r.g.o.KeepText)
	// It was read before.
	_, _ = r.x.Whole(body, &r.produced)
	return &r.produced
}
