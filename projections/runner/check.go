package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/domain"
)

// replica is another build than the live one, that goes exactly where it is told.
type replica interface {
	position(ctx context.Context) (int64, error)
	// advance returns when the replica is at a position; it stands still there. It stays where it is when it is past it.
	advance(ctx context.Context, to int64) error
	open(ctx context.Context) (*content, error)
}

const (
	closeEnough = 5000             // events between the builds before the live one is held still
	rounds      = 20               // at most, to come that close
	liveWait    = 30 * time.Second // for a live build that is behind
)

// check brings a replica to the position of the live build and compares the two. The live one goes on meanwhile: it is read as it was
// when the replica was told where to go.
func (r *Runner) check(ctx context.Context, p Projection, other replica) (Comparison, error) {
	if err := r.approach(ctx, p, other); err != nil {
		return Comparison{}, err
	}
	live, err := beside{r, p, Live}.open(ctx)
	if err != nil {
		return Comparison{}, err
	}
	defer live.close(ctx)
	if err := other.advance(ctx, live.position); err != nil {
		return Comparison{}, err
	}
	built, err := other.open(ctx)
	if err != nil {
		return Comparison{}, err
	}
	defer built.close(ctx)
	return compare(ctx, live, built)
}

// approach brings a replica near the live build, and not past it.
func (r *Runner) approach(ctx context.Context, p Projection, other replica) error {
	for range rounds {
		live, err := readCheckpoint(ctx, r.pool, p, Live)
		if err != nil {
			return err
		}
		at, err := other.position(ctx)
		if err != nil {
			return err
		}
		if at > live.position {
			return r.waitForLive(ctx, p, at)
		}
		if live.position-at < closeEnough {
			return nil
		}
		if err := other.advance(ctx, live.position); err != nil {
			return err
		}
	}
	return nil
}

// waitForLive waits until the live build has come to a position where another build is already.
func (r *Runner) waitForLive(ctx context.Context, p Projection, position int64) error {
	waiting, stop := context.WithTimeout(ctx, liveWait)
	defer stop()
	err := r.runTo(waiting, p, Live, position)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return domain.Errorf(domain.CodeConflict, "the live build of %s does not come to position %d, where the new one is: they cannot be compared", p.Name(), position)
	}
	return err
}

// Verify replays the log into tables of its own session, as far as the live build is, and compares the two. Nothing is changed, and
// nothing stays behind. Errors have code not_found.
func (r *Runner) Verify(ctx context.Context, name string) (Comparison, error) {
	chosen, err := r.choose([]string{name})
	if err != nil {
		return Comparison{}, err
	}
	s, err := r.newScratch(ctx, chosen[0])
	if err != nil {
		return Comparison{}, err
	}
	defer s.close(ctx)
	compared, err := r.check(ctx, chosen[0], s)
	if err != nil {
		return Comparison{}, fmt.Errorf("verify %s: %w", name, err)
	}
	return compared, nil
}
