// Package pagetest is what every list that is read page by page keeps, whose rows have a moment and an id.
package pagetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/page"
)

// Read is a page: the ids of its rows, and the cursor of the next one.
type Read func(cursor string, limit int) (ids []uuid.UUID, next string, err error)

// ReadBy reads by a query. id is that of a row.
func ReadBy[T any](id func(*T) uuid.UUID, query func(cursor string, limit int) (page.Part[T], error)) Read {
	return func(cursor string, limit int) (ids []uuid.UUID, next string, err error) {
		p, err := query(cursor, limit)
		for i := range p.Items {
			ids = append(ids, id(&p.Items[i]))
		}
		return ids, p.NextCursor, err
	}
}

// List is one that has no rows yet.
type List struct {
	Read   Read
	Others map[string]Read // the same of somebody else, or with another filter
	Add    func(moment int) uuid.UUID
	Remove func(id uuid.UUID)
	Newest bool // first
}

const rows, sameMoment = 61, 3

// Keeps checks a list: each row once, however long the pages are; nothing twice and nothing lost when others come and go; no page for what is no cursor of it.
func Keeps(t *testing.T, l List) {
	t.Helper()
	moments := map[uuid.UUID]int{}
	for n := range rows {
		moment := 10 + n/sameMoment
		moments[l.Add(moment)] = moment
	}
	whole, next, err := l.Read("", page.MaxLimit)
	require.NoError(t, err)
	require.Empty(t, next)
	require.Len(t, whole, rows)
	require.True(t, slices.IsSortedFunc(whole, func(a, b uuid.UUID) int {
		if l.Newest {
			a, b = b, a
		}
		return moments[a] - moments[b]
	}))
	for _, limit := range []int{0, 1, 2, sameMoment, 7, rows - 1, rows, rows + 1, 200, page.MaxLimit} {
		require.Equal(t, whole, l.walk(t, limit, nil), "pages of %d", limit)
	}
	first, cursor, err := l.Read("", 0)
	require.NoError(t, err)
	require.Equal(t, whole[:50], first, "50 unless said")
	l.refuses(t, cursor)
	l.changes(t, whole)
}

// walk reads all pages. between is called with what was seen.
func (l List) walk(t *testing.T, limit int, between func(seen []uuid.UUID)) (seen []uuid.UUID) {
	t.Helper()
	for cursor, more := "", true; more; more = cursor != "" {
		ids, next, err := l.Read(cursor, limit)
		require.NoError(t, err)
		if limit > 0 {
			require.LessOrEqual(t, len(ids), limit)
		}
		if next != "" {
			require.NotEmpty(t, ids)
		}
		seen, cursor = append(seen, ids...), next
		if between != nil {
			between(seen)
		}
	}
	return seen
}

// changes takes rows away and adds some between pages: before and behind the place, and the very row that the cursor is made of.
func (l List) changes(t *testing.T, whole []uuid.UUID) {
	t.Helper()
	gone := map[uuid.UUID]bool{}
	remove := func(id uuid.UUID) {
		l.Remove(id)
		gone[id] = true
	}
	pages := 0
	seen := l.walk(t, 7, func(seen []uuid.UUID) {
		if pages++; pages > 4 {
			return
		}
		last := seen[len(seen)-1]
		remove(last)
		remove(whole[len(whole)-pages])
		l.Add(pages)        // long before the others
		l.Add(1000 + pages) // long after them
		require.NotContains(t, seen, whole[len(whole)-pages])
	})
	count := map[uuid.UUID]int{}
	for _, id := range seen {
		count[id]++
		require.Equal(t, 1, count[id], "twice")
	}
	for i, id := range whole {
		require.True(t, count[id] == 1 || gone[id], "row %d is lost", i)
	}
	for n := 1; n <= 4; n++ {
		require.Zero(t, count[whole[len(whole)-n]], "it was away by then")
	}
	require.Len(t, seen, rows, "four were away, and four came where the list was not read yet")
}

// refuses shows what is no cursor of the list, and lengths that no page has.
func (l List) refuses(t *testing.T, cursor string) {
	t.Helper()
	for _, bad := range []string{"x", "%", " ", cursor + "A", cursor[1:], strings.ToUpper(cursor), strings.Repeat("A", 500), page.Encode("keys", 1)} {
		ids, _, err := l.Read(bad, 1)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), bad)
		require.ErrorContains(t, err, "the cursor is not one that this list gave")
		require.Empty(t, ids)
	}
	require.NotEmpty(t, l.Others)
	for name, read := range l.Others {
		ids, _, err := read(cursor, 1)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
		require.ErrorContains(t, err, "the cursor is ")
		require.Empty(t, ids, name)
	}
	for _, limit := range []int{-1, page.MaxLimit + 1} {
		_, _, err := l.Read("", limit)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}
}
