package main

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// perCall charges calls only: each costs exactly the same.
func perCall(price string) catalog.Rates {
	free := money.MustPrice("0")
	return catalog.Rates{usage.Input: free, usage.Output: free, usage.Request: money.MustPrice(price)}
}

// A wallet never spends more than it has, however many calls come at once, by however many processes.
func TestConcurrentCallsSpendExactlyWhatTheWalletHas(t *testing.T) {
	t.Parallel()
	const calls, affordable = 200, 20
	for name, processes := range map[string]int{"one process": 1, "two processes on one database": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database, vendor := pgtest.URL(t), vendorServer(t)
			services := make([]*service, processes)
			for i := range services {
				services[i] = serve(t, database, nil)
			}
			s := services[0]
			s.publish(vendor, "test/flat", "flat", perCall("0.05"))
			a := s.open("1.00")
			statuses := race(services, a.secret, calls)
			require.Equal(t, map[int]int{http.StatusOK: affordable, http.StatusPaymentRequired: calls - affordable}, statuses)
			require.EqualValues(t, affordable, vendor.Totals().Completed, "a call that is refused never reaches the vendor")

			w := s.wallet(a)
			require.Equal(t, "0", w.Posted.String())
			require.Equal(t, "0", w.Held.String())
			require.Equal(t, "0", w.Available.String())
			require.Equal(t, "1", w.ChargedTotal.String())
		})
	}
}

// race sends calls to the services in turn, all at the same time, and counts the answers' statuses.
func race(services []*service, secret string, calls int) map[int]int {
	var mu sync.Mutex
	statuses := map[int]int{}
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range calls {
		s, body := services[i%len(services)], chat("test/flat", i%4 == 0)
		all.Go(func() {
			<-begin
			a := s.ask(http.MethodPost, "/v1/chat/completions", secret, body)
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
		})
	}
	close(begin)
	all.Wait()
	return statuses
}
