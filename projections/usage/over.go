package usage

import (
	"context"
	"sync"
	"time"

	"github.com/massrouter/massrouter/projections/checkpoint"
)

// lookAgain is how long what an answer told of the checkpoint is new enough to plan the next one.
const lookAgain = time.Second

// seen is the latest checkpoint that an answer told of.
type seen struct {
	mu sync.Mutex
	at checkpoint.At
	on time.Time
}

// over is a moment before which all quarters of an hour, days and months that are over have their rows. It is read before the question: what ends
// meanwhile has its rows too, and those below stay, so an answer by any earlier checkpoint is as exact, and only reads more rows.
func (q *Query) over(ctx context.Context, least int64) (time.Time, error) {
	q.seen.mu.Lock()
	at, on := q.seen.at, q.seen.on
	q.seen.mu.Unlock()
	if time.Since(on) < lookAgain {
		return at.AsOf, nil
	}
	at, err := q.checkpoint(ctx, least)
	if err == nil {
		q.reached(at, at.AsOf)
	}
	return at.AsOf, err
}

// checkpoint reads nothing else.
func (q *Query) checkpoint(ctx context.Context, least int64) (checkpoint.At, error) {
	return q.view.Read(ctx, least, `SELECT true AS found WHERE false`, `r.found`, nil, nil)
}

// reached remembers the checkpoint of an answer, and says whether it is as far as the one by which the question was planned. It is
// not when the view was begun anew, or a replica answered that is behind.
func (q *Query) reached(at checkpoint.At, planned time.Time) bool {
	q.seen.mu.Lock()
	defer q.seen.mu.Unlock()
	q.seen.at, q.seen.on = at, time.Now()
	return !at.AsOf.Before(planned)
}
