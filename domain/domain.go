// Package domain is the vocabulary that every room shares: events and their registry, identifiers, and the one
// error type. The aggregates live in the packages below it. Nothing here reads a clock, draws random numbers or
// does I/O: time and identifiers are arguments.
package domain

import "time"

// Event is a fact that has been decided. Its EventType is stored and never changes.
type Event interface {
	// EventType is the explicit, versioned name, for example "wallet.usage_charged.v1".
	EventType() string
}

// Aggregate is the folded state of one stream.
type Aggregate interface {
	// Apply folds one event that was recorded at the given time. It never fails: what is stored has happened.
	Apply(event Event, recordedAt time.Time)
	// Check says whether the state keeps the aggregate's invariants; a non-nil error is fatal for the batch.
	Check() error
}
