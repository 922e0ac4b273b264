package anthropic

import (
	"bytes"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Extras are what of the request is priced apart from its text.
func (q *Request) Extras() chat.Extras {
	return chat.Extras{Sound: q.opaque, Pictures: q.opaque || q.images > 0, Searches: q.searches, Tier: q.tier}
}

// serviceTier reads the tier that is asked for; what is no text is the vendor's to refuse.
func (s *Scanner) serviceTier(q *Request) error {
	raw, _, err := s.Value()
	if err == nil && raw.Kind() == '"' {
		q.tier = jsonscan.Unquoted(raw)
	}
	return err
}

// searches says whether a tool's type is that of the vendor's own web search, of any version.
func searches(raw []byte) bool {
	return len(raw) > 1 && raw[0] == '"' && bytes.HasPrefix([]byte(jsonscan.Unquoted(raw)), []byte("web_search"))
}
