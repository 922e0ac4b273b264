package sim

import (
	"net/http"
	"time"
)

// dialect is the wire form of one of a vendor's endpoints. The core decides what is produced, when, and what goes wrong; a
// dialect reads requests and writes answers, each method appending to call.out or to b. Dialects hold no state: one value
// serves all calls.
type dialect interface {
	// name is the dialect's row in Totals.Dialects.
	name() string
	// method is how the endpoint is called.
	method() string
	// key finds the caller's key, which is not checked yet.
	key(r *http.Request) string
	// label appends the id of the answer with this number.
	label(b []byte, serial uint64) []byte
	// parse checks the whole request and keeps what is needed of it in call.req.
	parse(c *call, r *http.Request) error

	// failure appends a body of the vendor's error shape.
	failure(b []byte, f *failure, a *about) []byte
	// headers adds what the vendor sends with an answer: the request's id, rate limits, when to retry.
	headers(h http.Header, a *about)

	// begun changes what is booked before the first content token to what the dialect can state.
	begun(c *call)
	// whole appends an answer in one piece.
	whole(c *call)

	// open appends what a stream begins with, up to the first content token.
	open(c *call)
	// token appends the event with a choice's token of that number.
	token(c *call, choice int, step int64)
	// close appends a stream's proper end. reported says that the true usage is in the stream.
	close(c *call) (reported bool)
	// half appends an event up to its middle, and without an end unless ended.
	half(c *call, ended bool)
	// failed appends the event of an error after status 200.
	failed(c *call)
}

// about is what the headers of an answer are made of.
type about struct {
	id      []byte // of the answer
	serial  uint64
	failure *failure      // nil when all is well
	retry   time.Duration // when to try again, or negative
	now     time.Time
}
