package limit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// askers ask Redis at the same time at most, each over a connection of its own.
	askers = 4
	// asked at once are so many calls at most: the calls of a moment share round trips, so that a thousand need no thousand connections.
	askedAtOnce = 64
)

var (
	errAway    = errors.New("redis is away")
	errCrowded = errors.New("too many calls wait for redis")
	errStrange = errors.New("the script's answer is not what it should be")
)

// question is one call's, on its way to Redis.
type question struct {
	keys  []string
	args  []any
	since time.Time

	answer  []int64
	err     error
	unknown bool // it may have been decided although there is an error
	done    chan struct{}
}

// line is the questions that wait, and how many askers work.
type line struct {
	mu      sync.Mutex
	waiting []*question
	askers  int
}

// join puts a question at the end, and says whether one more asker is wanted.
func (n *line) join(q *question) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = append(n.waiting, q)
	if n.askers == askers {
		return false
	}
	n.askers++
	return true
}

// next is the questions whose turn it is. An asker that gets none is dismissed.
func (n *line) next() []*question {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.waiting) == 0 {
		n.waiting = nil
		n.askers--
		return nil
	}
	size := min(askedAtOnce, len(n.waiting))
	batch := n.waiting[:size:size]
	n.waiting = n.waiting[size:]
	return batch
}

// ask waits for the answer: for its turn no longer than the budget, and then for Redis no longer than the budget.
func (l *Limiter) ask(ctx context.Context, q *question) {
	q.since, q.done = time.Now(), make(chan struct{})
	if l.line.join(q) {
		go l.askAll(context.WithoutCancel(ctx))
	}
	<-q.done
}

// askAll asks as long as somebody waits.
func (l *Limiter) askAll(ctx context.Context) {
	for batch := l.line.next(); batch != nil; batch = l.line.next() {
		l.askBatch(ctx, batch)
		for _, q := range batch {
			close(q.done)
		}
	}
}

func (l *Limiter) askBatch(ctx context.Context, batch []*question) {
	now := time.Now()
	inTime := batch[:0:0]
	for _, q := range batch {
		switch {
		case l.link.away():
			q.err = errAway
		case now.Sub(q.since) > l.o.Budget:
			q.err = errCrowded
		default:
			inTime = append(inTime, q)
		}
	}
	if len(inTime) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, l.o.Budget)
	defer cancel()
	err := l.send(ctx, inTime)
	if again := forgotten(inTime); len(again) > 0 {
		if err = l.take.Load(ctx, l.redis).Err(); err == nil {
			err = l.send(ctx, again)
		}
	}
	if err != nil {
		l.failed(err)
		return
	}
	l.link.good()
}

// send asks for a batch in one round trip. Each question has its own answer or error; the one that is returned is the first that says
// that Redis does not work as it should.
func (l *Limiter) send(ctx context.Context, batch []*question) error {
	pipe := l.redis.Pipeline()
	commands := make([]*redis.Cmd, len(batch))
	for i, q := range batch {
		commands[i] = l.take.EvalSha(ctx, pipe, q.keys, q.args...)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var first error
	for i, q := range batch {
		q.answer, q.err = commands[i].Int64Slice()
		if q.err == nil && len(q.answer) != 1 && len(q.answer) != 6 {
			q.err = errStrange
		}
		if q.err != nil {
			q.err = fmt.Errorf("ask redis about a call's limits: %w", q.err)
			q.unknown = !unknownScript(q.err)
			if first == nil {
				first = q.err
			}
		}
	}
	return first
}

// forgotten are the questions that were not decided because Redis does not know the script any more.
func forgotten(batch []*question) (again []*question) {
	for _, q := range batch {
		if q.err != nil && unknownScript(q.err) {
			again = append(again, q)
		}
	}
	return again
}

func unknownScript(err error) bool {
	var said redis.Error
	return errors.As(err, &said) && strings.HasPrefix(said.Error(), "NOSCRIPT")
}
