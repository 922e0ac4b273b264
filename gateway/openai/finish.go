package openai

import "github.com/massrouter/massrouter/gateway/chat"

// finishOf is what a vendor's finish_reason means. Vendors of this dialect have words of their own; one that is not known
// means that the vendor ended by itself.
func finishOf(reason string, calls bool) chat.Finish {
	switch reason {
	case "":
		return ""
	case "length", "max_tokens", "model_length":
		return chat.Length
	case "tool_calls", "function_call", "tool_use":
		return chat.ToolCalls
	case "content_filter", "sensitive", "safety":
		return chat.ContentFilter
	case "error", "network_error", "insufficient_system_resource":
		return chat.Failed
	}
	if calls { // of a tool that was named in tool_choice some vendors say that they simply stopped
		return chat.ToolCalls
	}
	return chat.Stopped
}
