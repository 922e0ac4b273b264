package page_test

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/page"
)

type row struct {
	at time.Time
	id uuid.UUID
}

func placeOf(r *row) (time.Time, uuid.UUID) { return r.at, r.id }

func compare(a, b row) int {
	if c := a.at.Compare(b.at); c != 0 {
		return c
	}
	return bytes.Compare(a.id[:], b.id[:])
}

// TestListsAreReadToTheirEnd: every row once, whatever the size of the pages, in both directions, with ids of all bits and rows of the same moment.
func TestListsAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, 11, 1, 12, 0, 0, 123_456_000, time.UTC)
	var all []row
	for i := range 21 {
		all = append(all, row{moment.Add(time.Duration(i/5) * time.Microsecond), uuid.New()})
	}
	all = append(all, row{time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), uuid.Nil}, row{time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), uuid.Max},
		row{moment, uuid.Nil}, row{moment, uuid.Max}, row{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), uuid.UUID{0: 0x80, 8: 0x80}}) // the longest cursor
	slices.SortFunc(all, compare)
	list := page.ListOf("organisations", "a")
	for limit := 1; limit <= len(all)+1; limit++ {
		for _, down := range []bool{false, true} {
			want := slices.Clone(all)
			window := list.After
			if down {
				slices.Reverse(want)
				window = list.Before
			}
			var got []row
			for cursor, more := "", true; more; more = cursor != "" {
				w, err := window(cursor, limit)
				require.NoError(t, err)
				require.Equal(t, strconv.Itoa(page.Rows(limit)), w.Rows())
				rest := slices.DeleteFunc(slices.Clone(want), func(r row) bool {
					c := compare(r, row{w.At, w.ID})
					return !down && c <= 0 || down && c >= 0
				})
				p := page.Cut(w, rest[:min(len(rest), page.Rows(limit))], placeOf)
				require.LessOrEqual(t, len(p.Items), limit)
				got, cursor = append(got, p.Items...), p.NextCursor
			}
			require.Equal(t, want, got)
		}
	}
	for _, limit := range []int{-1, page.MaxLimit + 1} {
		_, err := list.After("", limit)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
		_, err = list.Before("", limit)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}
}

// TestCursorsBelongToWhatWasAsked: to the list, of whom it is, and its filter.
func TestCursorsBelongToWhatWasAsked(t *testing.T) {
	t.Parallel()
	rows := []row{{time.UnixMicro(1).UTC(), uuid.New()}, {time.UnixMicro(2).UTC(), uuid.New()}}
	own := page.ListOf("organisations", "ann", "b")
	w, err := own.After("", 1)
	require.NoError(t, err)
	cursor := page.Cut(w, rows, placeOf).NextCursor
	w, err = own.After(cursor, 1)
	require.NoError(t, err)
	got := row{w.At, w.ID}
	require.Equal(t, rows[0], got)
	for name, other := range map[string]page.List{
		"the cursor is of another request":          page.ListOf("organisations", "bob", "b"),
		"the cursor is not one that this list gave": page.ListOf("invitations", "ann", "b"),
	} {
		_, err := other.After(cursor, 0)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
		require.ErrorContains(t, err, name)
		_, err = other.Before(cursor, 0)
		require.ErrorContains(t, err, name)
	}
	for _, other := range []page.List{page.ListOf("organisations"), page.ListOf("organisations", "annb"), page.ListOf("organisations", "an", "nb")} {
		_, err := other.After(cursor, 0)
		require.ErrorContains(t, err, "the cursor is of another request")
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	require.NoError(t, err)
	asked, err := strconv.ParseInt(string(bytes.Split(raw, []byte("."))[1]), 10, 64)
	require.NoError(t, err)
	for _, forged := range []string{
		"x", cursor + "A", page.Encode("organisations", asked, 1, 2), page.Encode("organisations", asked, 1, 2, 3, 4),
		page.Encode("organisations", asked, math.MaxInt64, 1, 2), page.Encode("organisations", asked, math.MinInt64, 1, 2), // no moment that a row can have
	} {
		_, err := own.After(forged, 0)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), forged)
		require.ErrorContains(t, err, "the cursor is not one that this list gave")
	}
}

func FuzzAfter(f *testing.F) {
	list := page.ListOf("members", "a")
	rows := []row{{time.UnixMicro(1_793_530_800_000_026).UTC(), uuid.UUID{0: 0x80, 8: 1}}, {}}
	w, err := list.After("", 1)
	require.NoError(f, err)
	f.Add(page.Cut(w, rows, placeOf).NextCursor)
	f.Fuzz(func(t *testing.T, cursor string) {
		w, err := list.After(cursor, 1)
		if err != nil {
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
			return
		}
		if cursor != "" {
			require.Equal(t, cursor, page.Cut(w, []row{{w.At, w.ID}, {}}, placeOf).NextCursor, "one cursor for one place")
		}
	})
}
