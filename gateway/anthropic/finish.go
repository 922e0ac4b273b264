package anthropic

import "github.com/massrouter/massrouter/gateway/chat"

// FinishOf is the canonical reason of a stop_reason. One that is not known counts as an ordinary end: its own name is kept beside it.
func FinishOf(native string) chat.Finish {
	switch native {
	case "max_tokens", "model_context_window_exceeded":
		return chat.Length
	case "tool_use":
		return chat.ToolCalls
	case "refusal":
		return chat.ContentFilter
	}
	return chat.Stopped // end_turn, stop_sequence, pause_turn
}

// stopReason is what a caller is told. The reason of a vendor of this dialect stays what it was. There is none for a completion that
// failed; refusal is the one that no client takes for a complete answer.
func stopReason(f chat.Finish, native, stop string) string {
	switch native {
	case "end_turn", "stop_sequence", "pause_turn", "max_tokens", "model_context_window_exceeded", "tool_use", "refusal":
		if FinishOf(native) == f {
			return native
		}
	}
	switch f {
	case chat.Length:
		return "max_tokens"
	case chat.ToolCalls:
		return "tool_use"
	case chat.ContentFilter, chat.Failed:
		return "refusal"
	case chat.Stopped:
		if stop != "" {
			return "stop_sequence"
		}
	}
	return "end_turn"
}
