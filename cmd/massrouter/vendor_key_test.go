package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/resealing"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// TestACustomersKeyServesItsCalls: stored by the operators' command, it is used by the running service, which has no key of the platform's; what it costs is
// the fee, to the last digit; the auditor recomputes all of it; the keyset is rotated, and the key still opens with the new one alone. It stands nowhere as it is.
func TestACustomersKeyServesItsCalls(t *testing.T) {
	t.Parallel()
	database, sim := pgtest.URL(t), vendorServer(t)
	path := filepath.Join(t.TempDir(), "keyset.json")
	do(t, nil, "secrets", "init", path)
	boot := func() *service {
		return serve(t, database, func(c *config.Config) {
			var err error
			c.Secrets, err = config.KeysetFile(path)
			require.NoError(t, err)
			c.Vendors.Keys = config.NewVendorKeys(nil)
			c.Gateway.OwnKeyFee = "2.5"
		})
	}
	s := boot()
	position := s.publish(sim, "test/model", "model?tokens=7", tokenRates())
	require.NoError(t, s.WaitFor(t.Context(), position))
	a := s.open("20")
	require.Equal(t, http.StatusServiceUnavailable, s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/model", false)).status)

	operate := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	said := do(t, operate, "vendor-key", "add", a.wallet.String(), "--vendor", "sim", "--label", "ours", "--order", "only", "--secret-file",
		write(t, "wrong.txt", "a-key-that-nobody-knows-1234\n"), "--json")
	id := decoded[client.VendorKeyReceipt](t, said).VendorKeyID.String()
	await(t, func() bool { // the vendor does not take it
		return s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/model", false)).status == http.StatusForbidden
	})
	said += do(t, operate, "vendor-key", "update", a.wallet.String(), id, "--label", "ours", "--model", "test/model", "--key", a.key.String(), "--secret-file", write(t, "right.txt", vendorSecret))
	await(t, func() bool {
		return s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/model", false)).status == http.StatusOK
	})
	require.Equal(t, http.StatusOK, s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/model", true)).status)
	said += do(t, operate, "vendor-key", "list", a.wallet.String()) + do(t, operate, "vendor-key", "show", a.wallet.String(), id)
	require.Contains(t, said, "…"+vendorSecret[len(vendorSecret)-4:])
	require.NotContains(t, said, vendorSecret)

	environ := []string{"DATABASE_URL=" + database, "MASSROUTER_SECRETS_KEYSET_FILE=" + path}
	dry := decoded[[]resealing.Result](t, do(t, environ, "secrets", "rotate", "--dry-run", "--json"))
	require.Contains(t, dry, resealing.Result{Table: "gateway.vendor_keys", Resealed: 1})
	require.Regexp(t, `gateway.vendor_keys +1 +0`, do(t, environ, "secrets", "rotate"))
	require.Regexp(t, `gateway.vendor_keys +0 +0`, do(t, environ, "secrets", "rotate", "--resume"))
	require.NoError(t, s.stop())
	s = boot()
	require.Equal(t, http.StatusOK, s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/model", false)).status)
	operate[0] = "MASSROUTER_SERVER=" + s.BaseURL()
	do(t, operate, "vendor-key", "remove", a.wallet.String(), id)
	await(t, func() bool {
		return s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/model", false)).status == http.StatusServiceUnavailable
	})

	left, calls := money.MustParse("20"), 0
	for _, e := range events(t, database) {
		if charged, ok := e.event.(wallet.UsageCharged); ok {
			calls++
			require.Equal(t, id, charged.Call.OwnKey.ID.String())
			require.True(t, charged.VendorCost.IsZero())
			fee := money.Zero()
			for class, n := range charged.Usage {
				fee = fee.Add(tokenRates()[class].Part(money.MustPrice("0.025")).Times(n))
			}
			require.Equal(t, fee.String(), charged.Charge.String())
			left = left.Sub(fee)
		}
	}
	require.GreaterOrEqual(t, calls, 3)
	require.Equal(t, left.String(), s.wallet(a).Posted.String())
	require.NoError(t, s.stop())
	require.Contains(t, do(t, environ, "audit", "verify"), "Everything agrees.")

	pool, err := pgxpool.New(t.Context(), database)
	require.NoError(t, err)
	defer pool.Close()
	for _, secret := range []string{vendorSecret, "a-key-that-nobody-knows-1234"} {
		require.Empty(t, tablesWith(t, pool, secret))
	}
}
