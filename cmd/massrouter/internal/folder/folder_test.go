package folder_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/folder"
	"github.com/massrouter/massrouter/domain/apikey"
)

func TestFolderIsContinued(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	f, err := folder.Open(dir)
	require.NoError(t, err)
	require.True(t, f.Fresh)
	f.State.Edition = 7
	require.NoError(t, f.Save())
	first := f.State
	require.NoError(t, f.Close())

	again, err := folder.Open(dir)
	require.NoError(t, err)
	require.False(t, again.Fresh)
	require.Equal(t, first, again.State)
	require.NoError(t, again.Close())

	key, err := apikey.ParseSecret(first.APIKey)
	require.NoError(t, err)
	require.Equal(t, first.KeyID, key)
	require.GreaterOrEqual(t, len(first.OperatorToken), 32)
	require.NotEqual(t, first.OperatorToken, first.VendorKey)
}

func TestFolderInUseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := folder.Open(dir)
	require.NoError(t, err)
	_, err = folder.Open(dir)
	require.ErrorContains(t, err, "another 'massrouter dev' is running")
	require.NoError(t, f.Close())
}

func TestForeignFolderIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"thesis.txt": "mine", "state.json": `{"format":1}`, "dev.json": "{}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
			_, err := folder.Open(dir)
			require.ErrorContains(t, err, "choose")
			kept, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Equal(t, content, string(kept))
		})
	}
}

func TestSecretsAreForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := folder.Open(dir)
	require.NoError(t, err)
	require.NoError(t, f.WriteInfo(folder.Info{BaseURL: "http://127.0.0.1:1", APIKey: f.State.APIKey}))
	for _, name := range []string{"state.json", folder.InfoName} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	info, err := folder.ReadInfo(dir)
	require.NoError(t, err)
	require.Equal(t, f.State.APIKey, info.APIKey)
	require.NoError(t, f.Close())
}
