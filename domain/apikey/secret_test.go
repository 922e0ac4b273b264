package apikey_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestSecretCarriesItsKeysID(t *testing.T) {
	t.Parallel()
	secret := secretOf(0xab)
	require.Len(t, secret, 113)
	require.True(t, apikey.Checked(secret))
	require.Regexp(t, "^"+apikey.SecretPattern+"$", secret)
	id, err := apikey.ParseSecret(secret)
	require.NoError(t, err)
	require.Equal(t, keyID, id)
}

// The checksum is that of zlib, gzip and PNG: scanners have it.
func TestTheChecksumIsFrozen(t *testing.T) {
	t.Parallel()
	require.Equal(t, "sk-mr-v1-018f3a5e000070008000000000000001"+strings.Repeat("61", 32)+"8683e675", secretOf('a'))
}

func TestSecretsWithoutAChecksumAreRead(t *testing.T) {
	t.Parallel()
	plain := secretOf('a')[:105]
	id, err := apikey.ParseSecret(plain)
	require.NoError(t, err)
	require.Equal(t, keyID, id)
	require.False(t, apikey.Checked(plain), "a scanner cannot be sure of it")
	require.False(t, apikey.Checked("sk-mr-v1-"+strings.Repeat("a", 104)))
}

// A typing error, of one digit or of two neighbours, is found without asking anybody.
func TestAWrongDigitIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := []byte(apikey.Secret(uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")), [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "random"))))
		if !apikey.Checked(string(secret)) {
			t.Fatal("a secret is not taken for one")
		}
		at := rapid.IntRange(9, len(secret)-2).Draw(t, "at")
		before := string(secret)
		if rapid.Bool().Draw(t, "swap") {
			secret[at], secret[at+1] = secret[at+1], secret[at]
		} else {
			secret[at] = rapid.SampledFrom([]byte("0123456789abcdef")).Draw(t, "digit")
		}
		if apikey.Checked(string(secret)) != (before == string(secret)) {
			t.Fatalf("%s is taken for %s", secret, before)
		}
	})
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
		"half a checksum":  secret[:len(secret)-4],
	} {
		_, err := apikey.ParseSecret(s)
		requireCode(t, domain.CodeKeyInvalid, err, name)
		require.NotContains(t, err.Error(), "6161", "a secret is never in an error")
	}
}

func TestLabelShowsLittle(t *testing.T) {
	t.Parallel()
	require.Equal(t, "sk-mr-v1-018f…"+secretOf('z')[109:], apikey.Label(secretOf('z')))
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
