package bedrock

import "github.com/massrouter/massrouter/gateway/jsonscan"

// scanner goes through a body that lies in memory as a whole.
type scanner struct{ jsonscan.Scanner }

// text reads a string into to; anything else leaves it as it was.
func (s *scanner) text(to *string) error {
	raw, _, err := s.Value()
	if err == nil && raw.Kind() == '"' {
		*to = jsonscan.Unquoted(raw)
	}
	return err
}
