package openai

import "github.com/massrouter/massrouter/gateway/jsonscan"

// Reader reads requests, answers and chunks that lie in memory as a whole. The zero value is ready; one Reader serves
// one call after another, never two at once.
type Reader struct {
	jsonscan.Scanner
	hide bool
}

// Hide says whether the thoughts of the answers that are read are to be left out when they are appended; what was produced counts them all the
// same.
func (r *Reader) Hide(yes bool) { r.hide = yes }
