package commands_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// TestAppendJSONEqualsMarshal: the hand-written encodings are json.Marshal's, byte for byte, whatever is in the value.
func TestAppendJSONEqualsMarshal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, v := range []interface {
			AppendJSON(dst []byte) ([]byte, error)
		}{
			drawPlace(t), drawExtend(t), drawSettle(t), drawRelease(t),
			drawHeld(t),
			commands.Extended{ExpiresAt: drawTime(t)},
			drawCharged(t), drawBalance(t),
		} {
			want, wantErr := json.Marshal(v)
			got, err := v.AppendJSON([]byte("name"))
			require.Equal(t, wantErr == nil, err == nil, "%T: %v / %v", v, wantErr, err)
			if err == nil {
				require.Equal(t, "name"+string(want), string(got), "%T", v)
			}
		}
	})
}

func drawPlace(t *rapid.T) commands.PlaceHold {
	return commands.PlaceHold{
		HoldID: drawID(t), WalletID: drawID(t), KeyID: drawID(t), Model: drawText(t), Endpoint: drawText(t),
		PromptTokens: drawInt(t), CompletionTokens: drawInt(t), Choices: drawInt(t), Clamp: rapid.Bool().Draw(t, "clamp"),
		TTL: time.Duration(drawInt(t)), Extra: drawUsage(t), ServiceTier: drawText(t), OwnKey: drawOwnKey(t),
	}
}

func drawOwnKey(t *rapid.T) *wallet.OwnKey {
	if rapid.Bool().Draw(t, "platform's") {
		return nil
	}
	rate := rapid.SampledFrom([]string{"0", "0.05", "0.000000000001", "1"}).Draw(t, "rate")
	return &wallet.OwnKey{ID: drawID(t), Rate: money.MustPrice(rate)}
}

func drawUsage(t *rapid.T) usage.Usage {
	return rapid.OneOf(rapid.Just(usage.Usage(nil)), rapid.Custom(func(t *rapid.T) usage.Usage {
		return rapid.MapOf(rapid.SampledFrom(usage.Classes()), rapid.Int64()).Draw(t, "classes")
	})).Draw(t, "usage")
}

func drawExtend(t *rapid.T) commands.ExtendHold {
	return commands.ExtendHold{HoldID: drawID(t), WalletID: drawID(t), TTL: time.Duration(drawInt(t))}
}

func drawSettle(t *rapid.T) commands.SettleHold {
	class := rapid.OneOf(rapid.SampledFrom(usage.Classes()), rapid.Map(rapid.String(), func(s string) usage.Class { return usage.Class(s) }))
	used := usage.Usage(rapid.MapOf(class, rapid.Int64()).Draw(t, "usage"))
	if rapid.Bool().Draw(t, "nil") {
		used = nil
	}
	return commands.SettleHold{
		HoldID: drawID(t), WalletID: drawID(t), Endpoint: drawText(t), Usage: used, Provenance: usage.Provenance(drawText(t)),
		Call: drawCall(t), ServiceTier: drawText(t),
	}
}

func drawRelease(t *rapid.T) commands.ReleaseHold {
	return commands.ReleaseHold{HoldID: drawID(t), WalletID: drawID(t), Reason: drawText(t), Call: drawCall(t), Endpoint: drawText(t), ServiceTier: drawText(t), Usage: drawUsage(t)}
}

func drawHeld(t *rapid.T) commands.Held {
	return commands.Held{
		Amount: drawAmount(t), PromptTokens: drawInt(t), CompletionTokens: drawInt(t), PriceVersion: drawID(t),
		PlacedAt: drawTime(t), ExpiresAt: drawTime(t), Available: drawAmount(t),
	}
}

func drawCharged(t *rapid.T) commands.Charged {
	return commands.Charged{
		Charge: drawAmount(t), Debited: drawAmount(t), Uncollectible: drawAmount(t), PromptCost: drawAmount(t),
		CompletionCost: drawAmount(t), VendorCost: drawAmount(t), Posted: drawAmount(t), Held: drawAmount(t),
	}
}

func drawBalance(t *rapid.T) commands.Balance {
	return commands.Balance{Posted: drawAmount(t), Held: drawAmount(t), Available: drawAmount(t)}
}

func drawCall(t *rapid.T) wallet.Call {
	return wallet.Call{
		Streamed: rapid.Bool().Draw(t, "b"), Cancelled: rapid.Bool().Draw(t, "b"), FinishReason: drawText(t), UpstreamID: drawText(t),
		Attempts: int(drawInt(t)), Error: drawText(t), StartedAt: drawTime(t), DurationMS: drawInt(t),
	}
}

func drawID(t *rapid.T) (id uuid.UUID) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	return id
}

func drawInt(t *rapid.T) int64 {
	return rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1})).Draw(t, "n")
}

func drawText(t *rapid.T) string {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z/@-]{0,20}`), rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", "<&>", "\u2028", "\"\\", "\x7f", "é"}),
	).Draw(t, "text")
}

// drawAmount gives amounts of which one in forty has no JSON form.
func drawAmount(t *rapid.T) money.Amount {
	switch rapid.IntRange(0, 39).Draw(t, "kind") {
	case 0:
		return money.Largest().Add(money.Largest())
	case 1, 2, 3, 4, 5, 6:
		return money.Zero()
	}
	return money.MustParse(rapid.StringMatching(`-?[0-9]{1,18}(\.[0-9]{1,12})?`).Draw(t, "amount"))
}

// drawTime gives times of which some have no JSON form.
func drawTime(t *rapid.T) time.Time {
	if rapid.IntRange(0, 4).Draw(t, "zero") == 0 {
		return time.Time{}
	}
	zone := time.FixedZone("", rapid.IntRange(-15*3600, 15*3600).Draw(t, "zone"))
	return time.UnixMicro(rapid.Int64Range(-1e17, 1e18).Draw(t, "time")).In(zone)
}
