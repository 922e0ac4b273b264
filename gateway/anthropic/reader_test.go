package anthropic_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

const signature = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds9Q=="

func text(s string) chat.Part { return chat.Part{Kind: chat.Text, Text: s} }

func call(id, name, arguments string) chat.Part {
	return chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: id, Name: name, Arguments: arguments}}
}

func recorded() map[string]chat.Answer {
	one := func(id string, f chat.Finish, native, stop string, r meter.Report, parts ...chat.Part) chat.Answer {
		r.Given = true
		return chat.Answer{ID: id, Report: r, Choices: []chat.Choice{{Parts: parts, Finish: f, Native: native, Stop: stop}}}
	}
	return map[string]chat.Answer{
		"plain": one("msg_01Plain", chat.Stopped, "end_turn", "", meter.Report{Prompt: 12, Completion: 9, Tier: "standard"}, text(`Hello! How can I "help"?`)),
		"cached_5m": one("msg_01Cached5m", chat.Stopped, "stop_sequence", "\n\nHuman:",
			meter.Report{Prompt: 4 + 2048 + 10240, Cached: 10240, CacheWrite: 2048, Completion: 6, Tier: "standard"}, text("Done.")),
		"cached_1h": one("msg_01Cached1h", chat.Length, "max_tokens", "",
			meter.Report{Prompt: 3007, CacheWrite: 3000, CacheWrite1h: 2000, Completion: 3, Tier: "standard"}, text("Kept.")),
		"thinking": one("msg_01Thinking", chat.Stopped, "end_turn", "", meter.Report{Prompt: 40, Completion: 64, Reasoning: 51},
			chat.Part{Kind: chat.Thinking, Text: "17 × 3 is 51.", Signature: signature, Origin: "anthropic"},
			chat.Part{Kind: chat.Redacted, Signature: "EmwKAhgBEgy3va3pzix", Origin: "anthropic"}, text("It is 51.")),
		"tools": one("msg_01Tools", chat.ToolCalls, "tool_use", "", meter.Report{Prompt: 472, Completion: 117}, text("I'll look both up."),
			call("toolu_01A", "get_weather", `{"city":"Paris","days":[1,2]}`), call("toolu_01B", "get_weather", `{"city":"Zürich"}`), call("toolu_01C", "now", `{}`)),
		"refusal": one("msg_01Refusal", chat.ContentFilter, "refusal", "", meter.Report{Prompt: 33, Completion: 8}, text("I can't help with that.")),
		"search":  one("msg_01Search", chat.Stopped, "pause_turn", "", meter.Report{Prompt: 900, Completion: 30, Media: usage.Usage{usage.Search: 1}}, text("It is 3.")),
	}
}

func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	for name, want := range recorded() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := anthropic.Reader{}.Answer(file(t, name+".json"))
			require.NoError(t, err)
			require.Equal(t, &want, got)
			require.Empty(t, got.Report.Absurd(meter.Bounds{Context: 1 << 20, Prompt: 1 << 20, Completion: 1 << 20}, true))
		})
	}
}

func TestRecordedStreams(t *testing.T) {
	t.Parallel()
	for name, want := range recorded() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, &want, fold(t, decode(t, file(t, name+".sse"))))
		})
	}
}

func TestAStreamThatBroke(t *testing.T) {
	t.Parallel()
	events := decode(t, file(t, "error.sse"))
	require.Equal(t, []chat.Event{
		{Kind: chat.Began, ID: "msg_01Error"},
		{Kind: chat.PartBegan, Header: chat.Part{Kind: chat.Text}},
		{Kind: chat.PartDelta, Delta: "Hel"},
		{Kind: chat.Broken, Failure: &chat.Failure{Type: "overloaded_error", Message: "Overloaded"}},
	}, events)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	body := file(t, "error.json")
	require.Equal(t, &chat.Failure{
		Type: "rate_limit_error", Code: "enforced_spend_limit_reached", Message: "This organization has reached its spend limit.",
	}, anthropic.Reader{}.Failure(body))
	_, err := anthropic.Reader{}.Answer(body)
	require.ErrorContains(t, err, "rate_limit_error")
	require.Equal(t, &chat.Failure{Message: "no"}, anthropic.Reader{}.Failure([]byte(`{"error":"no"}`)))
	require.Equal(t, &chat.Failure{}, anthropic.Reader{}.Failure([]byte(`{"error":{"type":7,"message":[]}}`)))
	for _, body := range []string{``, `null`, `<html>`, `{}`, `{"error":null}`, `[{"error":{}}]`, `{"error":{}`, string(file(t, "plain.json"))} {
		require.Nil(t, anthropic.Reader{}.Failure([]byte(body)), body)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `null`, `[]`, `"x"`, `<html></html>`, `{}`, `{"id":"1"}`, `{"content":null}`, `{"content":"x"}`, `{"content":[]}x`, `{"content":[}`,
		`{"content":[{"type":"text","text":"a"}]`, `{"content":` + strings.Repeat("[", 1<<20), `{"choices":[]}`,
	} {
		_, err := anthropic.Reader{}.Answer([]byte(body))
		require.Error(t, err, "%.60s", body)
	}
}

func TestAnswersOfWrongTypes(t *testing.T) {
	t.Parallel()
	a, err := anthropic.Reader{}.Answer([]byte(`{"id":7,"content":[1,null,"x",[],{},{"type":9},{"type":"text","text":{}},{"type":"tool_use","id":[],"input":"x"},` +
		`{"type":"thinking","signature":3}],"stop_reason":{},"stop_sequence":4,"usage":7}`))
	require.NoError(t, err)
	require.Equal(t, &chat.Answer{
		Report: meter.Report{Given: true, Broken: true},
		Choices: []chat.Choice{{Parts: []chat.Part{
			text(""), call("", "", `"x"`), {Kind: chat.Thinking, Origin: "anthropic"},
		}}},
	}, a)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	const most = math.MaxInt64
	for usage, want := range map[string]meter.Report{
		`null`: {},
		`{}`:   {Given: true},
		`[]`:   {Given: true, Broken: true},
		`{"input_tokens":1,"output_tokens":2,"cache_creation_input_tokens":null,"cache_creation":null,"output_tokens_details":null}`: {Given: true, Prompt: 1, Completion: 2},
		`{"input_tokens":1.0,"output_tokens":2}`:                                                             {Given: true, Broken: true, Completion: 2},
		`{"input_tokens":1e3,"output_tokens":2}`:                                                             {Given: true, Broken: true, Completion: 2},
		`{"input_tokens":"1","output_tokens":2}`:                                                             {Given: true, Broken: true, Completion: 2},
		`{"input_tokens":-1,"output_tokens":-2}`:                                                             {Given: true, Prompt: -1, Completion: -2},
		`{"output_tokens":99999999999999999999}`:                                                             {Given: true, Broken: true},
		`{"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4},"input_tokens":1}`:  {Given: true, Prompt: 8, CacheWrite: 7, CacheWrite1h: 4},
		`{"input_tokens":9223372036854775807,"cache_read_input_tokens":1}`:                                   {Given: true, Broken: true, Cached: 1},
		`{"input_tokens":1,"cache_read_input_tokens":1,"cache_creation_input_tokens":9223372036854775807}`:   {Given: true, Broken: true, Cached: 1, CacheWrite: most},
		`{"input_tokens":-9223372036854775808,"cache_read_input_tokens":-1}`:                                 {Given: true, Broken: true, Cached: -1},
		`{"cache_creation":{"ephemeral_5m_input_tokens":9223372036854775807,"ephemeral_1h_input_tokens":1}}`: {Given: true, Broken: true, CacheWrite1h: 1},
	} {
		a, err := anthropic.Reader{}.Answer([]byte(`{"content":[],"usage":` + usage + `}`))
		require.NoError(t, err)
		require.Equal(t, want, a.Report, usage)
	}
}

// What a later event does not name is as it was, and the usage of the beginning is not told: nothing was produced yet.
func TestUsageOfStreamsIsMerged(t *testing.T) {
	t.Parallel()
	d := anthropic.Reader{}.Stream()
	for _, row := range []struct {
		data string
		want []chat.Event
	}{
		{`{"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":7,"cache_creation_input_tokens":9,"cache_creation":{"ephemeral_1h_input_tokens":2},"output_tokens":1}}}`, []chat.Event{{Kind: chat.Began}}},
		{`{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":10,"cache_read_input_tokens":null}}`, []chat.Event{{Kind: chat.Reported, Report: meter.Report{Given: true, Prompt: 21, Cached: 7, CacheWrite: 9, CacheWrite1h: 2, Completion: 10}}}},
		{`{"usage":{"output_tokens":20,"output_tokens_details":{"thinking_tokens":15}},"delta":{"stop_reason":"end_turn"},"type":"message_delta"}`, []chat.Event{
			{Kind: chat.Finished, Finish: chat.Stopped, Native: "end_turn"},
			{Kind: chat.Reported, Report: meter.Report{Given: true, Prompt: 21, Cached: 7, CacheWrite: 9, CacheWrite1h: 2, Completion: 20, Reasoning: 15}},
		}},
		{`{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`, nil},
		{`{"type":"message_stop"}`, []chat.Event{{Kind: chat.Ended}}},
		{`{"type":"message_stop"}`, nil},
		{`no JSON at all`, nil},
	} {
		got, err := d.Decode("", []byte(row.data), nil)
		require.NoError(t, err)
		require.Equal(t, row.want, got, row.data)
	}
	require.Empty(t, d.End(nil))
}

func TestPartsThatAreOpenTogether(t *testing.T) {
	t.Parallel()
	var stream strings.Builder
	for _, data := range []string{
		`{"type":"message_start","message":{"id":"m"}}`,
		`{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"a","name":"f","input":{"x":1}}}`,
		`{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"be"}}`,
		`{"type":"content_block_start","index":2,"content_block":{"type":"mcp_tool_use"}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"gun"}}`,
		`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{"}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"new_delta","text":"?"}}`,
		`{"type":"new_event"}`,
		`{"type":"message_delta","delta":{"stop_reason":"model_context_window_exceeded"}}`,
	} {
		stream.WriteString("event: x\ndata: " + data + "\n\n")
	}
	a := fold(t, decode(t, []byte(stream.String())))
	require.Equal(t, []chat.Part{call("a", "f", `{"x":1}`), text("begun")}, a.Choices[0].Parts)
	require.Equal(t, chat.Length, a.Choices[0].Finish)
	require.False(t, a.Report.Given)
}

func TestStreamsThatAreNone(t *testing.T) {
	t.Parallel()
	const start = `{"type":"content_block_start","index":0,"content_block":{"type":"text"}}`
	for name, stream := range map[string][]string{
		"no JSON":         {`data`},
		"no object":       {`[]`},
		"cut off":         {`{"type":"ping"`},
		"two values":      {`{"type":"ping"}{}`},
		"opened twice":    {start, start},
		"never opened":    {`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}`},
		"no index":        {start, `{"type":"content_block_delta","index":-1,"delta":{"type":"text_delta","text":"a"}}`},
		"closed twice":    {start, `{"type":"content_block_stop","index":0}`, `{"type":"content_block_stop","index":0}`},
		"of another kind": {start, `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"a"}}`},
		"nested":          {`{"type":` + strings.Repeat(`{"a":`, 1<<18)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := anthropic.Reader{}.Stream()
			for i, data := range stream {
				_, err := d.Decode("", []byte(data), nil)
				require.Equal(t, i == len(stream)-1, err != nil, data)
			}
			require.Empty(t, d.End(nil), "what broke is at no proper end")
		})
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	d := anthropic.Reader{}.Stream()
	var err error
	opened := 0
	for ; err == nil && opened < 1<<16; opened++ {
		index, _ := json.Marshal(opened)
		_, err = d.Decode("", []byte(`{"type":"content_block_start","index":`+string(index)+`,"content_block":{"type":"text"}}`), nil)
	}
	require.Error(t, err)
	require.Less(t, opened, 2000)

	d = anthropic.Reader{}.Stream()
	_, err = d.Decode("", []byte(`{"type":"content_block_start","index":0,"content_block":{"type":"thinking"}}`), nil)
	require.NoError(t, err)
	piece := []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"` + strings.Repeat("A", 1<<17) + `"}}`)
	for pieces := 0; err == nil; pieces++ {
		require.Less(t, pieces, 100)
		_, err = d.Decode("", piece, nil)
	}
}
