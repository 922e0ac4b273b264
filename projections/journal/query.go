package journal

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

// The kinds of entries, each made by one type of event.
const (
	TopUp      = "top_up"
	Grant      = "grant"
	Adjustment = "adjustment"
	Hold       = "hold"       // a hold was placed
	Charge     = "charge"     // a hold was settled
	Correction = "correction" // of a charge
	Release    = "release"    // a hold ended without a charge
	Expiry     = "expiry"     // a suspect hold ended
)

// EventType is the stored name of the event that makes entries of a kind, "" for no kind.
func EventType(kind string) string {
	switch kind {
	case TopUp:
		return "wallet.topped_up.v1"
	case Grant:
		return "wallet.granted.v1"
	case Adjustment:
		return "wallet.adjusted.v1"
	case Hold:
		return "wallet.hold_placed.v1"
	case Charge:
		return "wallet.usage_charged.v1"
	case Correction:
		return "wallet.charge_corrected.v1"
	case Release:
		return "wallet.hold_released.v1"
	case Expiry:
		return "wallet.hold_expired.v1"
	}
	return ""
}

// Leg is one side of an entry, with its account's balance after it.
type Leg struct {
	Account money.Account
	Amount  money.Amount // credits are positive
	Balance money.Amount // in the entry's currency
}

// Entry is one event in the books. Its legs sum to zero: those on the wallet's accounts come first, then those of the house
// by name. An event that moved nothing, such as a free call without a hold, has none.
type Entry struct {
	Position     int64
	RecordedAt   time.Time
	Kind         string
	WalletID     uuid.UUID
	GenerationID *uuid.UUID // the hold; not of credits
	Currency     money.Currency
	Reference    string // of credits
	Reason       string // of credits and releases
	Model        string // of charges
	Legs         []Leg
}

// Query answers from the books. Safe for concurrent use.
type Query struct{ view *checkpoint.View }

// NewQuery makes the view's queries.
func NewQuery(pool *pgxpool.Pool, options ...checkpoint.Option) *Query {
	return &Query{checkpoint.NewView(pool, Name, Version, options...)}
}

// WalletAccount is the account of what a customer may spend.
func WalletAccount(id uuid.UUID) money.Account { return money.Account("wallet:" + id.String()) }

// HoldsAccount is the account of what the running calls of a customer hold.
func HoldsAccount(id uuid.UUID) money.Account { return money.Account("holds:" + id.String()) }
