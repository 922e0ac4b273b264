package bedrock_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/bedrock"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/frames"
	"github.com/massrouter/massrouter/internal/sim"
)

func words() *rapid.Generator[string] {
	return rapid.Map(rapid.StringN(0, 12, -1), func(s string) string { return s + "." }) // the vendor wants more than blanks
}

func objects() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{`{}`, `{"city":"Paris"}`, `{"a":[1,2.50,{"b":null}],"ü\n":"\u0041"}`})
}

func blob() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 20), base64.StdEncoding.EncodeToString)
}

func ttl() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "", "", "", "", "", "5m", "1h"})
}

func spoken() *rapid.Generator[chat.Part] {
	return rapid.Custom(func(t *rapid.T) chat.Part {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			mime := rapid.SampledFrom([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}).Draw(t, "mime")
			return chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: mime, Data: blob().Draw(t, "data")}}
		case 1:
			mime := rapid.SampledFrom([]string{"application/pdf", "text/plain", "text/csv", "text/markdown"}).Draw(t, "mime")
			return chat.Part{Kind: chat.File, Media: &chat.Media{MIME: mime, Data: blob().Draw(t, "data"), Name: rapid.StringN(0, 150, -1).Draw(t, "name")}}
		case 2:
			return text("")
		}
		return text(words().Draw(t, "text"))
	})
}

// requests draws canonical requests that Bedrock can be sent.
func requests() *rapid.Generator[*chat.Request] {
	return rapid.Custom(func(t *rapid.T) *chat.Request {
		r := &chat.Request{Choices: 1, Stop: rapid.SliceOfN(words(), 0, 3).Draw(t, "stop")}
		calls, marks := 0, 0
		mark := func(p *chat.Part) {
			if p.Text == "" && p.Media == nil {
				return
			}
			if p.CacheTTL = ttl().Draw(t, "ttl"); p.CacheTTL != "" {
				if marks++; marks > 4 {
					p.CacheTTL = ""
				}
			}
		}
		add := func(role chat.Role, parts ...chat.Part) {
			r.Messages = append(r.Messages, chat.Message{Role: role, Parts: parts})
		}
		question := func() {
			parts := rapid.SliceOfN(spoken(), 0, 3).Draw(t, "parts")
			for i := range parts {
				mark(&parts[i])
			}
			add(chat.User, append(parts, text(words().Draw(t, "question")))...)
		}
		question()
		for range rapid.IntRange(0, 5).Draw(t, "turns") {
			switch rapid.IntRange(0, 3).Draw(t, "turn") {
			case 0:
				p := text(words().Draw(t, "system"))
				mark(&p)
				add(chat.System, p, text(""))
			case 1:
				add(chat.Assistant, text(words().Draw(t, "said")), chat.Part{Kind: chat.Thinking, Text: "foreign", Signature: "s", Origin: "gemini"})
				question()
			case 2:
				question()
			default:
				said, results := []chat.Part{text(words().Draw(t, "said"))}, []chat.Part{text(words().Draw(t, "also"))}
				for range rapid.IntRange(1, 3).Draw(t, "calls") {
					calls++
					id := rapid.SampledFrom([]string{"call_", "call.", strings.Repeat("x", 70)}).Draw(t, "id") + strconv.Itoa(calls)
					said = append(said, chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: id, Name: "tool_0", Arguments: objects().Draw(t, "arguments")}})
					result := chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: id, Error: rapid.Bool().Draw(t, "error")}}
					for range rapid.IntRange(0, 2).Draw(t, "results") {
						result.Result.Parts = append(result.Result.Parts, spoken().Draw(t, "result"))
					}
					results = append(results, result)
				}
				add(chat.Assistant, said...)
				add(chat.User, results...)
			}
		}
		for i := range max(rapid.IntRange(0, 3).Draw(t, "tools"), min(calls, 1)) {
			r.Tools = append(r.Tools, chat.Tool{Name: "tool_" + strconv.Itoa(i), Parameters: jsontext.Value(objects().Draw(t, "schema"))})
		}
		if len(r.Tools) > 0 {
			r.ToolChoice.Mode = rapid.SampledFrom([]chat.ToolMode{"", chat.ToolsAuto, chat.ToolsAny, chat.ToolsOne}).Draw(t, "mode")
			r.ToolChoice.Name = r.Tools[0].Name
		}
		if rapid.Bool().Draw(t, "schema wanted") {
			r.Format = chat.Format{Kind: chat.JSONSchema, Name: "n", Schema: jsontext.Value(objects().Draw(t, "form"))}
		}
		r.Reasoning.Effort = rapid.SampledFrom([]string{"", "", "minimal", "low", "high", "max"}).Draw(t, "effort")
		return r
	})
}

// TestEveryRequestIsTaken: whatever canonical request the dialect can say, a strict vendor takes what is written of it, and all of its words are in it.
func TestEveryRequestIsTaken(t *testing.T) {
	t.Parallel()
	server := sim.New(sim.Options{APIKey: "k"})
	defer server.Close()
	rapid.Check(t, func(t *rapid.T) {
		r := requests().Draw(t, "request")
		body := written(t, r, chat.Options{Model: "some.model-v1:0"})
		for i := range r.Messages {
			for _, p := range r.Messages[i].Parts {
				if p.Kind == chat.Text && p.Text != "" {
					require.Contains(t, body, `{"text":`+string(must(jsontext.AppendQuote(nil, p.Text)))+`}`)
				}
			}
		}
		req := httptest.NewRequest(http.MethodPost, "/"+bedrock.Path("some.model-v1:0", false), strings.NewReader(body)) //nolint:noctx // nothing waits
		req.Header.Set("Authorization", "Bearer k")
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, req)
		require.Equal(t, http.StatusOK, w.Code, "%s\n%s", w.Body, body)
	})
}

func must(b []byte, _ error) []byte { return b }

// answers draws what models say.
func answers() *rapid.Generator[[]chat.Part] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) chat.Part {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return chat.Part{Kind: chat.Thinking, Text: words().Draw(t, "thought"), Signature: blob().Draw(t, "signature"), Origin: bedrock.Origin}
		case 1:
			return chat.Part{Kind: chat.Redacted, Signature: blob().Draw(t, "redacted"), Origin: bedrock.Origin}
		case 2:
			id := rapid.StringMatching(`[a-z]{1,9}`).Draw(t, "id")
			return chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: id, Name: "f", Arguments: objects().Draw(t, "arguments")}}
		}
		return text(words().Draw(t, "text"))
	}), 0, 6)
}

// TestRoundTrips: what a model says is the same as a body, as a stream in whatever pieces, and said back to it.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := answers().Draw(t, "parts")
		var blocks []string
		pieces := []piece{{"messageStart", `{"role":"assistant"}`}}
		for i := range parts {
			p := &parts[i]
			delta := func(text string) {
				pieces = append(pieces, piece{"contentBlockDelta", fmt.Sprintf(`{"contentBlockIndex":%d,"delta":%s,"p":"ab"}`, i, text)})
			}
			split := func(whole, format string) {
				runes := []rune(whole)
				cut := rapid.IntRange(0, len(runes)).Draw(t, "cut")
				for _, half := range []string{string(runes[:cut]), string(runes[cut:])} {
					delta(fmt.Sprintf(format, quoted(t, half)))
				}
			}
			switch p.Kind {
			case chat.Thinking:
				blocks = append(blocks, fmt.Sprintf(`{"reasoningContent":{"reasoningText":{"text":%s,"signature":%s}}}`, quoted(t, p.Text), quoted(t, p.Signature)))
				split(p.Text, `{"reasoningContent":{"text":%s}}`)
				delta(`{"reasoningContent":{"signature":` + quoted(t, p.Signature) + `}}`)
			case chat.Redacted:
				blocks = append(blocks, `{"reasoningContent":{"redactedContent":`+quoted(t, p.Signature)+`}}`)
				delta(`{"reasoningContent":{"redactedContent":` + quoted(t, p.Signature) + `}}`)
			case chat.ToolCall:
				blocks = append(blocks, fmt.Sprintf(`{"toolUse":{"toolUseId":%q,"name":"f","input":%s}}`, p.Call.ID, p.Call.Arguments))
				pieces = append(pieces, piece{"contentBlockStart", fmt.Sprintf(`{"contentBlockIndex":%d,"start":{"toolUse":{"toolUseId":%q,"name":"f"}}}`, i, p.Call.ID)})
				split(p.Call.Arguments, `{"toolUse":{"input":%s}}`)
			default:
				blocks = append(blocks, `{"text":`+quoted(t, p.Text)+`}`)
				split(p.Text, `{"text":%s}`)
			}
			pieces = append(pieces, piece{"contentBlockStop", fmt.Sprintf(`{"contentBlockIndex":%d}`, i)})
		}
		end := `"usage":{"inputTokens":3,"outputTokens":4,"totalTokens":7}`
		pieces = append(pieces, piece{"messageStop", `{"stopReason":"end_turn"}`}, piece{"metadata", "{" + end + "}"})
		body := `{"output":{"message":{"role":"assistant","content":[` + strings.Join(blocks, ",") + `]}},"stopReason":"end_turn",` + end + `}`
		a, err := bedrock.Reader{}.Answer([]byte(body))
		require.NoError(t, err)
		require.Len(t, a.Choices[0].Parts, len(parts))
		for i := range parts {
			require.Equal(t, parts[i], a.Choices[0].Parts[i])
		}
		require.Equal(t, a, gathered(t, decoded(t, pieces...)))
		r := said(text("Hi."))
		r.Messages = append(r.Messages, chat.Message{Role: chat.Assistant, Parts: a.Choices[0].Parts}, chat.Message{Role: chat.User, Parts: []chat.Part{text("And?")}})
		if len(blocks) > 0 {
			require.Contains(t, compacted(t, written(t, r, chat.Options{})), compacted(t, `[`+strings.Join(blocks, ",")+`]`))
		}
	})
}

func compacted(t tester, s string) string {
	t.Helper()
	v := jsontext.Value(s)
	require.NoError(t, v.Compact())
	require.NoError(t, v.Canonicalize())
	return string(v)
}

// FuzzDecoder: whatever a vendor sends, the events keep their order, and everybody can write them.
func FuzzDecoder(f *testing.F) {
	var stream strings.Builder
	for _, p := range streamed() {
		stream.WriteString(p.name + " " + p.data + "\n")
	}
	f.Add(stream.String())
	f.Add(frames.Exception + `x {"message":"m"}` + "\n")
	f.Add(`contentBlockStart {"contentBlockIndex":0,"start":{}}` + "\n" + `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"a"}}`)
	f.Fuzz(func(t *testing.T, stream string) {
		d := bedrock.Reader{}.Stream()
		var events []chat.Event
		for line := range strings.Lines(stream) {
			name, data, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			more, err := d.Decode(name, []byte(data), nil)
			if err != nil {
				return
			}
			events = append(events, more...)
		}
		events = append(events, d.End(nil)...)
		for i := range events {
			if events[i].Kind == chat.Broken {
				require.Equal(t, len(events)-1, i)
				return
			}
		}
		gathered(t, events)
	})
}

// FuzzAnswer: whatever a vendor answers is read or refused, and what is read has the parts that everybody can write.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"message":"No."}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_ = bedrock.Reader{}.Failure(body)
		a, err := bedrock.Reader{}.Answer(body)
		if err != nil {
			return
		}
		for _, p := range a.Choices[0].Parts {
			require.Equal(t, p.Kind == chat.ToolCall, p.Call != nil)
			if p.Call != nil {
				require.NotEmpty(t, p.Call.Arguments)
			}
		}
	})
}
