package usage

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatNobodyAsksForGoesFirst(t *testing.T) {
	t.Parallel()
	var s store
	const size = keepBytes / 4
	for i := range 3 {
		s.put(strconv.Itoa(i), i, size, 1)
	}
	_, _, found := s.get("0")
	require.True(t, found)
	s.put("3", 3, size, 1) // with what the list itself takes it is too much for four
	for key, want := range map[string]bool{"0": true, "1": false, "2": true, "3": true} {
		value, build, found := s.get(key)
		require.Equal(t, want, found, key)
		if found {
			require.Equal(t, key, strconv.Itoa(value.(int)))
			require.Equal(t, 1, build)
		}
	}
	s.put("3", 33, 0, 1)
	value, _, _ := s.get("3")
	require.Equal(t, 33, value)
	require.Less(t, s.size, 3*size)
	s.put("large", 0, 2*keepBytes, 1)
	require.Zero(t, s.size, "neither it nor what made room for it")
	require.Empty(t, s.byKey)
	require.Zero(t, s.order.Len())
}

func TestOneBuildIsKept(t *testing.T) {
	t.Parallel()
	var s store
	s.put("a", 1, 10, 1)
	s.forget(2)
	_, _, found := s.get("a")
	require.True(t, found)
	s.put("b", 2, 10, 2)
	_, _, found = s.get("a")
	require.False(t, found)
	_, build, found := s.get("b")
	require.True(t, found)
	require.Equal(t, 2, build)
	s.forget(2)
	_, _, found = s.get("b")
	require.False(t, found)
	require.Zero(t, s.size)
}
