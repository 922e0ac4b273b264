package anthropic

// Scanner reads requests, answers and events that pass through: it says where they have what the gateway needs or changes. The zero
// value is ready; one Scanner serves one call after another, never two at once.
type Scanner struct {
	scanner
	counts counts // of the stream under way
	hide   bool
}

// Hide says whether the thoughts of the answers that are read are to be left out when they are appended; what was produced counts them all the
// same.
func (s *Scanner) Hide(yes bool) { s.hide = yes }
