package contract

import (
	"context"
	"net/http"

	"github.com/massrouter/massrouter/http/request"
)

type exchangeKey struct{}

// Exchange is a request that is being answered.
type Exchange struct {
	W http.ResponseWriter
	R *http.Request
}

// Exchanged is Query, and keeps the request for the handlers, which get its parts only.
func Exchanged[H Handler](next H, _ string) H {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, input any) (any, error) {
		if err := request.CheckQuery(r, input); err != nil {
			return nil, err
		}
		return next(WithExchange(ctx, w, r), w, r, input)
	}
}

// WithExchange keeps the request of an operation that is answered without a generated server.
func WithExchange(ctx context.Context, w http.ResponseWriter, r *http.Request) context.Context {
	return context.WithValue(ctx, exchangeKey{}, Exchange{w, r})
}

// Of is the request that is being answered, below Exchanged and WithExchange.
func Of(ctx context.Context) Exchange {
	x, _ := ctx.Value(exchangeKey{}).(Exchange)
	return x
}
