package inference_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/http/inference"
)

// TestAStreamThatNobodyReads, in every dialect: the vendor is let go, nothing piles up in between, and what was produced until then is charged.
func TestAStreamThatNobodyReads(t *testing.T) {
	t.Parallel()
	for _, o := range operations() {
		if !o.stream || o.short {
			continue
		}
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			k := newChat(t, inference.CallOptions{Patience: time.Second})
			model := o.model(k, "fault=long&tokens=1000000")
			body := o.with(model, "")
			if o.capName != "" {
				body = o.with(model, o.capped("20000"))
			}
			body = strings.Replace(body, `"max_tokens":20,`, `"max_tokens":20000,`, 1)
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", k.server.Listener.Addr().String())
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
				strings.ReplaceAll(o.path, "%", model), o.key, o.credential(k.Secret), len(body), body)
			require.NoError(t, err)
			require.Eventually(t, func() bool { return len(k.History().Charged) == 1 }, patience, tick)
			require.Eventually(t, func() bool { return k.Sim.Totals().InFlight == 0 }, patience, tick, "the vendor was let go")
			e := k.Only()
			require.True(t, e.Call.Cancelled)
			require.Equal(t, usage.Estimated, e.Provenance)
			require.Positive(t, e.Usage.Completion())
			require.LessOrEqual(t, e.Usage.Completion(), int64(20_000), "no more than was held for")
			require.Equal(t, gatewaytest.Cost(e.Usage).String(), e.Charge.String())
			require.False(t, k.History().Placed[0].Amount.LessThan(e.Charge))
			require.NotContains(t, k.Log.String(), k.Secret)
			require.NotContains(t, k.Log.String(), gatewaytest.VendorSecret)
		})
	}
}
