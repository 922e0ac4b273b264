package organisation

import (
	"context"
	"net/http"

	"github.com/massrouter/massrouter/http/request"
)

// blamed names the parameter of a list that is refused.
func blamed(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, input any) (any, error) {
		answer, err := next(ctx, w, r, input)
		if err != nil && r.Method == http.MethodGet {
			return nil, request.BlameQuery(err, input)
		}
		return answer, err
	}
}

// chosen is the caller's value, or the zero value when it was left out.
func chosen[T any](value *T) T {
	if value == nil {
		var zero T
		return zero
	}
	return *value
}

// shown makes the items of an answer.
func shown[T, S any](all []T, show func(*T) S) []S {
	items := make([]S, len(all))
	for i := range all {
		items[i] = show(&all[i])
	}
	return items
}
