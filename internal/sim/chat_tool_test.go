package sim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const chatTools = `"tools":[{"type":"function","function":{"name":"weather"}},{"type":"function","function":{"name":"clock"}}]`

func TestChatParallelToolCalls(t *testing.T) {
	t.Parallel()
	s := chatSpeech()
	whole := setup(t).hear(t, s, "m?tools=3&words=4&tokens=5&reasoning=2", false, chatTools)
	parts := setup(t).hear(t, s, "m?tools=3&words=4&tokens=5&reasoning=2", true, chatTools)
	require.Equal(t, "tool_calls", whole.finish)
	require.Equal(t, whole.text, parts.text)
	require.Equal(t, whole.usage, parts.usage)
	require.EqualValues(t, 2+5+3*(2+4), whole.usage.Completion)
	require.Len(t, whole.calls, 3)
	for i, call := range whole.calls {
		require.Equal(t, []string{"weather", "clock", "weather"}[i], call.Name)
		require.Equal(t, []string{call.ID, call.Name, call.Arguments}, []string{parts.calls[i].ID, parts.calls[i].Name, parts.calls[i].Arguments})
		require.Equal(t, 1+5, parts.calls[i].Pieces, "an event a token")
		var input struct{ Text string }
		parse(t, call.Arguments, &input)
		require.Len(t, strings.Fields(input.Text), 4)
	}
}

func TestChatCallsThatTheRequestForbids(t *testing.T) {
	t.Parallel()
	b, s := setup(t), chatSpeech()
	require.Len(t, b.hear(t, s, "m?tools=3", true, chatTools, `"parallel_tool_calls":false`).calls, 1)
	require.Len(t, b.hear(t, s, "m?tools=3", true, chatTools, `"parallel_tool_calls":null`).calls, 3)
	require.Empty(t, b.hear(t, s, "m?tools=3", true, chatTools, `"tool_choice":"none"`).calls)
	require.Empty(t, b.hear(t, s, "m?tools=0", true, chatTools, `"tool_choice":"required"`).calls)
	status, text, err := b.say(t, s, "m?tools=1", false)
	require.NoError(t, err)
	require.Equal(t, 400, status)
	require.Contains(t, text, "needs a request with tools")
}

func TestChatFinish(t *testing.T) {
	t.Parallel()
	b, s := setup(t), chatSpeech()
	for control, want := range map[string]string{"finish=filter": "content_filter", "finish=blocked": "content_filter", "finish=refusal": "stop", "finish=pause": "stop"} {
		for _, stream := range []bool{false, true} {
			status, text, err := b.say(t, s, "m?"+control, stream)
			require.NoError(t, err)
			require.Equal(t, 200, status)
			got := s.understand(t, text, stream)
			require.Equal(t, want, got.finish)
			require.Equal(t, control == "finish=blocked", got.usage.Completion == 0)
			require.Equal(t, control == "finish=refusal" || control == "finish=blocked", got.text == "")
			require.Equal(t, control == "finish=refusal", strings.Contains(text, `"refusal":"there`), text)
		}
	}
}
