package wallet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestW4_HoldsTakeWhatIsAvailable(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	_, err := k.place(holdB, "6.000000000001")
	requireCode(t, domain.CodeInsufficientCredits, err)
	var refusal *domain.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, map[string]string{
		"limit": "wallet", "required": "6.000000000001", "available": "6", "reserved": "4", "currency": "USD",
	}, refusal.Details)
	k.placed(holdB, "6")
	k.requireBalances("10", "10")
	k.placed(uuid.New(), "0")
	k.requireBalances("10", "10")
}

func TestW4_HoldsThatAreNoHolds(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	huge := money.MustParse("999999999999999999").Add(money.MustParse("1"))
	for name, row := range map[string]struct {
		change func(*wallet.PlaceHold)
		code   domain.Code
	}{
		"negative":               {func(c *wallet.PlaceHold) { c.MaxCost = money.MustParse("-1") }, domain.CodeAmountInvalid},
		"out of range":           {func(c *wallet.PlaceHold) { c.MaxCost = huge }, domain.CodeAmountOutOfRange},
		"negative prompt":        {func(c *wallet.PlaceHold) { c.PromptTokens = -1 }, domain.CodeAmountInvalid},
		"negative completion":    {func(c *wallet.PlaceHold) { c.CompletionTokens = -1 }, domain.CodeAmountInvalid},
		"no model":               {func(c *wallet.PlaceHold) { c.Model = "" }, domain.CodeInvalid},
		"endpoint too long":      {func(c *wallet.PlaceHold) { c.Endpoint = strings.Repeat("e", 201) }, domain.CodeInvalid},
		"expired already":        {func(c *wallet.PlaceHold) { c.ExpiresAt = k.now }, domain.CodeInvalid},
		"expires in two days":    {func(c *wallet.PlaceHold) { c.ExpiresAt = k.now.Add(48 * time.Hour) }, domain.CodeInvalid},
		"expires by nanoseconds": {func(c *wallet.PlaceHold) { c.ExpiresAt = k.now.Add(time.Nanosecond) }, domain.CodeInvalid},
	} {
		c := k.placement(holdA, "1")
		row.change(&c)
		_, err := k.PlaceHold(c, k.now)
		requireCode(t, row.code, err, name)
	}
}

func TestW6_AHoldIDIsUsedOnce(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "1")
	_, err := k.place(holdA, "1")
	requireCode(t, domain.CodeHoldExists, err, "open")
	k.expired(holdA)
	_, err = k.place(holdA, "1")
	requireCode(t, domain.CodeHoldExists, err, "expired")
	_, err = k.place(uuid.Nil, "1")
	requireCode(t, domain.CodeHoldExists, err, "no id")
}

func TestW7_AHoldEndsOnce(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*kit){
		"settled":  func(k *kit) { e, err := k.settle(holdA, "1"); k.apply(e, err) },
		"released": func(k *kit) { e, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: "x"}); k.apply(e, err) },
		"expired":  func(k *kit) { k.expired(holdA) },
	} {
		k := setup(t, "10")
		k.placed(holdA, "4")
		end(k)
		closed := domain.CodeHoldNotFound
		if name == "expired" {
			closed = domain.CodeHoldClosed
		} else {
			_, err := k.settle(holdA, "1")
			requireCode(t, closed, err, name)
		}
		_, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: "x"})
		requireCode(t, closed, err, name)
		_, err = k.ExpireHold(holdA, k.now.Add(time.Hour))
		requireCode(t, closed, err, name)
		_, err = k.ExtendHold(wallet.ExtendHold{HoldID: holdA, ExpiresAt: k.now.Add(time.Hour)}, k.now)
		requireCode(t, closed, err, name)
		require.Equal(t, "0", k.Held.String(), name)
	}
}

func TestW7_AReleaseGivesEverythingBack(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	for _, reason := range []string{"", strings.Repeat("r", 101), "a\x00b"} {
		_, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: reason})
		requireCode(t, domain.CodeInvalid, err, reason)
	}
	e, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: "upstream_error"})
	k.apply(e, err)
	k.requireBalances("10", "0")
	require.Equal(t, "4", e.Amount.String())
	require.Equal(t, "acme/chat", e.Model)
}

func TestW11_SuspectFirstThenExpired(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	expiry := k.now.Add(10 * time.Minute)
	_, err := k.ExpireHold(holdA, expiry)
	requireCode(t, domain.CodeHoldActive, err, "at its expiry")
	require.Empty(t, k.Due(expiry, 10))
	k.now = expiry.Add(time.Microsecond)
	require.Equal(t, []uuid.UUID{holdA}, k.Due(k.now, 10))
	e, err := k.ExpireHold(holdA, k.now)
	k.apply(e, err)
	require.IsType(t, wallet.HoldSuspected{}, e)
	k.requireBalances("10", "4")

	grace := k.now.Add(wallet.SuspectGrace)
	_, err = k.ExpireHold(holdA, grace)
	requireCode(t, domain.CodeHoldActive, err, "at the end of its grace")
	require.Empty(t, k.Due(grace, 10))
	k.now = grace.Add(time.Microsecond)
	require.Equal(t, []uuid.UUID{holdA}, k.Due(k.now, 10))
	require.Empty(t, k.Due(k.now, 0))
	require.Empty(t, k.Due(k.now, -1))
	e, err = k.ExpireHold(holdA, k.now)
	k.apply(e, err)
	require.IsType(t, wallet.HoldExpired{}, e)
	k.requireBalances("10", "0")
}

func TestW11_AnExtensionEndsTheSuspicion(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	expiry := k.now.Add(10 * time.Minute)
	for name, until := range map[string]time.Time{
		"not later":     expiry,
		"earlier":       expiry.Add(-time.Second),
		"too far ahead": k.now.Add(wallet.MaxHoldTTL + time.Microsecond),
	} {
		_, err := k.ExtendHold(wallet.ExtendHold{HoldID: holdA, ExpiresAt: until}, k.now)
		requireCode(t, domain.CodeInvalid, err, name)
	}
	k.now = expiry.Add(time.Minute)
	e, err := k.ExpireHold(holdA, k.now)
	k.apply(e, err)
	_, err = k.ExtendHold(wallet.ExtendHold{HoldID: holdA, ExpiresAt: k.now}, k.now)
	requireCode(t, domain.CodeInvalid, err, "an extension into the past")
	extended, err := k.ExtendHold(wallet.ExtendHold{HoldID: holdA, ExpiresAt: k.now.Add(time.Hour)}, k.now)
	k.apply(extended, err)
	_, err = k.ExpireHold(holdA, k.now.Add(wallet.SuspectGrace+time.Minute))
	requireCode(t, domain.CodeHoldActive, err)
	k.now = k.now.Add(time.Hour + time.Second)
	e, err = k.ExpireHold(holdA, k.now)
	require.NoError(t, err)
	require.IsType(t, wallet.HoldSuspected{}, e, "suspect anew")
}

func TestW11_DueListsAtMostTheLimitInAFixedOrder(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdB, "1")
	k.placed(holdA, "1")
	require.Equal(t, []uuid.UUID{holdA, holdB}, k.Due(k.now.Add(time.Hour), 10))
	require.Equal(t, []uuid.UUID{holdA}, k.Due(k.now.Add(time.Hour), 1))
}

func TestW13_AtMostSoManyOpenHolds(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	for i := range uint64(wallet.MaxOpenHolds) {
		k.Holds[numbered(1000+i)] = &wallet.Hold{}
	}
	_, err := k.place(holdA, "1")
	requireCode(t, domain.CodeOverloaded, err)
	delete(k.Holds, numbered(1000))
	_, err = k.place(holdA, "1")
	require.NoError(t, err)
}
