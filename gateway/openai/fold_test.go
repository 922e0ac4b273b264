package openai_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/sse"
)

// fold puts events together to the answer that they tell, and checks the grammar of streams that package chat states.
type fold struct {
	t      require.TestingT
	answer chat.Answer
	parts  map[[2]int]*chat.Part
	open   map[[2]int]bool
	began  bool
	ended  bool
	broken *chat.Failure
}

func newFold(t require.TestingT) *fold {
	return &fold{t: t, parts: map[[2]int]*chat.Part{}, open: map[[2]int]bool{}}
}

func (f *fold) choice(index int) *chat.Choice {
	for i := range f.answer.Choices {
		if f.answer.Choices[i].Index == index {
			return &f.answer.Choices[i]
		}
	}
	f.answer.Choices = append(f.answer.Choices, chat.Choice{Index: index})
	return &f.answer.Choices[len(f.answer.Choices)-1]
}

func (f *fold) add(events ...chat.Event) {
	for i := range events {
		f.one(&events[i])
	}
}

func (f *fold) one(e *chat.Event) {
	require.False(f.t, f.ended || f.broken != nil, "something comes after the end")
	require.Equal(f.t, e.Kind == chat.Began, !f.began, "one Began, at first")
	key := [2]int{e.Choice, e.Part}
	switch e.Kind {
	case chat.Began:
		f.began = true
		f.answer.ID, f.answer.Created = e.ID, e.Created
	case chat.PartBegan:
		c := f.choice(e.Choice)
		require.Empty(f.t, c.Finish)
		require.Len(f.t, c.Parts, e.Part, "parts are numbered in their order")
		header := e.Header
		if header.Call != nil {
			call := *header.Call
			header.Call = &call
		}
		c.Parts = append(c.Parts, header)
		f.open[key] = true
	case chat.PartDelta:
		require.True(f.t, f.open[key], "the part is open")
		f.delta(&f.choice(e.Choice).Parts[e.Part], e)
	case chat.PartEnded:
		require.True(f.t, f.open[key], "the part is open")
		delete(f.open, key)
	case chat.Finished:
		c := f.choice(e.Choice)
		require.Empty(f.t, c.Finish, "a choice ends once")
		for k := range f.open {
			require.NotEqual(f.t, e.Choice, k[0], "parts end before their choice")
		}
		c.Finish, c.Native, c.Stop = e.Finish, e.Native, e.Stop
	case chat.Reported:
		f.answer.Report = e.Report
	case chat.Ended:
		require.Empty(f.t, f.open)
		f.ended = true
	case chat.Broken:
		require.NotNil(f.t, e.Failure)
		f.broken = e.Failure
	}
}

func (f *fold) delta(p *chat.Part, e *chat.Event) {
	require.True(f.t, e.Delta != "" || e.Signature != "")
	if p.Kind == chat.ToolCall {
		p.Call.Arguments += e.Delta
	} else {
		p.Text += e.Delta
	}
	p.Signature += e.Signature
	if e.Header.Origin != "" {
		p.Origin = e.Header.Origin
	}
}

// decode reads a stream of server-sent events with a decoder.
func decode(t require.TestingT, d chat.Decoder, stream []byte) (*fold, error) {
	f := newFold(t)
	in := sse.NewEvents(bytes.NewReader(stream), make([]byte, 0, 512), 1<<20)
	var events []chat.Event
	for {
		name, data, err := in.Next()
		if errors.Is(err, io.EOF) {
			events = d.End(events[:0])
			f.add(events...)
			return f, nil
		}
		require.NoError(t, err)
		if events, err = d.Decode(string(name), data, events[:0]); err != nil {
			return f, err
		}
		f.add(events...)
	}
}

func decoded(t *testing.T, d chat.Decoder, stream string) *fold {
	t.Helper()
	f, err := decode(t, d, []byte(stream))
	require.NoError(t, err)
	return f
}
