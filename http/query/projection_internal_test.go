package query

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/runner"
)

// gone cannot say where anything stands.
type gone struct{}

func (gone) Status(context.Context) ([]runner.Status, error) {
	return nil, errors.New("connection refused")
}

func TestReadModelsThatCannotBeAskedAreUnavailable(t *testing.T) {
	t.Parallel()
	_, err := New(Views{Projections: gone{}}).ListProjections(t.Context(), ListProjectionsRequestObject{})
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = New(Views{Projections: gone{}}).ListProjections(ctx, ListProjectionsRequestObject{})
	require.ErrorIs(t, err, context.Canceled)
}
