package commands_test

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/ledgertest"
)

// TestCommandsOfPeopleAreNoted tells a story: each change that is not of a call has one entry, with its events; refusals and repetitions have none.
func TestCommandsOfPeopleAreNoted(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var bodies []trail.Body
	var full bool
	clock := ledgertest.NewClock()
	store := memory.New(memory.Options{Clock: clock.Now, OnNotes: func(notes []eventstore.Note) error {
		mu.Lock()
		defer mu.Unlock()
		if full {
			return errors.New("no room for entries")
		}
		for _, n := range notes {
			var b trail.Body
			if err := json.Unmarshal(n.Body, &b); err != nil {
				return err
			}
			bodies = append(bodies, b)
		}
		return nil
	}})
	ledger := ledgertest.New(t, store, clock)
	rich := ledger.Tell(t.Context()).Rich.Wallet
	mu.Lock()
	told := slices.Clone(bodies)
	mu.Unlock()
	require.NotEmpty(t, told)
	events, err := store.Read(t.Context(), 0, 100_000)
	require.NoError(t, err)
	for _, b := range told {
		require.Equal(t, trail.Done, b.Result)
		require.NotEmpty(t, b.Events)
		last := events[b.Position-1]
		require.Equal(t, b.Command, last.CommandID)
		require.Contains(t, b.Events, last.Type)
		for _, calls := range []string{"place_hold", "settle_hold", "expire_hold"} {
			require.NotEqual(t, calls, b.Action)
		}
	}

	scope := trail.NewScope(trail.Who{Actor: "user:ann", Role: "platform:finance", Operation: "TopUpWallet", Request: uuid.New()})
	ctx := trail.With(t.Context(), scope)
	id := uuid.New()
	meta := commands.Meta{CommandID: id, Actor: "user:ann", CorrelationID: scope.Who().Request, CausationID: id}
	topUp := commands.TopUp{WalletID: rich, Amount: money.MustParse("1"), Currency: money.USD, PSP: "operator", Reason: "invoice 7"}
	_, receipt, err := ledger.App.TopUp(ctx, meta, topUp)
	require.NoError(t, err)
	require.True(t, scope.Noted(trail.Done))
	mu.Lock()
	require.Len(t, bodies, len(told)+1)
	require.Equal(t, trail.Body{
		Actor: "user:ann", Role: "platform:finance", Action: "TopUpWallet", Target: trail.Of("wallet", rich), Result: trail.Done, Reason: "invoice 7",
		Wallet: rich, Request: scope.Who().Request, Command: id, Position: receipt.Position, Events: []string{"wallet.topped_up.v1"},
	}, bodies[len(told)])
	mu.Unlock()

	again := trail.NewScope(trail.Who{})
	_, _, err = ledger.App.TopUp(trail.With(t.Context(), again), meta, topUp)
	require.NoError(t, err)
	require.False(t, again.Noted(trail.Done), "it was done before")
	meta.CommandID, topUp.WalletID = uuid.New(), uuid.New()
	_, _, err = ledger.App.TopUp(trail.With(t.Context(), again), meta, topUp)
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
	require.False(t, again.Noted(trail.Done))

	head, err := store.Head(t.Context())
	require.NoError(t, err)
	mu.Lock()
	full = true
	mu.Unlock()
	meta.CommandID, topUp.WalletID = uuid.New(), rich
	_, _, err = ledger.App.TopUp(t.Context(), meta, topUp)
	require.Equal(t, domain.CodeInternal, domain.CodeOf(err))
	after, err := store.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, head.Position, after.Position, "no change without its entry")
	mu.Lock()
	require.Len(t, bodies, len(told)+1)
	mu.Unlock()
}
