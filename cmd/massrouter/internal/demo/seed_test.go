package demo_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/demo"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
)

func setup(t *testing.T) (*commands.App, eventstore.Store, demo.Data) {
	t.Helper()
	store := memory.New(memory.Options{})
	app, err := commands.New(store, commands.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	key := uuid.New()
	return app, store, demo.Data{
		ID: uuid.New(), WalletID: uuid.New(), KeyID: key, Secret: apikey.Secret(key, [32]byte{1}), VendorURL: "http://127.0.0.1:1/v1",
	}
}

func head(t *testing.T, store eventstore.Store) int64 {
	t.Helper()
	h, err := store.Head(t.Context())
	require.NoError(t, err)
	return h.Position
}

func TestSeedingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	app, store, data := setup(t)
	position, err := demo.Seed(t.Context(), app, data)
	require.NoError(t, err)
	require.EqualValues(t, 4+7*3+3, position)
	require.Equal(t, position, head(t, store))

	again, err := demo.Seed(t.Context(), app, data)
	require.NoError(t, err)
	require.Equal(t, position, again)
	require.Equal(t, position, head(t, store))
}

func TestMovedVendorIsPublishedAnew(t *testing.T) {
	t.Parallel()
	app, store, data := setup(t)
	first, err := demo.Seed(t.Context(), app, data)
	require.NoError(t, err)
	for edition, address := range []string{"http://127.0.0.1:2/v1", "http://127.0.0.1:1/v1"} {
		data.VendorURL, data.Edition = address, edition+1
		position, err := demo.Seed(t.Context(), app, data)
		require.NoError(t, err)
		require.Equal(t, first+4*int64(edition+1), position, "back to the first address is a change as well")
		events, err := store.Read(t.Context(), position-1, 1)
		require.NoError(t, err)
		require.Contains(t, string(events[0].Body), strings.TrimSuffix(address, "/v1"))
	}
}

func TestSecretStaysOutOfTheLog(t *testing.T) {
	t.Parallel()
	app, store, data := setup(t)
	_, err := demo.Seed(t.Context(), app, data)
	require.NoError(t, err)
	events, err := store.Read(t.Context(), 0, 100)
	require.NoError(t, err)
	for _, e := range events {
		require.NotContains(t, string(e.Body), data.Secret)
	}
}
