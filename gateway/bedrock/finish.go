package bedrock

import "github.com/massrouter/massrouter/gateway/chat"

// FinishOf is the canonical reason of a stopReason. One that is not known counts as an ordinary end: its own name is kept beside it.
func FinishOf(native string) chat.Finish {
	switch native {
	case "max_tokens", "model_context_window_exceeded":
		return chat.Length
	case "tool_use":
		return chat.ToolCalls
	case "guardrail_intervened", "content_filtered", "refusal":
		return chat.ContentFilter
	case "malformed_model_output", "malformed_tool_use":
		return chat.Failed
	}
	return chat.Stopped // end_turn, stop_sequence
}
