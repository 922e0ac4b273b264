package completion_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/completion"
)

func told() *chat.Told {
	return &chat.Told{ID: "gen-1", Model: "acme/m", Provider: "Acme", Created: 5}
}

func bill() *chat.Bill {
	return &chat.Bill{Usage: usage.Usage{usage.Input: 3, usage.Output: 2}, Cost: chat.Cost{Total: money.MustParse("0.00007")}}
}

const head = `{"id":"gen-1","object":"text_completion","created":5,"model":"acme/m","provider":"Acme"`

func TestAnswer(t *testing.T) {
	t.Parallel()
	got := string(completion.Writer{}.Answer(nil, &chat.Answer{Choices: []chat.Choice{
		{Index: 0, Parts: []chat.Part{{Kind: chat.Thinking, Text: "hm"}, {Kind: chat.Text, Text: "a\""}, {Kind: chat.Text, Text: "b"}}, Finish: chat.Length, Native: "max_tokens"},
		{Index: 1, Parts: []chat.Part{{Kind: chat.Refusal, Text: "no"}}},
	}}, told(), bill()))
	require.True(t, strings.HasPrefix(got, head+`,"choices":[{"text":"a\"b","index":0,"logprobs":null,"finish_reason":"length","native_finish_reason":"max_tokens"},`+
		`{"text":"no","index":1,"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"cost":0.00007,`), got)
}

func TestStream(t *testing.T) {
	t.Parallel()
	e := completion.Writer{}.Stream(told())
	var out []byte
	for _, v := range []chat.Event{
		{Kind: chat.Began},
		{Kind: chat.PartBegan, Part: 0, Header: chat.Part{Kind: chat.Thinking}},
		{Kind: chat.PartDelta, Part: 0, Delta: "hm"},
		{Kind: chat.PartBegan, Part: 1, Header: chat.Part{Kind: chat.Text}},
		{Kind: chat.PartDelta, Part: 1, Delta: "a"},
		{Kind: chat.PartEnded, Part: 1},
		{Kind: chat.Finished, Finish: chat.Stopped, Native: "end_turn"},
		{Kind: chat.Reported},
		{Kind: chat.Ended},
	} {
		out = e.Encode(out, &v)
	}
	require.Equal(t, "data: "+head+`,"choices":[{"text":"a","index":0,"logprobs":null,"finish_reason":null}]}`+"\n\n"+
		"data: "+head+`,"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop","native_finish_reason":"end_turn"}]}`+"\n\n", string(out))
	end := string(e.End(nil, bill()))
	require.True(t, strings.HasPrefix(end, "data: "+head+`,"choices":[],"usage":{"prompt_tokens":3,`), end)
	require.True(t, strings.HasSuffix(end, "}\n\ndata: [DONE]\n\n"), end)
	require.Equal(t, "data: "+head+`,"error":{"code":502},"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"error","native_finish_reason":"error"}]}`+"\n\n",
		string(e.Fail(nil, []byte(`{"code":502}`), nil)))
	require.Contains(t, string(e.Fail(nil, []byte(`{"code":502}`), bill())), `"usage":{"prompt_tokens":3,`)
}
