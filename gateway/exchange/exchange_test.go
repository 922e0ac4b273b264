package exchange_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
)

// outgoing is what a vendor of a dialect is sent for a caller's body.
func outgoing(t *testing.T, in exchange.Incoming, vendor chat.Dialect, o chat.Options) (string, error) {
	t.Helper()
	var set exchange.Set
	q, err := set.Read(in)
	require.NoError(t, err)
	defer q.Close()
	x, err := q.With(vendor, &chat.Told{ID: "gen-1", Model: "a/b", Provider: "V"})
	require.NoError(t, err)
	body, err := x.Request(nil, o)
	return string(body), err
}

// TestTheSameDialectPassesThrough: every byte that routing need not change.
func TestTheSameDialectPassesThrough(t *testing.T) {
	t.Parallel()
	o := chat.Options{Model: "up", CapField: "max_tokens", MaxTokens: 5}
	for d, row := range map[chat.Dialect]struct{ body, want string }{
		chat.OpenAI:    {`{ "model":"a/b","x" : [1.0],"messages":[{"role":"user","content":"\u00e9"}], "max_tokens":5}`, `{ "model":"up","x" : [1.0],"messages":[{"role":"user","content":"\u00e9"}], "max_tokens":5}`},
		chat.Anthropic: {`{ "model":"a/b","x" : [1.0],"max_tokens":9 ,"messages":[{"role":"user","content":"\u00e9"}]}`, `{ "model":"up","x" : [1.0],"max_tokens":5 ,"messages":[{"role":"user","content":"\u00e9"}]}`},
		chat.Gemini:    {`{ "x" : [1.0],"contents":[{"parts":[{"text":"\u00e9"}]}],"generationConfig":{"maxOutputTokens":9 }}`, `{ "x" : [1.0],"contents":[{"parts":[{"text":"\u00e9"}]}],"generationConfig":{"maxOutputTokens":5 }}`},
	} {
		got, err := outgoing(t, exchange.Incoming{Dialect: d, Body: []byte(row.body), Model: "a/b"}, d, o)
		require.NoError(t, err)
		require.Equal(t, row.want, got)
	}
}

// TestWhatAVendorCannotBeTold is refused by its name, or left out on request.
func TestWhatAVendorCannotBeTold(t *testing.T) {
	t.Parallel()
	in := exchange.Incoming{Dialect: chat.OpenAI, Body: []byte(`{"model":"a/b","messages":[{"role":"user","content":"x"}],"logit_bias":{"1":2}}`)}
	o := chat.Options{Model: "up", MaxTokens: 5}
	_, err := outgoing(t, in, chat.Anthropic, o)
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "logit_bias", e.Details["param"])
	o.DropUnsupported = true
	body, err := outgoing(t, in, chat.Anthropic, o)
	require.NoError(t, err)
	require.NotContains(t, body, "logit_bias")
}

// TestWhatHasAnotherPriceIsRefused, rather than charged at the usual one.
func TestWhatHasAnotherPriceIsRefused(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"speed", "inference_geo"} {
		_, err := outgoing(t, exchange.Incoming{Dialect: chat.Anthropic, Body: []byte(
			`{"model":"a/b","max_tokens":5,"messages":[{"role":"user","content":"x"}],"` + field + `":"fast"}`)}, chat.Anthropic, chat.Options{Model: "up", MaxTokens: 5})
		var e *domain.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, field, e.Details["param"])
	}
}

// TestThoughtsAreShown by vendors that hide them by default, unless the caller does not want to see them.
func TestThoughtsAreShown(t *testing.T) {
	t.Parallel()
	o := chat.Options{Model: "gemini-2.5-pro", MaxTokens: 5000}
	for thinking, want := range map[string]bool{
		`{"type":"enabled","budget_tokens":2000}`:                     true,
		`{"type":"enabled","budget_tokens":2000,"display":"omitted"}`: false,
		`{"type":"disabled"}`:                                         false,
	} {
		body, err := outgoing(t, exchange.Incoming{Dialect: chat.Anthropic, Body: []byte(
			`{"model":"a/b","max_tokens":5000,"messages":[{"role":"user","content":"x"}],"thinking":` + thinking + `}`)}, chat.Gemini, o)
		require.NoError(t, err)
		if want {
			require.Contains(t, body, `"includeThoughts":true`, thinking)
		} else {
			require.NotContains(t, body, `"includeThoughts":true`, thinking)
		}
	}
}
