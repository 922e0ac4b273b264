package commands_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestTheReplayOfAPlacementIsItsFirstOutcome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.001", "0")
	w, k := b.customer(t, "5", apikey.Limits{})
	h := hold(w, k, 1000, 4000)
	first, err := b.place(t.Context(), h)
	require.NoError(t, err)
	again, err := b.place(t.Context(), h)
	require.NoError(t, err, "there is no money left, but none is needed")
	requireSameJSON(t, first, again)
	other := h
	other.CompletionTokens = 1
	_, err = b.place(t.Context(), other)
	requireCode(t, domain.CodeIdempotencyConflict, err)

	_, _, err = b.app.RevokeKey(t.Context(), meta(), commands.RevokeKey{KeyID: k, Reason: "leaked"})
	require.NoError(t, err)
	b.clock.step(time.Hour)
	again, err = b.place(t.Context(), h)
	require.NoError(t, err)
	requireSameJSON(t, first, again)
	require.Len(t, b.fold(t, w).Holds, 1)
}

func TestAHoldIsPlacedByTheCommandOfItsID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.001", "0")
	w, k := b.customer(t, "5", apikey.Limits{})
	_, _, err := b.app.PlaceHold(t.Context(), meta(), hold(w, k, 1, 1))
	requireCode(t, domain.CodeInvalid, err)
}

func TestARefusedHoldSaysWhatIsAffordable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0")
	w, k := b.customer(t, "5", apikey.Limits{})
	h := hold(w, k, 1000, 1000)
	_, err := b.place(t.Context(), h)
	refusal := refusalOf(t, domain.CodeInsufficientCredits, err)
	require.Equal(t, "11", refusal.Details["required"])
	require.Equal(t, "5", refusal.Details["available"])
	require.Equal(t, "400", refusal.Details["affordable_output_tokens"])
	require.Equal(t, "wallet", refusal.Details["limit"])

	h.Clamp, h.Choices = true, 3
	held, err := b.place(t.Context(), h)
	require.NoError(t, err)
	require.EqualValues(t, 399, held.CompletionTokens, "a multiple of the choices")
	requireAmount(t, "4.99", held.Amount)
	again := hold(w, k, 1000, 1000)
	again.Clamp = true
	_, err = b.place(t.Context(), again)
	requireCode(t, domain.CodeInsufficientCredits, err)
}

func TestAKeyAtItsCapIsToldSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0")
	limit := money.MustParse("2")
	w, k := b.customer(t, "50", apikey.Limits{Caps: wallet.Caps{Day: &limit}})
	h := hold(w, k, 1000, 50)
	_, err := b.place(t.Context(), h)
	require.NoError(t, err)
	_, err = b.place(t.Context(), hold(w, k, 1000, 50))
	refusal := refusalOf(t, domain.CodeKeyLimitExceeded, err)
	require.Equal(t, "key_day", refusal.Details["limit"])
	_, err = b.settle(t.Context(), h, usage.Usage{usage.Input: 1000, usage.Output: 50})
	require.NoError(t, err)
	b.clock.step(24 * time.Hour)
	_, err = b.place(t.Context(), hold(w, k, 1000, 50))
	require.NoError(t, err, "the next day is another window")
}

func TestWhatAHoldNeeds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.000001", "0.000002", "0")
	w, k := b.customer(t, "5", apikey.Limits{Models: []string{model}})
	other, _ := b.customer(t, "5", apikey.Limits{})
	for _, c := range []struct {
		name   string
		change func(*commands.PlaceHold)
		code   domain.Code
	}{
		{"a wallet", func(h *commands.PlaceHold) { h.WalletID = uuid.New() }, domain.CodeKeyNotFound},
		{"the key's own wallet", func(h *commands.PlaceHold) { h.WalletID = other }, domain.CodeKeyNotFound},
		{"a key", func(h *commands.PlaceHold) { h.KeyID = uuid.New() }, domain.CodeKeyNotFound},
		{"an allowed model", func(h *commands.PlaceHold) { h.Model = "acme/small" }, domain.CodeModelNotAllowed},
		{"an endpoint", func(h *commands.PlaceHold) { h.Endpoint = "acme/large@nobody" }, domain.CodeEndpointNotFound},
		{"bounds that are not negative", func(h *commands.PlaceHold) { h.PromptTokens = -1 }, domain.CodeInvalid},
		{"an expiry ahead", func(h *commands.PlaceHold) { h.TTL = 0 }, domain.CodeInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := hold(w, k, 10, 10)
			c.change(&h)
			_, err := b.place(context.Background(), h)
			requireCode(t, c.code, err)
		})
	}
}
