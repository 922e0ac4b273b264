// Package hits counts answers that were given again from the cache, and finds single ones. Nothing moves when an answer is given again, so that
// none of it is in the ledger; and nobody waits for it: hits are written in batches beside the calls. A crash loses those of its last moments.
//
//	recorder.go  the queue between calls and the database
//	store.go     what is written and read
package hits

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
)

// Keep is how long single hits can be looked up. Counts are kept for good.
const Keep = 30 * 24 * time.Hour

// Hit is an answer that was given again.
type Hit struct {
	ID          uuid.UUID // by which the caller knows the answer
	Wallet, Key uuid.UUID
	Source      uuid.UUID // the generation that was charged for the answer
	Model       string
	Saved       money.Amount // what that was charged at first, in the wallet's currency
	Streamed    bool
	Duration    time.Duration // in milliseconds
	At          time.Time
}

// Day counts the hits of a key with a model on a UTC day.
type Day struct {
	Day   time.Time
	Key   uuid.UUID
	Model string
	Hits  int64
	Saved money.Amount
}
