package apikey_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestSecretCarriesItsKeysID(t *testing.T) {
	t.Parallel()
	secret := secretOf(0xab)
	require.Len(t, secret, 105)
	id, err := apikey.ParseSecret(secret)
	require.NoError(t, err)
	require.Equal(t, keyID, id)
}

func TestParseSecretRefusals(t *testing.T) {
	t.Parallel()
	secret := secretOf('a')
	for name, s := range map[string]string{
		"empty":            "",
		"prefix only":      "sk-mr-v1-",
		"another platform": "sk-" + secret,
		"one short":        secret[:len(secret)-1],
		"one long":         secret + "0",
		"upper case":       "sk-mr-v1-" + strings.ToUpper(secret[9:]),
		"no hexadecimal":   secret[:len(secret)-1] + "g",
		"space":            secret[:len(secret)-1] + " ",
		"megabyte":         "sk-mr-v1-" + strings.Repeat("a", 1<<20),
	} {
		_, err := apikey.ParseSecret(s)
		requireCode(t, domain.CodeKeyInvalid, err, name)
		require.NotContains(t, err.Error(), "6161", "a secret is never in an error")
	}
}

func TestLabelShowsLittle(t *testing.T) {
	t.Parallel()
	secret := secretOf('z')
	require.Equal(t, "sk-mr-v1-018f…7a7a", apikey.Label(secret))
	require.Empty(t, apikey.Label("short"))
}

func TestHashText(t *testing.T) {
	t.Parallel()
	h := apikey.HashSecret("secret")
	b, err := json.Marshal(h)
	require.NoError(t, err)
	require.Equal(t, `"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"`, string(b))
	var again apikey.Hash
	require.NoError(t, json.Unmarshal(b, &again))
	require.True(t, h.Equal(again))
	require.False(t, h.Equal(apikey.Hash{}))
	for _, bad := range []string{`""`, `"00"`, `"` + strings.Repeat("g", 64) + `"`, `"` + strings.Repeat("0", 66) + `"`, `7`} {
		require.Error(t, json.Unmarshal([]byte(bad), &again), bad)
	}
}

func TestApplyIgnoresOtherAggregates(t *testing.T) {
	t.Parallel()
	s := issued(t, apikey.Limits{})
	before := *s
	s.Apply(wallet.Opened{WalletID: walletID}, start)
	require.Equal(t, before, *s)
}
