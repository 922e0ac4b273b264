package chat

import "github.com/massrouter/massrouter/gateway/meter"

// Answer is a whole answer.
type Answer struct {
	ID      string // the vendor's
	Created int64  // Unix seconds, 0 if the vendor does not say
	Choices []Choice
	Report  meter.Report
}

// Choice is one of the completions of an answer.
type Choice struct {
	Index  int
	Parts  []Part
	Finish Finish
	Native string // the finish reason as the vendor calls it
	Stop   string // the stop sequence that was met, if the vendor says
}

// Finish is why a completion ended.
type Finish string

// The reasons; "" while it has not ended.
const (
	Stopped       Finish = "stop"
	Length        Finish = "length"
	ToolCalls     Finish = "tool_calls"
	ContentFilter Finish = "content_filter"
	Failed        Finish = "error"
)

// EventKind is what an event of a stream is.
type EventKind uint8

// The kinds of events. A stream has one Began, then for each part PartBegan, any number of PartDelta, PartEnded; for each choice
// one Finished; any number of Reported, of which the last counts; and one Ended, or an error. Parts of one choice are numbered
// from 0 in the order in which they begin; several may be open at a time.
const (
	Began     EventKind = iota + 1 // ID, Created
	PartBegan                      // Choice, Part, Header
	PartDelta                      // Choice, Part, Delta or Signature
	PartEnded                      // Choice, Part
	Finished                       // Choice, Finish, Native, Stop
	Reported                       // Report
	Ended                          // the vendor's proper end
	Broken                         // Failure: the vendor put an error into its stream
)

// Event is one step of a stream.
type Event struct {
	Kind    EventKind
	ID      string
	Created int64
	Choice  int
	Part    int
	// Header is the part without the text that deltas bring: its kind, and the id and name of a call.
	Header Part
	// Delta is a piece of Part.Text or, for a call, of Call.Arguments.
	Delta     string
	Signature string // comes whole, in a delta of its own or with the last one
	Finish    Finish
	Native    string
	Stop      string
	Report    meter.Report
	Failure   *Failure
}

// Failure is a vendor's error, as far as its dialect tells.
type Failure struct {
	Type    string // the dialect's class, such as overloaded_error or RESOURCE_EXHAUSTED
	Code    string
	Message string
	Param   string
	// RetryAfter is how long the vendor asks to wait, in milliseconds, where the body says it; 0 if not.
	RetryAfter int64
}
