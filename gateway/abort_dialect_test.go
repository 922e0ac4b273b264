package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// TestLeavingInEveryDialectPair: whatever caller and vendor speak, a caller who leaves a stream is charged exactly what the
// simulator says that it produced: up to then where that ends the bill, all of it where the vendor bills on.
func TestLeavingInEveryDialectPair(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty) // one for all: each gateway loads the tokenizer when it first estimates
	for _, out := range vendors() {
		v := catalog.Vendor{
			ID: "drains-" + string(out), Name: "Drains", BaseURL: k.Vendor.URL + root(out), Dialect: string(out), CancelPolicy: catalog.Drain,
			MaxTokensField: "max_tokens", Status: catalog.Active,
		}
		k.PublishVendor(v)
	}
	for _, in := range dialects() { //nolint:paralleltest // they share a kit, which is not safe for that
		for _, out := range vendors() {
			for _, drain := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s to %s drain %t", in, out, drain), func(t *testing.T) {
					vendor, controls, want := gatewaytest.Vendor(out), "tokens=9&after=4&fault=timeout_after&flush=1", usage.Estimated
					if drain {
						vendor, controls, want = "drains-"+string(out), "tokens=60&between=2ms&reasoning=5&cached=3", usage.Reported
					}
					before := k.Sim.Totals()
					call := k.Call("")
					call.WalletID, call.KeyID, call.Secret = k.Customer("1")
					call.Incoming = gatewaytest.Ask(in, k.Model(vendor, controls), true, 100)
					leaveAfterWords(t, k, call)
					require.NoError(t, k.Sim.WaitIdle(t.Context()))
					after := k.Sim.Totals()
					history := k.HistoryOf(call.WalletID)
					require.Len(t, history.Charged, 1)
					e := history.Charged[0]
					require.True(t, e.Call.Cancelled)
					require.Equal(t, want, e.Provenance)
					produced := after.Unreported.Completion - before.Unreported.Completion
					if drain {
						produced = after.Reported.Completion - before.Reported.Completion
						require.Equal(t, after.Reported.Prompt-before.Reported.Prompt, e.Usage.Prompt())
						require.EqualValues(t, 65, produced)
					} else {
						require.EqualValues(t, 4, produced)
					}
					require.Equal(t, produced, e.Usage.Completion())
				})
			}
		}
	}
}

// leaveAfterWords runs a stream whose caller goes away when four words, or more, have come.
func leaveAfterWords(t *testing.T, k *gatewaytest.Kit, call gateway.Call) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	c, ended := gatewaytest.NewClient(), make(chan struct{})
	go func() {
		defer close(ended)
		_ = k.Gateway.Complete(ctx, call, c) // the caller is not told any more
	}()
	require.Eventually(t, func() bool {
		if !c.Opened() {
			return false
		}
		text, _, _ := heard(t, call.Dialect, c)
		return len(strings.Fields(text)) >= 4
	}, time.Minute, time.Millisecond)
	leave()
	<-ended
}

// root is the path of a vendor.
func root(d chat.Dialect) string {
	switch d {
	case chat.Gemini:
		return "/v1beta"
	case chat.Bedrock:
		return ""
	}
	return "/v1"
}
