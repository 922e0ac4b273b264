package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/wall"
)

// slow bounds the work for all who ask the same.
const slow = 30 * time.Second

// flights let equal questions that wait at the same time be answered once. The rule: a question joins an answer only before that one
// is begun. An answer that is under way may have looked at the log before the asker had seen what is in it: by a write whose position
// he knows, or by an answer to something else. So while one is under way all others wait for the next, which they share, and an answer
// is never older than the moment at which it was asked for; MinPosition, which is part of the question, holds too.
type flights struct {
	mu   sync.Mutex
	next map[string]*flight // by question: has askers, but is not begun
	last map[string]*flight // the one before it: begun, not done
}

// flight is one answer for some askers.
type flight struct {
	askers int
	leave  context.CancelFunc // when no asker is left
	done   chan struct{}      // closed when answer and err are there
	answer any
	err    error
}

// together answers a question, whose text says all that the answer depends on but the moment; for whom it is asked as well, as that decides what the
// database shows. What it returns is others' too: nobody changes it.
func together[T any](ctx context.Context, all *flights, kind string, asked *question, answer func(context.Context) (T, error)) (T, error) {
	var none T
	text, err := json.Marshal([]any{kind, wall.Of(ctx), asked.Request, asked.low, asked.high})
	if err != nil {
		return none, fmt.Errorf("write the question: %w", err)
	}
	f := all.join(ctx, string(text), func(ctx context.Context) (any, error) { return answer(ctx) })
	select {
	case <-f.done:
		if errors.Is(f.err, context.DeadlineExceeded) && ctx.Err() == nil { // it was not the asker's
			return none, domain.Errorf(domain.CodeUnavailable, "the statistics cannot be read now").Wrap(f.err)
		}
		got, _ := f.answer.(T) // none with an error
		return got, f.err
	case <-ctx.Done():
		all.quit(string(text), f)
		return none, fmt.Errorf("read the statistics: %w", ctx.Err())
	}
}

// join is the answer to a question that is not begun yet.
func (all *flights) join(ctx context.Context, text string, answer func(context.Context) (any, error)) *flight {
	all.mu.Lock()
	defer all.mu.Unlock()
	f := all.next[text]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		// It serves all who wait for it: one of them going away does not end it.
		ctx, f.leave = context.WithTimeout(context.WithoutCancel(ctx), slow)
		if all.next == nil {
			all.next, all.last = map[string]*flight{}, map[string]*flight{}
		}
		all.next[text] = f
		go all.fly(ctx, text, f, all.last[text], answer)
	}
	f.askers++
	return f
}

// quit leaves an answer that is not there yet.
func (all *flights) quit(text string, f *flight) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if f.askers--; f.askers > 0 {
		return
	}
	f.leave()
	if all.next[text] == f { // nobody joins what has been given up
		delete(all.next, text)
	}
}

// fly waits for the answer before, begins, and tells all askers.
func (all *flights) fly(ctx context.Context, text string, f, before *flight, answer func(context.Context) (any, error)) {
	defer f.leave()
	defer close(f.done)
	if before != nil {
		select {
		case <-before.done:
		case <-ctx.Done():
		}
	}
	if f.err = all.begin(ctx, text, f); f.err != nil {
		return
	}
	f.answer, f.err = caught(ctx, answer)
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.last[text] == f {
		delete(all.last, text)
	}
}

// caught turns a panic into an error: this goroutine is nobody's request, so nobody else would.
func caught(ctx context.Context, answer func(context.Context) (any, error)) (got any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			got, err = nil, fmt.Errorf("panic: %v", cause)
		}
	}()
	return answer(ctx)
}

// begin ends the time to join, unless it has come too late or all have left.
func (all *flights) begin(ctx context.Context, text string, f *flight) error {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.next[text] == f {
		delete(all.next, text)
	}
	if ctx.Err() == nil {
		all.last[text] = f
	}
	return ctx.Err()
}
