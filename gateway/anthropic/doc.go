// Package anthropic speaks Anthropic's Messages, both ways and in two manners. Between a caller and a vendor of this dialect bodies
// are spliced, never re-encoded: Scanner finds what the gateway has to know, and everything else keeps its bytes. Between this
// dialect and another one they go through the canonical form: ParseRequest and Writer are the caller's side of it, AppendRequest and
// Reader the vendor's.
//
// The wire format is that of https://docs.claude.com/en/api/messages, version 2023-06-01.
package anthropic

import "github.com/massrouter/massrouter/gateway/chat"

// Origin is this dialect's name where a part says whose vendor made its signature.
const Origin = string(chat.Anthropic)
