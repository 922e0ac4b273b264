package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/limit"
)

func keysOf(t *testing.T, vendor string, environ ...string) []credential.Credential {
	t.Helper()
	c, _, err := config.Load(environ, config.RoleLocal)
	require.NoError(t, err)
	return c.Vendors.Keys.Of(vendor)
}

// TestAVendorMayHaveSeveralKeys: the same keys have the same ids, however they are given, and no id has anything of its key.
func TestAVendorMayHaveSeveralKeys(t *testing.T) {
	t.Parallel()
	path := file(t, `{"the-vendor":["first-key",{"key":"second-key","id":"eu","requests_per_minute":60,"tokens_per_minute":7000,"parallel":8}],
		"other":{"type":"service_account","private_key":"pem"},"third":{"key":{"access_key_id":"A"},"id":"x"}}`, 0o600)
	fromFile := keysOf(t, "the-vendor", "MASSROUTER_VENDOR_KEYS_FILE="+path)
	require.Len(t, fromFile, 2)
	require.Equal(t, "first-key", fromFile[0].Secret)
	require.Equal(t, limit.Limits{}, fromFile[0].Limits)
	require.Equal(t, "the_vendor/eu", fromFile[1].ID)
	require.Equal(t, limit.Limits{Requests: 60, Tokens: 7000, Parallel: 8}, fromFile[1].Limits)

	commas := keysOf(t, "the-vendor", "MASSROUTER_VENDOR_KEY_THE_VENDOR= first-key , second-key")
	require.Len(t, commas, 2)
	require.Equal(t, "second-key", commas[1].Secret)
	list := keysOf(t, "the-vendor", `MASSROUTER_VENDOR_KEY_THE_VENDOR=["second-key","first-key"]`)
	require.Equal(t, fromFile[0].ID, commas[0].ID, "the same key has the same id wherever it stands")
	require.Equal(t, commas[0].ID, list[1].ID, "and in any order")
	require.NotEqual(t, commas[0].ID, commas[1].ID)

	other := keysOf(t, "other", "MASSROUTER_VENDOR_KEYS_FILE="+path)
	require.JSONEq(t, `{"type":"service_account","private_key":"pem"}`, other[0].Secret, "a document is a key itself")
	third := keysOf(t, "third", "MASSROUTER_VENDOR_KEYS_FILE="+path)
	require.Equal(t, "third/x", third[0].ID)
	require.JSONEq(t, `{"access_key_id":"A"}`, third[0].Secret)

	for _, c := range append(append(fromFile, commas...), list...) {
		require.NotContains(t, c.ID, "key")
		require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", c, c, &c, c), c.Secret)
		text, err := c.MarshalText()
		require.NoError(t, err)
		require.Equal(t, c.ID, string(text))
	}
}

func TestKeysInVariablesAreRefused(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		secretText + ",", `["` + secretText, `[]`, `["` + secretText + `",{}, 3]`, `{"key":7,"id":"` + secretText + `"}`,
		secretText + "," + secretText, strings.Repeat(secretText+"x,", 101) + "y", secretText + "\x01",
	} {
		_, _, err := config.Load([]string{"MASSROUTER_VENDOR_KEY_ACME=" + value}, config.RoleLocal)
		require.ErrorContains(t, err, "MASSROUTER_VENDOR_KEY_ACME", value)
		require.NotContains(t, err.Error(), secretText)
	}
}
