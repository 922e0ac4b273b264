package audit

import (
	"fmt"
	"maps"
)

// Code is the stable name of what is wrong.
type Code string

// What can be wrong with the log.
const (
	PositionMissing    Code = "position_missing"
	PositionRepeated   Code = "position_repeated"
	ShardMixed         Code = "shard_mixed"
	LeafMismatch       Code = "leaf_mismatch"
	RecordedBack       Code = "recorded_at_back"
	EventIDTime        Code = "event_id_time"
	StreamVersion      Code = "stream_version"
	StreamForeign      Code = "stream_foreign" // the event does not belong to its stream
	SchemaVersion      Code = "schema_version"
	EventUndecodable   Code = "event_undecodable"
	EntryUnbalanced    Code = "entry_unbalanced"
	EntryMismatch      Code = "entry_mismatch" // the legs are not those that the event calls for
	AmountInvalid      Code = "amount_invalid"
	TrialBalance       Code = "trial_balance"
	BalanceMismatch    Code = "balance_mismatch" // the stated balances are not the sums of the legs
	WalletNegative     Code = "wallet_negative"
	WalletNotOpen      Code = "wallet_not_open"
	WalletReopened     Code = "wallet_reopened"
	CurrencyMismatch   Code = "currency_mismatch"
	HoldReused         Code = "hold_reused"
	HoldID             Code = "hold_id" // a hold's id is that of the command that placed it
	HoldNotOpen        Code = "hold_not_open"
	HoldMismatch       Code = "hold_mismatch" // the end of a hold tells another story than its beginning
	HoldAmount         Code = "hold_amount"   // not the worst case at the pinned price
	TierUnpriced       Code = "tier_unpriced" // a service tier without a price, or one that the call did not ask for
	HoldClock          Code = "hold_clock"
	KeyUnusable        Code = "key_unusable"
	KeyCapExceeded     Code = "key_cap_exceeded"
	KeyState           Code = "key_state"
	AppState           Code = "app_state"
	EndpointMismatch   Code = "endpoint_mismatch"
	PriceUnknown       Code = "price_unknown"
	PriceNotInForce    Code = "price_not_in_force"
	PriceGroup         Code = "price_group" // a price of a group that the wallet is not in, or a group where nothing changes
	OwnKey             Code = "own_key"     // a key of the customer's, or a part of the price, that the hold or the call does not have
	PriceReused        Code = "price_reused"
	PriceBackdated     Code = "price_backdated"
	CatalogOrder       Code = "catalog_order"
	UsageInvalid       Code = "usage_invalid"
	LineItemMismatch   Code = "line_item_mismatch"
	ChargeMismatch     Code = "charge_mismatch"
	VendorCost         Code = "vendor_cost_mismatch"
	UncollectibleDiff  Code = "uncollectible_mismatch"
	CorrectionUncalled Code = "correction_uncalled" // of no charge that can be corrected, or not noted with the charge
	CorrectionMismatch Code = "correction_mismatch" // tells another story than its charge, or uses evidence again
	ReviewUncalled     Code = "review_uncalled"     // a decision that could not be made
)

// Finding is one thing that is wrong.
type Finding struct {
	Position int64  `json:"position"` // of the event that shows it; 0 when none does
	Code     Code   `json:"code"`
	Where    string `json:"where"` // the stream; or the table, and the row's key
	Message  string `json:"message"`
}

const defaultKeep = 100

// Findings counts everything that is wrong and keeps the first of it. Not safe for concurrent use.
type Findings struct {
	keep   int
	total  int64
	first  []Finding
	byCode map[Code]int64
}

// NewFindings makes an empty list that keeps at most so many; 0 means 100.
func NewFindings(keep int) *Findings {
	if keep <= 0 {
		keep = defaultKeep
	}
	return &Findings{keep: keep, byCode: map[Code]int64{}}
}

// Add counts a finding, and keeps it while there is room.
func (f *Findings) Add(found Finding) {
	f.total++
	f.byCode[found.Code]++
	if len(f.first) < f.keep {
		f.first = append(f.first, found)
	}
}

// Addf is Add with a formatted message.
func (f *Findings) Addf(position int64, code Code, where, format string, args ...any) {
	f.Add(Finding{Position: position, Code: code, Where: where, Message: fmt.Sprintf(format, args...)})
}

// Total is how many there are, kept or not.
func (f *Findings) Total() int64 { return f.total }

// First are those that were kept, in the order in which they were found.
func (f *Findings) First() []Finding { return f.first }

// ByCode counts all of them.
func (f *Findings) ByCode() map[Code]int64 { return maps.Clone(f.byCode) }
