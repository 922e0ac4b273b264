package main

import (
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/vendor"
	"github.com/massrouter/massrouter/internal/sim"
)

const simLong = `Runs a simulated vendor: an HTTP server that speaks the dialects of OpenAI (chat completions, responses, embeddings),
Anthropic (messages, count_tokens) and Google (generateContent, streamGenerateContent, countTokens), streaming and not,
with deterministic text and exact usage. It needs no network and costs nothing, so it serves for demonstrations, tests and
load. All dialects are on one address; the key goes where each vendor wants it.

A call is steered by controls after a '?' in the model's name (or in the header X-Sim-Controls), for example
  "model": "sim-large?tokens=64&first=200ms&between=20ms"     its length and latency
  "model": "sim-large?reasoning=20&cached=100&tools=2"        reasoning, cache reads, two parallel tool calls
  "model": "sim-large?fault=429&retry_after=1&times=2"        two refusals, then an answer
  "model": "sim-large?fault=cut&after=10"                     the connection goes after ten tokens
Faults: the statuses 400 to 529, timeout_before, timeout_after, cut, no_usage, malformed, absurd_usage, empty,
error_in_stream, long, slow_drip, gzip_bomb; each as the dialect's vendor would have it.

GET /sim/totals tells what was served, by model, dialect and fault, so that a test can compare its own sums with it.`

func newSimCommand(sh shell) *cobra.Command {
	listen, options := "127.0.0.1:8090", sim.Options{}
	c := &cobra.Command{
		Use: "sim", Short: "Run a simulated vendor", Args: exactly(0), Long: simLong,
		Example: "  massrouter sim --listen 127.0.0.1:8090 --api-key test\n" +
			"  curl -s http://127.0.0.1:8090/v1/chat/completions -H 'Authorization: Bearer test' \\\n" +
			"    -d '{\"model\":\"sim-large\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'",
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := settings(c, sh, config.RoleLocal); err != nil {
				return err
			}
			return runSim(c, listen, options)
		},
	}
	flags := c.Flags()
	flags.StringVar(&listen, "listen", listen, "address; port 0 takes a free one")
	flags.StringVar(&options.APIKey, "api-key", "sim", "the key that callers must send, as their dialect sends it")
	flags.StringSliceVar(&options.Models, "model", nil, "a model that exists; repeat it for more (default: every name)")
	flags.Int64Var(&options.Tokens, "tokens", 16, "length of an answer in tokens, unless the call says another")
	flags.DurationVar(&options.FirstToken, "first", 0, "time to the first token")
	flags.DurationVar(&options.BetweenTokens, "between", 0, "time between two tokens")
	return c
}

func runSim(c *cobra.Command, listen string, options sim.Options) error {
	server, err := vendor.Listen(c.Context(), listen, options)
	if err != nil {
		return err
	}
	if err := printer(c).Line(map[string]string{"url": server.URL()}, "The simulated vendor is at "+server.URL()); err != nil {
		return err
	}
	return server.Run(c.Context())
}
