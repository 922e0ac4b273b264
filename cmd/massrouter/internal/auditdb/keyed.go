package auditdb

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// compareKeyed compares a table with one row a key, in any order. Rows that are missing come last, by their positions.
func compareKeyed[K comparable, T any](ctx context.Context, v *view, table, query string, key func(*row) K, want map[K]T, position func(T) int64, compare func(*diff, *row, T)) (rows int64, err error) {
	seen := make(map[K]struct{}, len(want))
	err = v.s.each(ctx, query, func(r *row) {
		rows++
		id := key(r)
		d := v.diff(v.position, table, func() string { return keyText(id) })
		one, ok := want[id]
		if !ok {
			d.report(RowExtra, "no event up to position %d calls for it", v.position)
			return
		}
		seen[id], d.position = struct{}{}, position(one)
		compare(d, r, one)
	})
	if err != nil || len(seen) == len(want) {
		return rows, err
	}
	for _, m := range missing(want, seen, position) {
		v.findings.Addf(m.position, RowMissing, table+" "+m.key, "the event at position %d calls for a row", m.position)
	}
	return rows, nil
}

// lost is a row that is not there.
type lost struct {
	position int64
	key      string
}

// missing are the rows that were not seen, in the order of the log.
func missing[K comparable, T any](want map[K]T, seen map[K]struct{}, position func(T) int64) (all []lost) {
	for id, one := range want {
		if _, ok := seen[id]; !ok {
			all = append(all, lost{position(one), keyText(id)})
		}
	}
	slices.SortFunc(all, func(a, b lost) int { return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.key, b.key)) })
	return all
}

// keyText is a key for people.
func keyText[K comparable](key K) string {
	if id, ok := any(key).([16]byte); ok {
		return uuid.UUID(id).String()
	}
	return fmt.Sprint(key)
}
