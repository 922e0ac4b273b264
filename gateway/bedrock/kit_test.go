package bedrock_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/bedrock"
	"github.com/massrouter/massrouter/gateway/chat"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	require.TestingT
	Helper()
}

const claude = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"

// written is the body of a call.
func written(t tester, r *chat.Request, o chat.Options) string {
	t.Helper()
	if o.MaxTokens == 0 {
		o.MaxTokens = 100
	}
	body, err := bedrock.AppendRequest([]byte("before"), r, o)
	require.NoError(t, err)
	text, ok := strings.CutPrefix(string(body), "before")
	require.True(t, ok)
	require.True(t, jsontext.Value(text).IsValid(), "%s", text)
	return text
}

// refused is what a request is refused for, and that it is not where the option says so.
func refused(t *testing.T, r *chat.Request, o chat.Options) string {
	t.Helper()
	o.MaxTokens = max(o.MaxTokens, 100)
	_, err := bedrock.AppendRequest(nil, r, o)
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, domain.CodeInvalid, e.Code)
	return e.Details["param"]
}

func said(parts ...chat.Part) *chat.Request {
	return &chat.Request{Choices: 1, Messages: []chat.Message{{Role: chat.User, Parts: parts}}}
}

func text(s string) chat.Part { return chat.Part{Kind: chat.Text, Text: s} }

// piece is one event of a stream.
type piece struct{ name, data string }

// decoded is what a stream means, to its end.
func decoded(t tester, pieces ...piece) []chat.Event {
	t.Helper()
	d := bedrock.Reader{}.Stream()
	var out, room []chat.Event
	for _, p := range pieces {
		var err error
		room, err = d.Decode(p.name, []byte(p.data), room[:0])
		require.NoError(t, err)
		out = append(out, room...)
	}
	return append(out, d.End(nil)...)
}

// gathered puts the events of a stream together into the answer that it is.
func gathered(t tester, events []chat.Event) *chat.Answer {
	t.Helper()
	a := &chat.Answer{Choices: make([]chat.Choice, 1)}
	c := &a.Choices[0]
	open := map[int]bool{}
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case chat.Began:
			require.Zero(t, i)
		case chat.PartBegan:
			require.Len(t, c.Parts, e.Part)
			p := e.Header
			if p.Call != nil {
				call := *p.Call
				p.Call = &call
			}
			c.Parts, open[e.Part] = append(c.Parts, p), true
		case chat.PartDelta:
			require.True(t, open[e.Part])
			p := &c.Parts[e.Part]
			if p.Call != nil {
				p.Call.Arguments += e.Delta
			} else {
				p.Text += e.Delta
			}
			p.Signature += e.Signature
		case chat.PartEnded:
			require.True(t, open[e.Part])
			delete(open, e.Part)
		case chat.Finished:
			c.Finish, c.Native = e.Finish, e.Native
		case chat.Reported:
			a.Report = e.Report
		case chat.Ended:
			require.Empty(t, open, "all parts have ended")
			require.Equal(t, len(events)-1, i)
		case chat.Broken:
			require.Fail(t, "broken")
		}
	}
	return a
}

// quoted is a text as JSON.
func quoted(t tester, s string) string {
	t.Helper()
	raw, err := json.Marshal(s)
	require.NoError(t, err)
	return string(raw)
}
