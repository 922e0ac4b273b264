package http_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestAGenerationNamesItsPreset(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w := b.wallet("10")
	k, secret := b.key(w, map[string]any{"name": "first"})
	preset := uuid.New()
	for _, call := range []wallet.Call{{Attempts: 1}, {Attempts: 1, PresetID: preset, PresetVersion: 2}} {
		hold := b.hold(idOf(t, w), idOf(t, k))
		_, _, err := b.app.SettleHold(t.Context(), commands.Meta{CommandID: domain.DeriveID(hold, "settle"), Actor: "system:test"}, commands.SettleHold{
			HoldID: hold, WalletID: idOf(t, w), Endpoint: endpointID, Provenance: usage.Reported, Usage: usage.Usage{usage.Input: 10, usage.Output: 3}, Call: call,
		})
		require.NoError(t, err)
		shown := b.asOpenRouter("/api/v1/generation?id="+domain.GenerationID(hold), bearer(secret)).is(200)
		if call.PresetID == uuid.Nil {
			require.JSONEq(t, "null", string(shown.at("data", "preset_id")))
			continue
		}
		require.Equal(t, preset.String(), shown.text("data", "preset_id"))
	}
}
