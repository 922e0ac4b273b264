package sim_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// bedrockSpeech reads frames with the decoder of Amazon's own library.
func bedrockSpeech() *speech {
	return &speech{
		name: "converse", capMember: `"inferenceConfig":{"maxTokens":%d}`, headers: []string{"Authorization", "Bearer " + apiKey},
		path: func(model string, stream bool) string {
			verb := "/converse"
			if stream {
				verb = "/converse-stream"
			}
			return "/model/" + escaped(model) + verb
		},
		body: func(_ string, _ bool, more ...string) string {
			return object(append([]string{`"messages":[{"role":"user","content":[{"text":"Hello there"}]}]`}, more...)...)
		},
		understand: func(tb testing.TB, text string, stream bool) (h heard) {
			tb.Helper()
			if !stream {
				h.bedrockMessage(tb, text)
				h.done = true
				return h
			}
			h.bedrockStream(tb, text)
			return h
		},
		errorKind: func(tb testing.TB, text string) string {
			tb.Helper()
			var body struct{ Message string }
			parse(tb, text, &body)
			require.NotEmpty(tb, body.Message)
			return body.Message
		},
		native: map[string]string{
			"400": "The simulated vendor was told to refuse this request.", "403": "The simulated vendor was told to forbid this request.",
			"404": "The model does not exist or you do not have access to it.", "408": "The request took too long.",
			"429": "Too many requests, please wait before trying again.", "500": "The server had an error while processing your request.",
			"503": "Bedrock is unable to process your request.",
		},
	}
}

type bedrockUsage struct {
	Input      int64 `json:"inputTokens"`
	Output     any   `json:"outputTokens"`
	Total      int64 `json:"totalTokens"`
	Read       int64 `json:"cacheReadInputTokens"`
	Write      int64 `json:"cacheWriteInputTokens"`
	CacheWrite []struct {
		TTL         string
		InputTokens int64
	} `json:"cacheDetails"`
}

func (h *heard) bedrockUsage(u *bedrockUsage) {
	if u == nil {
		return
	}
	output, ok := wholeOf(u.Output)
	h.told = ok
	h.usage = sim.Usage{Prompt: u.Input + u.Read + u.Write, Cached: u.Read, CacheWrite: u.Write, Completion: output}
	for _, d := range u.CacheWrite {
		if d.TTL == "1h" {
			h.usage.CacheWrite1h = d.InputTokens
		}
	}
}

type bedrockReasoning struct {
	Text, Signature, RedactedContent string
	ReasoningText                    *struct{ Text, Signature string }
}

type bedrockContent struct {
	Text             *string
	ReasoningContent *bedrockReasoning
	ToolUse          *struct {
		ToolUseID, Name string
		Input           json.RawMessage
	}
}

func (h *heard) bedrockMessage(tb testing.TB, text string) {
	tb.Helper()
	var m struct {
		Output struct {
			Message struct{ Content []bedrockContent }
		}
		StopReason string
		Usage      *bedrockUsage
		Message    string
	}
	parse(tb, text, &m)
	h.finish, h.failed = m.StopReason, m.Message
	h.bedrockUsage(m.Usage)
	for _, c := range m.Output.Message.Content {
		switch {
		case c.Text != nil:
			h.text += *c.Text
			h.tokens++
		case c.ReasoningContent != nil:
			if t := c.ReasoningContent.ReasoningText; t != nil {
				h.thought = t.Text + "|" + t.Signature
			}
			h.thought += c.ReasoningContent.RedactedContent
		case c.ToolUse != nil:
			h.call(len(h.calls), c.ToolUse.ToolUseID, c.ToolUse.Name, string(c.ToolUse.Input))
		}
	}
}

// bedrockStream reads the frames that are whole and sound, and holds them against the rules of their order.
func (h *heard) bedrockStream(tb testing.TB, text string) {
	tb.Helper()
	calls, closed, last := map[int]int{}, map[int]bool{}, -1
	for _, frame := range frames(tb, text) {
		var e struct {
			Index      int `json:"contentBlockIndex"`
			Start      bedrockContent
			Delta      bedrockContent
			StopReason string
			Usage      *bedrockUsage
			Message    string
		}
		parse(tb, frame.payload, &e)
		if frame.exception != "" {
			require.NotEmpty(tb, e.Message)
			h.failed = frame.exception
			continue
		}
		if strings.HasPrefix(frame.event, "contentBlock") {
			require.False(tb, closed[e.Index])
			require.True(tb, e.Index == last || e.Index == last+1 && (last < 0 || closed[last]), "one block at a time")
			last = e.Index
		}
		switch frame.event {
		case "messageStart":
			require.Equal(tb, -1, last)
		case "contentBlockStart":
			calls[e.Index] = len(h.calls)
			h.call(len(h.calls), e.Start.ToolUse.ToolUseID, e.Start.ToolUse.Name, "")
		case "contentBlockDelta":
			h.bedrockDelta(tb, calls[e.Index], &e.Delta)
		case "contentBlockStop":
			closed[e.Index] = true
		case "messageStop":
			require.Len(tb, closed, last+1, "all blocks are closed")
			h.finish, h.done = e.StopReason, true
		default:
			require.Equal(tb, "metadata", frame.event)
			h.bedrockUsage(e.Usage)
		}
	}
}

func (h *heard) bedrockDelta(tb testing.TB, call int, d *bedrockContent) {
	tb.Helper()
	switch {
	case d.Text != nil:
		h.text += *d.Text
		h.tokens++
	case d.ToolUse != nil:
		var piece string
		parse(tb, string(d.ToolUse.Input), &piece)
		h.call(call, "", "", piece)
	case d.ReasoningContent != nil:
		h.thought += d.ReasoningContent.Text + d.ReasoningContent.RedactedContent
		if s := d.ReasoningContent.Signature; s != "" {
			h.thought += "|" + s
		}
	}
}

type frame struct{ event, exception, payload string }

// frames takes a stream apart with Amazon's decoder. What has no end, or a wrong checksum, ends it; what is no JSON is left out.
func frames(tb testing.TB, text string) (all []frame) {
	tb.Helper()
	r, decoder := bytes.NewReader([]byte(text)), eventstream.NewDecoder()
	for r.Len() > 0 {
		m, err := decoder.Decode(r, nil)
		if err != nil {
			return all
		}
		header := func(name string) string {
			v := m.Headers.Get(name)
			if v == nil {
				return ""
			}
			return v.String()
		}
		require.Equal(tb, "application/json", header(":content-type"))
		require.Contains(tb, []string{"event", "exception"}, header(":message-type"))
		if json.Valid(m.Payload) {
			all = append(all, frame{header(":event-type"), header(":exception-type"), string(m.Payload)})
		}
	}
	return all
}
