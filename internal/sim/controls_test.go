package sim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

func TestControlsThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"colour=red":                     `The control "colour" cannot be "red": there is no such control.`,
		"fault":                          `The control "fault" has no value`,
		"tokens=1&&cached=1":             `has no value`,
		"fault=explode":                  `there is no such fault`,
		"fault=":                         `there is no such fault`,
		"fault=418":                      `there is no such fault`,
		"tokens=-1":                      `a whole number from 0 to 1000000`,
		"tokens=+1":                      `a whole number`,
		"tokens=":                        `a whole number`,
		"tokens=1.5":                     `a whole number`,
		"tokens=1000001":                 `a whole number`,
		"tokens=9223372036854775808":     `a whole number`,
		"tokens=1&tokens=2":              `The control "tokens" is given twice.`,
		"first=20":                       `a duration`,
		"first=-1s":                      `a duration`,
		"first=11m":                      `a duration from 0s to 10m0s`,
		"drain=yes":                      `1 or 0`,
		"cached=%zz":                     `not well encoded`,
		"times=1":                        `"times" needs a fault`,
		"variant=reset":                  `"variant" needs a fault`,
		"after=1":                        `"after" needs a fault`,
		"key=k":                          `"key" needs a fault`,
		"fault=cut&key=k":                `"key" needs "times"`,
		"fault=500&after=1":              `"after" does not go with fault 500`,
		"fault=cut&retry_after=1":        `"retry_after" needs a fault that is a status`,
		"fault=cut&variant=sideways":     `no variant "sideways"; there are reset, close`,
		"fault=empty&variant=x":          `Fault empty has no variants`,
		"words=3&tools=0":                `"words" needs tools`,
		"tools=129":                      `a whole number from 0 to 128`,
		"finish=length":                  `there are filter, refusal`,
		"signed=maybe":                   `1 or 0`,
		"fault=cut&piece=1":              `"piece" needs fault slow_drip`,
		"fault=slow_drip&piece=0":        `at least one byte`,
		"fault=429&retry_after=soon":     `seconds or a duration`,
		"fault=429&retry_after=601":      `seconds or a duration`,
		strings.Repeat("tokens=1&", 200): `at most 1024`,
	} {
		_, err := sim.ParseControls(text)
		require.ErrorContains(t, err, says, text)
		status, body := sim.FailureBody(err)
		require.Equal(t, 400, status)
		requireError(t, string(body), "invalid_request_error", "invalid_sim_control", "model")
	}
}

func TestControlsThatAreTaken(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]sim.Controls{
		"":                                {Tokens: 16, Prompt: -1, Piece: -1},
		"tokens=0":                        {Tokens: 0, Prompt: -1, Piece: -1},
		"tokens=64&prompt=5":              {Tokens: 64, Prompt: 5, Piece: -1},
		"fault=429":                       {Fault: "429", Variant: "rate_limit", Tokens: 16, Prompt: -1, Piece: -1},
		"fault=503&retry_after=250ms":     {Fault: "503", Tokens: 16, Prompt: -1, Piece: -1},
		"fault=cut&variant=close&after=3": {Fault: "cut", Variant: "close", Tokens: 16, Prompt: -1, Piece: -1},
		"fault=c%75t&times=1&key=a%26b":   {Fault: "cut", Variant: "reset", Tokens: 16, Prompt: -1, Piece: -1},
		"fault=long":                      {Fault: "long", Tokens: 100_000, Prompt: -1, Piece: -1},
		"fault=slow_drip":                 {Fault: "slow_drip", Tokens: 16, Prompt: -1, Piece: 16},
		"fault=absurd_usage&variant=zero": {Fault: "absurd_usage", Variant: "zero", Tokens: 16, Prompt: -1, Piece: -1},
	} {
		got, err := sim.ParseControls(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestHeaderControlsWinOverTheName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, text := b.post(t, ask("m?tokens=5&reasoning=2"), "X-Sim-Controls", "tokens=9")
	got := decode(t, text)
	require.Equal(t, "m", got.Model)
	require.InDelta(t, 11, got.Usage.Completion, 0)
	status, text := b.post(t, ask("m"), "X-Sim-Controls", "nonsense=1")
	require.Equal(t, 400, status)
	requireError(t, text, "invalid_request_error", "invalid_sim_control", "X-Sim-Controls")
}

func FuzzControls(f *testing.F) {
	for _, text := range []string{
		"fault=429&retry_after=1&times=2", "tokens=64&first=200ms&between=20ms&cached=100&reasoning=20", "fault=slow_drip&piece=3",
		"fault=cut&variant=close&after=9", "key=%26%3D&fault=500&times=3", "drain=1&flush=0&wait=1s", "fault=\xff", "=&=", "tokens=%31",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := sim.ParseControls(text)
		if err != nil {
			status, body := sim.FailureBody(err)
			require.Equal(t, 400, status)
			require.True(t, json.Valid(body), string(body))
			return
		}
		require.True(t, got.Tokens >= 0 && got.Tokens <= 1_000_000, "tokens are in bounds")
		require.True(t, got.Fault != "" || got.Variant == "", "a variant is of a fault")
		require.True(t, got.Fault != "slow_drip" || got.Piece > 0, "a drip has bytes")
		again, err := sim.ParseControls(text)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
