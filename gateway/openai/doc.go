// Package openai reads and rewrites OpenAI's chat completions, both ways: a caller's request on its way to a vendor of
// the same dialect, and the vendor's answer, whole or as a stream, on its way back.
//
// Bodies are spliced, never re-encoded: whatever this package has no reason to change keeps its bytes, so that fields
// nobody here has heard of pass through unchanged.
package openai
