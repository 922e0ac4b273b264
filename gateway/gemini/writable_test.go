package gemini_test

import (
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
)

// requireWritable: what was read can be written by anybody.
func requireWritable(t require.TestingT, a *chat.Answer) {
	for _, c := range a.Choices {
		for _, p := range c.Parts {
			require.True(t, utf8.ValidString(p.Text+p.Signature))
			require.Equal(t, p.Kind == chat.ToolCall, p.Call != nil)
			if p.Call != nil {
				require.NotEmpty(t, p.Call.ID)
				require.True(t, utf8.ValidString(p.Call.Arguments))
			}
		}
	}
}
