package openai_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai"
)

func TestRequestsSurviveTheWayToAVendor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := genRequest(t)
		field := rapid.SampledFrom([]string{openai.MaxTokens, openai.MaxCompletionTokens}).Draw(t, "field")
		body, err := openai.AppendRequest([]byte("x"), want, chat.Options{Model: want.Model, MaxTokens: want.MaxTokens, CapField: field})
		require.NoError(t, err)
		got, err := openai.ParseRequest(body[1:])
		require.NoError(t, err, "%s", body)
		require.Equal(t, want, got)
		q, err := new(openai.Reader).Request(body[1:])
		require.NoError(t, err)
		require.Equal(t, field, q.CapName())
	})
}

var (
	told = &chat.Told{ID: "gen-7", Model: "acme/large", Provider: "Acme", Created: 5}
	bill = &chat.Bill{
		Usage: usage.Usage{usage.Input: 16, usage.CacheRead: 10, usage.CacheWrite: 4, usage.Output: 7, usage.Reasoning: 5, usage.Request: 1},
		Cost:  chat.Cost{Total: money.MustParse("0.000000000123"), Prompt: money.MustParse("0.000000000023"), Completion: money.MustParse("0.0000000001")},
	}
	reported = meter.Report{Given: true, Prompt: 30, Completion: 12, Cached: 10, CacheWrite: 4, Reasoning: 5, Total: 42, HasTotal: true}
)

func TestAnswersSurviveTheWayToACaller(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := genAnswer(t)
		body := openai.Writer{}.Answer(nil, want, &chat.Told{ID: want.ID, Created: want.Created}, bill)
		require.True(t, json.Valid(body), "%s", body)
		got, err := openai.Canonical{}.Answer(body)
		require.NoError(t, err)
		want.Report = reported
		require.Equal(t, normal(want), normal(got))
	})
}

// normal makes an answer comparable: no choice has parts that are empty rather than none.
func normal(a *chat.Answer) *chat.Answer {
	for i := range a.Choices {
		if len(a.Choices[i].Parts) == 0 {
			a.Choices[i].Parts = nil
		}
	}
	slices.SortFunc(a.Choices, func(a, b chat.Choice) int { return a.Index - b.Index })
	return a
}

func TestStreamsSurviveTheWayToACaller(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := genAnswer(t)
		e := openai.Writer{}.Stream(&chat.Told{ID: want.ID, Model: "m", Created: want.Created})
		var stream []byte
		for _, event := range genStream(t, want) {
			stream = e.Encode(stream, &event)
		}
		stream = e.End(stream, bill)
		f, err := decode(t, openai.Canonical{}.Stream(), stream)
		require.NoError(t, err, "%s", stream)
		require.True(t, f.ended)
		want.Report = reported
		require.Equal(t, normal(want), normal(&f.answer), "%s", stream)
	})
}

// genStream tells an answer in pieces, its choices mixed, and its calls open beside one another.
func genStream(t *rapid.T, a *chat.Answer) []chat.Event {
	queues := make([][]chat.Event, len(a.Choices))
	for i := range a.Choices {
		queues[i] = genEvents(t, &a.Choices[i])
	}
	events := []chat.Event{{Kind: chat.Began, ID: a.ID, Created: a.Created}}
	for {
		queues = slices.DeleteFunc(queues, func(q []chat.Event) bool { return len(q) == 0 })
		if len(queues) == 0 {
			return append(events, chat.Event{Kind: chat.Reported, Report: a.Report}, chat.Event{Kind: chat.Ended})
		}
		i := rapid.IntRange(0, len(queues)-1).Draw(t, "next")
		events, queues[i] = append(events, queues[i][0]), queues[i][1:]
	}
}

func genEvents(t *rapid.T, c *chat.Choice) (events []chat.Event) {
	var calls []chat.Event
	for i := range c.Parts {
		p := c.Parts[i]
		whole := p.Text
		header := chat.Part{Kind: p.Kind, Origin: p.Origin, Media: p.Media}
		if p.Kind == chat.ToolCall {
			whole = p.Call.Arguments
			header.Call = &chat.Call{ID: p.Call.ID, Name: p.Call.Name}
		}
		events = append(events, chat.Event{Kind: chat.PartBegan, Choice: c.Index, Part: i, Header: header})
		var deltas []chat.Event
		for whole != "" {
			n := rapid.IntRange(1, len([]rune(whole))).Draw(t, "runes")
			piece := string([]rune(whole)[:n])
			whole = whole[len(piece):]
			deltas = append(deltas, chat.Event{Kind: chat.PartDelta, Choice: c.Index, Part: i, Delta: piece})
		}
		if p.Signature != "" {
			if n := len(deltas) - 1; n >= 0 && rapid.Bool().Draw(t, "with the last delta") {
				deltas[n].Signature = p.Signature
			} else {
				deltas = append(deltas, chat.Event{Kind: chat.PartDelta, Choice: c.Index, Part: i, Signature: p.Signature})
			}
		}
		end := chat.Event{Kind: chat.PartEnded, Choice: c.Index, Part: i}
		if p.Kind == chat.ToolCall {
			calls = append(append(calls, deltas...), end)
			continue
		}
		events = append(append(events, deltas...), end)
	}
	events = append(events, calls...)
	return append(events, chat.Event{Kind: chat.Finished, Choice: c.Index, Finish: c.Finish, Native: c.Native})
}
