package runner

import (
	"context"
	"time"
)

// courtesy lets the projections that are at the end of the log write one after the other. All get a batch at the same moment; if
// all wrote it at once, whoever serves calls on the same machine would stand still meanwhile. Those that are behind do not wait.
type courtesy chan struct{}

// longestCourtesy bounds the wait: a projection that hangs does not hold the others up.
const longestCourtesy = 50 * time.Millisecond

func newCourtesy() courtesy { return make(courtesy, 1) }

// wait returns what ends the turn.
func (c courtesy) wait(ctx context.Context) (end func()) {
	timer := time.NewTimer(longestCourtesy)
	defer timer.Stop()
	select {
	case c <- struct{}{}:
		return func() { <-c }
	case <-timer.C:
	case <-ctx.Done():
	}
	return func() {}
}
