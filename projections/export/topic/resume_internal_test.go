package topic

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// stored is a record as a broker keeps it in the model.
type stored struct{ position, watermark int64 }

// TestRuleOfTheTail is a model of exporters that are killed at any point, of requests that arrive late or twice, and of keys of any
// distribution: whatever happens, the next exporter leaves no event out, and who drops what is not above the highest position
// seen gets the log in order.
func TestRuleOfTheTail(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(1, 4).Draw(t, "partitions")
		log := rapid.SliceOfN(rapid.IntRange(0, partitions-1), 1, 60).Draw(t, "partition of each event")
		topic := make([][]stored, partitions)
		var late []func() // requests that were given up and may still arrive
		for finished := false; !finished; {
			tail, err := resume(windowsOf(topic), 1)
			require.NoError(t, err)
			finished = exportModel(t, log, topic, tail, &late)
			for len(late) > 0 && rapid.Bool().Draw(t, "one arrives") {
				late[0]()
				late = late[1:]
			}
		}
		for _, arrive := range late {
			arrive()
		}
		for p := range topic {
			var got, want []int64
			for _, r := range topic[p] {
				if len(got) == 0 || r.position > got[len(got)-1] {
					got = append(got, r.position)
				}
			}
			for i := range log {
				if log[i] == p {
					want = append(want, int64(i+1))
				}
			}
			require.Equal(t, want, got, "partition %d", p)
		}
	})
}

// windowsOf is what a new exporter reads of a topic: few enough records to matter.
func windowsOf(topic [][]stored) []window {
	all := make([]window, len(topic))
	for p, records := range topic {
		all[p] = window{partition: p, end: int64(len(records))}
		for i, r := range records {
			if i == 0 || i >= len(records)-2 {
				all[p].marks = append(all[p].marks, mark{position: r.position, watermark: r.watermark})
			}
		}
	}
	return all
}

// exportModel sends rounds until the log is through or it is killed.
func exportModel(t *rapid.T, log []int, topic [][]stored, tail tail, late *[]func()) (finished bool) {
	for from := tail.complete; from < int64(len(log)); {
		to := min(from+int64(rapid.IntRange(1, 8).Draw(t, "round")), int64(len(log)))
		for p := range topic {
			var chunk []stored
			for position := from + 1; position <= to; position++ {
				if log[position-1] == p && position > tail.have[p] {
					chunk = append(chunk, stored{position, from})
				}
			}
			for part := range slices.Chunk(chunk, 3) {
				arrive := func() { topic[p] = append(topic[p], part...) }
				for rapid.IntRange(0, 3).Draw(t, fmt.Sprint("not answered in time ", part)) == 0 {
					*late = append(*late, arrive)
					if rapid.Bool().Draw(t, "killed") {
						return false
					}
				}
				arrive()
			}
		}
		from = to
	}
	return true
}

func TestLogIsNotGuessed(t *testing.T) {
	t.Parallel()
	_, err := resume([]window{{first: 7, end: 7}, {partition: 1}}, 1)
	require.ErrorContains(t, err, "removed")
	got, err := resume([]window{{first: 7, end: 7}, {partition: 1}}, 100)
	require.NoError(t, err)
	require.True(t, got.empty)
	require.EqualValues(t, 99, got.complete)
	require.Equal(t, []int64{7, 0}, got.next)
}
