package domain_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

func TestErrorCarriesItsCodeThroughWrapping(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection reset")
	err := fmt.Errorf("place hold: %w", domain.Errorf(domain.CodeUnavailable, "the ledger cannot answer").Wrap(cause))
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	require.ErrorIs(t, err, &domain.Error{Code: domain.CodeUnavailable})
	require.NotErrorIs(t, err, &domain.Error{Code: domain.CodeInternal})
	require.ErrorIs(t, err, cause)
	require.Equal(t, "place hold: ledger_unavailable: the ledger cannot answer: connection reset", err.Error())
	require.Equal(t, domain.CodeInternal, domain.CodeOf(cause))
	require.Empty(t, domain.CodeOf(nil))
}

func TestErrorDetailsAreCopied(t *testing.T) {
	t.Parallel()
	base := domain.Errorf(domain.CodeInvalid, "bad %s", "input")
	one := base.With("a", "1")
	two := one.With("b", "2")
	require.Empty(t, base.Details)
	require.Equal(t, map[string]string{"a": "1"}, one.Details)
	require.Equal(t, map[string]string{"a": "1", "b": "2"}, two.Details)
	require.Equal(t, "invalid_request: bad input", two.Error())
}
