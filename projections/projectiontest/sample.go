package projectiontest

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// ID is a readable UUID.
func ID(n uint64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// Money is an amount.
func Money(s string) money.Amount { return money.MustParse(s) }

// After are the balances after an event.
func After(posted, held string) wallet.Balances {
	return wallet.Balances{Posted: Money(posted), Held: Money(held)}
}

// Placed is a hold of a key on a model.
func Placed(hold, key uuid.UUID, amount string, expires time.Time, after wallet.Balances) wallet.HoldPlaced {
	return wallet.HoldPlaced{
		HoldID: hold, KeyID: key, Model: "acme/one", Endpoint: "acme/one@north", PriceVersion: ID(900),
		PromptTokens: 100, CompletionTokens: 200, Amount: Money(amount), ExpiresAt: expires, Currency: money.USD, Balances: after,
	}
}

// Corrected is a correction of a charge that Charged made, by a piece of evidence: what it comes to now, of which so much is uncollectible.
func Corrected(was wallet.UsageCharged, before wallet.Bill, number int64, chargedAt time.Time, charge, uncollectible string, after wallet.Balances) wallet.ChargeCorrected {
	return wallet.ChargeCorrected{
		HoldID: was.HoldID, KeyID: was.KeyID, Model: was.Model, Endpoint: was.Endpoint, Vendor: was.Vendor, PriceVersion: was.PriceVersion,
		PlacedAt: chargedAt, ChargedAt: chargedAt, ChargePosition: 1, Number: number, Before: before,
		After: wallet.Bill{
			Usage: usage.Usage{usage.Input: 7, usage.Output: 3}, Charge: Money(charge), Uncollectible: Money(uncollectible), VendorCost: Money("0.000000000002"),
		},
		LineItems:  []usage.LineItem{{Class: usage.Output, Quantity: 1, Price: money.MustPrice(charge), Amount: Money(charge)}},
		Provenance: usage.LookedUp, Evidence: "lookup", Reason: "usage was missing", AppID: was.Call.AppID, AppURL: was.Call.AppURL,
		Currency: money.USD, Balances: after,
	}
}

// Charged is a settlement of a hold with one line item.
func Charged(hold, key uuid.UUID, charge, held string, after wallet.Balances) wallet.UsageCharged {
	return wallet.UsageCharged{
		HoldID: hold, KeyID: key, Model: "acme/one", Endpoint: "acme/one@north", Vendor: "north", PriceVersion: ID(900),
		Usage: usage.Usage{usage.Input: 10, usage.Output: 1}, Provenance: usage.Reported,
		LineItems: []usage.LineItem{{Class: usage.Output, Quantity: 1, Price: money.MustPrice(charge), Amount: Money(charge)}},
		Charge:    Money(charge), VendorCost: Money("0.000000000001"), HeldBefore: Money(held),
		Call:     wallet.Call{Streamed: true, FinishReason: "stop", UpstreamID: "up-1", Attempts: 1, DurationMS: 1200},
		Currency: money.USD, Balances: after,
	}
}
