package gemini_test

import (
	"encoding/base64"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/chat"
)

func words() *rapid.Generator[string] { return rapid.StringN(1, 12, -1) }

func maybeWords() *rapid.Generator[string] { return rapid.StringN(0, 12, -1) }

func encoded() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 20), base64.StdEncoding.EncodeToString)
}

func objects() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{`{}`, `{"city":"Paris"}`, `{"a":[1,2.50,{"b":null}],"ü\n":"\u0041"}`, "{ \"a\" :\n1e3}"})
}

func numbers() *rapid.Generator[chat.Number] {
	return rapid.SampledFrom([]chat.Number{"", "0", "1", "0.70", "1e-3", "12345678901234567890", "-2.0"})
}

func flags() *rapid.Generator[*bool] {
	yes, no := true, false
	return rapid.SampledFrom([]*bool{nil, &yes, &no})
}

// media draws an image, a document or a sound that Gemini can be sent.
func media() *rapid.Generator[chat.Part] {
	return rapid.Custom(func(t *rapid.T) chat.Part {
		p := chat.Part{Kind: rapid.SampledFrom([]chat.PartKind{chat.Image, chat.File, chat.Audio}).Draw(t, "kind"), Media: new(chat.Media)}
		p.Media.MIME = map[chat.PartKind]string{chat.Image: "image/webp", chat.File: "application/pdf", chat.Audio: "audio/wav"}[p.Kind]
		if rapid.Bool().Draw(t, "inline") {
			p.Media.Data = encoded().Draw(t, "data")
		} else {
			p.Media.URL = "https://example.com/" + rapid.StringMatching(`[a-z]{1,5}`).Draw(t, "file")
		}
		return p
	})
}

// signed gives a part a signature of Gemini's now and then.
func signed(t *rapid.T, p chat.Part) chat.Part {
	if rapid.Bool().Draw(t, "signed") {
		p.Signature, p.Origin = "CpcB"+encoded().Draw(t, "signature"), "gemini"
	}
	return p
}

// spoken draws what a model says, but for calls.
func spoken() *rapid.Generator[chat.Part] {
	return rapid.Custom(func(t *rapid.T) chat.Part {
		p := chat.Part{Kind: rapid.SampledFrom([]chat.PartKind{chat.Text, chat.Thinking, chat.Refusal}).Draw(t, "kind")}
		p.Text = maybeWords().Draw(t, "text")
		if p.Kind == chat.Refusal {
			return p
		}
		return signed(t, p)
	})
}

// conversations draws messages with calls that are answered.
type conversation struct {
	messages []chat.Message
	calls    int
}

func (c *conversation) add(t *rapid.T) {
	switch rapid.IntRange(0, 4).Draw(t, "turn") {
	case 0:
		c.messages = append(c.messages, chat.Message{Role: chat.System, Parts: []chat.Part{{Kind: chat.Text, Text: maybeWords().Draw(t, "text")}}})
	case 1:
		m := chat.Message{Role: chat.User}
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			if rapid.Bool().Draw(t, "medium") {
				m.Parts = append(m.Parts, media().Draw(t, "part"))
			} else {
				m.Parts = append(m.Parts, chat.Part{Kind: chat.Text, Text: maybeWords().Draw(t, "text")})
			}
		}
		c.messages = append(c.messages, m)
	case 2:
		c.messages = append(c.messages, chat.Message{Role: chat.Assistant, Parts: rapid.SliceOfN(spoken(), 0, 3).Draw(t, "parts")})
	default:
		c.called(t)
	}
}

func (c *conversation) called(t *rapid.T) {
	said := chat.Message{Role: chat.Assistant, Parts: rapid.SliceOfN(spoken(), 0, 1).Draw(t, "parts")}
	results := chat.Message{Role: chat.User}
	for range rapid.IntRange(1, 3).Draw(t, "calls") {
		id := "id-" + strconv.Itoa(c.calls)
		c.calls++
		name := rapid.SampledFrom([]string{"get_weather", "f"}).Draw(t, "name")
		call := chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: id, Name: name, Arguments: objects().Draw(t, "arguments")}}
		said.Parts = append(said.Parts, signed(t, call))
		r := &chat.Result{CallID: id, Error: rapid.Bool().Draw(t, "error")}
		for range rapid.IntRange(0, 2).Draw(t, "texts") {
			text := rapid.OneOf(maybeWords(), objects()).Draw(t, "text")
			r.Parts = append(r.Parts, chat.Part{Kind: chat.Text, Text: text})
		}
		if rapid.Bool().Draw(t, "medium") {
			r.Parts = append(r.Parts, media().Draw(t, "part"))
		}
		results.Parts = append(results.Parts, chat.Part{Kind: chat.ToolResult, Result: r})
	}
	c.messages = append(c.messages, said, results)
}

// requests draws canonical requests that Gemini can say.
func requests() *rapid.Generator[*chat.Request] {
	return rapid.Custom(func(t *rapid.T) *chat.Request {
		var c conversation
		for range rapid.IntRange(0, 6).Draw(t, "turns") {
			c.add(t)
		}
		c.messages = append(c.messages, chat.Message{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Text: words().Draw(t, "question")}}})
		r := &chat.Request{
			Model: "google/gemini", Messages: c.messages, Choices: rapid.Int64Range(1, 8).Draw(t, "n"),
			Stream: rapid.Bool().Draw(t, "stream"), MaxTokens: rapid.Int64Range(1, 10_000_000).Draw(t, "cap"),
			Temperature: numbers().Draw(t, "temperature"), TopP: numbers().Draw(t, "top_p"), TopK: numbers().Draw(t, "top_k"),
			FrequencyPenalty: numbers().Draw(t, "frequency"), PresencePenalty: numbers().Draw(t, "presence"),
			Seed: numbers().Draw(t, "seed"), Stop: rapid.SliceOfN(maybeWords(), 0, 5).Draw(t, "stop"),
		}
		r.IncludeUsage = r.Stream
		tools(t, r)
		switch r.Format.Kind = rapid.SampledFrom([]chat.FormatKind{"", chat.JSONObject, chat.JSONSchema}).Draw(t, "format"); r.Format.Kind {
		case chat.JSONSchema:
			r.Format.Schema = jsontext.Value(objects().Draw(t, "schema"))
		}
		switch rapid.IntRange(0, 3).Draw(t, "reasoning") {
		case 1:
			r.Reasoning.Effort = rapid.SampledFrom([]string{"minimal", "low", "medium", "high"}).Draw(t, "effort")
		case 2:
			r.Reasoning.Budget = rapid.Int64Range(1, 30_000).Draw(t, "budget")
		case 3:
			r.Reasoning.Off = true
		}
		r.Reasoning.Show = flags().Draw(t, "show")
		return r
	})
}

func tools(t *rapid.T, r *chat.Request) {
	strict := rapid.SampledFrom([]bool{false, true}).Draw(t, "strict")
	for i := range rapid.IntRange(0, 3).Draw(t, "tools") {
		tool := chat.Tool{Name: "tool_" + strconv.Itoa(i), Description: maybeWords().Draw(t, "description")}
		if rapid.Bool().Draw(t, "parameters") {
			tool.Parameters = jsontext.Value(objects().Draw(t, "schema"))
		}
		if strict {
			tool.Strict = &strict
		}
		r.Tools = append(r.Tools, tool)
	}
	if len(r.Tools) == 0 {
		return
	}
	r.ToolChoice.Mode = rapid.SampledFrom([]chat.ToolMode{"", chat.ToolsAuto, chat.ToolsNone, chat.ToolsAny, chat.ToolsOne}).Draw(t, "mode")
	if r.ToolChoice.Mode == chat.ToolsOne {
		r.ToolChoice.Name = r.Tools[len(r.Tools)-1].Name
	}
}
