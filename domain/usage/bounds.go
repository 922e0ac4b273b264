package usage

import (
	"math"

	"github.com/massrouter/massrouter/domain"
)

// Bounds are the most that a call can use; a hold is made for them. One request is always within them.
type Bounds struct {
	Prompt     int64 // tokens of all input classes together
	Completion int64 // tokens of all output classes together
	// Extra is the most of what a call with text only does not use: of AudioInput (whether or not a cache serves it), ImageInput,
	// AudioOutput and ImageOutput, which are part of Prompt and Completion, and of Image, Second, Character and Search. None
	// when absent.
	Extra Usage
}

// ExtraClasses are the classes that Bounds.Extra may have.
func ExtraClasses() []Class {
	return []Class{AudioInput, ImageInput, AudioOutput, ImageOutput, Image, Second, Character, Search}
}

// Check refuses bounds that are negative, or have other extra classes, with code usage_invalid.
func (b Bounds) Check() error {
	if b.Prompt < 0 || b.Completion < 0 {
		return domain.Errorf(domain.CodeUsageInvalid, "token bounds are not negative")
	}
	for class := range b.Extra {
		switch class {
		case AudioInput, ImageInput, AudioOutput, ImageOutput, Image, Second, Character, Search:
		case Input, CacheRead, CacheWrite, CacheWrite1h, AudioCacheRead, Output, Reasoning, Request:
			return domain.Errorf(domain.CodeUsageInvalid, "class %s has no bound of its own", class)
		}
	}
	return b.Extra.Check()
}

// Allow says whether a usage lies within the bounds.
func (b Bounds) Allow(u Usage) bool {
	if u.Prompt() > b.Prompt || u.Completion() > b.Completion || u[Request] > 1 {
		return false
	}
	if u[AudioInput]+u[AudioCacheRead] > b.Extra[AudioInput] {
		return false
	}
	for _, class := range ExtraClasses() {
		if u[class] > b.Extra[class] {
			return false
		}
	}
	return true
}

// WholeSeconds is how many seconds are billed for a duration in milliseconds: a second that has begun is a whole one. Vendors
// that bill by the second tell whole ones, or round so. Below zero it is zero.
func WholeSeconds(milliseconds int64) int64 {
	const second = 1000
	if milliseconds <= 0 {
		return 0
	}
	if milliseconds > math.MaxInt64-second {
		return milliseconds / second
	}
	return (milliseconds + second - 1) / second
}
