package openai_test

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

// Generators of what this dialect can say, in the form in which it is read. Each test makes its own: a generator cannot be shared by
// tests that run beside one another.

func words() *rapid.Generator[string]    { return rapid.StringMatching(`[a-z_0-9-]{1,8}`) }
func texts() *rapid.Generator[string]    { return rapid.StringN(1, 12, -1) }
func payloads() *rapid.Generator[string] { return rapid.StringMatching(`[A-Za-z0-9+/]{4,12}`) }

func numbers() *rapid.Generator[chat.Number] {
	return rapid.SampledFrom([]chat.Number{"", "0", "1", "0.70", "-1e-1", "2.0E+0"})
}

func schemas() *rapid.Generator[jsontext.Value] {
	return rapid.SampledFrom([]jsontext.Value{jsontext.Value(`{"type":"object"}`), jsontext.Value(`{"a": [1, "\u00e9"]}`)})
}

func origins() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"openai", "anthropic", "gemini", "xai-responses-v1"})
}

func flags() *rapid.Generator[*bool] { return rapid.SampledFrom([]*bool{nil, yes(true), yes(false)}) }

func maybe(t *rapid.T, name string, g *rapid.Generator[string]) string {
	if rapid.Bool().Draw(t, name+"?") {
		return g.Draw(t, name)
	}
	return ""
}

func genMedia(t *rapid.T, mime ...string) *chat.Media {
	if rapid.Bool().Draw(t, "by address") {
		return &chat.Media{URL: "https://" + words().Draw(t, "host") + "/"}
	}
	return &chat.Media{MIME: rapid.SampledFrom(mime).Draw(t, "mime"), Data: payloads().Draw(t, "data")}
}

func genImage(t *rapid.T) chat.Part {
	m := genMedia(t, "image/png", "image/jpeg")
	m.Detail = maybe(t, "detail", rapid.SampledFrom([]string{"low", "high"}))
	return chat.Part{Kind: chat.Image, Media: m}
}

func genFile(t *rapid.T) chat.Part {
	m := genMedia(t, "application/pdf", "text/plain")
	m.Name = words().Draw(t, "name")
	return chat.Part{Kind: chat.File, Media: m}
}

// genContent makes the parts of a content. A text alone is a string, and therefore not empty.
func genContent(t *rapid.T, sound bool) []chat.Part {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) chat.Part {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return genImage(t)
		case 1:
			return genFile(t)
		case 2:
			if sound {
				return chat.Part{Kind: chat.Audio, Media: &chat.Media{MIME: rapid.SampledFrom([]string{"audio/wav", "audio/mpeg", "audio/flac"}).Draw(t, "mime"), Data: payloads().Draw(t, "data")}}
			}
		}
		return text(texts().Draw(t, "text"))
	}), 1, 4).Draw(t, "content")
}

func genTexts(t *rapid.T) []chat.Part {
	return rapid.SliceOfN(rapid.Map(texts(), text), 1, 3).Draw(t, "texts")
}

func genCalls(t *rapid.T, least int, ids *int) (parts []chat.Part) {
	for range rapid.IntRange(least, 3).Draw(t, "calls") {
		*ids++
		p := call("call-"+strconv.Itoa(*ids), words().Draw(t, "tool"), maybe(t, "arguments", texts()))
		parts = append(parts, p)
	}
	return parts
}

// genTurn makes one round: the system or the user says something, or the assistant calls tools and gets their results.
func genTurn(t *rapid.T, ids *int) []chat.Message {
	switch rapid.IntRange(0, 3).Draw(t, "turn") {
	case 0:
		return []chat.Message{{Role: chat.System, Name: maybe(t, "name", words()), Parts: genTexts(t)}}
	case 1:
		return []chat.Message{{Role: chat.User, Name: maybe(t, "name", words()), Parts: genContent(t, true)}}
	case 2:
		parts := genThoughts(t, rapid.Just("openai"))
		return []chat.Message{{Role: chat.Assistant, Parts: append(append(parts, genTexts(t)...), genCalls(t, 0, ids)...)}}
	}
	calls := genCalls(t, 1, ids)
	results := make([]chat.Part, len(calls))
	for i := range calls {
		results[i] = chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: calls[i].Call.ID, Name: calls[i].Call.Name, Parts: genContent(t, false)}}
	}
	return []chat.Message{{Role: chat.Assistant, Parts: calls}, {Role: chat.User, Parts: results}}
}

// genThoughts makes thoughts, all signed.
func genThoughts(t *rapid.T, origin *rapid.Generator[string]) []chat.Part {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) chat.Part {
		if rapid.Bool().Draw(t, "readable") {
			return thinking(maybe(t, "thought", texts()), payloads().Draw(t, "signature"), origin.Draw(t, "origin"))
		}
		return redacted(payloads().Draw(t, "signature"), origin.Draw(t, "origin"))
	}), 0, 2).Draw(t, "thoughts")
}

func genRequest(t *rapid.T) *chat.Request {
	r := &chat.Request{
		Model: words().Draw(t, "model"), Stream: rapid.Bool().Draw(t, "stream"), Choices: rapid.Int64Range(1, 128).Draw(t, "n"),
		MaxTokens: rapid.Int64Range(1, 10_000_000).Draw(t, "cap"), ParallelTools: flags().Draw(t, "parallel"),
		Temperature: numbers().Draw(t, "temperature"), TopP: numbers().Draw(t, "top_p"), FrequencyPenalty: numbers().Draw(t, "frequency"),
		PresencePenalty: numbers().Draw(t, "presence"), Seed: numbers().Draw(t, "seed"), ServiceTier: maybe(t, "tier", words()), User: maybe(t, "user", words()),
	}
	r.IncludeUsage = r.Stream
	ids := 0
	for range rapid.IntRange(1, 4).Draw(t, "turns") {
		r.Messages = append(r.Messages, genTurn(t, &ids)...)
	}
	if stops := rapid.SliceOfN(texts(), 0, 3).Draw(t, "stop"); len(stops) > 0 {
		r.Stop = stops
	}
	for range rapid.IntRange(0, 2).Draw(t, "tools") {
		r.Tools = append(r.Tools, chat.Tool{Name: words().Draw(t, "tool"), Description: maybe(t, "description", texts()), Parameters: schemas().Draw(t, "schema"), Strict: flags().Draw(t, "strict")})
	}
	r.ToolChoice.Mode = rapid.SampledFrom([]chat.ToolMode{"", chat.ToolsAuto, chat.ToolsNone, chat.ToolsAny, chat.ToolsOne}).Draw(t, "choice")
	if r.ToolChoice.Mode == chat.ToolsOne {
		r.ToolChoice.Name = words().Draw(t, "chosen")
	}
	r.Format.Kind = rapid.SampledFrom([]chat.FormatKind{"", chat.PlainText, chat.JSONObject, chat.JSONSchema}).Draw(t, "format")
	if r.Format.Kind == chat.JSONSchema {
		r.Format.Name, r.Format.Description = words().Draw(t, "name"), maybe(t, "description", texts())
		r.Format.Schema, r.Format.Strict = schemas().Draw(t, "schema"), flags().Draw(t, "strict")
	}
	switch effort := rapid.SampledFrom([]string{"", "none", "minimal", "high", "max"}).Draw(t, "effort"); effort {
	case "none":
		r.Reasoning.Off = true
	default:
		r.Reasoning.Effort = effort
	}
	return r
}

// genAnswer makes an answer: thoughts, text, refusal, calls, pictures.
func genAnswer(t *rapid.T) *chat.Answer {
	a := &chat.Answer{
		ID: "gen-" + words().Draw(t, "id"), Created: rapid.Int64Range(1, 1<<37).Draw(t, "created"),
		Report: meter.Report{Given: true, HasTotal: true},
	}
	ids := 0
	for i := range rapid.IntRange(1, 3).Draw(t, "choices") {
		c := chat.Choice{Index: i, Parts: genThoughts(t, origins())}
		if rapid.Bool().Draw(t, "text?") {
			c.Parts = append(c.Parts, text(texts().Draw(t, "text")))
		}
		if rapid.Bool().Draw(t, "refusal?") {
			c.Parts = append(c.Parts, chat.Part{Kind: chat.Refusal, Text: texts().Draw(t, "refusal")})
		}
		calls := genCalls(t, 0, &ids)
		for i := range calls {
			if rapid.Bool().Draw(t, "signed") {
				calls[i].Signature, calls[i].Origin = payloads().Draw(t, "signature"), origins().Draw(t, "origin")
			}
		}
		c.Parts = append(c.Parts, calls...)
		for range rapid.IntRange(0, 1).Draw(t, "pictures") {
			c.Parts = append(c.Parts, chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: payloads().Draw(t, "data")}})
		}
		c.Finish = rapid.SampledFrom([]chat.Finish{chat.Stopped, chat.Length, chat.ToolCalls, chat.ContentFilter, chat.Failed}).Draw(t, "finish")
		if len(calls) > 0 && c.Finish == chat.Stopped {
			c.Finish = chat.ToolCalls
		}
		c.Native = words().Draw(t, "native")
		if len(c.Parts) == 0 {
			c.Parts = nil
		}
		a.Choices = append(a.Choices, c)
	}
	return a
}
