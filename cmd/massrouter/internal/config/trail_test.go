package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
)

func TestAddressesInTheAuditTrailAreKeptForATime(t *testing.T) {
	t.Parallel()
	require.Equal(t, 180*24*time.Hour, config.Default().Trail.AuditRetention)
	for value, ok := range map[string]bool{"24h": true, "87600h": true, "23h59m": false, "87601h": false, "0": false, "-24h": false, "half a year": false} {
		c, _, err := config.Load(serving("MASSROUTER_AUDIT_ADDRESS_RETENTION="+value), config.RoleServe)
		if ok {
			require.NoError(t, err, value)
			require.Positive(t, c.Trail.AuditRetention)
			continue
		}
		var problems config.Problems
		require.ErrorAs(t, err, &problems, value)
		require.Len(t, problems, 1)
		require.Equal(t, "MASSROUTER_AUDIT_ADDRESS_RETENTION", problems[0].Name)
	}
}
