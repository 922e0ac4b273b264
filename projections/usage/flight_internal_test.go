package usage

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/checkpoint"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

// TestEqualQuestionsShareTheNextAnswer: nobody gets an answer that was begun before he asked, and all who wait get the same one.
func TestEqualQuestionsShareTheNextAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all flights
		begun, end := 0, make(chan struct{})
		answer := func(context.Context) (int, error) {
			begun++
			n := begun
			<-end
			return n, nil
		}
		asked := &question{}
		results, errs := make([]int, 5), make([]error, 5)
		var askers sync.WaitGroup
		ask := func(i int) {
			askers.Go(func() {
				results[i], errs[i] = together(t.Context(), &all, "table", asked, answer)
			})
			synctest.Wait()
		}
		ask(0) // begins at once
		ask(1)
		ask(2) // both wait for the next
		end <- struct{}{}
		synctest.Wait()
		ask(3) // the second is under way
		other := &question{low: 1}
		askers.Go(func() {
			results[4], errs[4] = together(t.Context(), &all, "table", other, answer)
		})
		synctest.Wait()
		require.Equal(t, 3, begun, "another question waits for nobody")
		close(end)
		askers.Wait()
		require.Equal(t, []int{1, 2, 2, 4, 3}, results)
		require.NoError(t, errors.Join(errs...))
		require.Empty(t, all.next)
		require.Empty(t, all.last)
	})
}

// TestAnswersOutliveTheirFirstAsker: the answer goes on for the others, and ends when all have left.
func TestAnswersOutliveTheirFirstAsker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all flights
		ended := 0
		end := make(chan struct{})
		answer := func(ctx context.Context) (string, error) {
			select {
			case <-ctx.Done():
				ended++
				return "", ctx.Err()
			case <-end:
				return "there", nil
			}
		}
		type outcome struct {
			got string
			err error
		}
		outcomes := make(chan outcome, 4)
		ask := func(ctx context.Context) {
			go func() {
				got, err := together(ctx, &all, "series", &question{}, answer)
				outcomes <- outcome{got, err}
			}()
			synctest.Wait()
		}
		running, leaveRunning := context.WithCancel(t.Context())
		first, leaveFirst := context.WithCancel(t.Context())
		ask(running)
		ask(first)
		ask(t.Context())
		leaveFirst() // one of the two who wait
		require.ErrorIs(t, (<-outcomes).err, context.Canceled)
		leaveRunning() // the only one of the first answer
		require.ErrorIs(t, (<-outcomes).err, context.Canceled)
		synctest.Wait()
		require.Equal(t, 1, ended, "nobody waits for the first answer any more")
		close(end)
		require.Equal(t, outcome{"there", nil}, <-outcomes)

		var nobody flights
		end = make(chan struct{})
		alone, leave := context.WithCancel(t.Context())
		_, err := together(alone, &nobody, "series", &question{}, func(ctx context.Context) (string, error) {
			leave()
			return answer(ctx)
		})
		require.ErrorIs(t, err, context.Canceled)
		synctest.Wait()
		require.Empty(t, nobody.next)
		require.Empty(t, nobody.last)
	})
}

func TestASharedAnswerFailsForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all flights
		wrong := errors.New("wrong")
		_, err := together(t.Context(), &all, "table", &question{}, func(context.Context) (int, error) { return 0, wrong })
		require.ErrorIs(t, err, wrong)
		started := time.Now()
		_, err = together(t.Context(), &all, "table", &question{}, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "it took too long")
		require.Equal(t, slow, time.Since(started))
	})
}

// TestAnswersOfAViewThatWentBackArePlannedAgain: the rows that the plan counted on are not there.
func TestAnswersOfAViewThatWentBackArePlannedAgain(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	key := pt.ID(11)
	for range 2 {
		charged := pt.Charged(pt.ID(5), key, "1", "1", pt.After("5", "3"))
		k.Append(t.Context(), t, pt.Wallet(pt.ID(1), wallet.Event(charged)))
		k.Now = k.Now.Add(time.Minute)
	}
	k.ToEnd(t.Context(), t, 0, Projection{})
	q := NewQuery(k.Pool, k.Store, k.Registry)
	later := k.Now.AddDate(0, 2, 0)
	for range 2 {
		q.reached(checkpoint.At{Position: 99, AsOf: later}, later)
		table, err := q.Aggregate(t.Context(), Request{Filter: Filter{From: k.Now.Add(-time.Hour).Truncate(time.Hour), To: later.Truncate(time.Hour)}, Metrics: []Metric{Calls}})
		require.NoError(t, err)
		require.Equal(t, int64(2), table.Total.Sums.Calls)
		require.Equal(t, int64(2), table.Position)
		q.reached(checkpoint.At{Position: 99, AsOf: later}, later)
		activity, err := q.Activity(t.Context(), ActivityRequest{WalletID: pt.ID(1)}, k.Now.AddDate(0, 0, 2))
		require.NoError(t, err)
		require.Len(t, activity.Rows, 1)
		require.Equal(t, int64(2), activity.Rows[0].Requests)
	}
}

// TestAPanicIsAnErrorOfAllAskers, not the end of the process.
func TestAPanicIsAnErrorOfAllAskers(t *testing.T) {
	t.Parallel()
	var all flights
	for range 2 { // the next question is answered again
		_, err := together(t.Context(), &all, "table", &question{}, func(context.Context) (int, error) { panic("a mistake") })
		require.ErrorContains(t, err, "a mistake")
	}
	require.Empty(t, all.last)
}
