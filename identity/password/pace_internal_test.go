package password

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

// crowd waits for the turn of a pace, which somebody keeps until it is let go.
type crowd struct {
	t       *testing.T
	pace    *pace
	let     chan struct{}
	group   sync.WaitGroup
	mu      sync.Mutex
	order   []Asker // who had the turn, after the first
	refused []Asker
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{t: t, pace: newPace(1, 64, 16, time.Hour), let: make(chan struct{})}
	begun := make(chan struct{})
	c.group.Go(func() {
		_ = c.pace.do(context.Background(), func() { close(begun); <-c.let })
	})
	<-begun
	return c
}

// come lets n askers come, one after the other.
func (c *crowd) come(n int, a Asker) {
	c.t.Helper()
	for range n {
		before := c.seen()
		c.group.Go(func() {
			err := c.pace.do(WithAsker(context.Background(), a), func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.order = append(c.order, a)
			})
			if err != nil && domain.CodeOf(err) == domain.CodeOverloaded {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.refused = append(c.refused, a)
			}
		})
		require.Eventually(c.t, func() bool { return c.seen() == before+1 }, time.Minute, 50*time.Microsecond)
	}
}

// seen is how many wait or were refused.
func (c *crowd) seen() int {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pace.known.n + c.pace.others.n + len(c.refused)
}

// end lets all have their turns.
func (c *crowd) end() {
	close(c.let)
	c.group.Wait()
}

// TestOneNetworkStarvesNobody: of one network a few wait, however many come, and everybody else has his turn before them.
func TestOneNetworkStarvesNobody(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	flood := Asker{Network: "2001:db8:bad::/48"}
	c.come(80, flood)
	require.Len(t, c.refused, 64, "of one network 16 wait")
	owner, office, stranger := Asker{Network: "198.51.100.0/24", Known: true}, Asker{Network: flood.Network, Known: true}, Asker{Network: "192.0.2.0/24"}
	c.come(1, owner)
	c.come(1, office)
	c.come(1, stranger)
	c.end()
	require.Len(t, c.refused, 64)
	require.Equal(t, []Asker{owner, office}, c.order[:2], "who is known comes first, also beside the flood")
	require.Less(t, slices.Index(c.order, stranger), 4, "networks take turns")
	require.Len(t, c.order, 16+3)
}

// TestWhoIsKnownStarvesNobody: who keeps signing in to an account of his own leaves turns to the others.
func TestWhoIsKnownStarvesNobody(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	c.come(20, Asker{Network: "203.0.113.0/24", Known: true})
	require.Len(t, c.refused, 4)
	stranger := Asker{Network: "192.0.2.0/24"}
	c.come(1, stranger)
	c.end()
	require.Equal(t, knownTurns, slices.Index(c.order, stranger))
}

// TestAFullQueueTakesFromWhoHasMost: when all places are taken, whoever comes from elsewhere gets one of the network that has most.
func TestAFullQueueTakesFromWhoHasMost(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	for i := range 4 {
		c.come(16, Asker{Network: strconv.Itoa(i)})
	}
	require.Empty(t, c.refused)
	stranger, owner := Asker{Network: "stranger"}, Asker{Network: "owner", Known: true}
	c.come(1, stranger)
	c.come(1, owner)
	require.Len(t, c.refused, 2)
	c.end()
	require.Equal(t, owner, c.order[0])
	require.Contains(t, c.order, stranger)
	require.NotContains(t, c.refused, stranger)
	require.Len(t, c.order, 64)
}

// TestTheKnownLeavePlacesToTheOthers: however many networks keep the queue full of those who are known, and come again and again, a quarter of the places and of the turns is
// of the others; and the other way round.
func TestTheKnownLeavePlacesToTheOthers(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	turn := func(flooding bool, from string) Asker { return Asker{Network: from, Known: flooding} }
	for n := range 6 {
		c.come(16, turn(true, "known "+strconv.Itoa(n)))
	}
	for n := range 20 {
		c.come(1, turn(false, "other "+strconv.Itoa(n)))
	}
	c.come(20, turn(true, "known late"))
	require.Equal(t, 48, c.pace.known.n)
	require.Equal(t, 16, c.pace.others.n)
	for _, a := range c.refused {
		require.True(t, a.Known || slices.Contains([]string{"other 16", "other 17", "other 18", "other 19"}, a.Network), "%v had a place", a)
	}
	c.end()
	require.Len(t, c.order, 64)
	for n := range 16 {
		require.Equal(t, turn(false, "other "+strconv.Itoa(n)), c.order[knownTurns+n*(knownTurns+1)])
	}

	c = newCrowd(t)
	for n := range 6 {
		c.come(16, turn(false, "other "+strconv.Itoa(n)))
	}
	for n := range 60 {
		c.come(1, turn(true, "known "+strconv.Itoa(n)))
	}
	require.Equal(t, 48, c.pace.known.n)
	require.Equal(t, 16, c.pace.others.n)
	c.end()
}

// TestWhoGoesAwayGivesTheTurnOn: nobody keeps the turn who does not wait for it any more.
func TestWhoGoesAwayGivesTheTurnOn(t *testing.T) {
	t.Parallel()
	p := newPace(1, 64, 16, time.Hour)
	for range 200 {
		var group sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		done := 0
		for range 8 {
			group.Go(func() {
				if err := p.do(ctx, func() {}); err == nil || errors.Is(err, context.Canceled) {
					mu.Lock()
					defer mu.Unlock()
					done++
				}
			})
		}
		cancel()
		group.Wait()
		require.Equal(t, 8, done)
		require.NoError(t, p.do(context.Background(), func() {}))
	}
}
