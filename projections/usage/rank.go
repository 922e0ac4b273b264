package usage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain/money"
)

// group is what is known of a group in all intervals.
type group struct {
	keys   [maxDimensions]string
	amount money.Amount // of the metric that ranks, as count
	count  int64
	cells  []int
}

// rank orders cells as cells of questions are: by the rank of their group over the whole range, the groups that have no row of their own
// together and last, and by interval. It also counts the groups.
func (q *question) rank(cells []cell) ([]cell, int64) {
	groups := q.grouped(cells)
	slices.SortFunc(groups, func(a, b *group) int {
		return cmp.Or(b.amount.Cmp(a.amount), cmp.Compare(b.count, a.count), strings.Compare(a.keys[0], b.keys[0]), strings.Compare(a.keys[1], b.keys[1]))
	})
	out := make([]cell, 0, len(cells))
	var others []int
	for i, g := range groups {
		if rank := int64(i) + 1; rank > q.low && rank <= q.high {
			out = appendLine(out, cells, g.cells, rank)
		} else {
			others = append(others, g.cells...)
		}
	}
	return appendLine(out, cells, others, 0), int64(len(groups))
}

// grouped finds the groups of cells. Cells of one group mostly follow each other.
func (q *question) grouped(cells []cell) []*group {
	var groups []*group
	byKeys := map[[maxDimensions]string]*group{}
	var g *group
	for i := range cells {
		c := &cells[i]
		if g == nil || g.keys != c.keys {
			if g = byKeys[c.keys]; g == nil {
				g = &group{keys: c.keys}
				byKeys[c.keys] = g
				groups = append(groups, g)
			}
		}
		g.cells = append(g.cells, i)
		if q.OrderBy.isAmount() {
			g.amount = g.amount.Add(q.OrderBy.amount(&c.Sums))
		} else {
			g.count += q.OrderBy.count(&c.Sums)
		}
	}
	return groups
}

// appendLine adds some cells by interval, with a rank; those of one interval become one.
func appendLine(out, cells []cell, line []int, rank int64) []cell {
	byInterval := func(a, b int) int { return cells[a].interval - cells[b].interval }
	if !slices.IsSortedFunc(line, byInterval) {
		slices.SortStableFunc(line, byInterval)
	}
	begin := len(out)
	for _, i := range line {
		c := &cells[i]
		if last := len(out) - 1; last >= begin && out[last].interval == c.interval {
			out[last].add(&c.Sums)
			continue
		}
		out = append(out, *c)
		if last := &out[len(out)-1]; rank == 0 {
			last.keys = [maxDimensions]string{}
		} else {
			last.rank = rank
		}
	}
	return out
}
