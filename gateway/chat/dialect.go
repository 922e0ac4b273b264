package chat

import (
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// Reader reads what vendors of a dialect answer.
type Reader interface {
	// Answer reads a whole answer.
	Answer(body []byte) (*Answer, error)
	// Failure reads the body of an answer whose status says that it failed; nil when there is no error in it.
	Failure(body []byte) *Failure
	// Stream begins to read a stream.
	Stream() Decoder
}

// Decoder reads one stream. It appends what an event of the vendor means to events; the result is good until the next call. name is
// the event's name, "" if it has none. A vendor's in-stream error is an event, Broken; an error means that the data is not of
// this dialect.
type Decoder interface {
	Decode(name string, data []byte, events []Event) ([]Event, error)
	// End is called when the bytes end.
	End(events []Event) []Event
}

// Told is what the caller is told of its generation, in place of the vendor's own words.
type Told struct {
	ID       string // gen-…
	Model    string // the public name
	Provider string // the vendor's name
	Created  int64  // Unix seconds
}

// Bill is what the caller is told of the usage and its cost.
type Bill struct {
	Usage usage.Usage
	Cost  Cost
}

// Cost is what a call costs its customer.
type Cost struct {
	Total, Prompt, Completion money.Amount
	// Own: the call was made with a key of the customer's at the vendor, who bills the customer Upstream.
	Own      bool
	Upstream money.Amount
}

// Writer writes what callers of a dialect are answered.
type Writer interface {
	// Answer appends a whole answer.
	Answer(dst []byte, a *Answer, t *Told, b *Bill) []byte
	// Stream begins to write a stream.
	Stream(t *Told) Encoder
}

// Encoder writes one stream as server-sent events. What it holds back of the end (finish reasons, usage) it writes in End.
type Encoder interface {
	// Encode appends what an event means to callers, nothing for many events.
	Encode(dst []byte, e *Event) []byte
	// End appends the end of a stream that came to its proper end, with what it cost.
	End(dst []byte, b *Bill) []byte
	// Fail appends the end of a stream that broke. failure is the error object of the dialect as JSON. b is nil if nothing is
	// charged.
	Fail(dst, failure []byte, b *Bill) []byte
}
