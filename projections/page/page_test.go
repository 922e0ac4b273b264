package page_test

import (
	"encoding/base64"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/page"
)

func TestCursorsComeBack(t *testing.T) {
	t.Parallel()
	for _, key := range [][]int64{{0}, {1, -2}, {math.MaxInt64, math.MinInt64}} {
		got, err := page.Decode("statement", page.Encode("statement", key...), len(key))
		require.NoError(t, err)
		require.Equal(t, key, got)
	}
}

func TestForeignCursorsAreRefused(t *testing.T) {
	t.Parallel()
	raw := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, cursor := range []string{
		"x", "%%%", " ", raw("statement"), raw("statement."), raw("statement.1.2"), raw("keys.1"), raw("statement.1e3"), raw("statement.+1"),
		raw("statement.01"), raw("statement.9223372036854775808"), raw("statement.1") + "=", raw("statement.1") + "\n", strings.Repeat("A", 10_000),
		raw("statement.1; DROP SCHEMA views"),
	} {
		_, err := page.Decode("statement", cursor, 1)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), cursor)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for in, want := range map[int]int{0: 50, 1: 1, 1000: 1000} {
		got, err := page.Limit(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, in := range []int{-1, 1001, math.MaxInt, math.MinInt} {
		_, err := page.Limit(in)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	from, to, err := page.Range(now, time.Time{})
	require.NoError(t, err)
	require.Equal(t, now, *from)
	require.Nil(t, to)
	from, to, err = page.Range(time.Time{}, now)
	require.NoError(t, err)
	require.Nil(t, from)
	require.Equal(t, now, *to)
	from, to, err = page.Range(now.Add(time.Nanosecond), now.Add(time.Microsecond))
	require.NoError(t, err)
	require.Equal(t, now.Add(time.Microsecond), *from)
	require.Equal(t, now.Add(time.Microsecond), *to)
	for _, row := range [][2]time.Time{{now, now}, {now, now.Add(-time.Nanosecond)}, {now.AddDate(9000, 0, 0), {}}} {
		_, _, err := page.Range(row[0], row[1])
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("statement", page.Encode("statement", 42))
	f.Fuzz(func(t *testing.T, kind, cursor string) {
		key, err := page.Decode(kind, cursor, 1)
		if err != nil {
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
			return
		}
		require.Equal(t, cursor, page.Encode(kind, key...), "one cursor for one place")
	})
}

// TestPagesAreReadInFewSizes: each with the row after it.
func TestPagesAreReadInFewSizes(t *testing.T) {
	t.Parallel()
	sizes := map[int]bool{}
	for limit := 1; limit <= 1000; limit++ {
		rows := page.Rows(limit)
		require.Greater(t, rows, limit)
		require.LessOrEqual(t, rows, max(21, 5*limit/2+1))
		sizes[rows] = true
	}
	require.Len(t, sizes, 6)
	require.Equal(t, 51, page.Rows(50))
}
