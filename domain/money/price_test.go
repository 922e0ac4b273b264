package money_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

func TestParsePrice(t *testing.T) {
	t.Parallel()
	for _, row := range decimals {
		p, err := money.ParsePrice(row.in)
		if row.code == "" && len(row.out) > 0 && row.out[0] == '-' {
			require.Equal(t, domain.CodeAmountInvalid, domain.CodeOf(err), row.name)
			require.Equal(t, domain.CodeAmountInvalid, domain.CodeOf(json.Unmarshal([]byte(`"`+row.in+`"`), &p)), row.name)
			continue
		}
		require.Equal(t, row.code, domain.CodeOf(err), row.name)
		if err == nil {
			require.Equal(t, row.out, p.String(), row.name)
		}
	}
}

func TestTimesIsExact(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		price    string
		quantity int64
		amount   string
	}{
		{"0.00000125", 900, "0.001125"},
		{"0.000000125", 3, "0.000000375"},
		{"0.000000000001", 1, "0.000000000001"},
		{"0", 1 << 40, "0"},
		{"0.1", 0, "0"},
		{"123456.789012345678", 1 << 40, "135742175046962387.777778352128"},
	} {
		require.Equal(t, row.amount, money.MustPrice(row.price).Times(row.quantity).String())
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, price, amount string
		units               int64
		priced              bool
	}{
		{"exact", "0.25", "1", 4, true},
		{"rest is left", "0.3", "1", 3, true},
		{"too little", "2", "1.999999999999", 0, true},
		{"nothing", "2", "0", 0, true},
		{"negative", "2", "-5", 0, true},
		{"free", "0", "1", 0, false},
		{"more than any call", "0.000000000001", "999999999999999999", 1 << 53, true},
	} {
		n, priced := money.MustPrice(row.price).Units(money.MustParse(row.amount))
		require.Equal(t, row.units, n, row.name)
		require.Equal(t, row.priced, priced, row.name)
	}
}

func TestPercentRoundsHalfToEven(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, amount, percent, want string
		code                        domain.Code
	}{
		{"plain", "200", "2.9", "5.8", ""},
		{"half below an even digit stays", "0.000000000001", "50", "0", ""},
		{"half above an odd digit rises", "0.000000000003", "50", "0.000000000002", ""},
		{"half above an even digit stays", "0.000000000005", "50", "0.000000000002", ""},
		{"above the half rises", "0.000000000001", "50.000001", "0.000000000001", ""},
		{"below the half falls", "0.000000000003", "49.999999", "0.000000000001", ""},
		{"negative half to even", "-0.000000000003", "50", "-0.000000000002", ""},
		{"negative half stays even", "-0.000000000005", "50", "-0.000000000002", ""},
		{"nothing of nothing", "0", "10", "0", ""},
		{"out of range", "999999999999999999", "101", "", domain.CodeAmountOutOfRange},
	} {
		got, err := money.Percent(money.MustParse(row.amount), money.MustPrice(row.percent))
		require.Equal(t, row.code, domain.CodeOf(err), row.name)
		if err == nil {
			require.Equal(t, row.want, got.String(), row.name)
		}
	}
}

func TestMaxPrice(t *testing.T) {
	t.Parallel()
	low, high := money.MustPrice("0.1"), money.MustPrice("0.2")
	require.Equal(t, "0.2", money.MaxPrice(low, high).String())
	require.Equal(t, "0.2", money.MaxPrice(high, low).String())
	require.True(t, money.Price{}.IsZero())
	require.Equal(t, 1, high.Cmp(low))
}

func TestTimesOfTheLargestQuantityDoesNotWrap(t *testing.T) {
	t.Parallel()
	a := money.MustPrice("100000").Times(math.MaxInt64)
	require.Equal(t, "922337203685477580700000", a.String())
	require.Error(t, a.Check())
}

func TestReadJSON(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, in, amount, price, rest string
	}{
		{"plain", `"1.25",`, "1.25", "1.25", ","},
		{"trailing zeros", `"1.250"}`, "1.25", "1.25", "}"},
		{"negative", `"-1.25"`, "-1.25", "", ""},
		{"number", `1.25`, "", "", ""},
		{"no end", `"1.25`, "", "", ""},
		{"escape", `"\u0031"`, "", "", ""},
		{"exponent", `"1e3"`, "", "", ""},
		{"13 decimals", `"0.0000000000001"`, "", "", ""},
		{"null", `null`, "", "", ""},
		{"nothing", ``, "", "", ""},
	} {
		var a money.Amount
		rest, ok := a.ReadJSON([]byte(row.in))
		require.Equal(t, row.amount != "", ok, row.name)
		if ok {
			require.Equal(t, []string{row.amount, row.rest}, []string{a.String(), string(rest)}, row.name)
		}
		var p money.Price
		rest, ok = p.ReadJSON([]byte(row.in))
		require.Equal(t, row.price != "", ok, row.name)
		if ok {
			require.Equal(t, []string{row.price, row.rest}, []string{p.String(), string(rest)}, row.name)
		}
	}
}
