package chat

import "github.com/massrouter/massrouter/domain/usage"

// Extras are what of a request is priced apart from its text.
type Extras struct {
	// Sound and Pictures say that tokens of the prompt may be of sound, or of pictures. Files, and what a vendor's own tools find, may be
	// of either.
	Sound, Pictures bool
	// Searches says that the vendor may search the web on the call's behalf: MaxSearches times, or as often as it likes when that is 0.
	Searches    bool
	MaxSearches int64
	// Speaks says that the answer is sound.
	Speaks bool
	// Pieces is the most of each unit that is no token and that the call surely can be.
	Pieces usage.Usage
	// Tier is the service tier that is asked for, as the caller names it; "" for none.
	Tier string
}
