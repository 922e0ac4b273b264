package anthropic

import (
	"bytes"
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Extras are what of the request is priced apart from its text.
func (q *Request) Extras() chat.Extras {
	return chat.Extras{
		Sound: q.opaque, Pictures: q.opaque || q.images > 0, Searches: q.searches.tools > 0, MaxSearches: q.searches.most(), Tier: q.tier,
	}
}

// searching is what a request says of the vendor's own web searches.
type searching struct {
	tools, unbounded int   // that search, and of them without max_uses
	uses             int64 // of the others together
}

// add counts a tool in that may be used so often, or as often as the vendor likes.
func (s *searching) add(uses int64) {
	s.tools++
	s.uses = min(s.uses+uses, manyUses)
	if uses == 0 {
		s.unbounded++
	}
}

// most is how often all of them may be used; 0 without a bound.
func (s *searching) most() int64 {
	if s.unbounded > 0 {
		return 0
	}
	return s.uses
}

// manyUses is more than any vendor searches for one call.
const manyUses = 1 << 20

// uses reads max_uses: 0 for what is no bound, which is the vendor's to refuse.
func uses(raw []byte) int64 {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n <= 0 {
		return 0
	}
	return min(n, manyUses)
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
