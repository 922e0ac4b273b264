package domain_test

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// operationSamples are of calls that are no conversations.
func operationSamples() map[string]domain.Event {
	price := money.MustPrice("0.00001")
	call := wallet.Call{Attempts: 1, FinishReason: "stop", StartedAt: sampleTime, DurationMS: 600, Operation: "speech"}
	failed := call
	failed.FinishReason, failed.Error = "", "vendor_error"
	return map[string]domain.Event{
		"wallet.usage_charged.v1.operation": wallet.UsageCharged{
			HoldID: sampleHold, KeyID: sampleKey, Model: "openai/tts-1", Endpoint: "openai/tts-1@openai", Vendor: "openai", PriceVersion: samplePrice,
			Usage: usage.Usage{usage.Character: 200, usage.Request: 1}, Provenance: usage.Reported,
			LineItems: []usage.LineItem{{Class: usage.Character, Quantity: 200, Price: price, Amount: price.Times(200)}},
			Charge:    money.MustParse("0.002"), VendorCost: money.MustParse("0.002"), HeldBefore: money.MustParse("0.002"),
			Call: call, Currency: money.USD, Balances: balances("19.998", "0"),
			Entry: entryOf(holdAccount, "-0.002", money.RevenueUsage, "0.002", money.CostUsage, "-0.002", money.VendorPayable("openai"), "0.002"),
		},
		"wallet.hold_released.v1.operation": wallet.HoldReleased{
			HoldID: sampleHold, KeyID: sampleKey, Model: "openai/tts-1", Endpoint: "openai/tts-1@openai", Amount: money.MustParse("0.002"),
			Reason: "vendor_error", Call: failed, Currency: money.USD, Balances: balances("20", "0"), Entry: entryOf(holdAccount, "-0.002", ownAccount, "0.002"),
		},
	}
}
