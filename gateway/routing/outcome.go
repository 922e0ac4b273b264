package routing

import (
	"time"

	"github.com/massrouter/massrouter/domain/money"
)

// Result is how an attempt ended. Results are part of the public API: they are never renamed.
type Result string

// The results.
const (
	Answered       Result = "answered"        // properly, to its end
	Failed         Result = "failed"          // no connection, no time, 404, 500, 502, an answer that cannot be read, a stream that broke
	Overloaded     Result = "overloaded"      // 503, 529: the vendor has no capacity
	RateLimited    Result = "rate_limited"    // 429: our credential calls too often
	QuotaExhausted Result = "quota_exhausted" // 402, 429 for the whole account: no retry helps
	KeyRefused     Result = "key_refused"     // 401: nowhere is the credential taken
	KeyNotAllowed  Result = "key_not_allowed" // 403: it is not, for this model
	Rejected       Result = "rejected"        // 400, 413, 422: the vendor does not take the request
	Declined       Result = "declined"        // this endpoint does not serve this call; others may, and it is none the worse
	GaveUp         Result = "gave_up"         // the caller went away, or the process stops
)

// OfStatus is the result that a vendor's status without success stands for. Which 429 is QuotaExhausted only the body says.
func OfStatus(status int) Result {
	switch status {
	case 400, 405, 406, 409, 411, 413, 415, 422:
		return Rejected
	case 401:
		return KeyRefused
	case 402:
		return QuotaExhausted
	case 403:
		return KeyNotAllowed
	case 429:
		return RateLimited
	case 503, 529:
		return Overloaded
	default:
		return Failed
	}
}

// verdict is what a result says about the endpoint. What is wrong with a credential is not: others of it may be well.
func (r Result) verdict() Verdict {
	switch r {
	case Answered:
		return Well
	case Failed, Overloaded:
		return Badly
	default:
		return Neither
	}
}

// ofKey says whether another credential may fare better at once.
func (r Result) ofKey() bool {
	return r == RateLimited || r == QuotaExhausted || r == KeyRefused || r == KeyNotAllowed
}

// busy says whether the same credential may fare better after a pause.
func (r Result) busy() bool { return r == RateLimited || r == Overloaded }

// Outcome is how an attempt ended.
type Outcome struct {
	Result    Result
	FirstByte bool          // something went out to the caller
	Wait      time.Duration // that the vendor asked for (Retry-After); 0 if it did not
	Cost      money.Amount  // that the vendor may bill for an attempt that failed, zero if it did not begin; the platform pays
	Tokens    int64         // of output
	// Withheld: a limit of ours kept us from calling the vendor. The credential is asked about again with the next call, and its use was no attempt.
	Withheld bool
	// Untouched: it failed before the vendor did anything. An endpoint that is the only one of its plan may be tried again, against rule R11.
	Untouched bool
}

// Stop is why there is no further attempt.
type Stop string

// The causes.
const (
	GoOn          Stop = ""
	StopAnswered  Stop = "answered"
	StopFirstByte Stop = "first_byte_sent"
	StopRejected  Stop = "rejected"
	StopGaveUp    Stop = "gave_up"
	StopAttempts  Stop = "attempts"  // the limit of them
	StopTime      Stop = "time"      // the pause would end after the limit
	StopCost      Stop = "cost"      // of what failed
	StopWait      Stop = "wait"      // the vendor asks for a longer pause than the limit
	StopExhausted Stop = "exhausted" // everything was tried
)

// Try is what was done with an endpoint of a plan.
type Try struct {
	Endpoint   string `json:"endpoint"`
	Model      string `json:"model"`
	Provider   string `json:"provider"`
	Credential string `json:"-"`                 // its id
	PauseMS    int64  `json:"pause_ms,omitzero"` // before it
	TookMS     int64  `json:"took_ms,omitzero"`
	Result     Result `json:"result,omitzero"`  // "" while it is under way
	Skipped    Reason `json:"skipped,omitzero"` // why it was not called after all
}
