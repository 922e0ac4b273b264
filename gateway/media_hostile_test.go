package gateway_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/internal/sim"
)

// mediaPrices are what the table's models cost; pieces have a price beside tokens, so that both are counted.
func mediaPrices() map[usage.Class]string {
	return map[usage.Class]string{
		usage.ImageOutput: "0.00004", usage.AudioOutput: "0.000012", usage.AudioInput: "0.000006", usage.Image: "0.01", usage.Character: "0.000015", usage.Second: "0.0001",
	}
}

// mediaCost is what a usage costs at them.
func mediaCost(u usage.Usage) money.Amount {
	total := gatewaytest.Cost(u)
	for class, price := range mediaPrices() {
		total = total.Add(money.MustPrice(price).Times(u[class]))
	}
	return total
}

// mediaSum is the ledger's usage as the simulator counts.
func mediaSum(u usage.Usage) sim.Usage {
	return sim.Usage{
		Prompt: u.Prompt(), Completion: u.Completion(), Sound: u[usage.AudioInput], Images: u[usage.Image], Characters: u[usage.Character], Seconds: u[usage.Second],
	}
}

// TestHostileVendorsOfMedia: whatever a vendor answers who is asked for images, speech or transcriptions, whole and in events. Every call comes to its
// end, is charged or released once, and never for more than was held. At the end of the table the ledger's sums of what vendors told truly are
// the simulator's own, to the last digit.
func TestHostileVendorsOfMedia(t *testing.T) {
	t.Parallel()
	faults := []string{
		"", "no_usage", "empty", "cut", "cut&variant=close", "error_in_stream", "error_in_stream&variant=overloaded", "gzip_bomb",
		"malformed&variant=json", "malformed&variant=skip", "malformed&variant=half", "malformed&variant=html", "malformed&variant=endless",
		"absurd_usage&variant=negative", "absurd_usage&variant=huge", "absurd_usage&variant=overflow", "absurd_usage&variant=total", "absurd_usage&variant=string",
	}
	asks := map[string]func(model string) exchange.Incoming{
		"images":                  func(m string) exchange.Incoming { return drawing(m, `"n":2`) },
		"streamed images":         func(m string) exchange.Incoming { return drawing(m, `"stream":true`, `"partial_images":2`) },
		"speech":                  func(m string) exchange.Incoming { return speaking(m, spoken) },
		"speech in events":        func(m string) exchange.Incoming { return speaking(m, spoken, `"stream_format":"sse"`) },
		"transcriptions":          func(m string) exchange.Incoming { return hear(t, m, "a.wav", wav(2500)) },
		"streamed transcriptions": func(m string) exchange.Incoming { return hear(t, m, "a.wav", wav(2500), "stream", "true") },
	}
	k := gatewaytest.New(t, hasty, narrow) // one for all: each gateway loads the tokenizer when it first estimates
	told := sums{usage: usage.Usage{}, charge: money.Zero()}
	lost := sim.Usage{}           // what was told truly of calls that broke, or that brought nothing
	for name, ask := range asks { //nolint:paralleltest // they share a kit, which is not safe for that, and a sum
		for _, fault := range faults {
			t.Run(name+" "+fault, func(t *testing.T) {
				controls := "tokens=40"
				if fault != "" {
					controls += "&fault=" + fault
				}
				call := k.Call("")
				call.WalletID, call.KeyID, call.Secret = k.Customer("5")
				model := k.Does(k.ModelAt(gatewaytest.Canceller, controls, priced(k, mediaPrices())), "image", "speech", "transcription")
				call.Incoming = ask(model)
				c, before := gatewaytest.NewClient(), produced(t, k)
				err := k.Gateway.Complete(context.WithoutCancel(t.Context()), call, c)
				truth := mediaMinus(produced(t, k), before)
				one := k.HistoryOf(call.WalletID)
				require.Empty(t, one.State.Holds)
				require.Len(t, one.Placed, 1)
				require.Equal(t, 1, len(one.Charged)+len(one.Released), "charged or released, once")
				explained(t, &one, err, c)
				if len(one.Charged) == 1 {
					charged := &one.Charged[0]
					require.False(t, one.Placed[0].Amount.LessThan(charged.Charge), "%s of %s", charged.Charge, one.Placed[0].Amount)
					require.Equal(t, mediaCost(charged.Usage).String(), charged.Charge.String())
					require.Equal(t, string(call.Operation), charged.Call.Operation)
					if charged.Provenance == usage.Reported && !charged.Call.Suspect {
						require.Equal(t, truth, mediaSum(charged.Usage), "to the last digit")
						told.add(charged)
						truth = sim.Usage{}
					}
				}
				lost = mediaMinus(lost, mediaMinus(sim.Usage{}, truth))
				if fault == "" {
					require.NoError(t, err)
					require.Equal(t, usage.Reported, one.Charged[0].Provenance, fmt.Sprint(one.Charged[0].Usage))
				}
			})
		}
	}
	require.Equal(t, produced(t, k), mediaMinus(mediaSum(told.usage), mediaMinus(sim.Usage{}, lost)))
	require.Equal(t, mediaCost(told.usage).String(), told.charge.String())
	require.Positive(t, told.usage[usage.Image])
}

func mediaMinus(a, b sim.Usage) sim.Usage {
	return sim.Usage{
		Prompt: a.Prompt - b.Prompt, Completion: a.Completion - b.Completion, Sound: a.Sound - b.Sound, Images: a.Images - b.Images,
		Characters: a.Characters - b.Characters, Seconds: a.Seconds - b.Seconds,
	}
}
