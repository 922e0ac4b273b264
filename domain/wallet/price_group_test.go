package wallet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestW14_AWalletIsInAtMostOnePriceGroup(t *testing.T) {
	t.Parallel()
	_, err := wallet.New().SetPriceGroup(wallet.SetPriceGroup{Group: "partners"})
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))

	s := wallet.New()
	s.Apply(wallet.Opened{WalletID: numbered(1), Currency: "USD"}, time.Time{})
	for _, bad := range []string{"Partners", "a/b", ".", strings.Repeat("a", 51)} {
		_, err = s.SetPriceGroup(wallet.SetPriceGroup{Group: bad})
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), bad)
	}
	_, err = s.SetPriceGroup(wallet.SetPriceGroup{})
	require.Equal(t, domain.CodeConflict, domain.CodeOf(err), "it is in none")
	for _, group := range []string{"partners", "resellers", ""} {
		e, err := s.SetPriceGroup(wallet.SetPriceGroup{Group: group})
		require.NoError(t, err)
		s.Apply(e, time.Time{})
		require.Equal(t, group, s.PriceGroup)
		_, err = s.SetPriceGroup(wallet.SetPriceGroup{Group: group})
		require.Equal(t, domain.CodeConflict, domain.CodeOf(err))
	}
}
