package usage

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
)

// TestStandingAndMovingPartsAreTheWhole: no minute is in both, none that lies before the end is in neither, intervals stay the same, and
// the standing part is of whole days or quarters of an hour that are over.
func TestStandingAndMovingPartsAreTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := []time.Time{instant("2026-02-27T00:00").Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "from")) * time.Minute)}
		for range rapid.IntRange(1, 4).Draw(t, "intervals") {
			list = append(list, list[len(list)-1].Add(time.Duration(rapid.SampledFrom([]int{1, 10, 40}).Draw(t, "scale")*rapid.IntRange(1, 500).Draw(t, "minutes"))*time.Minute))
		}
		q := &question{Request: Request{Filter: Filter{From: list[0], To: list[len(list)-1]}}, borders: list, family: ofCalls}
		end := list[0].Add(time.Duration(rapid.IntRange(0, 25_000).Draw(t, "end")) * time.Minute)
		over := list[0].Add(time.Duration(rapid.IntRange(-1_000, 25_000).Draw(t, "over")) * time.Second * 59)
		standing, found := q.standing(end, over)
		if !found {
			require.Less(t, min(end.Unix(), over.Unix(), q.To.Unix())-q.From.Unix(), 2*quarterHour.seconds())
			return
		}
		require.LessOrEqual(t, standing.to, min(end.Unix(), over.Unix(), q.To.Unix()))
		require.GreaterOrEqual(t, standing.from, q.From.Unix())
		require.Equal(t, piece{quarterHour.first(standing.from), quarterHour.first(standing.to)}, standing)
		inner, first := q.inside(standing)
		of := func(at int64) int { // the interval by its number, as width_bucket counts
			n := 0
			for _, b := range list {
				if b.Unix() <= at {
					n++
				}
			}
			return n
		}
		within := func(at int64) int {
			n := -1
			for _, b := range inner.borders {
				if b.Unix() <= at {
					n++
				}
			}
			return n
		}
		covered := map[int64]bool{}
		add := func(p plan, in bool) {
			for _, pieces := range p {
				for _, p := range pieces {
					for m := p.from; m < p.to; m += 60 {
						require.False(t, covered[m])
						covered[m] = true
						require.Equal(t, in, m >= standing.from && m < standing.to)
						if in && len(list) > 2 {
							require.Equal(t, of(m), first+within(m))
						}
					}
				}
			}
		}
		add(cover(inner.borders, inner.To, over, rollups()...), true)
		add(q.around(standing, end, over), false)
		for m := q.From.Unix(); m < q.To.Unix(); m += 60 {
			require.Equal(t, m < end.Unix(), covered[m])
		}
		require.Equal(t, len(list) == 2, first == 0)
	})
}

// TestKeptCellsComeBack: the columns that are needed are what they were, and changing them changes nothing that is kept.
func TestKeptCellsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		needs := rapid.SliceOfNDistinct(rapid.IntRange(0, len(sumList())-1), 0, len(sumList()), rapid.ID).Draw(t, "needs")
		slices.Sort(needs)
		cells := []cell{}
		for g := range rapid.IntRange(0, 3).Draw(t, "groups") {
			for s := range rapid.IntRange(1, 3).Draw(t, "intervals") {
				c := cell{interval: s + 1, keys: [maxDimensions]string{string(rune('a' + g))}}
				for _, at := range needs {
					n := rapid.Int64Range(0, 1<<40-1).Draw(t, "n")
					switch {
					case at < firstAmount:
						*c.counts()[at] = n
					case at < firstHistogram:
						*c.amounts()[at-firstAmount] = money.MustParse(decimalOf(n) + ".000000000001")
					default:
						c.histograms()[at-firstHistogram].Add(n)
					}
				}
				cells = append(cells, c)
			}
		}
		kept := keep(cells, needs)
		require.Positive(t, kept.size()+1)
		for _, first := range []int{1, 7, 0} {
			want := slices.Clone(cells)
			for i := range want {
				want[i].interval = (want[i].interval - 1 + first) * cmp.Compare(first, 0)
			}
			got := kept.cells(needs, first, 2)
			require.Equal(t, want, got)
			for i := range got {
				for _, h := range got[i].histograms() {
					h.Add(1)
					h.Add(MaxMS)
				}
			}
		}
	})
}
