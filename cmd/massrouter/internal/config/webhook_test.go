package config_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/reactors/webhook"
)

func TestWebhooksAreChecked(t *testing.T) {
	t.Parallel()
	key, err := webhook.NewKey()
	require.NoError(t, err)
	c, _, err := config.Load(serving("MASSROUTER_WEBHOOK_KEY="+key, "MASSROUTER_WEBHOOK_ALLOW_NETWORKS=10.1.0.0/16, fd00::/8", "MASSROUTER_WEBHOOK_ALLOW_HTTP=true"), config.RoleServe)
	require.NoError(t, err)
	require.Equal(t, webhook.Policy{AllowHTTP: true, Allowed: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}}, c.Webhooks.Policy())
	require.Equal(t, webhook.Policy{}, config.Default().Webhooks.Policy(), "nothing that is private, unless it is said")

	for _, wrong := range []string{
		"MASSROUTER_WEBHOOK_KEY=" + secretText, "MASSROUTER_WEBHOOK_ALLOW_NETWORKS=10.1.2.3", "MASSROUTER_WEBHOOK_RETENTION=1h",
		"MASSROUTER_WEBHOOK_TIMEOUT=1h", "MASSROUTER_WEBHOOK_RECEIVERS=0", "MASSROUTER_WEBHOOK_CONCURRENCY=0", "MASSROUTER_WEBHOOK_ALLOW_HTTP=perhaps",
	} {
		_, _, err := config.Load(serving(wrong), config.RoleServe)
		var problems config.Problems
		require.ErrorAs(t, err, &problems, wrong)
		require.Len(t, problems, 1)
		require.Contains(t, wrong, problems[0].Name+"=")
		require.NotContains(t, err.Error(), secretText)
	}
}
