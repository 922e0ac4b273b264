// Package request has the identity of one HTTP request, which joins its answer, its log line and the events that it
// caused.
package request

import (
	"context"

	"github.com/google/uuid"
)

// Header carries the id in both directions.
const Header = "X-Request-Id"

type key struct{}

// With returns a context that carries the id.
func With(ctx context.Context, id uuid.UUID) context.Context {
	return context.WithValue(ctx, key{}, id)
}

// ID is the id of the request that the context belongs to, the nil UUID outside of one.
func ID(ctx context.Context) uuid.UUID {
	id, _ := ctx.Value(key{}).(uuid.UUID)
	return id
}
