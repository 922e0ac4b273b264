package catalogimport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Publisher publishes one step under an idempotency key: the same key happens once, and is answered with the receipt of
// that time. It is called from many goroutines.
type Publisher interface {
	Publish(ctx context.Context, key string, s Step) (Receipt, error)
}

// Receipt says where in the log a command is, and whether it happened before.
type Receipt struct {
	Position int64
	Replayed bool
}

// maxRepeats bounds how often the same change can be found in the log again.
const maxRepeats = 1000

// Apply publishes the steps: vendors, then models, then endpoints, then prices, so many at a time within a kind, and the
// prices of one endpoint in their order. position is that of the catalogue that the plan was made from; published is called
// after each step with the number of steps done, one call at a time. The first error ends it; what was done stays, and a new
// plan continues from there. The position of the last command is returned.
func Apply(ctx context.Context, to Publisher, steps []Step, position int64, parallel int, published func(done int)) (int64, error) {
	a := applier{to: to, position: position, last: position, published: published}
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && steps[n].Kind == steps[0].Kind {
			n++
		}
		if err := a.phase(ctx, steps[:n], parallel); err != nil {
			return a.last, err
		}
		steps = steps[n:]
	}
	return a.last, nil
}

type applier struct {
	to        Publisher
	position  int64
	published func(int)

	mu   sync.Mutex
	done int
	last int64
}

func (a *applier) phase(ctx context.Context, steps []Step, parallel int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(parallel, 1))
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && steps[n].ID == steps[0].ID {
			n++
		}
		same := steps[:n]
		group.Go(func() error {
			for _, s := range same {
				if err := a.publish(ctx, s); err != nil {
					return err
				}
			}
			return nil
		})
		steps = steps[n:]
	}
	return group.Wait()
}

// publish sends a step under a key that follows from what changes into what. The log may have the same change before the
// catalogue that was read, and undone since: the key then goes on from that one's position, so that it is a new command,
// and still the same for whoever repeats it.
func (a *applier) publish(ctx context.Context, s Step) error {
	key, err := s.key()
	if err != nil {
		return err
	}
	for range maxRepeats {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := a.to.Publish(ctx, key, s)
		if err != nil {
			return fmt.Errorf("publish the %s %s: %w", s.Kind, s.ID, err)
		}
		if r.Replayed && r.Position <= a.position {
			key = hash(key, r.Position)
			continue
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.done++
		a.last = max(a.last, r.Position)
		a.published(a.done)
		return nil
	}
	return fmt.Errorf("publish the %s %s: the same change is in the log more than %d times", s.Kind, s.ID, maxRepeats)
}

// key is the idempotency key: the hash of what is there and what shall be.
func (s Step) key() (string, error) {
	text, err := json.Marshal([]any{s.Kind, s.ID, s.Vendor, s.Model, s.Endpoint, s.Price, s.was})
	if err != nil {
		return "", fmt.Errorf("encode the %s %s: %w", s.Kind, s.ID, err)
	}
	return hash(string(text), 0), nil
}

func hash(text string, position int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s", position, text))
	return "catalog-import-" + hex.EncodeToString(sum[:])
}
