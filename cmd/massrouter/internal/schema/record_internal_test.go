package schema

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatIsLeft counts migrations that are applied, whatever their numbers.
func TestWhatIsLeft(t *testing.T) {
	t.Parallel()
	s := Status{Migrations: []Migration{{Version: 1}, {Version: 2}, {Version: 27}, {Version: 30}, {Version: 31}}}
	s.reach(30)
	for steps, want := range map[int]uint{0: 0, 1: 27, 2: 2, 3: 1, 4: 0, 5: 0, 1000: 0} {
		require.Equal(t, want, s.after(steps), steps)
	}
	none := Status{Migrations: s.Migrations[4:]}
	none.reach(0)
	require.Zero(t, none.after(1))
}
