package gemini

import "github.com/massrouter/massrouter/gateway/chat"

// finishOf maps finishReason. A model that calls a function stops; the parts tell the difference.
func finishOf(native string) chat.Finish {
	switch native {
	case "", "FINISH_REASON_UNSPECIFIED":
		return ""
	case "STOP", "CONTINUATION":
		return chat.Stopped
	case "MAX_TOKENS":
		return chat.Length
	case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
		"IMAGE_RECITATION", "IMAGE_OTHER", "MODEL_ARMOR":
		return chat.ContentFilter
	}
	return chat.Failed // MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, OTHER, and what is new
}

// finished is why a choice ended whose parts have a call or not.
func finished(native string, called bool) chat.Finish {
	finish := finishOf(native)
	if finish == chat.Stopped && called {
		return chat.ToolCalls
	}
	return finish
}

const malformed = "MALFORMED_FUNCTION_CALL"

// nativeOf is the finishReason that callers are told: the vendor's own if it is of this dialect and means the same.
func nativeOf(finish chat.Finish, native string) string {
	switch finish {
	case chat.Stopped, chat.ToolCalls:
		if native == "CONTINUATION" {
			return native
		}
		return "STOP"
	case chat.Length:
		return "MAX_TOKENS"
	case chat.ContentFilter:
		if finishOf(native) == chat.ContentFilter {
			return native
		}
		return "SAFETY"
	case chat.Failed:
		switch native {
		case malformed, "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "LANGUAGE", "NO_IMAGE", "MISSING_THOUGHT_SIGNATURE":
			return native
		}
	}
	return "OTHER"
}
