// Package responses speaks OpenAI's Responses through the canonical form of package chat: ParseRequest and Writer are the caller's
// side of it, AppendRequest and Reader the vendor's. Nothing is stored: what needs a conversation that a vendor keeps
// (previous_response_id, conversation, background, store) is refused.
//
// The wire format is that of https://platform.openai.com/docs/api-reference/responses, with OpenRouter's additions: the provider,
// the cost in the usage, and the format of reasoning.
package responses
