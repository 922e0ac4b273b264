package sim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// Many callers at once add up for themselves what they were told; the simulator's sums must be the same.
func TestTotalsEqualWhatCallersSaw(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const callers, rounds = 16, 24
	var mu sync.Mutex
	saw := make(map[string]*sim.Row)
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for round := range rounds {
				model := fmt.Sprintf("m%d", (caller+round)%5)
				got, err := b.seen(t.Context(), model, round)
				mu.Lock()
				if saw[model] == nil {
					saw[model] = new(sim.Row)
				}
				add(saw[model], got)
				mu.Unlock()
				if err != nil {
					t.Errorf("caller %d round %d: %v", caller, round, err)
					return
				}
			}
		})
		if caller%4 == 0 {
			_ = b.Totals() // readers beside writers
		}
	}
	group.Wait()
	totals := b.idle(t)
	var sum sim.Row
	for model, row := range saw {
		require.Equal(t, *row, totals.Models[model], model)
		add(&sum, *row)
	}
	require.Equal(t, sum, totals.Row)
	require.EqualValues(t, callers*rounds, totals.Calls)
	faults := totals.Faults
	require.Equal(t, []int64{callers * rounds / 6, callers * rounds / 6}, []int64{faults["429"].Rejected, faults["cut"].Broken})
}

// seen makes one of six kinds of call and returns what its caller knows of it.
func (b *bundle) seen(ctx context.Context, model string, round int) (sim.Row, error) {
	row := sim.Row{Calls: 1}
	tokens := int64(round + 5)
	stream := round%2 == 0
	model += fmt.Sprintf("?tokens=%d&cached=%d", tokens, round%4)
	told := sim.Usage{Prompt: 7, Cached: int64(round % 4), Completion: tokens}
	switch round % 6 {
	case 0:
		model += "&fault=cut&after=3"
		row.Broken = 1
		row.Unreported = told
		row.Unreported.Completion = 3
	case 1:
		model += "&fault=429"
		row.Rejected = 1
	default:
		row.Completed, row.Reported = 1, told
	}
	body := ask(model)
	if stream {
		body = ask(model, streamed, withUsage)
		row.Streamed = 1
	}
	request, err := b.newRequest(ctx, body)
	if err != nil {
		return row, err
	}
	answer, err := b.client.Do(request)
	if err != nil {
		return row, err
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	switch {
	case row.Broken == 1 && err == nil:
		return row, fmt.Errorf("the stream was not cut: %s", text)
	case row.Rejected == 1 && answer.StatusCode != http.StatusTooManyRequests:
		return row, fmt.Errorf("status %d", answer.StatusCode)
	case row.Broken == 1:
		return row, nil
	}
	return row, err
}

func add(to *sim.Row, from sim.Row) {
	to.Calls += from.Calls
	to.Streamed += from.Streamed
	to.Completed += from.Completed
	to.Rejected += from.Rejected
	to.Broken += from.Broken
	to.Reported.Prompt += from.Reported.Prompt
	to.Reported.Cached += from.Reported.Cached
	to.Reported.CacheWrite += from.Reported.CacheWrite
	to.Reported.CacheWrite1h += from.Reported.CacheWrite1h
	to.Reported.Reasoning += from.Reported.Reasoning
	to.Reported.Completion += from.Reported.Completion
	to.Unreported.Prompt += from.Unreported.Prompt
	to.Unreported.Cached += from.Unreported.Cached
	to.Unreported.CacheWrite += from.Unreported.CacheWrite
	to.Unreported.CacheWrite1h += from.Unreported.CacheWrite1h
	to.Unreported.Reasoning += from.Unreported.Reasoning
	to.Unreported.Completion += from.Unreported.Completion
}

// A call is in the totals by the time that its caller has read the end.
func TestTotalsAreThereWhenTheAnswerIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 200 {
		body := ask("m")
		if i%2 == 0 {
			body = ask("m", streamed)
		}
		b.post(t, body)
		require.EqualValues(t, i+1, b.Totals().Calls)
	}
}

func TestModelsBeyondTheBoundAreCountedTogether(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 1005 {
		b.post(t, ask(fmt.Sprintf("m%d?tokens=0", i)))
	}
	totals := b.Totals()
	require.Len(t, totals.Models, 1001)
	require.EqualValues(t, 5, totals.Models["(others)"].Calls)
	require.EqualValues(t, 1005, totals.Calls)
}
