package domain_test

import (
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

func correctionSamples() map[string]domain.Event {
	item := func(class usage.Class, n int64, price string) usage.LineItem {
		p := money.MustPrice(price)
		return usage.LineItem{Class: class, Quantity: n, Price: p, Amount: p.Times(n)}
	}
	corrected := wallet.ChargeCorrected{
		HoldID: sampleHold, KeyID: sampleKey, Model: "openai/gpt-5", Endpoint: "openai/gpt-5@openai", Vendor: "openai", PriceVersion: samplePrice,
		ServiceTier: "flex", PlacedAt: sampleTime, ChargedAt: sampleTime.Add(2 * time.Second), ChargePosition: 812, Number: 1,
		Before: wallet.Bill{Usage: usage.Usage{usage.Output: 200}, Charge: money.MustParse("0.002"), Uncollectible: money.MustParse("0.0005"), VendorCost: money.MustParse("0.001")},
		After: wallet.Bill{
			Usage: usage.Usage{usage.Output: 350, usage.Request: 1}, Charge: money.MustParse("0.0035"), Uncollectible: money.MustParse("0.001"), VendorCost: money.MustParse("0.00175"),
		},
		LineItems:  []usage.LineItem{item(usage.Output, 350, "0.00001")},
		Provenance: usage.LookedUp, Evidence: "vendor openai: gen-9f3b2c1d", Reason: "usage was missing", AppID: sampleApp, AppURL: "https://notes.example",
		Currency: money.USD, Balances: balances("0", "0"),
		Entry: entryOf(ownAccount, "-0.001", money.Uncollectible, "-0.0005", money.RevenueUsage, "0.0015", money.CostUsage, "-0.00075",
			money.VendorPayable("openai"), "0.00075"),
	}
	ofMember := corrected
	ofMember.MemberID = sampleMember
	own := corrected
	own.OwnKey, own.LineItems = &sampleOwnKey, []usage.LineItem{item(usage.Output, 350, "0.0000005")}
	own.Before = wallet.Bill{Usage: usage.Usage{usage.Output: 200}, Charge: money.MustParse("0.0001"), UpstreamCost: money.MustParse("0.001")}
	own.After = wallet.Bill{Usage: usage.Usage{usage.Output: 350, usage.Request: 1}, Charge: money.MustParse("0.000175"), UpstreamCost: money.MustParse("0.00175")}
	own.Balances, own.Entry = balances("19.999825", "0"), entryOf(ownAccount, "-0.000075", money.RevenueUsage, "0.000075")
	empty := corrected
	empty.Number, empty.Insured, empty.LineItems, empty.Provenance = 2, true, []usage.LineItem{}, usage.Operator
	empty.Evidence, empty.Reason, empty.ServiceTier = "ticket 77", "the vendor's log shows nothing", ""
	empty.Before = corrected.After
	empty.After = wallet.Bill{Usage: usage.Usage{usage.Input: 10, usage.Request: 1}, VendorCost: money.MustParse("0.0001")}
	empty.Balances = balances("0.0025", "0")
	empty.Entry = entryOf(ownAccount, "0.0025", money.Uncollectible, "0.001", money.RevenueUsage, "-0.0035", money.CostUsage, "0.00165",
		money.VendorPayable("openai"), "-0.00165")
	return map[string]domain.Event{
		"wallet.charge_corrected.v1":         corrected,
		"wallet.charge_corrected.v1.insured": empty,
		"wallet.charge_corrected.v1.member":  ofMember,
		"wallet.charge_corrected.v1.own":     own,
		"charge.corrected.v1.own":            charge.Corrected{GenerationID: sampleHold, WalletID: sampleWallet, Number: 1, Evidence: own.Evidence, Bill: own.After},
		"wallet.usage_charged.v1.suspect": wallet.UsageCharged{
			HoldID: sampleHold, KeyID: sampleKey, Model: "openai/gpt-5", Endpoint: "openai/gpt-5@openai", Vendor: "openai", PriceVersion: samplePrice,
			Usage: usage.Usage{usage.Output: 200}, Provenance: usage.Estimated, LineItems: []usage.LineItem{item(usage.Output, 200, "0.00001")},
			Charge: money.MustParse("0.002"), VendorCost: money.MustParse("0.002"), HeldBefore: money.MustParse("0.00625"),
			Call:     wallet.Call{Attempts: 1, Suspect: true, SuspectReason: "usage_missing", StartedAt: sampleTime, DurationMS: 600},
			Currency: money.USD, Balances: balances("19.998", "0"),
			Entry: entryOf(holdAccount, "-0.00625", ownAccount, "0.00425", money.RevenueUsage, "0.002", money.CostUsage, "-0.002",
				money.VendorPayable("openai"), "0.002"),
		},
		"charge.corrected.v1": charge.Corrected{GenerationID: sampleHold, WalletID: sampleWallet, Number: 1, Evidence: corrected.Evidence, Bill: corrected.After},
		"charge.reviewed.v1":  charge.Reviewed{GenerationID: sampleHold, WalletID: sampleWallet, Decision: charge.Accept, Reason: "as the vendor's invoice has it"},
	}
}
