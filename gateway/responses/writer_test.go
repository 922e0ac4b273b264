package responses_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/responses"
)

var update = flag.Bool("update", false, "write the golden files anew")

// requireBytes is for JSON that is compared as it is written.
func requireBytes(t *testing.T, want string, got []byte) {
	t.Helper()
	require.Equal(t, want, string(got))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// parts are those of the golden files.
func parts() []chat.Part {
	signed := call("call_2", "get_time", "{}")
	signed.Signature, signed.Origin = "c2ln", "gemini"
	return []chat.Part{
		thinking("Think \"twice\".", "EqQB", "anthropic"), redacted("ErUB", "anthropic"), text("Hello\nworld"),
		{Kind: chat.Refusal, Text: "no"},
		call("call_1", "get_weather", `{"city":"Oslo"}`), signed,
		{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AAAA"}},
		{Kind: chat.Image, Media: &chat.Media{URL: "https://example.com/a.png"}},
	}
}

func indented(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, json.Indent(&b, body, "", "  "))
	b.WriteByte('\n')
	return b.Bytes()
}

func TestWriterOfAnswers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answer *chat.Answer
		bill   *chat.Bill
	}{
		"completed.json":      {&chat.Answer{Choices: []chat.Choice{{Parts: parts(), Finish: chat.ToolCalls, Native: "tool_use"}}}, bill},
		"max_tokens.json":     {&chat.Answer{Choices: []chat.Choice{{Parts: parts()[2:3], Finish: chat.Length}, {Index: 1, Parts: parts()}}}, bill},
		"content_filter.json": {&chat.Answer{Choices: []chat.Choice{{Finish: chat.ContentFilter}}}, bill},
		"failed.json":         {&chat.Answer{Choices: []chat.Choice{{Finish: chat.Failed}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, indented(t, responses.Writer{}.Answer(nil, row.answer, told, row.bill)))
		})
	}
}

// stream tells parts one after another, each in two pieces.
func stream(e chat.Encoder, parts []chat.Part, finish chat.Finish) (out []byte) {
	say := func(v chat.Event) { out = e.Encode(out, &v) }
	say(chat.Event{Kind: chat.Began, ID: "theirs"})
	for i, p := range parts {
		header, whole := chat.Part{Kind: p.Kind, Origin: p.Origin, Media: p.Media}, p.Text
		if p.Call != nil {
			header.Call, whole = &chat.Call{ID: p.Call.ID, Name: p.Call.Name}, p.Call.Arguments
		}
		say(chat.Event{Kind: chat.PartBegan, Part: i, Header: header})
		if half := len(whole) / 2; half > 0 {
			say(chat.Event{Kind: chat.PartDelta, Part: i, Delta: whole[:half]})
			say(chat.Event{Kind: chat.PartDelta, Part: i, Delta: whole[half:]})
		}
		if p.Signature != "" {
			say(chat.Event{Kind: chat.PartDelta, Part: i, Signature: p.Signature})
		}
		if finish != "" || i < len(parts)-1 {
			say(chat.Event{Kind: chat.PartEnded, Part: i})
		}
	}
	if finish != "" {
		say(chat.Event{Kind: chat.PartBegan, Choice: 1, Header: chat.Part{Kind: chat.Text}})
		say(chat.Event{Kind: chat.PartDelta, Choice: 1, Delta: "another choice"})
		say(chat.Event{Kind: chat.Finished, Finish: finish})
		say(chat.Event{Kind: chat.Ended})
	}
	return out
}

func TestWriterOfStreams(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		parts  []chat.Part
		finish chat.Finish
		last   string
	}{
		"completed.sse":  {parts(), chat.ToolCalls, "response.completed"},
		"max_tokens.sse": {parts()[2:3], chat.Length, "response.incomplete"},
		"filtered.sse":   {nil, chat.ContentFilter, "response.incomplete"},
		"failed.sse":     {nil, chat.Failed, "response.failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := responses.Writer{}.Stream(told)
			out := e.End(stream(e, row.parts, row.finish), bill)
			golden(t, name, out)
			events := read(t, out)
			checkItems(t, events)
			require.Equal(t, row.last, events[len(events)-1].Type)
		})
	}
}

func TestStreamsThatBreak(t *testing.T) {
	t.Parallel()
	e := responses.Writer{}.Stream(told)
	out := e.Fail(stream(e, parts()[:3], ""), responses.AppendError(nil, "server_error", "the vendor \"failed\""), bill)
	golden(t, "broken.sse", out)
	read(t, out)

	events := read(t, responses.Writer{}.Stream(told).Fail(nil, responses.AppendError(nil, "server_error", "x"), nil))
	require.Len(t, events, 3)
	require.Equal(t, "response.failed", events[2].Type)
	var r struct {
		Status string
		Error  struct{ Code, Message string }
		Usage  *struct{}
	}
	require.NoError(t, json.Unmarshal(events[2].Response, &r))
	require.Equal(t, "failed", r.Status)
	require.Equal(t, "server_error", r.Error.Code)
	require.Nil(t, r.Usage)
}

func TestUsageForTheCaller(t *testing.T) {
	t.Parallel()
	requireBytes(t, `{"input_tokens":30,"input_tokens_details":{"cached_tokens":10,"cache_write_tokens":4},"output_tokens":12,"output_tokens_details":{"reasoning_tokens":5},`+
		`"total_tokens":42,"cost":0.000000000123,"is_byok":false,"cost_details":{"upstream_inference_cost":null,"upstream_inference_input_cost":0.000000000023,`+
		`"upstream_inference_output_cost":0.0000000001}}`, responses.AppendUsage(nil, bill.Usage, bill.Cost))
}

func TestFailures(t *testing.T) {
	t.Parallel()
	requireBytes(t, `{"error":{"message":"say \"please\"","type":"invalid_request_error","param":"input","code":null}}`,
		responses.AppendFailure(nil, "invalid_request_error", "", "input", `say "please"`))
	for status, code := range map[int]string{400: "invalid_prompt", 402: "invalid_prompt", 429: "rate_limit_exceeded", 500: "server_error", 529: "server_error"} {
		require.Equal(t, code, responses.ErrorCode(status))
	}
}
