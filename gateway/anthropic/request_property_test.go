package anthropic_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
)

func oneOf[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

func drawText(t *rapid.T) string {
	return oneOf(t, "text", "", "a", "Hi \"there\"\n", "日本 <&>\u2028", rapid.String().Draw(t, "any text"))
}

func drawTTL(t *rapid.T) string { return oneOf(t, "ttl", "", "", "5m", "1h") }

func drawBool(t *rapid.T) *bool {
	yes, no := true, false
	return oneOf(t, "bool", nil, &yes, &no)
}

func drawID(t *rapid.T) string { return rapid.StringMatching(`[a-zA-Z0-9_-]{1,12}`).Draw(t, "id") }

func drawMedia(t *rapid.T, kind chat.PartKind) *chat.Media {
	data := base64.StdEncoding.EncodeToString([]byte(rapid.StringN(1, 20, -1).Draw(t, "data")))
	if rapid.Bool().Draw(t, "by url") {
		return &chat.Media{URL: "https://example.com/" + drawID(t), Name: oneOf(t, "name", "", "a.pdf"), Detail: oneOf(t, "detail", "", "auto", "high")}
	}
	if kind == chat.Image {
		return &chat.Media{MIME: oneOf(t, "mime", "image/png", "image/jpeg", "image/gif", "image/webp"), Data: data}
	}
	return &chat.Media{MIME: oneOf(t, "mime", "application/pdf", "text/plain"), Data: data, Name: oneOf(t, "name", "", "b")}
}

func drawPart(t *rapid.T, role chat.Role, inner bool) chat.Part {
	kinds := []chat.PartKind{chat.Text, chat.Text}
	switch {
	case inner:
		kinds = append(kinds, chat.Image, chat.File)
	case role == chat.User:
		kinds = append(kinds, chat.Image, chat.File, chat.ToolResult)
	case role == chat.Assistant:
		kinds = append(kinds, chat.Refusal, chat.Thinking, chat.Redacted, chat.ToolCall)
	}
	p := chat.Part{Kind: oneOf(t, "kind", kinds...), CacheTTL: drawTTL(t)}
	switch p.Kind {
	case chat.Image, chat.File:
		p.Media = drawMedia(t, p.Kind)
	case chat.Thinking:
		p.Text = drawText(t)
		fallthrough
	case chat.Redacted:
		p.Signature, p.Origin = oneOf(t, "signature", "", "c2lnbg=="), oneOf(t, "origin", "", "anthropic", "gemini")
	case chat.ToolCall:
		p.Call = &chat.Call{ID: drawID(t), Name: drawID(t), Arguments: oneOf(t, "arguments", "", "{}", ` {"a": [1,{"b":"\u00e9"}]} `, `{"n":1e400}`)}
	case chat.ToolResult:
		p.Result = &chat.Result{CallID: drawID(t), Name: oneOf(t, "tool", "", "f"), Error: rapid.Bool().Draw(t, "failed")}
		for range rapid.IntRange(0, 3).Draw(t, "inner parts") {
			p.Result.Parts = append(p.Result.Parts, drawPart(t, role, true))
		}
	default:
		p.Text = drawText(t)
	}
	return p
}

// drawRequest makes a request that the dialect has words for.
func drawRequest(t *rapid.T) *chat.Request {
	r := &chat.Request{
		Model: "public/name", Choices: oneOf(t, "n", int64(0), 1), Stream: rapid.Bool().Draw(t, "stream"), MaxTokens: 5,
		Temperature: oneOf[chat.Number](t, "temperature", "", "0.70", "1", "1e-3"), TopP: oneOf[chat.Number](t, "top_p", "", "0.95"),
		TopK: oneOf[chat.Number](t, "top_k", "", "40"), FrequencyPenalty: oneOf[chat.Number](t, "penalty", "", "0", "0.0", "-0e5"),
		ServiceTier: oneOf(t, "tier", "", "auto", "default"), User: oneOf(t, "user", "", "u-1"), ParallelTools: drawBool(t),
		Stop: oneOf(t, "stop", nil, []string{"END"}, []string{"a", "b\n"}),
	}
	for range rapid.IntRange(0, 6).Draw(t, "messages") {
		m := chat.Message{Role: oneOf(t, "role", chat.System, chat.User, chat.Assistant)}
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			m.Parts = append(m.Parts, drawPart(t, m.Role, false))
		}
		r.Messages = append(r.Messages, m)
	}
	r.Messages = append(r.Messages, chat.Message{Role: chat.User, Parts: []chat.Part{text("last")}})
	for range rapid.IntRange(0, 2).Draw(t, "tools") {
		tool := chat.Tool{Name: drawID(t), Description: drawText(t), Strict: drawBool(t), CacheTTL: drawTTL(t)}
		if rapid.Bool().Draw(t, "parameters") {
			tool.Parameters = []byte(`{"type": "object", "properties": {"a": {"type":"string"}}}`)
		}
		r.Tools = append(r.Tools, tool)
	}
	modes := []chat.ToolMode{"", chat.ToolsAuto, chat.ToolsNone}
	if len(r.Tools) > 0 {
		modes = append(modes, chat.ToolsAny, chat.ToolsOne)
	}
	if r.ToolChoice.Mode = oneOf(t, "mode", modes...); r.ToolChoice.Mode == chat.ToolsOne {
		r.ToolChoice.Name = r.Tools[0].Name
	}
	r.Reasoning = oneOf(t, "reasoning", chat.Reasoning{}, chat.Reasoning{Off: true}, chat.Reasoning{Budget: 2048}, chat.Reasoning{Effort: "none"},
		chat.Reasoning{Effort: "minimal"}, chat.Reasoning{Effort: "low"}, chat.Reasoning{Effort: "max"})
	r.Reasoning.Show = drawBool(t)
	r.Format = oneOf(t, "format", chat.Format{}, chat.Format{Kind: chat.PlainText},
		chat.Format{Kind: chat.JSONSchema, Name: "x", Description: "y", Schema: []byte(`{"type":"object"}`)})
	return r
}

// merged is what is documented to become of a request on its way through the dialect.
func merged(r *chat.Request, o chat.Options) *chat.Request {
	out := *r
	out.Model, out.MaxTokens, out.Choices, out.FrequencyPenalty, out.Messages, out.Tools = o.Model, o.MaxTokens, 1, "", nil, nil
	out.Messages = mergedMessages(r.Messages)
	for _, tool := range r.Tools {
		if tool.Parameters == nil {
			tool.Parameters = []byte(`{"type":"object","properties":{}}`)
		}
		out.Tools = append(out.Tools, tool)
	}
	off := r.ParallelTools != nil && !*r.ParallelTools
	switch mode := &out.ToolChoice.Mode; {
	case len(r.Tools) == 0:
		out.ToolChoice, out.ParallelTools = chat.ToolChoice{}, nil
	case *mode == "" && off:
		*mode = chat.ToolsAuto
	case *mode == "", *mode == chat.ToolsNone:
		out.ParallelTools = nil
	}
	switch how := &out.Reasoning; {
	case how.Off, how.Effort == "none":
		*how = chat.Reasoning{Off: true}
	case how.Effort == "minimal":
		how.Effort = "low"
	case how.Effort == "" && how.Budget == 0:
		*how = chat.Reasoning{}
	}
	if r.Format.Kind == chat.JSONSchema {
		out.Format.Name, out.Format.Description = "response", ""
	} else {
		out.Format = chat.Format{}
	}
	return &out
}

func mergedMessages(in []chat.Message) []chat.Message {
	var system, rest []chat.Part
	var out []chat.Message
	cached := false
	flush := func(role chat.Role) {
		slices.SortStableFunc(rest, func(a, b chat.Part) int {
			return strings.Compare(map[bool]string{true: "a", false: "b"}[a.Kind == chat.ToolResult], map[bool]string{true: "a", false: "b"}[b.Kind == chat.ToolResult])
		})
		if len(rest) > 0 {
			out = append(out, chat.Message{Role: role, Parts: rest})
		}
		rest = nil
	}
	last := chat.User
	for _, m := range in {
		parts := mergedParts(m.Parts)
		switch {
		case m.Role == chat.System:
			system = append(system, parts...)
			continue
		case len(parts) == 0:
			continue
		case m.Role != last:
			flush(last)
		}
		last, rest = m.Role, append(rest, parts...)
	}
	flush(last)
	var all []string
	for _, p := range system {
		all, cached = append(all, p.Text), cached || p.CacheTTL != ""
	}
	if len(system) > 0 && !cached {
		system = []chat.Part{text(strings.Join(all, "\n\n"))}
	}
	if len(system) > 0 {
		out = append([]chat.Message{{Role: chat.System, Parts: system}}, out...)
	}
	return out
}

func mergedParts(in []chat.Part) (out []chat.Part) {
	for _, p := range in {
		switch p.Kind {
		case chat.Text, chat.Refusal:
			if p.Text == "" {
				continue
			}
			p.Kind = chat.Text
		case chat.Thinking, chat.Redacted:
			if p.Signature == "" || p.Origin != "anthropic" {
				continue
			}
			p.CacheTTL = ""
		case chat.ToolCall:
			c := *p.Call
			if c.Arguments = strings.TrimSpace(c.Arguments); c.Arguments == "" {
				c.Arguments = "{}"
			}
			p.Call = &c
		case chat.ToolResult:
			res := *p.Result
			res.Name, res.Parts = "", mergedParts(res.Parts)
			p.Result = &res
		case chat.Image, chat.File:
			m := *p.Media
			m.Detail = ""
			if p.Kind == chat.Image {
				m.Name = ""
			}
			p.Media = &m
		}
		out = append(out, p)
	}
	return out
}

func TestRequestsSurviveTheDialect(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		o := chat.Options{Model: "claude-\"x\"", MaxTokens: rapid.Int64Range(4096, anthropic.MaxCap).Draw(t, "cap")}
		body, err := anthropic.AppendRequest([]byte("before"), r, o)
		require.NoError(t, err)
		require.Equal(t, "before", string(body[:6]))
		body = body[6:]
		require.True(t, json.Valid(body), "%s", body)
		before := string(body)
		got, err := anthropic.ParseRequest(body)
		require.NoError(t, err, "%s", body)
		require.Equal(t, before, string(body), "reading changes nothing")
		want := merged(r, o)
		require.Equal(t, want, got, "%s", body)
		again, err := anthropic.AppendRequest(nil, got, o)
		require.NoError(t, err)
		third, err := anthropic.ParseRequest(again)
		require.NoError(t, err)
		require.Equal(t, got, third, "what was merged stays as it is")
	})
}
