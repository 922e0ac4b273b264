package money_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// decimals are inputs of the amount parser: what they print as, or the code of their refusal.
var decimals = []struct {
	name, in, out string
	code          domain.Code
}{
	{"zero", "0", "0", ""},
	{"negative zero", "-0", "0", ""},
	{"negative zero with decimals", "-0.000", "0", ""},
	{"integer", "42", "42", ""},
	{"negative", "-12.345", "-12.345", ""},
	{"trailing zeros", "1.500000000000000", "1.5", ""},
	{"only zeros after the point", "7.000", "7", ""},
	{"leading zeros", "007.5", "7.5", ""},
	{"smallest", "0.000000000001", "0.000000000001", ""},
	{"smallest negative", "-0.000000000001", "-0.000000000001", ""},
	{"largest", "999999999999999999.999999999999", "999999999999999999.999999999999", ""},
	{"largest negative", "-999999999999999999.999999999999", "-999999999999999999.999999999999", ""},
	{"18 digits that fit a machine word", "123456.789012345678", "123456.789012345678", ""},
	{"19 digits that do not", "1234567.890123456789", "1234567.890123456789", ""},
	{"zeros before 18 digits", "000000000123456789012345678", "123456789012345678", ""},

	{"13 decimals", "0.0000000000001", "", domain.CodeAmountOutOfRange},
	{"13 decimals after a large number", "1.1234567890123", "", domain.CodeAmountOutOfRange},
	{"19 digits before the point", "1000000000000000000", "", domain.CodeAmountOutOfRange},
	{"40 digits", strings.Repeat("9", 40), "", domain.CodeAmountOutOfRange},
	{"41 characters", strings.Repeat("0", 41), "", domain.CodeAmountOutOfRange},
	{"a megabyte", strings.Repeat("1", 1<<20), "", domain.CodeAmountOutOfRange},
	{"empty", "", "", domain.CodeAmountInvalid},
	{"sign only", "-", "", domain.CodeAmountInvalid},
	{"point only", ".", "", domain.CodeAmountInvalid},
	{"plus", "+1", "", domain.CodeAmountInvalid},
	{"two signs", "--1", "", domain.CodeAmountInvalid},
	{"sign after the point", "1.-5", "", domain.CodeAmountInvalid},
	{"no digit before the point", ".5", "", domain.CodeAmountInvalid},
	{"no digit after the point", "1.", "", domain.CodeAmountInvalid},
	{"two points", "1.2.3", "", domain.CodeAmountInvalid},
	{"exponent", "1e3", "", domain.CodeAmountInvalid},
	{"large exponent", "1E400", "", domain.CodeAmountInvalid},
	{"negative exponent", "1e-7", "", domain.CodeAmountInvalid},
	{"space before", " 1", "", domain.CodeAmountInvalid},
	{"space after", "1 ", "", domain.CodeAmountInvalid},
	{"newline", "1\n", "", domain.CodeAmountInvalid},
	{"comma", "1,5", "", domain.CodeAmountInvalid},
	{"thousands mark", "1,000.00", "", domain.CodeAmountInvalid},
	{"underscore", "1_000", "", domain.CodeAmountInvalid},
	{"hexadecimal", "0x10", "", domain.CodeAmountInvalid},
	{"infinity", "Inf", "", domain.CodeAmountInvalid},
	{"not a number", "NaN", "", domain.CodeAmountInvalid},
	{"Arabic digits", "١٢", "", domain.CodeAmountInvalid},
	{"full-width digits", "１２", "", domain.CodeAmountInvalid},
	{"Unicode minus", "−1", "", domain.CodeAmountInvalid},
	{"NUL", "1\x00", "", domain.CodeAmountInvalid},
	{"broken UTF-8", "1\xff", "", domain.CodeAmountInvalid},
	{"currency", "$1", "", domain.CodeAmountInvalid},
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, row := range decimals {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a, err := money.Parse(row.in)
			require.Equal(t, row.code, domain.CodeOf(err))
			if err != nil {
				require.True(t, a.IsZero())
				return
			}
			require.Equal(t, row.out, a.String())
			require.NoError(t, a.Check())
		})
	}
}

func TestAmountJSON(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, in, out string
		code          domain.Code
	}{
		{"canonical", `"1.25"`, `"1.25"`, ""},
		{"trailing zeros", `"1.2500"`, `"1.25"`, ""},
		{"number", `1.25`, "", domain.CodeAmountInvalid},
		{"integer", `1`, "", domain.CodeAmountInvalid},
		{"null", `null`, "", domain.CodeAmountInvalid},
		{"bool", `true`, "", domain.CodeAmountInvalid},
		{"object", `{"amount":"1"}`, "", domain.CodeAmountInvalid},
		{"escaped digit", `"\u0031"`, "", domain.CodeAmountInvalid},
		{"empty string", `""`, "", domain.CodeAmountInvalid},
		{"too long", `"1000000000000000000"`, "", domain.CodeAmountOutOfRange},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var v struct{ A money.Amount }
			err := json.Unmarshal([]byte(`{"A":`+row.in+`}`), &v)
			require.Equal(t, row.code, domain.CodeOf(err))
			if err != nil {
				return
			}
			b, err := json.Marshal(v.A)
			require.NoError(t, err)
			require.Equal(t, row.out, string(b))
		})
	}
}

func TestAmountBeyondTheFormatIsNeverWritten(t *testing.T) {
	t.Parallel()
	most := money.MustParse("999999999999999999.999999999999")
	require.NoError(t, most.Check())
	for name, a := range map[string]money.Amount{
		"above":          most.Add(money.MustParse("0.000000000001")),
		"below":          most.Neg().Sub(money.MustParse("0.000000000001")),
		"a large charge": money.MustPrice("999999999999999999").Times(1 << 40),
	} {
		require.Equal(t, domain.CodeAmountOutOfRange, domain.CodeOf(a.Check()), name)
		_, err := json.Marshal(a)
		require.Error(t, err, name)
		_, err = a.AppendJSON(nil)
		require.Error(t, err, name)
	}
	require.Equal(t, "1000000000000000000", most.Add(money.MustParse("0.000000000001")).String(), "no wrap")
}

func TestCompare(t *testing.T) {
	t.Parallel()
	one, same, two := money.MustParse("1"), money.MustParse("1.000"), money.MustParse("2")
	require.True(t, one.Equal(same))
	require.True(t, one.LessThan(two))
	require.False(t, two.LessThan(one))
	require.Equal(t, 0, one.Cmp(same))
	require.Equal(t, -1, one.Cmp(two))
	require.Equal(t, "1", money.Min(one, two).String())
	require.Equal(t, "1", money.Min(two, one).String())
	require.Equal(t, "2", money.Max(one, two).String())
	require.Equal(t, "2", money.Max(two, one).String())
	require.Equal(t, -1, one.Sub(two).Sign())
	require.True(t, money.Amount{}.Equal(money.Zero()))
	require.Equal(t, "0", money.Amount{}.String())
}

func TestParseCurrency(t *testing.T) {
	t.Parallel()
	for in, ok := range map[string]bool{"USD": true, "CNY": true, "usd": false, "US": false, "USDT": false, "": false, "U$D": false, "ÜSD": false} {
		_, err := money.ParseCurrency(in)
		require.Equal(t, ok, err == nil, in)
	}
}

func TestMustParsePanics(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { money.MustParse("x") })
	require.Panics(t, func() { money.MustPrice("-1") })
}
