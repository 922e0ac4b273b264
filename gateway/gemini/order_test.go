package gemini_test

import (
	"maps"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
)

// requireOrder holds events against the contract of chat.EventKind.
func requireOrder(t require.TestingT, events []chat.Event) {
	type part struct{ choice, number int }
	open, next := map[part]bool{}, map[int]int{}
	over := false
	for i, e := range events {
		require.False(t, over, "an event after the end")
		if e.Kind != chat.Broken {
			require.Equal(t, i == 0, e.Kind == chat.Began, "one Began, first")
		}
		at := part{e.Choice, e.Part}
		switch e.Kind {
		case chat.PartBegan:
			require.Equal(t, next[e.Choice], e.Part)
			next[e.Choice]++
			open[at] = true
		case chat.PartDelta:
			require.True(t, open[at])
		case chat.PartEnded:
			require.True(t, open[at])
			delete(open, at)
		case chat.Finished:
			require.NotEmpty(t, e.Finish)
			for p := range open {
				require.NotEqual(t, e.Choice, p.choice, "a part is open when its choice ends")
			}
		case chat.Ended:
			require.Empty(t, open)
			over = true
		case chat.Broken:
			require.NotNil(t, e.Failure)
			over = true
		case chat.Began, chat.Reported:
		}
	}
}

// fold puts a stream together.
func fold(events []chat.Event) *chat.Answer {
	a := new(chat.Answer)
	choices := map[int]*chat.Choice{}
	choice := func(index int) *chat.Choice {
		if choices[index] == nil {
			choices[index] = &chat.Choice{Index: index}
		}
		return choices[index]
	}
	for _, e := range events {
		switch e.Kind {
		case chat.Began:
			a.ID, a.Created = e.ID, e.Created
		case chat.PartBegan:
			c := choice(e.Choice)
			header := e.Header
			if header.Call != nil {
				call := *header.Call
				header.Call = &call
			}
			c.Parts = append(c.Parts, header)
		case chat.PartDelta:
			p := &choice(e.Choice).Parts[e.Part]
			if p.Call != nil {
				p.Call.Arguments += e.Delta
			} else {
				p.Text += e.Delta
			}
			p.Signature += e.Signature
		case chat.Finished:
			c := choice(e.Choice)
			c.Finish, c.Native, c.Stop = e.Finish, e.Native, e.Stop
		case chat.Reported:
			a.Report = e.Report
		case chat.PartEnded, chat.Ended, chat.Broken:
		}
	}
	for _, index := range slices.Sorted(maps.Keys(choices)) {
		a.Choices = append(a.Choices, *choices[index])
	}
	return a
}
