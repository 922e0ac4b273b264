package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/wallet"
)

// everything is the registry of all aggregates.
func everything(tb testing.TB) *domain.Registry {
	tb.Helper()
	registry, err := domain.NewRegistry(wallet.Events(), apikey.Events(), app.Events(), catalog.Events(), charge.Events())
	require.NoError(tb, err)
	return registry
}
