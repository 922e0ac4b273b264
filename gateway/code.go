package gateway

import (
	"errors"

	"github.com/massrouter/massrouter/domain"
)

// The codes of calls that fail beyond the ledger. They also stand as reasons of releases and as errors of calls.
const (
	CodeVendorError       domain.Code = "vendor_error"       // the vendor failed, or answered what cannot be read
	CodeVendorOverloaded  domain.Code = "vendor_overloaded"  // the vendor has no capacity now
	CodeVendorTimeout     domain.Code = "vendor_timeout"     // the vendor did not answer in time
	CodeVendorRefused     domain.Code = "vendor_refused"     // the vendor does not take this request
	CodeVendorUnavailable domain.Code = "vendor_unavailable" // nobody serves the model now
	CodeOwnKeyRefused     domain.Code = "own_key_refused"    // the vendor does not take the caller's own key, and no other key may serve the call
	CodeClientGone        domain.Code = "client_gone"        // the caller went away
	CodeStopping          domain.Code = "shutting_down"
)

// Reasons of releases that are no failures.
const reasonEmpty = "empty_completion"

// Why the context of a vendor call ended.
var (
	errTimeout  = errors.New("the vendor did not answer in time")
	errGone     = errors.New("the caller went away")
	errStopping = errors.New("the process is stopping")
)

func stopping() error {
	return domain.Errorf(CodeStopping, "this process is shutting down; try again").With("retry_after", "1")
}
