package cache_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/cache"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
)

func TestTheSameQuestion(t *testing.T) {
	t.Parallel()
	const body = `{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":9007199254740993}`
	digest := func(d chat.Dialect, body string) [32]byte {
		return cache.Digest(exchange.Incoming{Dialect: d, Body: []byte(body)})
	}
	first := digest(chat.OpenAI, body)
	for name, same := range map[string]string{
		"spaces":  "{ \"model\" : \"m\",\n\"messages\":[ {\"role\":\"user\", \"content\":\"hi\"}], \"seed\":9007199254740993}\n",
		"order":   `{"seed":9007199254740993,"messages":[{"role":"user","content":"hi"}],"model":"m"}`,
		"traces":  `{"model":"m","metadata":{"a":"b"},"trace":{},"session_id":"s","prompt_cache_key":"k","messages":[{"role":"user","content":"hi"}],"seed":9007199254740993}`,
		"escaped": `{"mo\u0064el":"m","messages":[{"role":"user","content":"hi"}],"seed":9007199254740993}`,
	} {
		require.Equal(t, first, digest(chat.OpenAI, same), name)
	}
	for name, other := range map[string]string{
		"a large number":   `{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":9007199254740992}`,
		"a prompt":         `{"model":"m","messages":[{"role":"user","content":"ho"}],"seed":9007199254740993}`,
		"spaces in text":   `{"model":"m","messages":[{"role":"user","content":"hi "}],"seed":9007199254740993}`,
		"an end user":      `{"model":"m","user":"u","messages":[{"role":"user","content":"hi"}],"seed":9007199254740993}`,
		"a stream":         `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"seed":9007199254740993}`,
		"inner order":      `{"model":"m","messages":[{"content":"hi","role":"user"}],"seed":9007199254740993}`,
		"a name twice":     `{"model":"m","model":"n","messages":[{"role":"user","content":"hi"}],"seed":9007199254740993}`,
		"more after it":    body + `{}`,
		"an unknown field": `{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":9007199254740993,"x":null}`,
	} {
		require.NotEqual(t, first, digest(chat.OpenAI, other), name)
	}
	require.NotEqual(t, first, digest(chat.Anthropic, body), "another dialect")
	require.NotEqual(t, digest(chat.Anthropic, body), digest(chat.Anthropic, `{"metadata":{"user_id":"u"},`+body[1:]), "metadata names the end user there")
	require.NotEqual(t, first, cache.Digest(exchange.Incoming{Dialect: chat.OpenAI, Body: []byte(body)}, "true"))
	at := exchange.Incoming{Dialect: chat.Gemini, Model: "a/b", Body: []byte(body)}
	other := at
	other.Model = "a/c"
	require.NotEqual(t, cache.Digest(at), cache.Digest(other), "another address")
	other = at
	other.Stream = true
	require.NotEqual(t, cache.Digest(at), cache.Digest(other))
}
