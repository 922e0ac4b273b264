package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/internal/sim"
)

// narrow takes little from a vendor, so that a flood comes to its end soon.
func narrow(o *gateway.Options) { o.MaxAnswer, o.MaxEvent = 64<<10, 32<<10 }

// sums is what a table of calls comes to.
type sums struct {
	usage  usage.Usage
	charge money.Amount
}

func (s *sums) add(c *wallet.UsageCharged) {
	for class, n := range c.Usage {
		s.usage[class] += n
	}
	s.charge = s.charge.Add(c.Charge)
}

// TestHostileVendors: whatever a vendor answers, in every pair of dialects. Every call comes to its end, is charged or released once, and never for
// more than was held; its caller is told how it ended, and so is the record. At the end of the table the ledger's sums of what vendors told
// truly are the simulator's own, to the last digit.
func TestHostileVendors(t *testing.T) {
	t.Parallel()
	faults := []string{
		"", "no_usage", "empty", "cut", "cut&variant=close", "error_in_stream", "error_in_stream&variant=overloaded", "gzip_bomb",
		"malformed&variant=json", "malformed&variant=skip", "malformed&variant=half", "malformed&variant=html", "malformed&variant=endless",
		"malformed&variant=crc",
	}
	for variant := range strings.FieldsSeq("negative huge overflow cached reasoning total fraction string") {
		faults = append(faults, "absurd_usage&variant="+variant)
	}
	k := gatewaytest.New(t, hasty, narrow) // one for all: each gateway loads the tokenizer when it first estimates
	told := sums{usage: usage.Usage{}, charge: money.Zero()}
	var lost sim.Usage              // what was told truly of calls that broke, or that brought nothing
	for _, in := range dialects() { //nolint:paralleltest // they share a kit, which is not safe for that, and a sum
		for _, out := range vendors() {
			for _, fault := range faults {
				for _, stream := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s to %s %s stream %t", in, out, fault, stream), func(t *testing.T) {
						controls := "tokens=9&cached=2&reasoning=4"
						if fault != "" {
							controls += "&fault=" + fault
						}
						call := k.Call("")
						call.WalletID, call.KeyID, call.Secret = k.Customer("1")
						call.Incoming = gatewaytest.Ask(in, k.Model(gatewaytest.Vendor(out), controls), stream, 20)
						c, before := gatewaytest.NewClient(), produced(t, k)
						err := k.Gateway.Complete(context.WithoutCancel(t.Context()), call, c)
						truth := minus(produced(t, k), before)
						one := k.HistoryOf(call.WalletID)
						require.Empty(t, one.State.Holds)
						require.Len(t, one.Placed, 1)
						require.Equal(t, 1, len(one.Charged)+len(one.Released), "charged or released, once")
						explained(t, &one, err, c)
						if len(one.Charged) == 1 {
							charged := &one.Charged[0]
							require.False(t, one.Placed[0].Amount.LessThan(charged.Charge), "%s of %s", charged.Charge, one.Placed[0].Amount)
							require.Equal(t, gatewaytest.Cost(charged.Usage).String(), charged.Charge.String())
							if charged.Provenance == usage.Reported && !charged.Call.Suspect {
								require.Equal(t, truth, sum(charged.Usage, sim.Usage{}), "to the last digit")
								told.add(charged)
								truth = sim.Usage{}
							}
						}
						lost = sum(usage.Usage{}, lost, truth)
						if fault == "" {
							text, cost, ended := heard(t, in, c)
							require.NoError(t, err)
							require.True(t, ended)
							require.Len(t, strings.Fields(text), 9)
							require.Equal(t, one.Charged[0].Charge.String(), cost)
						}
					})
				}
			}
		}
	}
	require.Equal(t, produced(t, k), sum(told.usage, lost))
	require.Equal(t, gatewaytest.Cost(told.usage).String(), told.charge.String())
}

// produced is what the simulator told truly, once it is done with all calls.
func produced(t *testing.T, k *gatewaytest.Kit) sim.Usage {
	t.Helper()
	require.Eventually(t, func() bool { return k.Sim.Totals().InFlight == 0 }, 30*time.Second, time.Millisecond)
	return k.Sim.Totals().Reported
}

func minus(a, b sim.Usage) sim.Usage {
	return sim.Usage{
		Prompt: a.Prompt - b.Prompt, Cached: a.Cached - b.Cached, CacheWrite: a.CacheWrite - b.CacheWrite, CacheWrite1h: a.CacheWrite1h - b.CacheWrite1h,
		Reasoning: a.Reasoning - b.Reasoning, Completion: a.Completion - b.Completion,
	}
}

// sum is the ledger's usage and more, as the simulator counts.
func sum(u usage.Usage, more ...sim.Usage) sim.Usage {
	s := sim.Usage{
		Prompt: u.Prompt(), Cached: u[usage.CacheRead], CacheWrite: u[usage.CacheWrite] + u[usage.CacheWrite1h], CacheWrite1h: u[usage.CacheWrite1h],
		Reasoning: u[usage.Reasoning], Completion: u.Completion(),
	}
	for _, m := range more {
		s = minus(s, minus(sim.Usage{}, m))
	}
	return s
}

// explained: the caller is told how a call ended, as the record says it.
func explained(t *testing.T, one *gatewaytest.History, err error, c *gatewaytest.Client) {
	t.Helper()
	if len(one.Released) == 1 {
		reason := one.Released[0].Reason
		require.NotEmpty(t, reason)
		if err != nil {
			require.Equal(t, string(domain.CodeOf(err)), reason)
			require.NotContains(t, err.Error(), "\n")
		}
		return
	}
	require.NoError(t, err, "what is charged was answered")
	charged := &one.Charged[0]
	require.NotEmpty(t, charged.Call.FinishReason+charged.Call.Error, "how it ended")
	if charged.Call.Error != "" {
		require.Contains(t, c.Body(), `"error_type":"`+charged.Call.Error+`"`)
	}
}

// TestHostileCallers: what cannot be read is refused before anything is held, with few words that repeat little of it; what is only large is served.
func TestHostileCallers(t *testing.T) {
	t.Parallel()
	repeated := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	tool := map[chat.Dialect]string{
		chat.OpenAI: `{"type":"function","function":{"name":"f%d","parameters":{"type":"object"}}}`, chat.Responses: `{"type":"function","name":"f%d","parameters":{"type":"object"}}`,
		chat.Anthropic: `{"name":"f%d","input_schema":{"type":"object"}}`, chat.Gemini: `{"functionDeclarations":[{"name":"f%d"}]}`,
	}
	k := gatewaytest.New(t, hasty)
	for _, in := range dialects() { //nolint:paralleltest // they share a kit, which is not safe for that
		for name, more := range map[string]string{
			"nesting bomb":    `,"metadata":` + strings.Repeat(`{"a":`, 200_000),
			"nesting, closed": `,"metadata":` + strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000),
			"name twice":      `,"metadata":{},"metadata":{}`,
			"broken UTF-8":    ",\"metadata\":\"\xff\xfe\"",
			"lone surrogate":  `,"metadata":"\ud800"`,
			"unended":         `,"metadata":"`,
			"behind the end":  `}{"a":1`,
		} {
			t.Run(string(in)+" "+name, func(t *testing.T) {
				call := k.Call("")
				call.Incoming = gatewaytest.Ask(in, k.Model(gatewaytest.Canceller, ""), false, 20)
				call.Body = append(call.Body[:len(call.Body)-1:len(call.Body)-1], more+"}"...)
				err := k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())
				require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "%v", err)
				require.Less(t, len(err.Error()), 300)
				require.Empty(t, k.History().Placed)
			})
		}
		for _, out := range vendors() {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s to %s many tools stream %t", in, out, stream), func(t *testing.T) {
					call := k.Call("")
					call.WalletID, call.KeyID, call.Secret = k.Customer("100")
					call.Incoming = gatewaytest.Ask(in, k.Model(gatewaytest.Vendor(out), "tokens=3"), stream, 20)
					tools := `,"tools":[` + repeated(10_000, tool[in]) + `]`
					call.Body = append(call.Body[:len(call.Body)-1:len(call.Body)-1], tools+"}"...)
					require.NoError(t, k.Gateway.Complete(context.WithoutCancel(t.Context()), call, gatewaytest.NewClient()))
					require.Len(t, k.HistoryOf(call.WalletID).Charged, 1)
				})
			}
		}
	}
}
