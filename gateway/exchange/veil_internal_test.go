package exchange

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/chat"
)

// told puts the parts of one choice's stream together, and checks that they come in an order that the contract allows.
func told(t *rapid.T, events []chat.Event) []chat.Part {
	var parts []chat.Part
	var ended []bool
	for _, e := range events {
		switch e.Kind {
		case chat.PartBegan:
			require.Len(t, parts, e.Part, "parts are numbered as they begin")
			parts, ended = append(parts, e.Header), append(ended, false)
		case chat.PartDelta:
			require.Less(t, e.Part, len(parts))
			require.False(t, ended[e.Part])
			parts[e.Part].Text += e.Delta
			parts[e.Part].Signature += e.Signature
		case chat.PartEnded:
			require.Less(t, e.Part, len(parts))
			require.False(t, ended[e.Part])
			ended[e.Part] = true
		case chat.Began, chat.Finished, chat.Reported, chat.Ended, chat.Broken:
		}
	}
	require.NotContains(t, ended, false)
	return parts
}

// TestVeilOfStreams: a stream with hidden thoughts brings what the whole answer does, in some order of its parts.
func TestVeilOfStreams(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type open struct{ part int }
		var events []chat.Event
		var opened []open
		var v veil
		n := 0
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			if len(opened) == 0 || rapid.IntRange(0, 3).Draw(t, "begin") == 0 {
				kind := rapid.SampledFrom([]chat.PartKind{chat.Text, chat.Thinking, chat.Redacted, chat.ToolCall}).Draw(t, "kind")
				header := chat.Part{Kind: kind}
				if kind == chat.Thinking && rapid.IntRange(0, 4).Draw(t, "signed") == 0 {
					header.Signature = "early" + strconv.Itoa(n)
				}
				events = append(events, chat.Event{Kind: chat.PartBegan, Part: n, Header: header})
				opened = append(opened, open{part: n})
				n++
				continue
			}
			i := rapid.IntRange(0, len(opened)-1).Draw(t, "which")
			e := chat.Event{Kind: chat.PartDelta, Part: opened[i].part}
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				e.Signature = "s" + strconv.Itoa(e.Part)
			case 1:
				e.Kind = chat.PartEnded
				opened = append(opened[:i], opened[i+1:]...)
			default:
				e.Delta = "x"
			}
			events = append(events, e)
		}
		for _, o := range opened {
			events = append(events, chat.Event{Kind: chat.PartEnded, Part: o.part})
		}
		whole := &chat.Answer{Choices: []chat.Choice{{Parts: told(t, events)}}}
		v.answer(whole)
		var shown []chat.Event
		for i := range events {
			v.event(&events[i], func(e *chat.Event) { shown = append(shown, *e) })
		}
		require.ElementsMatch(t, whole.Choices[0].Parts, told(t, shown))
	})
}
