package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load(serving("MASSROUTER_LIMIT_BUDGET=5ms", "MASSROUTER_LIMIT_LEASE=1m", "MASSROUTER_LIMIT_PROCESSES=4"), config.RoleServe)
	require.NoError(t, err)
	require.Equal(t, config.Limits{LimitBudget: 5 * time.Millisecond, LimitLease: time.Minute, LimitProcesses: 4}, c.Limits)
	for _, wrong := range []string{"BUDGET=0s", "BUDGET=1001ms", "LEASE=999ms", "LEASE=1h", "PROCESSES=0", "PROCESSES=10001"} {
		name, _, _ := strings.Cut(wrong, "=")
		_, _, err := config.Load(serving("MASSROUTER_LIMIT_"+wrong), config.RoleServe)
		require.ErrorContains(t, err, "MASSROUTER_LIMIT_"+name, wrong)
	}
}
