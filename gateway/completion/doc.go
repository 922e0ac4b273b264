// Package completion reads and writes OpenAI's legacy completions: the continuation of a prompt that is a text and no conversation.
// Vendors of OpenAI's dialect get the caller's bytes, but for the model's name, the output cap and the wish for usage. For all others the
// prompt becomes one message of a conversation; what that cannot say (echo, suffix, several prompts …) is refused by name.
package completion
