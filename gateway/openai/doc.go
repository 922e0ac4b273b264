// Package openai speaks OpenAI's chat completions, both ways and in two manners.
//
// Between a caller and a vendor of this dialect bodies are spliced, never re-encoded: Reader finds what the gateway has to know, and
// whatever it has no reason to change keeps its bytes, so that fields nobody here has heard of pass through unchanged.
//
// Between this dialect and another one they go through the canonical form of package chat: ParseRequest and Writer are the caller's
// side of it, AppendRequest and Canonical the vendor's. There the dialect is OpenAI's with what OpenRouter added to it and what
// vendors who speak it nearly do differently.
package openai
