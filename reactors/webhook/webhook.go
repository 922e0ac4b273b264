// Package webhook tells customers' servers what happens in their wallets: signed HTTP requests in the format of Standard
// Webhooks (https://www.standardwebhooks.com), each tried for three days.
//
// A Follower reads the log and writes, in the transaction that moves its checkpoint, one delivery for each event that a
// webhook wants: none is lost and none doubled. Workers of any number of processes claim what is due and send it, at
// least once; a repetition has the same webhook-id. A Registry is what the console asks. All of it is operational state
// in the schema webhooks, which can be erased; nothing of it is in the ledger, and no address or secret is in any log.
package webhook

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore"
)

// The bounds of what can be registered.
const (
	MaxPerWallet   = 20
	MaxName        = 100                // bytes
	MaxURL         = 2000               // bytes
	MaxGrace       = 7 * 24 * time.Hour // of a secret after its rotation
	DefaultGrace   = 24 * time.Hour
	GiveUpAfter    = 3 * 24 * time.Hour // from when a delivery is made to its last attempt
	maxRedelivered = 500                // events of the log in one step of a replay
)

// Settings are what a caller chooses of a webhook.
type Settings struct {
	Name string // for people; may be empty
	URL  string
	// EventTypes are the types that it gets, in any order; none means all.
	EventTypes []Type
	// BalanceThreshold is what TypeBalanceLow compares with; nil when the webhook does not want that.
	BalanceThreshold *money.Amount
	Disabled         bool
}

// Reasons why a webhook is disabled.
const (
	DisabledByRequest = "request" // somebody asked for it
	DisabledGone      = "gone"    // its receiver answered 410
	DisabledFailing   = "failing" // nothing was delivered during the three days of a delivery
)

// Webhook is a registered receiver.
type Webhook struct {
	ID       uuid.UUID
	WalletID uuid.UUID
	Settings
	// FromPosition is the end of the log when it was registered: it gets what comes after.
	FromPosition   int64
	DisabledReason string // empty when it is enabled
	DisabledAt     time.Time
	CreatedAt      time.Time
	CreatedBy      string
	UpdatedAt      time.Time
	UpdatedBy      string
	Health         Health
	OldSecretUntil time.Time // zero unless an older secret still signs
	Replay         *Replay   // the last one; nil before the first
}

// Health is how a webhook's receiver behaves.
type Health struct {
	Failures      int       // since the last success
	FailingSince  time.Time // zero when it does not fail
	LastSuccessAt time.Time // zero before the first
}

// Registry registers webhooks and shows what became of their deliveries. Safe for concurrent use.
type Registry struct {
	pool    *pgxpool.Pool
	log     eventstore.Reader
	keys    *Keyring
	policy  Policy
	keep    time.Duration
	now     func() time.Time
	wallets Wallets
}

// RegistryOptions are what a Registry works with.
type RegistryOptions struct {
	Keys   *Keyring
	Policy Policy
	// Retention is how long what is finished is kept, and how far back a replay may begin. 0 means DefaultRetention.
	Retention time.Duration
	Now       func() time.Time // nil means time.Now
}

// DefaultRetention is how long finished deliveries are kept.
const DefaultRetention = 30 * 24 * time.Hour

// NewRegistry makes a Registry.
func NewRegistry(pool *pgxpool.Pool, log eventstore.Reader, wallets Wallets, o RegistryOptions) *Registry {
	r := &Registry{pool: pool, log: log, keys: o.Keys, policy: o.Policy, keep: o.Retention, now: clock(o.Now), wallets: wallets}
	if r.keep <= 0 {
		r.keep = DefaultRetention
	}
	return r
}

// clock is a source of times as the tables keep them.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		now = time.Now
	}
	return func() time.Time { return now().UTC().Truncate(time.Microsecond) }
}
