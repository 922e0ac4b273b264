package exchange_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
)

// asked is a small question in some dialect, with more members of the top level before and behind the others.
func asked(d chat.Dialect, before, behind string) exchange.Incoming {
	in := exchange.Incoming{Dialect: d}
	body := map[chat.Dialect]string{
		chat.OpenAI:    `"model":"a/b","messages":[{"role":"user","content":"hi"}]`,
		chat.Responses: `"model":"a/b","input":"hi"`,
		chat.Anthropic: `"model":"a/b","max_tokens":9,"messages":[{"role":"user","content":"hi"}]`,
		chat.Gemini:    `"contents":[{"role":"user","parts":[{"text":"hi"}]}]`,
	}[d]
	if d == chat.Gemini {
		in.Model = "a/b"
	}
	in.Body = []byte("{" + before + body + behind + "}")
	return in
}

func dialects() []chat.Dialect {
	return []chat.Dialect{chat.OpenAI, chat.Responses, chat.Anthropic, chat.Gemini}
}

// TestSteeringInEveryDialect: what is for the gateway reaches it, wherever it stands, and never a vendor.
func TestSteeringInEveryDialect(t *testing.T) {
	t.Parallel()
	const front = `"provider":{"only":["x"]} , "usage":{"include":true},`
	const back = ` , "models":["c"],"route":"fallback","transforms":[],"plugins":[],"session_id":"s-1","trace":{},"debug":{},"preset":"p"`
	for _, in := range dialects() {
		var set exchange.Set
		request := asked(in, front, back)
		q, err := set.Read(request)
		require.NoError(t, err, in)
		require.JSONEq(t, `{"only":["x"]}`, string(q.Provider), in)
		require.JSONEq(t, `["c"]`, string(q.Models), in)
		require.JSONEq(t, `"fallback"`, string(q.Route), in)
		require.Equal(t, `"s-1"`, string(q.Opening), in)
		q.Close()
		for _, out := range dialects() {
			o := chat.Options{Model: "up", CapField: "max_tokens", MaxTokens: 9}
			with, err := outgoing(t, request, out, o)
			require.NoError(t, err, "%s to %s", in, out)
			without, err := outgoing(t, asked(in, "", ""), out, o)
			require.NoError(t, err)
			require.JSONEq(t, without, with, "%s to %s", in, out)
			require.True(t, json.Valid([]byte(with)))
		}
	}
}

func TestSteeringThatIsRefusedInEveryDialect(t *testing.T) {
	t.Parallel()
	for _, in := range dialects() {
		for param, member := range map[string]string{"plugins": `,"plugins":[{"id":"web"}]`, "session_id": `,"session_id":7`} {
			_, err := new(exchange.Set).Read(asked(in, "", member))
			var e *domain.Error
			require.ErrorAs(t, err, &e, "%s %s", in, param)
			require.Equal(t, domain.CodeInvalid, e.Code)
			require.Equal(t, param, e.Details["param"])
		}
	}
}

// TestOpening: all turns of a conversation have it in common, other conversations do not; marks that move on with each turn are no part
// of it.
func TestOpening(t *testing.T) {
	t.Parallel()
	for d, turns := range map[chat.Dialect][]string{
		chat.OpenAI: {
			`{"model":"m","messages":[{"role":"system","content":"be nice"},{"role":"user","content":"hi"}]}`,
			`{"model":"m","messages":[{"role":"system","content":"be nice"},{"role":"user","content":"hi"},{"role":"assistant","content":"a"},{"role":"user","content":"b"}],"temperature":1}`,
		},
		chat.Responses: {
			`{"model":"m","instructions":"be nice","input":"hi"}`,
			`{"model":"m","instructions":"be nice","input":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"},{"role":"user","content":"b"}]}`,
			`{"model":"m","instructions":"be nice","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}]}`,
		},
		chat.Anthropic: {
			`{"model":"m","max_tokens":9,"system":[{"type":"text","text":"be nice"}],"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}`,
			`{"model":"m","max_tokens":9,"system":[{"type":"text","text":"be nice"}],"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"},{"role":"user","content":[{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]}]}`,
		},
		chat.Gemini: {
			`{"systemInstruction":{"parts":[{"text":"be nice"}]},"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
			`{"systemInstruction": {"parts":[{"text":"be nice"}]},"contents": [ {"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"text":"a"}]},{"role":"user","parts":[{"text":"b"}]}]}`,
			`{"systemInstruction": {"parts":[{"text":"be nice"}]},"contents": {"role":"user","parts":[{"text":"hi"}]}}`,
		},
	} {
		opening := func(body string) string {
			in := exchange.Incoming{Dialect: d, Body: []byte(body)}
			q, err := new(exchange.Set).Read(in)
			require.NoError(t, err, body)
			defer q.Close()
			return string(q.Opening)
		}
		first := opening(turns[0])
		require.NotEmpty(t, first, d)
		for _, turn := range turns[1:] {
			require.Equal(t, first, opening(turn), d)
		}
		for _, word := range []string{"nice", `"hi"`} {
			require.NotEqual(t, first, opening(strings.Replace(turns[0], word, word[:2]+"x"+word[2:], 1)), "%s %s", d, word)
		}
	}
}
