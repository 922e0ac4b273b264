// Package usage has what a call consumed: disjoint classes of units (a token is counted in exactly one class), where
// the numbers come from, and the line items of a charge. Classes are data: a new one needs a row here, not a column.
package usage

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Class is one kind of billed unit.
type Class string

// The classes. Token classes are disjoint: their sum is the vendor's total.
const (
	Input          Class = "input"            // prompt tokens of text that no cache served
	CacheRead      Class = "cache_read"       // prompt tokens read from the vendor's cache
	CacheWrite     Class = "cache_write"      // prompt tokens written to the vendor's cache
	CacheWrite1h   Class = "cache_write_1h"   // the same, kept for an hour
	AudioInput     Class = "audio_input"      // prompt tokens of sound that no cache served
	AudioCacheRead Class = "audio_cache_read" // prompt tokens of sound read from the vendor's cache
	ImageInput     Class = "image_input"      // prompt tokens of pictures
	Output         Class = "output"           // visible completion tokens of text
	Reasoning      Class = "reasoning"        // completion tokens that the caller does not see
	AudioOutput    Class = "audio_output"     // completion tokens of sound
	ImageOutput    Class = "image_output"     // completion tokens of pictures
	Image          Class = "image"            // one generated picture
	Second         Class = "second"           // one second of sound that was heard, a part of one counts as whole (WholeSeconds)
	Character      Class = "character"        // one Unicode code point of text that was spoken
	Search         Class = "search"           // one search: of the web by a vendor's tool, or of documents by a reranker
	Request        Class = "request"          // one per call
)

// Classes lists all classes in the order of line items.
func Classes() []Class {
	return []Class{
		Input, CacheRead, CacheWrite, CacheWrite1h, AudioInput, AudioCacheRead, ImageInput,
		Output, Reasoning, AudioOutput, ImageOutput, Image, Second, Character, Search, Request,
	}
}

// InputClasses are the classes that make up the prompt.
func InputClasses() []Class {
	return []Class{Input, CacheRead, CacheWrite, CacheWrite1h, AudioInput, AudioCacheRead, ImageInput}
}

// OutputClasses are the classes that make up the completion.
func OutputClasses() []Class { return []Class{Output, Reasoning, AudioOutput, ImageOutput} }

// Side says what a unit of a class belongs to.
type Side uint8

// The sides.
const (
	Neither Side = iota // a unit that is no token, or an unknown class
	Prompt
	Completion
)

// Side of the class.
func (c Class) Side() Side {
	switch c {
	case Input, CacheRead, CacheWrite, CacheWrite1h, AudioInput, AudioCacheRead, ImageInput:
		return Prompt
	case Output, Reasoning, AudioOutput, ImageOutput:
		return Completion
	case Image, Second, Character, Search, Request:
	}
	return Neither
}

// Known says whether the class exists.
func (c Class) Known() bool {
	switch c {
	case Image, Second, Character, Search, Request:
		return true
	case Input, CacheRead, CacheWrite, CacheWrite1h, AudioInput, AudioCacheRead, ImageInput,
		Output, Reasoning, AudioOutput, ImageOutput:
		return true
	}
	return false
}

// Parent is the class whose price counts when this one has none: tokens of caches, of reasoning, of sound and of pictures are
// otherwise ordinary prompt and completion tokens, and sound from a cache is otherwise ordinary sound. Base classes have none.
func (c Class) Parent() (Class, bool) {
	switch c {
	case CacheRead, CacheWrite, AudioInput, ImageInput:
		return Input, true
	case CacheWrite1h:
		return CacheWrite, true
	case AudioCacheRead:
		return AudioInput, true
	case Reasoning, AudioOutput, ImageOutput:
		return Output, true
	case Input, Output, Image, Second, Character, Search, Request:
	}
	return "", false
}

// Provenance says how the numbers were learned.
type Provenance string

// The provenances.
const (
	Reported  Provenance = "reported"  // by the vendor with the answer
	LookedUp  Provenance = "looked_up" // from the vendor afterwards
	Estimated Provenance = "estimated" // counted by us, because the vendor gave none or absurd ones
	Operator  Provenance = "operator"  // by an operator afterwards, who says what the evidence is
)

// Check refuses what is no provenance of a charge with code usage_invalid.
func (p Provenance) Check() error {
	switch p {
	case Reported, LookedUp, Estimated:
		return nil
	case Operator: // only a correction has it
	}
	return domain.Errorf(domain.CodeUsageInvalid, "a charge cannot have the provenance %q", string(p))
}

// MaxQuantity bounds each quantity: far above any real call, far below overflow of a sum.
const MaxQuantity = int64(1) << 40

// Usage is a quantity per class; absent means zero.
type Usage map[Class]int64

// Check refuses unknown classes, negative and absurd quantities with code usage_invalid.
func (u Usage) Check() error {
	for class, n := range u {
		if !class.Known() {
			return domain.Errorf(domain.CodeUsageInvalid, "unknown usage class %q", string(class))
		}
		if n < 0 || n > MaxQuantity {
			return domain.Errorf(domain.CodeUsageInvalid, "the quantity of class %s is out of range", class)
		}
	}
	return nil
}

// Clone is a copy without the classes of zero; never nil.
func (u Usage) Clone() Usage {
	out := make(Usage, len(u))
	for class, n := range u {
		if n != 0 {
			out[class] = n
		}
	}
	return out
}

// Prompt is the sum of the input classes.
func (u Usage) Prompt() int64 { return u.sum(InputClasses()) }

// Completion is the sum of the output classes.
func (u Usage) Completion() int64 { return u.sum(OutputClasses()) }

func (u Usage) sum(classes []Class) int64 {
	var n int64
	for _, c := range classes {
		n += u[c]
	}
	return n
}

// LineItem is one line of a charge: amount = quantity × price, exact.
type LineItem struct {
	Class    Class        `json:"class"`    // what was used
	Quantity int64        `json:"quantity"` // how many units
	Price    money.Price  `json:"price"`    // of one unit
	Amount   money.Amount `json:"amount"`   // quantity × price
}

// Check refuses a line whose amount is not its quantity × price with code amount_invalid, and quantities out of range
// with code usage_invalid.
func (l LineItem) Check() error {
	if !l.Class.Known() || l.Quantity < 0 || l.Quantity > MaxQuantity {
		return domain.Errorf(domain.CodeUsageInvalid, "a line item has a known class and a quantity in range")
	}
	if !l.Amount.Equal(l.Price.Times(l.Quantity)) {
		return domain.Errorf(domain.CodeAmountInvalid, "the line item of class %s is not quantity × price", l.Class)
	}
	return nil
}

// Total is the exact sum of line items.
func Total(items []LineItem) money.Amount {
	total := money.Zero()
	for _, item := range items {
		total = total.Add(item.Amount)
	}
	return total
}
