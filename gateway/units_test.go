package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// answering makes every vendor give one answer, whatever it is asked.
func answering(k *gatewaytest.Kit, answer string) {
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if strings.HasPrefix(answer, "{") {
			w.Header().Set("Content-Type", "application/json")
		} else {
			w.Header().Set("Content-Type", "text/event-stream")
		}
		_, _ = w.Write([]byte(answer))
	}))
}

// priced is the kit's price with further rates and tiers.
func priced(k *gatewaytest.Kit, rates map[usage.Class]string, tiers ...catalog.Override) catalog.PriceVersion {
	v := k.Price()
	for class, rate := range rates {
		v.Price.Base[class] = money.MustPrice(rate)
	}
	v.Price.Overrides = append(v.Price.Overrides, tiers...)
	return v
}

func tier(name, input, output string) catalog.Override {
	return catalog.Override{ServiceTier: name, Rates: catalog.Rates{usage.Input: money.MustPrice(input), usage.Output: money.MustPrice(output)}}
}

const chatAnswer = `{"id":"chatcmpl-1","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,` +
	`"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":%s,"service_tier":%s}`

// TestServiceTiers: the hold is that of the dearest tier that the call allows, and the charge that of the tier it was served with.
func TestServiceTiers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		asked, served string
		billed        string // the tier
		held, charged string // for 1 prompt token and 9 completion tokens held, and 1 and 1 used, in prices of output 4, 2 and 8
		suspect       bool
	}{
		"nothing asked":               {"", `"default"`, "", "4", "4", false},
		"nothing asked, nothing said": {"", `null`, "", "4", "4", false},
		"standard":                    {"default", `"default"`, "", "4", "4", false},
		"cheaper":                     {"flex", `"flex"`, "flex", "4", "2", false},
		"cheaper, but not had":        {"flex", `"default"`, "", "4", "4", false},
		"cheaper, nothing said":       {"flex", `null`, "flex", "4", "2", false},
		"dearer":                      {"priority", `"priority"`, "priority", "8", "8", false},
		"dearer, but not had":         {"priority", `"default"`, "", "8", "4", false},
		"any":                         {"auto", `"priority"`, "priority", "8", "8", false},
		"one that nobody asked for":   {"", `"priority"`, "", "4", "4", true},
		"one that has no price":       {"auto", `"scale"`, "", "8", "4", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t)
			v := priced(k, nil, tier("flex", "0", "2"), tier("priority", "0", "8"))
			v.Price.Base = catalog.Rates{usage.Input: money.MustPrice("0"), usage.Output: money.MustPrice("4")}
			answering(k, fmt.Sprintf(chatAnswer, `{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}`, row.served))
			members := []string{`"max_tokens":9`}
			if row.asked != "" {
				members = append(members, fmt.Sprintf(`"service_tier":%q`, row.asked))
			}
			_, err := k.Do(gatewaytest.Body(k.ModelAt(gatewaytest.Canceller, "", v), members...))
			require.NoError(t, err)
			e := k.Only()
			require.Equal(t, row.billed, e.ServiceTier)
			require.Equal(t, row.charged, e.Charge.String())
			require.Equal(t, row.charged, e.VendorCost.String())
			require.Equal(t, row.suspect, e.Call.Suspect)
			require.Equal(t, catalog.TierOf(strings.Trim(strings.ReplaceAll(row.served, "null", ""), `"`)), e.Call.ServiceTier)
			placed := k.History().Placed[0]
			require.Equal(t, catalog.TierOf(row.asked), placed.ServiceTier)
			require.Equal(t, money.MustPrice(row.held).Times(9).String(), placed.Amount.String())
		})
	}
}

func TestATierWithoutAPriceIsRefused(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.ModelAt(gatewaytest.Canceller, "", priced(k, nil, tier("flex", "0", "2")))
	_, err := k.Do(gatewaytest.Body(model, `"service_tier":"priority"`))
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	require.Empty(t, k.History().Placed)

	k.Offer(model, gatewaytest.Drainer, "tokens=1", priced(k, nil, tier("priority", "0", "2")))
	_, err = k.Do(gatewaytest.Body(model, `"service_tier":"priority"`, `"max_tokens":9`))
	require.NoError(t, err, "who has a price for it is asked")
	require.Contains(t, k.Settled().Placed[0].Endpoint, gatewaytest.Drainer)
}

// TestMediaAreHeldAndCharged: what is dearer than text is held when the call may use it, and charged by its own class.
func TestMediaAreHeldAndCharged(t *testing.T) {
	t.Parallel()
	sound := `{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}`
	body := func(model, message string, members ...string) string {
		return `{"model":"` + model + `","messages":[` + message + `],"max_tokens":5` + strings.Join(append([]string{""}, members...), ",") + `}`
	}
	for name, row := range map[string]struct {
		members []string
		message string
		outputs []string
		usage   string
		want    usage.Usage
		extra   []usage.Class
		suspect bool
	}{
		"sound": {
			nil, sound,
			[]string{"text"},
			`{"prompt_tokens":20,"completion_tokens":1,"total_tokens":21,"prompt_tokens_details":{"audio_tokens":15,"cached_tokens":5}}`,
			usage.Usage{usage.CacheRead: 5, usage.AudioInput: 15, usage.Output: 1, usage.Request: 1},
			[]usage.Class{usage.AudioInput, usage.ImageInput},
			false,
		},
		"speech": {
			nil, `{"role":"user","content":"hi"}`,
			[]string{"text", "audio"},
			`{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"completion_tokens_details":{"audio_tokens":4}}`,
			usage.Usage{usage.Input: 9, usage.Output: 1, usage.AudioOutput: 4, usage.Request: 1},
			[]usage.Class{usage.AudioOutput},
			false,
		},
		"speech of a model of which nobody said that it speaks": {
			nil, `{"role":"user","content":"hi"}`, nil,
			`{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"completion_tokens_details":{"audio_tokens":5}}`,
			usage.Usage{usage.Input: 9, usage.AudioOutput: 5, usage.Request: 1},
			[]usage.Class{usage.AudioOutput, usage.ImageOutput},
			false,
		},
		"searches": {
			[]string{`"web_search_options":{}`},
			`{"role":"user","content":"hi"}`,
			[]string{"text"},
			`{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10,"num_search_queries":3}`,
			usage.Usage{usage.Input: 9, usage.Output: 1, usage.Search: 3, usage.Request: 1},
			[]usage.Class{usage.AudioInput, usage.ImageInput, usage.Search},
			false,
		},
		"sound that nobody sent": {
			nil, `{"role":"user","content":"hi"}`,
			[]string{"text"},
			`{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10,"prompt_tokens_details":{"audio_tokens":2}}`,
			usage.Usage{usage.Input: 7, usage.AudioInput: 2, usage.Output: 1, usage.Request: 1},
			nil, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t)
			v := priced(k, map[usage.Class]string{usage.AudioInput: "0.0004", usage.AudioOutput: "0.0008", usage.Search: "0.01"})
			model := k.ModelAt(gatewaytest.Canceller, "", v)
			k.Catalog.Change(func(p *gateway.Picture) {
				m := p.Models[model]
				m.InputModalities, m.OutputModalities = []string{"text", "audio"}, row.outputs
				p.Models[model] = m
			})
			answering(k, fmt.Sprintf(chatAnswer, row.usage, "null"))
			_, err := k.Do(body(model, row.message, row.members...))
			require.NoError(t, err)
			e := k.Only()
			require.Equal(t, row.want, e.Usage)
			require.Equal(t, row.suspect, e.Call.Suspect)
			require.Equal(t, usage.Total(v.Price.LineItems(row.want, e.Call.StartedAt)).String(), e.Charge.String())
			placed := k.History().Placed[0]
			require.ElementsMatch(t, row.extra, keys(placed.Extra))
			if !row.suspect {
				require.True(t, usage.Bounds{Prompt: placed.PromptTokens, Completion: placed.CompletionTokens, Extra: placed.Extra}.Allow(e.Usage))
				require.False(t, placed.Amount.LessThan(e.Charge))
			}
		})
	}
}

func keys(u usage.Usage) (classes []usage.Class) {
	for class := range u {
		classes = append(classes, class)
	}
	return classes
}

// emptyAnswers are answers of which nothing came out, whose prompt the vendor bills all the same.
func emptyAnswers() map[chat.Dialect][2]string {
	return map[chat.Dialect][2]string{
		chat.OpenAI: {
			`{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":%s}],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9}}`,
			"data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":%s}]}\n\n" +
				"data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":0,\"total_tokens\":9}}\n\ndata: [DONE]\n\n",
		},
		chat.Anthropic: {
			`{"id":"1","type":"message","role":"assistant","content":[],"stop_reason":%s,"usage":{"input_tokens":9,"output_tokens":0}}`,
			"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":9,\"output_tokens\":0}}}\n\n" +
				"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":%s},\"usage\":{\"output_tokens\":0}}\n\n" +
				"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
		},
		chat.Gemini: {
			`{"candidates":[{"index":0,"content":{"parts":[]},"finishReason":%s}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},"responseId":"1"}`,
			"data: {\"candidates\":[{\"index\":0,\"content\":{\"parts\":[]},\"finishReason\":%s}],\"usageMetadata\":{\"promptTokenCount\":9,\"totalTokenCount\":9},\"responseId\":\"1\"}\n\n",
		},
	}
}

// TestEmptyCompletionsAreInsured: nothing came out, for no reason or for an error: the customer pays nothing, and what the vendor bills
// is the platform's.
func TestEmptyCompletionsAreInsured(t *testing.T) {
	t.Parallel()
	finish := map[chat.Dialect][]string{
		chat.OpenAI: {`null`, `"error"`}, chat.Anthropic: {`null`}, chat.Gemini: {`null`, `"OTHER"`, `"MALFORMED_FUNCTION_CALL"`},
	}
	for out, answers := range emptyAnswers() {
		for _, in := range dialects() {
			for i, answer := range answers {
				for _, reason := range finish[out] {
					if out == chat.Gemini && i == 0 && reason == "null" {
						continue // no answer at all, and nothing of it counts
					}
					t.Run(fmt.Sprintf("%s to %s stream %t %s", in, out, i == 1, reason), func(t *testing.T) {
						t.Parallel()
						k := gatewaytest.New(t, hasty)
						answering(k, fmt.Sprintf(answer, reason))
						v := k.Price()
						v.Cost = &catalog.Schedule{Base: catalog.Rates{usage.Input: money.MustPrice("0.5"), usage.Output: money.MustPrice("7")}}
						call := k.Call("")
						call.Incoming = gatewaytest.Ask(in, k.ModelAt(gatewaytest.Vendor(out), "", v), i == 1, 20)
						c := gatewaytest.NewClient()
						_ = k.Gateway.Complete(t.Context(), call, c)
						e := k.OnlyReleased()
						require.Equal(t, gatewaytest.Vendor(out), e.Vendor, "%+v", e)
						require.Equal(t, usage.Usage{usage.Input: 9, usage.Request: 1}, e.Usage)
						require.Equal(t, "4.5", e.VendorCost.String())
					})
				}
			}
		}
	}
}

// TestAnAnswerThatStopsWithoutAWordIsCharged: a model that has nothing to say has answered.
func TestAnAnswerThatStopsWithoutAWordIsCharged(t *testing.T) {
	t.Parallel()
	finish := map[chat.Dialect]string{chat.OpenAI: `"stop"`, chat.Anthropic: `"end_turn"`, chat.Gemini: `"STOP"`}
	for out, answers := range emptyAnswers() {
		for i, answer := range answers {
			k := gatewaytest.New(t, hasty)
			answering(k, fmt.Sprintf(answer, finish[out]))
			call := k.Call("")
			call.Incoming = gatewaytest.Ask(out, k.Model(gatewaytest.Vendor(out), ""), i == 1, 20)
			require.NoError(t, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()))
			require.Equal(t, usage.Usage{usage.Input: 9, usage.Request: 1}, k.Only().Usage, out)
		}
	}
}
