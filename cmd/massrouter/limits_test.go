package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/redistest"
)

// A key's rate is that of all processes together; without Redis the calls go on, and money stays exact.
func TestRateLimitsOverTwoProcesses(t *testing.T) {
	t.Parallel()
	database, vendor, redis := pgtest.URL(t), vendorServer(t), redistest.Start(t)
	services := make([]*service, 2)
	for i := range services {
		services[i] = serve(t, database, func(c *config.Config) {
			c.Store.RedisURL = config.NewSecret(redis.URL())
			c.Limits.LimitBudget = time.Second // a busy machine is not what this is about
		})
	}
	s := services[0]
	s.publish(vendor, "test/flat", "flat", perCall("0.05"))
	a := s.open("10.00")
	const limit, calls = 20, 100
	_, receipt, err := s.App().UpdateKey(t.Context(), meta(), commands.UpdateKey{
		KeyID: a.key, Limits: apikey.Limits{Rates: apikey.RateLimits{RequestsPerMinute: limit, TokensPerMinute: apikey.MaxPerMinute, Parallel: calls}},
	})
	require.NoError(t, err)
	require.NoError(t, s.WaitFor(t.Context(), receipt.Position))

	begun := time.Now()
	statuses := race(services, a.secret, calls)
	minutes := time.Since(begun).Minutes()
	require.Equal(t, calls, statuses[http.StatusOK]+statuses[http.StatusTooManyRequests], "%v", statuses)
	require.GreaterOrEqual(t, statuses[http.StatusOK], limit)
	require.LessOrEqual(t, float64(statuses[http.StatusOK]), limit*(1+minutes))
	require.EqualValues(t, statuses[http.StatusOK], vendor.Totals().Completed, "a call that is refused never reaches the vendor")

	redis.Kill(t)
	without := race(services, a.secret, calls)
	require.Equal(t, calls, without[http.StatusOK]+without[http.StatusTooManyRequests], "%v", without)
	require.Positive(t, without[http.StatusOK], "each process has a share")
	require.EqualValues(t, statuses[http.StatusOK]+without[http.StatusOK], vendor.Totals().Completed)
}
