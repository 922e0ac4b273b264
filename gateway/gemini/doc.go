// Package gemini is the dialect of Google's generateContent and streamGenerateContent, as the Gemini API and Vertex AI speak
// it, in both directions: between the canonical form of package chat and the wire, and byte-exact for a caller and a vendor
// who both speak it. The shapes are those of the published reference of v1beta.
//
// What the two forms say differently is merged; ParseRequest after AppendRequest gives:
//
//   - one system message in front, with all texts of all system messages;
//   - one message for neighbours of one role, but results of tools stand in messages of their own;
//   - refusals as texts, and empty texts not at all;
//   - results of tools with one text, and with the name of the call that they answer;
//   - strict schemas for all tools if one has that, and for none where a call is asked for or forbidden.
//
// Left out without a word are what changes no answer: marks for the prompt's cache, which Gemini keeps by itself, the names of
// files and of schemas, and thoughts that only another vendor can read.
package gemini

import "github.com/massrouter/massrouter/gateway/chat"

// origin is the name under which signatures of this dialect's vendors stand in chat.Part.Origin.
const origin = string(chat.Gemini)
