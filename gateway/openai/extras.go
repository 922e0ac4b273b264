package openai

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Extras are what of the request is priced apart from its text.
func (q *Request) Extras() chat.Extras {
	return chat.Extras{Sound: q.opaque, Pictures: q.opaque || q.images > 0, Searches: q.searches, Tier: q.tier}
}

// serviceTier reads the tier that is asked for; what is no text is the vendor's to refuse.
func (r *Reader) serviceTier(q *Request) error {
	raw, _, err := r.Value()
	if err == nil && raw.Kind() == '"' {
		q.tier = jsonscan.Unquoted(raw)
	}
	return err
}
