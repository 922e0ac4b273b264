package anthropic_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	require.TestingT
	Helper()
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return body
}

// sent is one server-sent event.
type sent struct{ name, data string }

// eventsOf takes a stream apart. Every event has a name and one line of data.
func eventsOf(t tester, stream []byte) []sent {
	t.Helper()
	var out []sent
	for one := range strings.SplitSeq(string(stream), "\n\n") {
		if one == "" {
			continue
		}
		name, data, ok := strings.Cut(one, "\n")
		require.True(t, ok, "%q", one)
		require.True(t, strings.HasPrefix(name, "event: "), "%q", one)
		require.True(t, strings.HasPrefix(data, "data: "), "%q", one)
		require.NotContains(t, data, "\n")
		out = append(out, sent{name[len("event: "):], data[len("data: "):]})
	}
	return out
}

// decode reads a whole stream.
func decode(t tester, stream []byte) []chat.Event {
	t.Helper()
	d := anthropic.Reader{}.Stream()
	var out, room []chat.Event
	var err error
	for _, one := range eventsOf(t, stream) {
		data := []byte(one.data)
		room, err = d.Decode(one.name, data, room[:0])
		require.NoError(t, err)
		out = append(out, room...)
		copy(data, bytes.Repeat([]byte("x"), len(data))) // the reader's buffer is used again
	}
	return d.End(out)
}

// fold puts a stream together and checks that its events come in an order that the contract allows.
func fold(t tester, events []chat.Event) *chat.Answer {
	t.Helper()
	a := &chat.Answer{Choices: make([]chat.Choice, 1)}
	c := &a.Choices[0]
	var ended []bool
	finished := false
	for i, e := range events {
		require.Equal(t, i == 0, e.Kind == chat.Began, "one beginning")
		require.Zero(t, e.Choice)
		switch e.Kind {
		case chat.Began:
			a.ID = e.ID
		case chat.PartBegan:
			require.Equal(t, len(c.Parts), e.Part, "parts are numbered as they begin")
			require.Empty(t, e.Header.Text)
			p := e.Header
			if p.Call != nil {
				require.Empty(t, p.Call.Arguments)
				call := *p.Call
				p.Call = &call
			}
			c.Parts, ended = append(c.Parts, p), append(ended, false)
		case chat.PartDelta:
			require.False(t, ended[e.Part])
			p := &c.Parts[e.Part]
			p.Signature += e.Signature
			if p.Call != nil {
				p.Call.Arguments += e.Delta
			} else {
				p.Text += e.Delta
			}
		case chat.PartEnded:
			require.False(t, ended[e.Part])
			ended[e.Part] = true
		case chat.Finished:
			require.False(t, finished)
			finished = true
			c.Finish, c.Native, c.Stop = e.Finish, e.Native, e.Stop
		case chat.Reported:
			a.Report = e.Report
		case chat.Ended:
			require.Len(t, events, i+1, "nothing comes after the end")
			require.NotContains(t, ended, false)
		default:
			require.Fail(t, "an event that was not expected", "%+v", e)
		}
	}
	require.Equal(t, chat.Ended, events[len(events)-1].Kind)
	return a
}
