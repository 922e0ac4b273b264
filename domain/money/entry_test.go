package money_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

func leg(account money.Account, amount string) money.Leg {
	return money.Leg{Account: account, Amount: money.MustParse(amount)}
}

func TestNewEntry(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		legs []money.Leg
		want string
		code domain.Code
	}{
		{"balanced", []money.Leg{leg("wallet:a", "-1.5"), leg("hold:b", "1.5")}, `[{"account":"wallet:a","amount":"-1.5"},{"account":"hold:b","amount":"1.5"}]`, ""},
		{"zero legs are dropped", []money.Leg{leg(money.Promo, "0"), leg("a", "1"), leg("b", "-1")}, `[{"account":"a","amount":"1"},{"account":"b","amount":"-1"}]`, ""},
		{"nothing", nil, `[]`, ""},
		{"only zeros", []money.Leg{leg(money.Promo, "0")}, `[]`, ""},
		{"three legs", []money.Leg{leg("a", "1"), leg("b", "2"), leg("c", "-3")}, `[{"account":"a","amount":"1"},{"account":"b","amount":"2"},{"account":"c","amount":"-3"}]`, ""},
		{"unbalanced by the last digit", []money.Leg{leg("a", "1"), leg("b", "-0.999999999999")}, "", domain.CodeUnbalanced},
		{"one leg", []money.Leg{leg("a", "1")}, "", domain.CodeUnbalanced},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			entry, err := money.NewEntry(row.legs...)
			require.Equal(t, row.code, domain.CodeOf(err))
			if err != nil {
				return
			}
			require.True(t, entry.Sum().IsZero())
			b, err := json.Marshal(entry)
			require.NoError(t, err)
			require.Equal(t, row.want, string(b))
			b, err = entry.AppendJSON(nil)
			require.NoError(t, err)
			require.Equal(t, row.want, string(b))
		})
	}
}

func TestNewEntryRefusesLegsOutOfRange(t *testing.T) {
	t.Parallel()
	huge := money.MustParse("999999999999999999").Add(money.MustParse("1"))
	_, err := money.NewEntry(money.Leg{Account: "a", Amount: huge}, money.Leg{Account: "b", Amount: huge.Neg()})
	require.Equal(t, domain.CodeAmountOutOfRange, domain.CodeOf(err))
	_, err = money.Entry{{Account: "a", Amount: huge}}.AppendJSON(nil)
	require.Error(t, err)
	b, err := money.Entry(nil).AppendJSON(nil)
	require.NoError(t, err)
	require.Equal(t, "null", string(b))
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	require.Equal(t, money.Account("cash:stripe"), money.Cash("stripe"))
	require.Equal(t, money.Account("vendor:openai:payable"), money.VendorPayable("openai"))
}
