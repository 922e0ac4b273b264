package gemini

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// Extras are what of the request is priced apart from its text.
func (q *Request) Extras() chat.Extras {
	return chat.Extras{Sound: q.opaque, Pictures: q.opaque || q.images > 0, Searches: q.searches, Tier: q.tier}
}

// searches says whether a tool is one of the vendor's own searches.
func searches(name string) bool {
	return strings.HasPrefix(strings.ToLower(strings.ReplaceAll(name, "_", "")), "googlesearch")
}
