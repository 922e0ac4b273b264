package audit_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/audit"
)

// TestCheckpointWithAChangedByte: every byte counts, also those of the base64 padding.
func TestCheckpointWithAChangedByte(t *testing.T) {
	t.Parallel()
	m, _, key := logOf(t)
	_, err := audit.OpenCheckpoint(m.signed, key.verifier)
	require.NoError(t, err)
	for i := range m.signed {
		for bit := range 8 {
			changed := bytes.Clone(m.signed)
			changed[i] ^= 1 << bit
			_, err := audit.OpenCheckpoint(changed, key.verifier)
			require.Error(t, err, "byte %d of %q", i, m.signed)
		}
	}
}

func TestCheckpointText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := audit.Checkpoint{Origin: origin, Size: rapid.Int64Min(0).Draw(t, "size")}
		copy(c.Root[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "root"))
		parsed, err := audit.ParseCheckpoint(c.Text() + rapid.SampledFrom([]string{"", "an extension\n"}).Draw(t, "more"))
		require.NoError(t, err)
		require.Equal(t, c, parsed)
	})
	root := "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for _, text := range []string{
		"", "\n", "a\n1\n", "a\n1\n" + root, "a\n01\n" + root + "\n", "a\n+1\n" + root + "\n", "a\n-1\n" + root + "\n", "\n1\n" + root + "\n",
		"a\n1\n" + root[1:] + "\n", "a\n1\n" + root[:42] + "B=\n", "a\n1\n" + root + "\n\nb\n", "a\n9223372036854775808\n" + root + "\n",
	} {
		_, err := audit.ParseCheckpoint(text)
		require.Error(t, err, "%q", text)
	}
}

func TestCheckpointOfAnotherOriginIsRefused(t *testing.T) {
	t.Parallel()
	key := newKey(t, origin)
	signed, err := note.Sign(&note.Note{Text: audit.Checkpoint{Origin: "other"}.Text()}, key.signer)
	require.NoError(t, err)
	_, err = audit.OpenCheckpoint(signed, key.verifier)
	require.ErrorContains(t, err, `of the log "other"`)
}

// folder writes the tiles of a size, and the newest checkpoint.
func (m *memoryLog) folder(t *testing.T, dir string, size int64) audit.Folder {
	t.Helper()
	put := func(path string, content []byte) {
		path = filepath.Join(dir, filepath.FromSlash(path))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, content, 0o600))
	}
	for level := 0; size>>(8*level) > 0; level++ {
		for from := int64(0); from < size>>(8*level); from += audit.TileWidth {
			width := min(audit.TileWidth, size>>(8*level)-from)
			put(audit.TilePath(level, from/audit.TileWidth, int(width)), m.tile(t, level, from, width))
		}
	}
	put(audit.CheckpointPath, m.signed)
	return audit.Folder(dir)
}

// TestTileWithAChangedByte changes one byte of each tile of a log of three levels, and expects to be told its name.
func TestTileWithAChangedByte(t *testing.T) {
	t.Parallel()
	const size = 1<<16 + 300
	m, key := &memoryLog{}, newKey(t, origin)
	for i := range size {
		m.add(t, [32]byte{byte(i), byte(i >> 8), byte(i >> 16), 1})
	}
	m.sign(t, key, size)
	log := m.folder(t, t.TempDir(), size)
	report, err := audit.VerifyTiles(t.Context(), log, key.verifier)
	require.NoError(t, err)
	require.Empty(t, report.Wrong)
	require.EqualValues(t, 257+1+1+1+1, report.Tiles)
	for _, path := range []string{
		"tile/0/000", "tile/0/017", "tile/0/255", "tile/0/256", "tile/0/257.p/44", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1",
	} {
		file := filepath.Join(string(log), filepath.FromSlash(path))
		good, err := os.ReadFile(file)
		require.NoError(t, err, path)
		for _, at := range []int{0, len(good) / 2, len(good) - 1} {
			bad := bytes.Clone(good)
			bad[at] ^= 1
			require.NoError(t, os.WriteFile(file, bad, 0o600))
			report, err := audit.VerifyTiles(t.Context(), log, key.verifier)
			require.NoError(t, err)
			require.Equal(t, []string{path}, report.Wrong)
		}
		require.NoError(t, os.WriteFile(file, good[1:], 0o600))
		report, err := audit.VerifyTiles(t.Context(), log, key.verifier)
		require.NoError(t, err)
		require.Contains(t, report.Wrong, path)
		require.NoError(t, os.WriteFile(file, good, 0o600))
	}
	require.NoError(t, os.Remove(filepath.Join(string(log), "tile", "0", "100")))
	_, err = audit.VerifyTiles(t.Context(), log, key.verifier)
	require.ErrorContains(t, err, "tile/0/100")
}

func (m *memoryLog) tile(t *testing.T, level int, from, width int64) []byte {
	t.Helper()
	var data []byte
	for i := from; i < from+width; i++ {
		leaves := m.leaves[i<<(8*level) : (i+1)<<(8*level)]
		for len(leaves) > 1 {
			up := make([][32]byte, len(leaves)/2)
			for j := range up {
				up[j] = audit.HashTile(append(append([]byte(nil), leaves[2*j][:]...), leaves[2*j+1][:]...))
			}
			leaves = up
		}
		data = append(data, leaves[0][:]...)
	}
	return data
}

func TestTilePath(t *testing.T) {
	t.Parallel()
	require.Equal(t, "tile/0/x001/x234/067", audit.TilePath(0, 1234067, 256))
	require.Equal(t, "tile/3/999.p/1", audit.TilePath(3, 999, 1))
	require.Equal(t, "tile/1/x001/000.p/255", audit.TilePath(1, 1000, 255))
}

// Tiles that do not belong to the checkpoint prove nothing, whatever they say.
func TestConsistencyNeedsTheCheckpointsTiles(t *testing.T) {
	t.Parallel()
	m, events, key := logOf(t)
	n := int64(len(events))
	old, c := m.sign(t, key, 10), m.sign(t, key, n)
	log := m.folder(t, t.TempDir(), n)
	require.NoError(t, audit.CheckConsistency(t.Context(), log, old, c))
	require.NoError(t, audit.CheckConsistency(t.Context(), log, audit.Checkpoint{Root: audit.EmptyRoot()}, c))
	require.Error(t, audit.CheckConsistency(t.Context(), log, audit.Checkpoint{}, c))
	other := c
	other.Root[0] ^= 1
	require.Error(t, audit.CheckConsistency(t.Context(), log, old, other))
	require.ErrorIs(t, audit.CheckConsistency(t.Context(), audit.Folder(t.TempDir()), old, c), os.ErrNotExist)
	_, err := audit.ProveInclusion(context.Background(), log, c, n, [32]byte{})
	require.Error(t, err)
	_, err = audit.ProveInclusion(t.Context(), log, c, 3, [32]byte{})
	require.ErrorContains(t, err, "changed")
}
