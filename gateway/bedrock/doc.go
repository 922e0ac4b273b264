// Package bedrock speaks the Converse API of Amazon Bedrock as its vendors do: AppendRequest writes calls in the canonical form, Reader reads
// answers and streams. There are no callers of this dialect.
//
// The wire format is that of the API reference of Amazon Bedrock Runtime, Converse and ConverseStream. The model stands in the address (Path).
// A stream has frames in place of server-sent events; package frames takes them off the wire, and what its Next gives is what the decoder
// here takes.
//
//	append.go, append_messages.go, append_blocks.go, append_options.go   canonical request → body
//	media.go                                                             images, documents and sounds
//	reader.go, content.go                                                body → canonical answer
//	decoder.go, event.go                                                 frames → canonical events
//	usage.go, finish.go, failure.go                                      what was used, why it ended, what went wrong
package bedrock

import (
	"net/url"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// Origin is this dialect's name where a part says whose vendor made its signature.
const Origin = string(chat.Bedrock)

// Path is where a model takes calls, below the base URL: model/NAME/converse. A name may have colons and slashes (versions, inference profiles,
// ARNs): it is one segment, in which all but unreserved characters are percent-encoded, as signatures want it.
func Path(model string, stream bool) string {
	verb := "/converse"
	if stream {
		verb = "/converse-stream"
	}
	return "model/" + segment(model) + verb
}

// segment is a text as one segment of a path (RFC 3986, 2.3: unreserved characters stand for themselves).
func segment(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
