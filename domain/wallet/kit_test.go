package wallet_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

var (
	start    = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) // a Wednesday
	walletID = uuid.MustParse("018f3a5e-0000-7000-8000-000000000001")
	keyID    = uuid.MustParse("018f3a5e-0000-7000-8000-000000000002")
	holdA    = uuid.MustParse("018f3a5e-0000-7000-8000-00000000000a")
	holdB    = uuid.MustParse("018f3a5e-0000-7000-8000-00000000000b")
	holdC    = uuid.MustParse("018f3a5e-0000-7000-8000-00000000000c")
)

// kit is a wallet with a clock.
type kit struct {
	*testing.T
	*wallet.State
	now time.Time
}

// setup is an open wallet with so much in it; with nothing when credit is "0".
func setup(t *testing.T, credit string) *kit {
	t.Helper()
	k := &kit{T: t, State: wallet.New(), now: start}
	opened, err := k.Open(wallet.Open{WalletID: walletID, Owner: "org-1", Currency: money.USD})
	k.apply(opened, err)
	if credit != "0" {
		topped, err := k.TopUp(wallet.TopUp{Amount: money.MustParse(credit), Currency: money.USD, PSP: "stripe", Reason: "paid"})
		k.apply(topped, err)
	}
	return k
}

func (k *kit) apply(e wallet.Event, err error) {
	k.Helper()
	require.NoError(k, err)
	k.State.Apply(e, k.now)
	require.NoError(k, k.Check())
}

func (k *kit) place(id uuid.UUID, cost string) (wallet.HoldPlaced, error) {
	return k.PlaceHold(k.placement(id, cost), k.now)
}

func (k *kit) placement(id uuid.UUID, cost string) wallet.PlaceHold {
	return wallet.PlaceHold{
		HoldID: id, KeyID: keyID, Model: "acme/chat", Endpoint: "acme/chat@acme", PromptTokens: 1, CompletionTokens: 1,
		MaxCost: money.MustParse(cost), Currency: money.USD, ExpiresAt: k.now.Add(10 * time.Minute),
	}
}

func (k *kit) placed(id uuid.UUID, cost string) {
	k.Helper()
	e, err := k.place(id, cost)
	k.apply(e, err)
}

func settlement(id uuid.UUID, charge string) wallet.SettleHold {
	return wallet.SettleHold{
		HoldID: id, Vendor: "acme", Usage: usage.Usage{usage.Request: 1}, Provenance: usage.Reported,
		LineItems: []usage.LineItem{line(usage.Request, 1, money.MustPrice(charge))},
	}
}

func (k *kit) settle(id uuid.UUID, charge string) (wallet.UsageCharged, error) {
	return k.SettleHold(settlement(id, charge), k.now)
}

// expired lets a placed hold become suspect and expire.
func (k *kit) expired(id uuid.UUID) {
	k.Helper()
	for range 2 {
		k.now = k.now.Add(11 * time.Minute)
		e, err := k.ExpireHold(id, k.now)
		k.apply(e, err)
	}
}

func (k *kit) requireBalances(posted, held string) {
	k.Helper()
	require.Equal(k, posted, k.Posted.String(), "posted")
	require.Equal(k, held, k.Held.String(), "held")
}

func requireCode(t *testing.T, code domain.Code, err error, msg ...any) {
	t.Helper()
	require.Equal(t, code, domain.CodeOf(err), msg...)
}
