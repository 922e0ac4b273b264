// Package chat is the canonical form of a chat call: what the dialects of callers and vendors have in common, each thing once.
// A call whose caller and vendor speak the same dialect never takes this form; all others go through it, in two steps that know
// nothing of each other: a dialect's package reads into it or writes from it, requests, answers and the events of streams.
//
// What a dialect says and this form cannot is listed by name in Request.Unsupported; what this form says and a dialect cannot is
// refused by that dialect's writer. Nothing is dropped silently.
//
// The mappings are those of the vendors' published references; where they differ in meaning, the comment at the field says which
// meaning this form has.
package chat

// Dialect is a wire format of callers and vendors.
type Dialect string

// The dialects.
const (
	OpenAI    Dialect = "openai"    // chat completions
	Responses Dialect = "responses" // OpenAI's Responses
	Anthropic Dialect = "anthropic" // Messages
	Gemini    Dialect = "gemini"    // generateContent
	Bedrock   Dialect = "bedrock"   // Converse, of vendors only
)
