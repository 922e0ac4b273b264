package journal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/journal"
)

func open(t *testing.T, path string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, j.Close()) })
	return j
}

func record(n byte, body string) journal.Record {
	return journal.Record{ID: uuid.UUID{15: n}, Body: []byte(body)}
}

func bodies(j *journal.Journal) []string {
	var out []string
	for _, r := range j.Pending(1 << 20) {
		out = append(out, string(r.Body))
	}
	return out
}

func TestRecordsSurviveTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "journal")
	j := open(t, path)
	for i, body := range []string{"one", "two", "three", "four"} {
		require.NoError(t, j.Append(t.Context(), record(byte(i), body)))
	}
	require.NoError(t, j.Append(t.Context(), record(0, "the same id again changes nothing")))
	require.NoError(t, j.Remove(uuid.UUID{15: 1}))
	require.NoError(t, j.Remove(uuid.UUID{15: 99}))
	require.Equal(t, 3, j.Len())
	require.NoError(t, j.Close())

	again := open(t, path)
	require.Zero(t, again.Torn())
	require.Equal(t, []string{"one", "three", "four"}, bodies(again))
	require.Len(t, again.Pending(2), 2)

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestEmptyJournalShrinks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	before, err := os.Stat(path)
	require.NoError(t, err)
	for i := range byte(20) {
		require.NoError(t, j.Append(t.Context(), record(i, "some settlement")))
	}
	for i := range byte(20) {
		require.NoError(t, j.Remove(uuid.UUID{15: i}))
	}
	after, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, before.Size(), after.Size())
	require.NoError(t, j.Append(t.Context(), record(1, "later")))
	require.NoError(t, j.Close())
	require.Equal(t, []string{"later"}, bodies(open(t, path)))
}

func TestCompactionKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	large := string(bytes.Repeat([]byte("x"), journal.MaxBody))
	require.NoError(t, j.Append(t.Context(), record(0, "stays")))
	for i := range byte(20) {
		require.NoError(t, j.Append(t.Context(), record(100+i, large)))
		require.NoError(t, j.Remove(uuid.UUID{15: 100 + i}))
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(18<<20), "what was removed is thrown out")
	require.NoError(t, j.Append(t.Context(), record(1, "after")))
	require.NoError(t, j.Close())
	require.Equal(t, []string{"stays", "after"}, bodies(open(t, path)))
}

// TestTornEnd cuts the file at every length, and flips every byte of the last record.
func TestTornEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	require.NoError(t, j.Append(t.Context(), record(1, "first")))
	first := size(t, path)
	require.NoError(t, j.Append(t.Context(), record(2, "second")))
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)

	for n := range len(whole) {
		j := reopened(t, whole[:n])
		switch {
		case int64(n) < first:
			require.Empty(t, bodies(j), "cut at %d", n)
		default:
			require.Equal(t, []string{"first"}, bodies(j), "cut at %d", n)
		}
		require.NoError(t, j.Append(t.Context(), record(3, "third")))
		require.Contains(t, bodies(j), "third")
	}
	for n := first; n < int64(len(whole)); n++ {
		broken := bytes.Clone(whole)
		broken[n] ^= 0x55
		j := reopened(t, broken)
		require.Equal(t, []string{"first"}, bodies(j), "byte %d", n)
		require.Equal(t, int64(len(whole))-first, j.Torn())
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Size()
}

func reopened(t *testing.T, content []byte) *journal.Journal {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	j := open(t, path)
	if j.Torn() > 0 {
		kept, err := os.ReadFile(path + ".torn")
		require.NoError(t, err)
		require.Equal(t, content[int64(len(content))-j.Torn():], kept, "nothing vanishes")
	}
	return j
}

func TestForeignFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notes")
	require.NoError(t, os.WriteFile(path, []byte("something of somebody else's"), 0o600))
	_, err := journal.Open(path)
	require.ErrorIs(t, err, journal.ErrFormat)
	require.Equal(t, int64(28), size(t, path), "and left as it was")
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	_, err := journal.Open(path)
	require.ErrorIs(t, err, journal.ErrLocked)
	require.NoError(t, j.Close())
	require.NotNil(t, open(t, path))
}

func TestAppendsAtTheSameTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	var wg sync.WaitGroup
	errs := make([]error, 200)
	for i := range errs {
		wg.Go(func() {
			errs[i] = j.Append(t.Context(), record(byte(i), fmt.Sprint(i)))
			if i%2 == 0 && errs[i] == nil {
				errs[i] = j.Remove(uuid.UUID{15: byte(i)})
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 100, j.Len())
	require.NoError(t, j.Close())
	require.Equal(t, 100, open(t, path).Len())
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	j := open(t, filepath.Join(t.TempDir(), "journal"))
	require.ErrorIs(t, j.Append(t.Context(), journal.Record{ID: uuid.New(), Body: make([]byte, journal.MaxBody+1)}), journal.ErrTooLarge)
	require.NoError(t, j.Close())
	require.Error(t, j.Append(t.Context(), record(1, "too late")))
}
