package money_test

import (
	"encoding/json"
	"math/big"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// plainDecimal is the format in another notation than the parser's.
var plainDecimal = regexp.MustCompile(`^-?0*[0-9]{1,18}(\.[0-9]{1,12}0*)?$`)

func FuzzParseAmount(f *testing.F) {
	for _, row := range decimals {
		if len(row.in) < 100 {
			f.Add(row.in)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := money.Parse(s)
		if err != nil {
			require.Contains(t, []domain.Code{domain.CodeAmountInvalid, domain.CodeAmountOutOfRange}, domain.CodeOf(err))
			require.False(t, len(s) <= 40 && plainDecimal.MatchString(s), "refused %q", s)
			return
		}
		require.Regexp(t, plainDecimal, s)
		require.NoError(t, a.Check())
		want, ok := new(big.Rat).SetString(s)
		require.True(t, ok)
		requireExact(t, want, a)
		requireCanonical(t, a.String())
		var again money.Amount
		body, err := json.Marshal(a)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(body, &again))
		require.True(t, a.Equal(again))
	})
}
