// Package exchange is what happens to the bytes of a call between its caller and its vendor. Where both speak the same dialect
// they pass through as they are, but for what routing and billing must change (openai.go); otherwise they take the canonical form
// of package chat (translated.go). dialect.go is the table of the dialects.
package exchange

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

// Exchange is one call's way through two dialects. It is used by one goroutine at a time.
type Exchange interface {
	// Request appends the body for the vendor. Errors are *domain.Error: what the vendor's dialect cannot say.
	Request(dst []byte, o chat.Options) ([]byte, error)
	// Failure reads what the vendor says in the body of an answer without success; nil if nothing.
	Failure(body []byte) *chat.Failure

	// Whole reads a whole answer; what was produced is added to p. An error means that it is none.
	Whole(body []byte, p *meter.Produced) (Step, error)
	// AppendWhole appends the answer for the caller, after Whole has read it.
	AppendWhole(dst []byte, b *chat.Bill) []byte

	// Chunk reads an event of the vendor's stream and appends what is to be sent to the caller now. The end of the stream, with
	// the usage, is held back.
	Chunk(dst []byte, name string, data []byte, p *meter.Produced) ([]byte, Step, error)
	// AppendEnd appends the end of a stream that came to its proper end.
	AppendEnd(dst []byte, b *chat.Bill) []byte
	// AppendFailure appends the end of a stream that broke. failure is the error as it stands in a stream of the caller's dialect; b is nil if nothing is
	// charged.
	AppendFailure(dst, failure []byte, b *chat.Bill) []byte
}

// Step is what the gateway has to know of an answer or of an event.
type Step struct {
	ID      string        // the vendor's own
	Finish  chat.Finish   // the last one that stands in it
	Native  string        // as the vendor calls it
	Report  meter.Report  // of the vendor's usage
	Final   bool          // the report is the vendor's last word
	Done    bool          // the stream is at its proper end
	Failure *chat.Failure // the vendor's error in place of an answer
}
