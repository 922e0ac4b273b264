package load

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestStampsAreFoundWhereverTheTextIsCut: and repetitions, text that looks like one and numbers that are too long are none.
func TestStampsAreFoundWhereverTheTextIsCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var text string
		var want, all []int64
		last := int64(0)
		for range rapid.IntRange(0, 20).Draw(t, "pieces") {
			text += rapid.StringMatching(`[a-z @;0-9"]{0,12}x`).Draw(t, "text")
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				last += rapid.Int64Range(1, 1e9).Draw(t, "step") + 1e17
				text += "@" + strconv.FormatInt(last, 10) + ";"
				want, all = append(want, last), append(all, last)
			case 1:
				if len(all) > 0 {
					text += "@" + strconv.FormatInt(rapid.SampledFrom(all).Draw(t, "again"), 10) + ";"
				}
			}
		}
		var s stamps
		s.last = 1e15 // the short numbers of the text are older
		var got []int64
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			s.scan([]byte(rest[:n]), func(at int64) { got = append(got, at) })
			rest = rest[n:]
		}
		require.Equal(t, want, got, text)
	})
}
