package gemini_test

import (
	"strconv"

	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
)

// answers draws answers as any vendor may give them.
func answers() *rapid.Generator[*chat.Answer] {
	return rapid.Custom(func(t *rapid.T) *chat.Answer {
		a := &chat.Answer{ID: "vendor's"}
		for i := range rapid.IntRange(1, 3).Draw(t, "choices") {
			a.Choices = append(a.Choices, choice(t, i))
		}
		return a
	})
}

func choice(t *rapid.T, index int) chat.Choice {
	c := chat.Choice{Index: index}
	called := false
	for i := range rapid.IntRange(0, 4).Draw(t, "parts") {
		switch rapid.IntRange(0, 5).Draw(t, "part") {
		case 0:
			called = true
			c.Parts = append(c.Parts, signed(t, chat.Part{Kind: chat.ToolCall, Call: &chat.Call{
				ID: "id-" + strconv.Itoa(i), Name: words().Draw(t, "name"), Arguments: rapid.OneOf(objects(), rapid.Just("")).Draw(t, "arguments"),
			}}))
		case 1:
			c.Parts = append(c.Parts, signed(t, media().Draw(t, "medium")))
		default:
			c.Parts = append(c.Parts, spoken().Draw(t, "spoken"))
		}
	}
	ends := []struct {
		finish  chat.Finish
		natives []string
	}{
		{chat.Stopped, []string{"stop", "end_turn", "STOP", ""}},
		{chat.Length, []string{"length", "MAX_TOKENS"}},
		{chat.ContentFilter, []string{"content_filter", "refusal", "SAFETY", "SPII", "OTHER"}},
		{chat.Failed, []string{"error", "OTHER", "UNEXPECTED_TOOL_CALL", "SAFETY"}},
	}
	end := rapid.SampledFrom(ends).Draw(t, "end")
	c.Finish, c.Native = end.finish, rapid.SampledFrom(end.natives).Draw(t, "native")
	if called && c.Finish == chat.Stopped {
		c.Finish = chat.ToolCalls
	}
	return c
}

func bills() *rapid.Generator[*chat.Bill] {
	return rapid.Custom(func(t *rapid.T) *chat.Bill {
		b := &chat.Bill{Usage: usage.Usage{usage.Request: 1}}
		for _, class := range []usage.Class{usage.Input, usage.CacheRead, usage.CacheWrite, usage.CacheWrite1h, usage.Output, usage.Reasoning} {
			if n := rapid.Int64Range(0, 1<<40).Draw(t, string(class)); n > 0 {
				b.Usage[class] = n
			}
		}
		b.Cost.Total = money.MustParse(rapid.StringMatching(`[1-9][0-9]{0,5}\.[0-9]{0,11}[1-9]`).Draw(t, "cost"))
		return b
	})
}

// streamed breaks an answer into events, with parts of different choices in turns and texts in pieces.
func streamed(t *rapid.T, a *chat.Answer) []chat.Event {
	events := []chat.Event{{Kind: chat.Began, ID: a.ID}}
	longest := 0
	for i := range a.Choices {
		longest = max(longest, len(a.Choices[i].Parts))
	}
	for n := range longest {
		for i := range a.Choices {
			if c := &a.Choices[i]; n < len(c.Parts) {
				events = append(events, pieces(t, c.Index, n, c.Parts[n])...)
			}
		}
	}
	for i := range a.Choices {
		c := &a.Choices[i]
		events = append(events, chat.Event{Kind: chat.Finished, Choice: c.Index, Finish: c.Finish, Native: c.Native})
	}
	return append(events, chat.Event{Kind: chat.Reported}, chat.Event{Kind: chat.Ended})
}

func pieces(t *rapid.T, choice, number int, p chat.Part) []chat.Event {
	header, body := p, p.Text
	header.Text, header.Signature = "", ""
	if p.Call != nil {
		header.Call, body = &chat.Call{ID: p.Call.ID, Name: p.Call.Name}, p.Call.Arguments
	}
	events := []chat.Event{{Kind: chat.PartBegan, Choice: choice, Part: number, Header: header}}
	for runes := []rune(body); len(runes) > 0; {
		n := rapid.IntRange(1, len(runes)).Draw(t, "piece")
		events = append(events, chat.Event{Kind: chat.PartDelta, Choice: choice, Part: number, Delta: string(runes[:n])})
		runes = runes[n:]
	}
	if p.Signature != "" {
		if last := &events[len(events)-1]; last.Kind == chat.PartDelta && rapid.Bool().Draw(t, "together") {
			last.Signature = p.Signature
		} else {
			events = append(events, chat.Event{Kind: chat.PartDelta, Choice: choice, Part: number, Signature: p.Signature})
		}
	}
	return append(events, chat.Event{Kind: chat.PartEnded, Choice: choice, Part: number})
}
