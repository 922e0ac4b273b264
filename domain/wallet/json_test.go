package wallet_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// TestAppendJSONEqualsMarshal: the hand-written encodings are json.Marshal's, byte for byte, whatever is in the event.
func TestAppendJSONEqualsMarshal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, e := range []wallet.Event{drawPlaced(t), drawCharged(t), drawReleased(t)} {
			want, wantErr := json.Marshal(e)
			got, err := domain.Encode(e)
			require.Equal(t, wantErr == nil, err == nil, "%v / %v", wantErr, err)
			if err == nil {
				require.Equal(t, string(want), string(got))
			}
		}
	})
}

func drawPlaced(t *rapid.T) wallet.HoldPlaced {
	extra := rapid.MapOf(rapid.SampledFrom(usage.Classes()), rapid.Int64()).Draw(t, "extra")
	if len(extra) == 0 {
		extra = nil
	}
	return wallet.HoldPlaced{
		OwnKey: drawOwnKey(t),
		Extra:  extra, ServiceTier: rapid.SampledFrom([]string{"", "flex"}).Draw(t, "tier"), HoldID: drawID(t), KeyID: drawID(t), Model: drawText(t), Endpoint: drawText(t), PriceVersion: drawID(t),
		PromptTokens: rapid.Int64().Draw(t, "n"), CompletionTokens: rapid.Int64().Draw(t, "n"), Amount: drawAmount(t),
		ExpiresAt: drawTime(t), Currency: money.Currency(drawText(t)), Balances: drawBalances(t), Entry: drawEntry(t),
	}
}

func drawOwnKey(t *rapid.T) *wallet.OwnKey {
	if rapid.Bool().Draw(t, "platform's") {
		return nil
	}
	rate := rapid.SampledFrom([]string{"0", "0.05", "0.000000000001", "1"}).Draw(t, "rate")
	return &wallet.OwnKey{ID: drawID(t), Rate: money.MustPrice(rate)}
}

func drawCharged(t *rapid.T) wallet.UsageCharged {
	return wallet.UsageCharged{
		ServiceTier: rapid.SampledFrom([]string{"", "flex"}).Draw(t, "tier"),
		HoldID:      drawID(t), KeyID: drawID(t), Model: drawText(t), Endpoint: drawText(t), Vendor: drawText(t), PriceVersion: drawID(t),
		Usage:      rapid.MapOf(rapid.SampledFrom(usage.Classes()), rapid.Int64()).Draw(t, "usage"),
		Provenance: usage.Provenance(drawText(t)), Charge: drawAmount(t), Uncollectible: drawAmount(t), VendorCost: drawAmount(t),
		HeldBefore: drawAmount(t), Late: rapid.Bool().Draw(t, "late"), Call: drawCall(t), Currency: money.USD,
		Balances: drawBalances(t), Entry: drawEntry(t), LineItems: rapid.SliceOf(rapid.Custom(drawLine)).Draw(t, "lines"),
	}
}

func drawReleased(t *rapid.T) wallet.HoldReleased {
	e := wallet.HoldReleased{
		HoldID: drawID(t), KeyID: drawID(t), Model: drawText(t), Endpoint: drawText(t), Amount: drawAmount(t), Reason: drawText(t),
		Call: drawCall(t), Currency: money.USD, Balances: drawBalances(t), Entry: drawEntry(t),
	}
	if rapid.Bool().Draw(t, "borne") {
		e.Vendor, e.ServiceTier, e.VendorCost = drawText(t), drawText(t), drawAmount(t)
		e.Usage = rapid.MapOfN(rapid.SampledFrom(usage.Classes()), rapid.Int64(), 1, 5).Draw(t, "usage")
	}
	return e
}

func drawCall(t *rapid.T) wallet.Call {
	n := rapid.SampledFrom([]int64{0, 0, 1, 250, -7})
	return wallet.Call{
		OwnKey: drawOwnKey(t), UpstreamCost: drawAmount(t),
		Streamed: rapid.Bool().Draw(t, "b"), Cancelled: rapid.Bool().Draw(t, "b"), FinishReason: drawText(t), NativeFinishReason: drawText(t),
		UpstreamID: drawText(t), Credential: drawText(t), Attempts: int(n.Draw(t, "n")), Error: drawText(t), ServiceTier: drawText(t), Suspect: rapid.Bool().Draw(t, "b"),
		StartedAt: drawTime(t), FirstTokenMS: n.Draw(t, "n"), DurationMS: n.Draw(t, "n"),
		PresetID: rapid.SampledFrom([]uuid.UUID{uuid.Nil, drawID(t)}).Draw(t, "preset"), PresetVersion: n.Draw(t, "n"),
	}
}

func drawLine(t *rapid.T) usage.LineItem {
	return line(rapid.SampledFrom(usage.Classes()).Draw(t, "class"), rapid.Int64Range(0, 1e6).Draw(t, "n"), money.MustPrice("0.00000125"))
}

func drawBalances(t *rapid.T) wallet.Balances {
	return wallet.Balances{Posted: drawAmount(t), Held: drawAmount(t)}
}

func drawEntry(t *rapid.T) money.Entry {
	if rapid.IntRange(0, 3).Draw(t, "nil") == 0 {
		return nil
	}
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) money.Leg {
		return money.Leg{Account: money.Account(drawText(t)), Amount: drawAmount(t)}
	})).Draw(t, "entry")
}

func drawID(t *rapid.T) (id uuid.UUID) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	return id
}

func drawText(t *rapid.T) string {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z/@-]{0,20}`), rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", "<&>", "\u2028", "\"\\", "\x7f", "é"}),
	).Draw(t, "text")
}

func drawAmount(t *rapid.T) money.Amount {
	a := money.MustParse(rapid.StringMatching(`-?[0-9]{1,18}(\.[0-9]{1,12})?`).Draw(t, "amount"))
	if rapid.IntRange(0, 9).Draw(t, "zero") == 0 {
		return money.Zero()
	}
	return a
}

func drawTime(t *rapid.T) time.Time {
	if rapid.IntRange(0, 4).Draw(t, "zero") == 0 {
		return time.Time{}
	}
	zone := time.FixedZone("", rapid.IntRange(-15*3600, 15*3600).Draw(t, "zone"))
	return time.UnixMicro(rapid.Int64Range(-1e17, 1e18).Draw(t, "time")).In(zone)
}

// reader is an event that can read its own stored form.
type reader interface{ ReadJSON(body []byte) bool }

// TestReadJSONEqualsUnmarshal: what the hand-written decoders understand has the meaning that encoding/json gives it.
func TestReadJSONEqualsUnmarshal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, row := range []struct {
			event      wallet.Event
			fast, slow reader
		}{
			{drawPlaced(t), &wallet.HoldPlaced{}, &wallet.HoldPlaced{}},
			{drawCharged(t), &wallet.UsageCharged{}, &wallet.UsageCharged{}},
			{drawReleased(t), &wallet.HoldReleased{}, &wallet.HoldReleased{}},
		} {
			body, err := domain.Encode(row.event)
			if err != nil {
				continue
			}
			if rapid.Bool().Draw(t, "damaged") {
				at := rapid.IntRange(0, len(body)-1).Draw(t, "at")
				body[at] = rapid.SampledFrom([]byte(`"{}[],:0aZ .-\\`)).Draw(t, "byte")
			}
			if !row.fast.ReadJSON(body) {
				continue
			}
			require.NoError(t, json.Unmarshal(body, row.slow))
			want, err := json.Marshal(row.slow)
			require.NoError(t, err)
			got, err := json.Marshal(row.fast)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		}
	})
}

// TestReadJSONUnderstandsEverydayEvents: the fast way is the usual one.
func TestReadJSONUnderstandsEverydayEvents(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	placed, err := k.place(holdA, "4")
	k.apply(placed, err)
	charged, err := k.settle(holdA, "100")
	require.NoError(t, err)
	released, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: "x", Call: wallet.Call{
		Streamed: true, Cancelled: true, FinishReason: "stop", NativeFinishReason: "ende – gut", UpstreamID: "id", Attempts: 1, Error: "e",
		Suspect: true, StartedAt: start, FirstTokenMS: 1, DurationMS: 2,
	}})
	require.NoError(t, err)
	k.expired(holdA)
	late, err := k.settle(holdA, "1")
	require.NoError(t, err)
	for _, row := range []struct {
		event wallet.Event
		into  reader
	}{
		{placed, &wallet.HoldPlaced{}},
		{charged, &wallet.UsageCharged{}},
		{late, &wallet.UsageCharged{}},
		{released, &wallet.HoldReleased{}},
	} {
		body, err := domain.Encode(row.event)
		require.NoError(t, err)
		require.True(t, row.into.ReadJSON(body), "%s", body)
		again, err := json.Marshal(row.into)
		require.NoError(t, err)
		require.Equal(t, string(body), string(again))
		for size := range body {
			require.False(t, row.into.ReadJSON(body[:size]), "cut off after %d bytes", size)
		}
		require.False(t, row.into.ReadJSON(append(body, ' ')))
	}
}
