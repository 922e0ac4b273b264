package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/wallet"
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

// What the keys of a member do counts together, in all processes, and what all keys of a wallet do, too: the refusal says whose limit it was.
func TestLimitsOfMembersAndWalletsOverTwoProcesses(t *testing.T) {
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
	first := s.open("10.00")
	second := account{wallet: first.wallet, key: uuid.New()}
	second.secret = apikey.Secret(second.key, [32]byte{1})
	member := uuid.New()
	_, _, err := s.App().IssueKey(t.Context(), meta(), commands.IssueKey{
		KeyID: second.key, WalletID: first.wallet, Hash: apikey.HashSecret(second.secret), Label: apikey.Label(second.secret), Limits: apikey.Limits{MemberID: member},
	})
	require.NoError(t, err)
	_, _, err = s.App().SetKeyMember(t.Context(), meta(), commands.SetKeyMember{KeyID: first.key, MemberID: member})
	require.NoError(t, err)
	const limit, calls = 10, 40
	_, receipt, err := s.App().SetMemberLimits(t.Context(), meta(), commands.SetMemberLimits{
		WalletID: first.wallet, MemberID: member, Limits: wallet.MemberLimits{Rates: wallet.RateLimits{RequestsPerMinute: limit}},
	})
	require.NoError(t, err)
	require.NoError(t, s.WaitFor(t.Context(), receipt.Position))

	stranger := s.open("1.00")
	for _, s := range services {
		await(t, func() bool { // both know the model
			return s.ask(http.MethodGet, "/v1/models/test/flat", stranger.secret, nil).status == http.StatusOK
		})
	}
	begun, through := time.Now(), 0
	for _, secret := range []string{first.secret, second.secret} {
		statuses := race(services, secret, calls)
		require.Equal(t, calls, statuses[http.StatusOK]+statuses[http.StatusTooManyRequests], "%v", statuses)
		through += statuses[http.StatusOK]
	}
	require.GreaterOrEqual(t, through, limit)
	require.LessOrEqual(t, float64(through), limit*(1+time.Since(begun).Minutes()))
	require.EqualValues(t, through, vendor.Totals().Completed)

	// The limit is changed while the key is known to both processes: within moments each of them goes by the new ones.
	refusedBy := func(s *service) string {
		var refusal struct {
			Error struct {
				Metadata map[string]string `json:"metadata"`
			} `json:"error"`
		}
		a := s.ask(http.MethodPost, "/v1/chat/completions", first.secret, chat("test/flat", false))
		if a.status != http.StatusTooManyRequests {
			return ""
		}
		a.decode(t, &refusal)
		return refusal.Error.Metadata["scope"] + " " + refusal.Error.Metadata["limited_by"]
	}
	for _, s := range services {
		await(t, func() bool { return refusedBy(s) == "member requests_per_minute" })
	}
	_, _, err = s.App().SetMemberLimits(t.Context(), meta(), commands.SetMemberLimits{WalletID: first.wallet, MemberID: member})
	require.NoError(t, err)
	_, _, err = s.App().SetRateLimits(t.Context(), meta(), commands.SetRateLimits{WalletID: first.wallet, Rates: wallet.RateLimits{TokensPerMinute: 1}})
	require.NoError(t, err)
	for _, s := range services {
		await(t, func() bool { return refusedBy(s) == "wallet tokens_per_minute" })
	}
}
