package password

import (
	"context"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/domain"
)

// pace lets work through one at a time, and after each waits so long that it takes no more than a share of a core.
type pace struct {
	share    float64
	patience time.Duration
	queue    chan struct{} // a place for each that waits or works
	turn     chan struct{} // who holds the token works
}

func newPace(share float64, waiting int, patience time.Duration) *pace {
	if share <= 0 || share > 1 {
		share = 0.25
	}
	if waiting <= 0 {
		waiting = 64
	}
	if patience <= 0 {
		patience = 5 * time.Second
	}
	return &pace{share: share, patience: patience, queue: make(chan struct{}, waiting+1), turn: make(chan struct{}, 1)}
}

// do works when it is its turn.
func (p *pace) do(ctx context.Context, work func()) error {
	select {
	case p.queue <- struct{}{}:
	default:
		return busy()
	}
	defer func() { <-p.queue }()
	if err := p.wait(ctx); err != nil {
		return err
	}
	begun := time.Now()
	work()
	rest := time.Duration(float64(time.Since(begun)) * (1/p.share - 1))
	time.AfterFunc(rest, func() { <-p.turn })
	return nil
}

// wait waits for the turn.
func (p *pace) wait(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(p.patience)
	defer timer.Stop()
	select {
	case p.turn <- struct{}{}:
		return nil
	case <-timer.C:
		return busy()
	case <-ctx.Done():
		return fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
}

func busy() error {
	return domain.Errorf(domain.CodeOverloaded, "too many sign in at the moment; try again in some seconds")
}
