package wallet_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

func amount(s string) *money.Amount {
	a := money.MustParse(s)
	return &a
}

func TestW5_EachCapCountsSpendAndHolds(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		caps  wallet.Caps
		most  string
		limit wallet.Limit
	}{
		{"none", wallet.Caps{}, "94", wallet.LimitWallet},
		{"day", wallet.Caps{Day: amount("10")}, "4", wallet.LimitKeyDay},
		{"week", wallet.Caps{Week: amount("10")}, "4", wallet.LimitKeyWeek},
		{"month", wallet.Caps{Month: amount("10")}, "4", wallet.LimitKeyMonth},
		{"total", wallet.Caps{Total: amount("10")}, "4", wallet.LimitKeyTotal},
		{"the lowest", wallet.Caps{Day: amount("10"), Week: amount("9.5"), Month: amount("20")}, "3.5", wallet.LimitKeyWeek},
		{"above the wallet", wallet.Caps{Day: amount("1000")}, "94", wallet.LimitWallet},
		{"equal to the wallet", wallet.Caps{Day: amount("100")}, "94", wallet.LimitWallet},
		{"used up", wallet.Caps{Day: amount("6")}, "0", wallet.LimitKeyDay},
		{"lowered below what was spent", wallet.Caps{Total: amount("1")}, "0", wallet.LimitKeyTotal},
		{"of nothing", wallet.Caps{Day: amount("0")}, "0", wallet.LimitKeyDay},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			k := setup(t, "100")
			k.placed(holdA, "4") // of which 2 will be spent
			e, err := k.settle(holdA, "2")
			k.apply(e, err)
			k.placed(holdB, "4")
			budget, limit := k.Budget(wallet.Spender{KeyID: keyID, Caps: row.caps}, k.now)
			require.Equal(t, row.most, budget.String())
			require.Equal(t, row.limit, limit)

			c := k.placement(uuid.New(), row.most)
			c.Caps = row.caps
			_, err = k.PlaceHold(c, k.now)
			require.NoError(t, err)
			c.MaxCost = c.MaxCost.Add(money.MustParse("0.000000000001"))
			_, err = k.PlaceHold(c, k.now)
			code := domain.CodeKeyLimitExceeded
			if row.limit == wallet.LimitWallet {
				code = domain.CodeInsufficientCredits
			}
			requireCode(t, code, err)
			var refusal *domain.Error
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, string(row.limit), refusal.Details["limit"])
			require.Equal(t, row.most, refusal.Details["available"])
		})
	}
}

func TestW5_WindowsAreUTC(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("", 9*3600)
	for _, row := range []struct {
		name             string
		spent, asked     time.Time
		day, week, month string
	}{
		{"the same moment", start, start, "1", "1", "1"},
		{"the last moment of the day", start, time.Date(2026, 3, 4, 23, 59, 59, 999999000, time.UTC), "1", "1", "1"},
		{"midnight", start, time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), "0", "1", "1"},
		{"midnight in Tokyo", start, time.Date(2026, 3, 5, 0, 0, 0, 0, tokyo), "1", "1", "1"},
		{"Sunday's last moment", start, time.Date(2026, 3, 8, 23, 59, 59, 0, time.UTC), "0", "1", "1"},
		{"Monday", start, time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC), "0", "0", "1"},
		{"next month", start, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), "0", "0", "0"},
		{"the same day of next year", start, time.Date(2027, 3, 4, 12, 0, 0, 0, time.UTC), "0", "0", "0"},
		{
			"an ISO week over the end of the year", time.Date(2025, 12, 29, 0, 0, 0, 0, time.UTC),
			time.Date(2026, 1, 4, 23, 0, 0, 0, time.UTC), "0", "1", "0",
		},
		{
			"the week after", time.Date(2025, 12, 29, 0, 0, 0, 0, time.UTC),
			time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), "0", "0", "0",
		},
		{
			"week 53 is not next year's", time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
			time.Date(2027, 1, 3, 23, 0, 0, 0, time.UTC), "0", "1", "0",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			k := setup(t, "100")
			k.now = row.spent
			k.placed(holdA, "1")
			e, err := k.settle(holdA, "1")
			k.apply(e, err)
			spent := k.SpentBy(keyID, row.asked)
			require.Equal(t, []string{row.day, row.week, row.month, "1"},
				[]string{spent.Day.String(), spent.Week.String(), spent.Month.String(), spent.Total.String()})
			require.Equal(t, wallet.Spent{}, k.SpentBy(holdA, row.asked), "another key")
		})
	}
}

// A key that has spent more than can be written has reached every cap; its wallet goes on.
func TestW5_SpendStopsAtWhatCanBeWritten(t *testing.T) {
	t.Parallel()
	k := setup(t, "0")
	for range 2 {
		e, err := k.Grant(wallet.Grant{Amount: money.MustParse("600000000000000000"), Currency: money.USD, Reason: "absurd"})
		k.apply(e, err)
		k.placed(holdA, "600000000000000000")
		charged, err := k.settle(holdA, "600000000000000000")
		k.apply(charged, err)
	}
	k.requireBalances("0", "0")
	spent := k.SpentBy(keyID, k.now)
	for _, amount := range []money.Amount{spent.Day, spent.Week, spent.Month, spent.Total} {
		require.Equal(t, money.Largest().String(), amount.String())
		require.NoError(t, amount.Check())
	}
	budget, _ := k.Budget(wallet.Spender{KeyID: keyID, Caps: wallet.Caps{Total: amount("999999999999999999.999999999999")}}, k.now)
	require.True(t, budget.IsZero())
}

func TestW5_CapsAreChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, wallet.Caps{}.Check())
	require.NoError(t, wallet.Caps{Day: amount("0"), Total: amount("1")}.Check())
	requireCode(t, domain.CodeAmountInvalid, wallet.Caps{Week: amount("-1")}.Check())
	huge := money.MustParse("999999999999999999").Add(money.MustParse("1"))
	requireCode(t, domain.CodeAmountOutOfRange, wallet.Caps{Month: &huge}.Check())
	caps := wallet.Caps{Day: amount("1")}
	clone := caps.Clone()
	*caps.Day = money.MustParse("2")
	require.Equal(t, "1", clone.Day.String())
}
