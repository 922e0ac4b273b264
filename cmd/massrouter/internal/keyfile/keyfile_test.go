package keyfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/keyfile"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

func keys(t *testing.T, path string) []envelope.Key {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	k, err := envelope.Open(text, nil)
	require.NoError(t, err)
	return k.Keys()
}

func TestOnlyItsOwnerReadsIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "keyset.json")
	require.NoError(t, keyfile.Init(path))
	first := keys(t, path)
	require.ErrorIs(t, keyfile.Init(path), fs.ErrExist)
	require.Equal(t, first, keys(t, path), "a keyset that exists is left as it is")
	require.NoError(t, keyfile.Change(path, envelope.Rotate))
	require.Len(t, keys(t, path), 2)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	require.Error(t, keyfile.Init(filepath.Join(dir, "missing", "keyset.json")))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "drafts are removed")
}

func TestAChangeThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, keyfile.Init(path))
	before := keys(t, path)
	failure := errors.New("no")
	require.ErrorIs(t, keyfile.Change(path, func([]byte) ([]byte, error) { return nil, failure }), failure)
	require.Equal(t, before, keys(t, path))
	require.ErrorIs(t, keyfile.Change(path+"x", envelope.Rotate), fs.ErrNotExist)
}

// TestChangesAtOnceAreAllMade: none of them is lost, and nobody sees half a file.
func TestChangesAtOnceAreAllMade(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, keyfile.Init(path))
	const changes = 12
	failures := make([]error, changes)
	var all sync.WaitGroup
	for i := range changes {
		all.Go(func() { failures[i] = keyfile.Change(path, envelope.Rotate) })
	}
	all.Wait()
	require.NoError(t, errors.Join(failures...))
	require.Len(t, keys(t, path), 1+changes)
}
