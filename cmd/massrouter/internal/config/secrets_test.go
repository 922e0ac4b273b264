package config_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

func TestTheKeysetComesFromAFileOrTheEnvironment(t *testing.T) {
	t.Parallel()
	text, err := envelope.NewKeyset()
	require.NoError(t, err)
	at := envelope.Place{Table: "t"}

	c, _, err := config.Load(serving(), config.RoleServe)
	require.NoError(t, err)
	keys, err := c.Secrets.Keyring()
	require.NoError(t, err)
	require.Nil(t, keys, "without a keyset nothing is sealed")

	c, _, err = config.Load(serving("MASSROUTER_SECRETS_KEYSET="+string(text)), config.RoleServe)
	require.NoError(t, err)
	require.Empty(t, c.Secrets.Path())
	keys, err = c.Secrets.Keyring()
	require.NoError(t, err)
	sealed, err := keys.Seal([]byte("text"), at)
	require.NoError(t, err)

	path := file(t, string(text), 0o600)
	c, _, err = config.Load(serving("MASSROUTER_SECRETS_KEYSET_FILE="+path), config.RoleServe)
	require.NoError(t, err)
	require.Equal(t, path, c.Secrets.Path())
	keys, err = c.Secrets.Keyring()
	require.NoError(t, err)
	got, err := keys.Open(sealed, at)
	require.NoError(t, err)
	require.Equal(t, "text", string(got))

	// The file changes while the process runs.
	next, err := envelope.Rotate(text)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, next, 0o600))
	later, err := envelope.Open(next, nil)
	require.NoError(t, err)
	sealed, err = later.Seal([]byte("later"), at)
	require.NoError(t, err)
	require.Eventually(t, func() bool { got, err := keys.Open(sealed, at); return err == nil && string(got) == "later" }, time.Minute, 20*time.Millisecond)

	for _, wrong := range []string{"MASSROUTER_SECRETS_KEYSET=" + secretText, "MASSROUTER_SECRETS_KEYSET_FILE=" + file(t, secretText, 0o600)} {
		_, _, err = config.Load(serving(wrong), config.RoleServe)
		require.ErrorContains(t, err, "MASSROUTER_SECRETS_KEYSET: ")
		require.NotContains(t, err.Error(), secretText)
	}
}
