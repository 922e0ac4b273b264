package audit

import (
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// State is what the events so far amount to. Observers read it and change nothing.
type State struct {
	Position   int64 // of the last event
	RecordedAt time.Time
	EventID    [16]byte // of the event at Position
	Streams    map[domain.StreamID]*Stream
	Wallets    map[[16]byte]*Wallet
	Keys       map[[16]byte]*Key
	Apps       map[[16]byte]*App
	Spends     map[[16]byte]*Spend // by key; also of keys that were never issued
	Members    map[MemberID]*Member
	Holds      map[[16]byte]*Hold   // open, and expired as long as a settlement may come
	Charges    map[[16]byte]*Charge // that were estimated or are suspect, by hold: they may be corrected

	endpoints map[string]*endpoint // that were published, by id
	tree      tree
}

// Root is the RFC 6962 Merkle root of the leaf hashes so far.
func (s *State) Root() [32]byte { return s.tree.root() }

// TileRoot is the root of the last TileWidth leaf hashes that fill a tile.
func (s *State) TileRoot() [32]byte { return s.tree.tile }

// Stream is how far one stream has come.
type Stream struct {
	Version int64
	// First is the position of its first event. Earliest is the first position that can be in the same commit.
	First, Earliest int64

	wallet   *Wallet
	key      *Key
	app      *App
	endpoint *endpoint
}

// Wallet is a wallet by the legs of its entries.
type Wallet struct {
	ID             [16]byte
	Owner          string
	Currency       money.Currency
	Available      money.Amount // the sum of the legs on its account
	Held           money.Amount // the sum of the legs on its holds' accounts
	Credited       money.Amount // the sum of top-ups, grants and adjustments
	OpenHolds      int64
	OpenedAt       time.Time
	OpenedPosition int64
	Position       int64  // of its last event
	PriceGroup     string // whose prices it pays; "" for the list's
	Rates          wallet.RateLimits
	Content        wallet.ContentStorage
	TermsAt        time.Time
	TermsPosition  int64 // of the last event that set what its calls are held to; 0 when none did

	account money.Account
	drift   drift
}

// Posted is what the wallet has, held or not.
func (w *Wallet) Posted() money.Amount { return w.Available.Add(w.Held) }

// drift keeps one mistake from being reported for each later event: when an event states other balances than the legs
// give, and the next one goes on from what was stated, the stated balances count from then on.
type drift struct {
	unknown      bool // an event could not be read: the next stated balances count
	posted, held money.Amount
	seen         bool
}

// Hold is one reservation.
type Hold struct {
	ID              [16]byte
	Wallet          *Wallet
	Placed          *wallet.HoldPlaced
	Balance         money.Amount // the sum of the legs on its account
	PlacedAt        time.Time
	Position        int64
	ExpiresAt       time.Time
	SuspectSince    time.Time
	ExpiredAt       time.Time // zero while it is open; with the position of the event
	ExpiredPosition int64

	price *price // the pinned version
}

// Key is an API key as its events leave it.
type Key struct {
	ID, Wallet      [16]byte
	Hash, OldHash   apikey.Hash
	OldHashUntil    time.Time
	Label           string
	Limits          apikey.Limits
	App             [16]byte // zero when there is none
	Scope           apikey.Scope
	Disabled        bool
	DisabledReason  string
	Leaked          bool // its secret is known to others
	Revoked         bool
	RevokedReason   string
	IssuedAt        time.Time
	IssuedPosition  int64
	UpdatedAt       time.Time
	UpdatedPosition int64
}

// App is a registered app as its events leave it.
type App struct {
	ID, Wallet         [16]byte
	Owner              string
	Details            app.Details
	Archived           bool
	ArchivedReason     string
	RegisteredAt       time.Time
	RegisteredPosition int64
	UpdatedAt          time.Time
	UpdatedPosition    int64
}

// Spend is what the holds and charges of a key amount to.
type Spend struct {
	Held, Total      money.Amount
	Upstream         money.Amount // what vendors billed the customer whose own keys they were called with
	Day, Week, Month Window
	LastUsedAt       time.Time // of the last hold
	Position         int64     // of the last event that changed it
}

// Window is a spend since a day: the number of days since 1970, in UTC. Charged says whether there was any charge.
type Window struct {
	Start            int64
	Amount, Upstream money.Amount
	Charged          bool
}

// Step is one event with what it did. It is valid while it is observed.
type Step struct {
	Row   *eventstore.Event
	Data  domain.Event // nil when the body does not decode
	Leaf  [32]byte     // the row's leaf hash as computed
	State *State
	// Entry is that of an event that moves money, in Currency.
	Currency money.Currency
	Entry    money.Entry
	// Wallet is set for the events of a wallet that is open, after them; PostedBefore is its balance before.
	Wallet       *Wallet
	PostedBefore money.Amount
	// Hold is the hold that the event is about, when it is known, after the event.
	Hold *Hold
	// Charge is the charge that a correction or a review is about, after the event.
	Charge *Charge
	// Documents are those of a charge or release, if they were asked for and the body is as the ledger writes it.
	Documents Documents
}

// name is the text of an id.
func name(id [16]byte) string { return domain.CommandID(id).String() }
