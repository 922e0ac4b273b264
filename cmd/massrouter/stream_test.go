package main

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestLiveUpdatesEndWithTheService(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), func(c *config.Config) { c.Log.ShutdownGrace = time.Hour })
	id := uuid.New()
	_, opened, err := s.App().OpenWallet(t.Context(), meta(), commands.OpenWallet{WalletID: id, Owner: "o", Currency: money.USD})
	require.NoError(t, err)
	require.NoError(t, s.WaitFor(t.Context(), opened.Position))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/console/v1/stream?wallet_id="+id.String(), nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+operatorToken)
	answer, err := s.client.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	require.Equal(t, http.StatusOK, answer.StatusCode)
	lines := bufio.NewReader(answer.Body)
	reads := func(what string) {
		for {
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			if strings.Contains(line, what) {
				return
			}
		}
	}
	reads("event: reset")
	_, _, err = s.App().TopUp(t.Context(), meta(), commands.TopUp{
		WalletID: id, Amount: money.MustParse("2"), Currency: money.USD, PSP: "operator", Reason: "test",
	})
	require.NoError(t, err)
	reads(`"available":"2"`)
	require.NoError(t, s.stop()) // long before the grace ends
	_, err = io.ReadAll(lines)
	require.NoError(t, err, "the answer ended whole")
}
