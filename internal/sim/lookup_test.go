package sim

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLookupsAreReadyInTheirTimeAndBounded(t *testing.T) {
	t.Parallel()
	var l lookups
	_, ok := l.find("gen-0")
	require.False(t, ok)
	l.add("gen-0", looked{usage: Usage{Prompt: 7}, unready: 2})
	for range 2 {
		_, ok = l.find("gen-0")
		require.False(t, ok)
	}
	found, ok := l.find("gen-0")
	require.True(t, ok)
	require.EqualValues(t, 7, found.usage.Prompt)
	l.add("gen-0", looked{usage: Usage{Prompt: 8}})
	found, ok = l.find("gen-0")
	require.True(t, ok)
	require.EqualValues(t, 8, found.usage.Prompt, "as it was booked last")
	for i := 1; i <= maxLookups; i++ {
		l.add("gen-"+strconv.Itoa(i), looked{})
	}
	_, ok = l.find("gen-0")
	require.False(t, ok, "the oldest is forgotten")
	require.Len(t, l.calls, maxLookups)
	require.Len(t, l.order, maxLookups)
}
