package usage

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/internal/pgtest"
)

// drawHistogram draws places all over, with counts up to the largest.
func drawHistogram(t *rapid.T, label string, most int64) Histogram {
	var h Histogram
	for range rapid.IntRange(0, 6).Draw(t, label) {
		h.count(rapid.Int64Range(1, places).Draw(t, "place")<<countBits + rapid.OneOf(rapid.Int64Range(1, 20), rapid.Int64Range(1, most)).Draw(t, "count"))
	}
	return h
}

// TestHistogramsAreNumbersThatAddUp: the server's sum of two histograms is their merged histogram, and both stored forms are one number.
func TestHistogramsAreNumbersThatAddUp(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawHistogram(t, "a", 5e10), drawHistogram(t, "b", 5e10)
		var sum, one []byte
		var scale int
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT numeric_send($1::text::numeric + $2::text::numeric), numeric_send($1::text::numeric),
			scale($1::text::numeric)`, a.text(), b.text()).Scan(&sum, &one, &scale))
		got, err := histogramOf(sum)
		require.NoError(t, err)
		require.ElementsMatch(t, a.Merge(b), got)
		require.IsIncreasing(t, append(Histogram{0}, got...))
		weight, scaled, digits := a.number()
		require.Equal(t, scale, scaled, "as many decimals in both forms")
		require.Equal(t, one, sent(weight, scaled, digits))
	})
}

// sent is a number as the server sends it: without zeros at its ends.
func sent(weight, decimals int, digits []uint16) []byte {
	for len(digits) > 0 && digits[0] == 0 {
		weight, digits = weight-1, digits[1:]
	}
	for len(digits) > 0 && digits[len(digits)-1] == 0 {
		digits = digits[:len(digits)-1]
	}
	var b []byte
	for _, n := range append([]uint16{uint16(len(digits)), uint16(weight), 0, uint16(decimals)}, digits...) {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return b
}

func TestWhatIsNoHistogramIsRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	for _, number := range []string{"-1", "NaN", "Infinity", "1e2304", "1e-768"} {
		var sent []byte
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT numeric_send($1::text::numeric)`, number).Scan(&sent))
		_, err := histogramOf(sent)
		require.ErrorIs(t, err, errNoHistogram, number)
	}
	whole := sent(placeDigits*(places-ones)+2, 0, []uint16{1, 2, 3})
	for _, bad := range [][]byte{whole[:7], whole[:len(whole)-1], append(whole, 0), sent(0, 0, []uint16{base})} {
		_, err := histogramOf(bad)
		require.ErrorIs(t, err, errNoHistogram)
	}
	for _, good := range [][]byte{nil, sent(0, 0, nil), whole} {
		_, err := histogramOf(good)
		require.NoError(t, err)
	}
}
