package wallet

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// Event is one of this package's events.
//
//sumtype:decl
type Event interface {
	domain.Event
	wallet()
}

// Posting is an event that moves money: its entry sums to zero.
type Posting interface {
	Event
	Posting() (money.Currency, money.Entry)
}

// Balances are the wallet's balances after an event.
type Balances struct {
	Posted money.Amount `json:"posted_after"` // what the wallet has, held or not
	Held   money.Amount `json:"held_after"`   // of which is reserved by open holds
}

// Opened starts a wallet.
type Opened struct {
	WalletID uuid.UUID      `json:"wallet_id"`       // also in the stream's name
	Owner    string         `json:"owner,omitempty"` // an opaque id, never a name or address
	Currency money.Currency `json:"currency"`        // of everything that happens in the wallet
}

// ToppedUp is money that came in from outside.
type ToppedUp struct {
	Amount    money.Amount   `json:"amount"`              // above zero
	PSP       string         `json:"psp"`                 // who holds the cash, "operator" for a top-up by hand
	Reason    string         `json:"reason"`              // why, for people
	Reference string         `json:"reference,omitempty"` // the order, ticket or campaign behind it
	Currency  money.Currency `json:"currency"`            // the wallet's
	Balances
	Entry money.Entry `json:"entry"` // where the money went; the legs sum to zero
}

// Granted is promotional credit.
type Granted struct {
	Amount    money.Amount   `json:"amount"`              // above zero
	Reason    string         `json:"reason"`              // why, for people
	Reference string         `json:"reference,omitempty"` // the order, ticket or campaign behind it
	Currency  money.Currency `json:"currency"`            // the wallet's
	Balances
	Entry money.Entry `json:"entry"` // where the money went; the legs sum to zero
}

// Adjusted corrects a wallet by an operator's decision; the amount is signed.
type Adjusted struct {
	Amount    money.Amount   `json:"amount"`              // signed
	Reason    string         `json:"reason"`              // why, for people
	Reference string         `json:"reference,omitempty"` // the order, ticket or campaign behind it
	Currency  money.Currency `json:"currency"`            // the wallet's
	Balances
	Entry money.Entry `json:"entry"` // where the money went; the legs sum to zero
}

// HoldPlaced reserves the most that a call can cost.
type HoldPlaced struct {
	HoldID           uuid.UUID      `json:"hold_id"`                // also the generation's id
	KeyID            uuid.UUID      `json:"key_id"`                 // the key that spends
	MemberID         uuid.UUID      `json:"member_id,omitzero"`     // the key's member, whose caps count too; none when absent
	Model            string         `json:"model"`                  // what the caller asked for
	Endpoint         string         `json:"endpoint"`               // model@vendor
	PriceVersion     uuid.UUID      `json:"price_version"`          // pinned: the charge is made at it
	PriceGroup       string         `json:"price_group,omitempty"`  // whose price that is; the list's when absent
	PromptTokens     int64          `json:"prompt_tokens"`          // upper bound
	CompletionTokens int64          `json:"completion_tokens"`      // cap, all choices together
	Extra            usage.Usage    `json:"extra,omitempty"`        // the most of media tokens, and of units that are no tokens; none when absent
	ServiceTier      string         `json:"service_tier,omitempty"` // that the call asks for, "auto" for any; the standard one when absent
	OwnKey           *OwnKey        `json:"own_key,omitempty"`      // the customer's own key at the vendor; the platform's when absent
	Amount           money.Amount   `json:"amount"`                 // the most that the call can cost
	ExpiresAt        time.Time      `json:"expires_at"`             // when the hold becomes suspect unless extended
	Currency         money.Currency `json:"currency"`               // the wallet's
	Balances
	Entry money.Entry `json:"entry"` // where the money went; the legs sum to zero
}

// HoldExtended moves a hold's expiry.
type HoldExtended struct {
	HoldID    uuid.UUID `json:"hold_id"`    // the hold
	ExpiresAt time.Time `json:"expires_at"` // the new expiry
}

// HoldSuspected says that a hold is past its expiry and nothing is known of its call yet. It stays held.
type HoldSuspected struct {
	HoldID uuid.UUID `json:"hold_id"` // the hold
}

// UsageCharged settles a hold. It carries everything that explains the charge.
type UsageCharged struct {
	HoldID        uuid.UUID        `json:"hold_id"`                // also the generation's id
	KeyID         uuid.UUID        `json:"key_id"`                 // the key that spends
	MemberID      uuid.UUID        `json:"member_id,omitzero"`     // as the hold has it
	Model         string           `json:"model"`                  // what the caller asked for
	Endpoint      string           `json:"endpoint"`               // model@vendor
	Vendor        string           `json:"vendor"`                 // who produced it and is owed the vendor cost
	PriceVersion  uuid.UUID        `json:"price_version"`          // that the hold pinned
	PriceGroup    string           `json:"price_group,omitempty"`  // whose price that is; the list's when absent
	ServiceTier   string           `json:"service_tier,omitempty"` // whose rates count; the standard one when absent
	Usage         usage.Usage      `json:"usage"`                  // quantity by class; the classes are disjoint
	Provenance    usage.Provenance `json:"provenance"`             // how the quantities were learned: reported, looked_up or estimated
	LineItems     []usage.LineItem `json:"line_items"`             // one for each class that was used
	Charge        money.Amount     `json:"charge"`                 // the sum of the line items
	Uncollectible money.Amount     `json:"uncollectible,omitzero"` // the part that the wallet did not have (W9)
	VendorCost    money.Amount     `json:"vendor_cost"`            // what we owe the vendor
	HeldBefore    money.Amount     `json:"hold_amount"`            // what the hold reserved; zero when it had expired
	Late          bool             `json:"late,omitempty"`         // after expiry (W10)
	Call          Call             `json:"call"`                   // what is known of the vendor call; explains, never decides
	Currency      money.Currency   `json:"currency"`               // the wallet's
	Balances
	Entry money.Entry `json:"entry"` // where the money went; the legs sum to zero
}

// Debited is what the customer paid: the charge without the uncollectible part.
func (e UsageCharged) Debited() money.Amount { return e.Charge.Sub(e.Uncollectible) }

// HoldReleased ends a hold without a charge.
type HoldReleased struct {
	HoldID   uuid.UUID    `json:"hold_id"`  // also the generation's id
	KeyID    uuid.UUID    `json:"key_id"`   // the key that spends
	Model    string       `json:"model"`    // what the caller asked for
	Endpoint string       `json:"endpoint"` // model@vendor
	Amount   money.Amount `json:"amount"`   // what was reserved and is available again
	Reason   string       `json:"reason"`   // a stable code
	// What the platform bears: the call cost the customer nothing, but its vendor bills it.
	Vendor      string         `json:"vendor,omitempty"`       // who is owed the vendor cost; none when nobody bills the call
	ServiceTier string         `json:"service_tier,omitempty"` // whose rates count; the standard one when absent
	Usage       usage.Usage    `json:"usage,omitempty"`        // as the vendor reports it
	VendorCost  money.Amount   `json:"vendor_cost,omitzero"`   // what we owe the vendor
	Call        Call           `json:"call"`                   // what is known of the vendor call; explains, never decides
	Currency    money.Currency `json:"currency"`               // the wallet's
	Balances
	Entry money.Entry `json:"entry"` // where the money went; the legs sum to zero
}

// HoldExpired ends a suspect hold of which nothing became known.
type HoldExpired struct {
	HoldID   uuid.UUID      `json:"hold_id"`  // also the generation's id
	KeyID    uuid.UUID      `json:"key_id"`   // the key that spends
	Amount   money.Amount   `json:"amount"`   // what was reserved and is available again
	Currency money.Currency `json:"currency"` // the wallet's
	Balances
	Entry money.Entry `json:"entry"` // where the money went; the legs sum to zero
}

// Bill is what a call comes to.
type Bill struct {
	Usage         usage.Usage  `json:"usage"`                  // quantity by class; the classes are disjoint
	Charge        money.Amount `json:"charge"`                 // of which Uncollectible was not paid
	Uncollectible money.Amount `json:"uncollectible,omitzero"` // the part that the wallet did not have
	VendorCost    money.Amount `json:"vendor_cost"`            // what we owe the vendor
	UpstreamCost  money.Amount `json:"upstream_cost,omitzero"` // what the vendor bills the customer whose own key it was called with
}

// Paid is what the customer paid: the charge without the uncollectible part.
func (b Bill) Paid() money.Amount { return b.Charge.Sub(b.Uncollectible) }

// Bill is what the charge came to.
func (e UsageCharged) Bill() Bill {
	return Bill{Usage: e.Usage, Charge: e.Charge, Uncollectible: e.Uncollectible, VendorCost: e.VendorCost, UpstreamCost: e.Call.UpstreamCost}
}

// ChargeCorrected replaces what a charge, or the correction before, came to by what the true usage costs. It carries everything that
// explains the difference; the charge itself stays as it is.
type ChargeCorrected struct {
	HoldID         uuid.UUID        `json:"hold_id"`                // also the generation's id
	KeyID          uuid.UUID        `json:"key_id"`                 // the key that spent
	MemberID       uuid.UUID        `json:"member_id,omitzero"`     // as the charge has it
	Model          string           `json:"model"`                  // what the caller asked for
	Endpoint       string           `json:"endpoint"`               // model@vendor
	Vendor         string           `json:"vendor"`                 // who produced it and is owed the vendor cost
	PriceVersion   uuid.UUID        `json:"price_version"`          // that the charge was made at
	ServiceTier    string           `json:"service_tier,omitempty"` // whose rates count; the standard one when absent
	OwnKey         *OwnKey          `json:"own_key,omitempty"`      // as the charge has it: each rate of the price is a part of itself
	PlacedAt       time.Time        `json:"placed_at"`              // when the hold was placed: of several rates, those of this moment count
	ChargedAt      time.Time        `json:"charged_at"`             // when the charge was recorded
	ChargePosition int64            `json:"charge_position"`        // of the charge in the log
	Number         int64            `json:"number"`                 // of the charge's corrections, from 1
	Before         Bill             `json:"before"`                 // what the call came to until now
	After          Bill             `json:"after"`                  // what it comes to from now on
	LineItems      []usage.LineItem `json:"line_items"`             // one for each class that was used; none when the customer is insured
	Insured        bool             `json:"insured,omitempty"`      // nothing came out: it costs the customer nothing
	Provenance     usage.Provenance `json:"provenance"`             // how the quantities were learned: looked_up or operator
	Evidence       string           `json:"evidence"`               // what says so; each piece corrects a charge once
	Reason         string           `json:"reason"`                 // why, for people
	AppID          uuid.UUID        `json:"app_id,omitzero"`        // as the charge has it
	AppURL         string           `json:"app_url,omitempty"`      // as the charge has it
	Currency       money.Currency   `json:"currency"`               // the wallet's
	Balances
	Entry money.Entry `json:"entry"` // where the money went; the legs sum to zero
}

// Difference is what the correction adds to the charge; below zero when it was too much.
func (e ChargeCorrected) Difference() money.Amount { return e.After.Charge.Sub(e.Before.Charge) }

// Debited is what the customer pays more; below zero for what is given back.
func (e ChargeCorrected) Debited() money.Amount { return e.After.Paid().Sub(e.Before.Paid()) }

// EventType is the stored name.
func (Opened) EventType() string { return "wallet.opened.v1" }

// EventType is the stored name.
func (ToppedUp) EventType() string { return "wallet.topped_up.v1" }

// EventType is the stored name.
func (Granted) EventType() string { return "wallet.granted.v1" }

// EventType is the stored name.
func (Adjusted) EventType() string { return "wallet.adjusted.v1" }

// EventType is the stored name.
func (HoldPlaced) EventType() string { return "wallet.hold_placed.v1" }

// EventType is the stored name.
func (HoldExtended) EventType() string { return "wallet.hold_extended.v1" }

// EventType is the stored name.
func (HoldSuspected) EventType() string { return "wallet.hold_suspected.v1" }

// EventType is the stored name.
func (UsageCharged) EventType() string { return "wallet.usage_charged.v1" }

// EventType is the stored name.
func (ChargeCorrected) EventType() string { return "wallet.charge_corrected.v1" }

// EventType is the stored name.
func (HoldReleased) EventType() string { return "wallet.hold_released.v1" }

// EventType is the stored name.
func (HoldExpired) EventType() string { return "wallet.hold_expired.v1" }

func (Opened) wallet()          {}
func (ToppedUp) wallet()        {}
func (Granted) wallet()         {}
func (Adjusted) wallet()        {}
func (HoldPlaced) wallet()      {}
func (HoldExtended) wallet()    {}
func (HoldSuspected) wallet()   {}
func (UsageCharged) wallet()    {}
func (ChargeCorrected) wallet() {}
func (HoldReleased) wallet()    {}
func (HoldExpired) wallet()     {}

// Posting is the entry.
func (e ToppedUp) Posting() (money.Currency, money.Entry) { return e.Currency, e.Entry }

// Posting is the entry.
func (e Granted) Posting() (money.Currency, money.Entry) { return e.Currency, e.Entry }

// Posting is the entry.
func (e Adjusted) Posting() (money.Currency, money.Entry) { return e.Currency, e.Entry }

// Posting is the entry.
func (e HoldPlaced) Posting() (money.Currency, money.Entry) { return e.Currency, e.Entry }

// Posting is the entry.
func (e UsageCharged) Posting() (money.Currency, money.Entry) { return e.Currency, e.Entry }

// Posting is the entry.
func (e ChargeCorrected) Posting() (money.Currency, money.Entry) { return e.Currency, e.Entry }

// Posting is the entry.
func (e HoldReleased) Posting() (money.Currency, money.Entry) { return e.Currency, e.Entry }

// Posting is the entry.
func (e HoldExpired) Posting() (money.Currency, money.Entry) { return e.Currency, e.Entry }

// Events lists every event version of this package for the registry.
func Events() []domain.EventSpec {
	return []domain.EventSpec{
		domain.Spec[Opened]("A wallet was opened in one currency."),
		domain.Spec[ToppedUp]("Money came in from outside: a payment, or an operator's top-up."),
		domain.Spec[Granted]("Promotional credit was given."),
		domain.Spec[Adjusted]("An operator corrected the balance, up or down."),
		domain.Spec[HoldPlaced]("The most that a call can cost was reserved."),
		domain.Spec[HoldExtended]("A hold's expiry was moved because its call still runs."),
		domain.Spec[HoldSuspected]("A hold passed its expiry; it stays held until its call's fate is known."),
		domain.Spec[UsageCharged]("A hold was settled: the call's usage was charged, exactly."),
		domain.Spec[ChargeCorrected]("A charge was corrected to what its true usage costs; the difference was charged or given back."),
		domain.Spec[HoldReleased]("A hold ended without a charge."),
		domain.Spec[HoldExpired]("A suspect hold ended because nothing became known of its call."),
		domain.Spec[RateLimitsSet]("A wallet's rate limits were replaced."),
		domain.Spec[ContentStorageSet]("A wallet's owner said whether what its calls ask and answer is stored, and for how long."),
		domain.Spec[MemberLimitsSet]("The caps and rate limits of a member of a wallet were replaced."),
		domain.Spec[PriceGroupSet]("A wallet was put into a price group, or taken out of it."),
	}
}
