package domain_test

import (
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// samples are events to freeze, by file name: the event's type, and a variant where one sample cannot show every
// field. They only make files that are missing; what is frozen is what the files say.
func samples() map[string]domain.Event {
	all := map[string]domain.Event{}
	for _, part := range []map[string]domain.Event{creditSamples(), holdSamples(), chargeSamples(), correctionSamples(), operationSamples(), keySamples(), appSamples(), catalogSamples()} {
		for name, e := range part {
			all[name] = e
		}
	}
	return all
}

var (
	sampleTime   = time.Date(2026, 3, 14, 15, 9, 26, 535897000, time.UTC)
	sampleWallet = uuid.MustParse("019ced0c-3f2a-7c1e-9a41-5b1f5c1b7a01")
	sampleKey    = uuid.MustParse("019ced0c-4b17-7d20-8f3e-2c9a1d4e6f02")
	sampleApp    = uuid.MustParse("019ced0e-2b3c-7d44-a5b6-8c9d0e1f2a04")
	sampleMember = uuid.MustParse("019ced10-4d5e-7f66-87d8-0e1f2a3b4c06")
	samplePreset = uuid.MustParse("019ced0f-3c4d-7e55-b6c7-9d0e1f2a3b05")
	sampleHold   = uuid.MustParse("019ced0d-1a2b-7e33-b5c4-7d8e9f0a1b03")
	samplePrice  = uuid.MustParse("019ced0b-0c0d-7f44-a1b2-c3d4e5f60704")
	sampleOwnKey = wallet.OwnKey{ID: uuid.MustParse("019ced11-5e6f-7077-98e9-1f2a3b4c5d07"), Rate: money.MustPrice("0.05")}
)

const (
	ownAccount  = money.Account("wallet:019ced0c-3f2a-7c1e-9a41-5b1f5c1b7a01")
	holdAccount = money.Account("hold:019ced0d-1a2b-7e33-b5c4-7d8e9f0a1b03")
)

func entryOf(pairs ...any) money.Entry {
	out := money.Entry{}
	for i := 0; i+1 < len(pairs); i += 2 {
		account, _ := pairs[i].(money.Account)
		amount, _ := pairs[i+1].(string)
		out = append(out, money.Leg{Account: account, Amount: money.MustParse(amount)})
	}
	return out
}

func balances(posted, held string) wallet.Balances {
	return wallet.Balances{Posted: money.MustParse(posted), Held: money.MustParse(held)}
}

func creditSamples() map[string]domain.Event {
	return map[string]domain.Event{
		"wallet.opened.v1": wallet.Opened{WalletID: sampleWallet, Owner: "org-71", Currency: money.USD},
		"wallet.topped_up.v1": wallet.ToppedUp{
			Amount: money.MustParse("20"), PSP: "stripe", Reason: "paid by card", Reference: "pi_3Q0x", Currency: money.USD,
			Balances: balances("20", "0"), Entry: entryOf(money.Cash("stripe"), "-20", ownAccount, "20"),
		},
		"wallet.topped_up.v1.held": wallet.ToppedUp{
			Amount: money.MustParse("20"), PSP: "stripe", Reason: "paid by card", Reference: "pi_3Q1y", Currency: money.USD,
			Balances: balances("40", "0.00625"), Entry: entryOf(money.Cash("stripe"), "-20", ownAccount, "20"),
		},
		"wallet.granted.v1": wallet.Granted{
			Amount: money.MustParse("5"), Reason: "welcome credit", Reference: "campaign-12", Currency: money.USD,
			Balances: balances("25", "0.00625"), Entry: entryOf(money.Promo, "-5", ownAccount, "5"),
		},
		"wallet.adjusted.v1": wallet.Adjusted{
			Amount: money.MustParse("-0.5"), Reason: "credited twice", Reference: "ticket-88", Currency: money.USD,
			Balances: balances("24.5", "0.00625"), Entry: entryOf(money.Adjustment, "0.5", ownAccount, "-0.5"),
		},
	}
}

func holdSamples() map[string]domain.Event {
	placed := wallet.HoldPlaced{
		HoldID: sampleHold, KeyID: sampleKey, Model: "openai/gpt-5", Endpoint: "openai/gpt-5@openai", PriceVersion: samplePrice,
		PromptTokens: 1000, CompletionTokens: 500, Amount: money.MustParse("0.00625"), ExpiresAt: sampleTime.Add(10 * time.Minute),
		Currency: money.USD, Balances: balances("20", "0.00625"), Entry: entryOf(ownAccount, "-0.00625", holdAccount, "0.00625"),
	}
	free := placed
	free.Model, free.Endpoint, free.Amount = "acme/free", "acme/free@acme", money.Zero()
	free.Balances, free.Entry = balances("20", "0"), entryOf()
	media := placed
	media.Extra = usage.Usage{usage.AudioInput: 400, usage.ImageOutput: 500, usage.Search: 5}
	media.ServiceTier = "auto"
	own := placed
	own.OwnKey, own.Amount = &sampleOwnKey, money.MustParse("0.0003125")
	own.Balances, own.Entry = balances("20", "0.0003125"), entryOf(ownAccount, "-0.0003125", holdAccount, "0.0003125")
	released := wallet.HoldReleased{
		HoldID: sampleHold, KeyID: sampleKey, Model: "openai/gpt-5", Endpoint: "openai/gpt-5@openai", Amount: money.MustParse("0.00625"),
		Reason: "upstream_error", Call: wallet.Call{Attempts: 2, Error: "upstream_unavailable", StartedAt: sampleTime, DurationMS: 812},
		Currency: money.USD, Balances: balances("20", "1.25"), Entry: entryOf(holdAccount, "-0.00625", ownAccount, "0.00625"),
	}
	cancelled := released
	cancelled.Reason, cancelled.Call = "client_cancelled", wallet.Call{
		Streamed: true, Cancelled: true, FinishReason: "error", NativeFinishReason: "cancelled", UpstreamID: "chatcmpl-1d2e3f", Attempts: 1,
		Error: "client_closed_request", Suspect: true, StartedAt: sampleTime, FirstTokenMS: 301, DurationMS: 305,
	}
	keyed := released
	keyed.Call.Credential = "openai/eu-1"
	borne := released
	borne.Reason, borne.Vendor, borne.ServiceTier, borne.VendorCost = "empty_completion", "openai", "flex", money.MustParse("0.001")
	borne.Usage = usage.Usage{usage.Input: 1000, usage.Request: 1}
	borne.Call.ServiceTier = "flex"
	borne.Entry = entryOf(holdAccount, "-0.00625", ownAccount, "0.00625", money.CostUsage, "-0.001", money.VendorPayable("openai"), "0.001")
	memberCap := money.MustParse("50")
	grouped := placed
	grouped.PriceGroup, grouped.MemberID = "partners", sampleMember
	preset := released
	preset.Call.PresetID, preset.Call.PresetVersion = samplePreset, 3
	refused := released
	refused.Reason, refused.Call.Error, refused.Call.OwnKey = "own_key_refused", "own_key_refused", &sampleOwnKey
	billed := borne
	billed.VendorCost, billed.Call.OwnKey, billed.Call.UpstreamCost = money.Zero(), &sampleOwnKey, money.MustParse("0.001")
	billed.Amount, billed.Entry = money.MustParse("0.0003125"), entryOf(holdAccount, "-0.0003125", ownAccount, "0.0003125")
	return map[string]domain.Event{
		"wallet.hold_placed.v1.own":          own,
		"wallet.hold_released.v1.own":        refused,
		"wallet.hold_released.v1.own_empty":  billed,
		"wallet.hold_released.v1.preset":     preset,
		"wallet.hold_released.v1.borne":      borne,
		"wallet.hold_released.v1.credential": keyed,
		"wallet.hold_placed.v1":              placed,
		"wallet.hold_placed.v1.free":         free,
		"wallet.hold_placed.v1.media":        media,
		"wallet.hold_placed.v1.group":        grouped,
		"wallet.price_group_set.v1":          wallet.PriceGroupSet{Group: "partners"},
		"wallet.rate_limits_set.v1":          wallet.RateLimitsSet{Rates: wallet.RateLimits{RequestsPerMinute: 6000, TokensPerMinute: 10_000_000, Parallel: 200}},
		"wallet.rate_limits_set.v1.none":     wallet.RateLimitsSet{},
		"wallet.content_storage_set.v1":      wallet.ContentStorageSet{Storage: wallet.ContentStorage{RetentionHours: 720, Keys: []uuid.UUID{sampleMember}}},
		"wallet.content_storage_set.v1.none": wallet.ContentStorageSet{},
		"wallet.member_limits_set.v1": wallet.MemberLimitsSet{MemberID: sampleMember, MemberLimits: wallet.MemberLimits{
			Caps:  wallet.Caps{Day: &memberCap, Week: &memberCap, Month: &memberCap, Total: &memberCap},
			Rates: wallet.RateLimits{RequestsPerMinute: 60, TokensPerMinute: 100_000, Parallel: 2},
		}},
		"wallet.member_limits_set.v1.none":  wallet.MemberLimitsSet{MemberID: sampleMember},
		"wallet.price_group_set.v1.none":    wallet.PriceGroupSet{},
		"wallet.hold_extended.v1":           wallet.HoldExtended{HoldID: sampleHold, ExpiresAt: sampleTime.Add(20 * time.Minute)},
		"wallet.hold_suspected.v1":          wallet.HoldSuspected{HoldID: sampleHold},
		"wallet.hold_released.v1":           released,
		"wallet.hold_released.v1.cancelled": cancelled,
		"wallet.hold_expired.v1": wallet.HoldExpired{
			HoldID: sampleHold, KeyID: sampleKey, Amount: money.MustParse("0.00625"), Currency: money.USD,
			Balances: balances("20", "1.25"), Entry: entryOf(holdAccount, "-0.00625", ownAccount, "0.00625"),
		},
	}
}

func chargeSamples() map[string]domain.Event {
	item := func(class usage.Class, n int64, price string) usage.LineItem {
		p := money.MustPrice(price)
		return usage.LineItem{Class: class, Quantity: n, Price: p, Amount: p.Times(n)}
	}
	charged := wallet.UsageCharged{
		HoldID: sampleHold, KeyID: sampleKey, Model: "openai/gpt-5", Endpoint: "openai/gpt-5@openai", Vendor: "openai",
		PriceVersion: samplePrice, Provenance: usage.Reported,
		Usage: usage.Usage{
			usage.Input: 700, usage.CacheRead: 250, usage.CacheWrite: 40, usage.CacheWrite1h: 10, usage.Output: 120, usage.Reasoning: 80,
			usage.Request: 1,
		},
		LineItems: []usage.LineItem{
			item(usage.Input, 700, "0.00000125"), item(usage.CacheRead, 250, "0.000000125"), item(usage.CacheWrite, 40, "0.0000015625"),
			item(usage.CacheWrite1h, 10, "0.0000025"), item(usage.Output, 120, "0.00001"), item(usage.Reasoning, 80, "0.00001"),
			item(usage.Request, 1, "0.0001"),
		},
		Charge: money.MustParse("0.00309375"), VendorCost: money.MustParse("0.0025"), HeldBefore: money.MustParse("0.00625"),
		Call: wallet.Call{
			Streamed: true, Cancelled: true, FinishReason: "stop", NativeFinishReason: "end_turn", UpstreamID: "chatcmpl-9f3b2c1d",
			Attempts: 1, StartedAt: sampleTime, FirstTokenMS: 212, DurationMS: 1840,
		},
		Currency: money.USD, Balances: balances("19.99690625", "1.25"),
		Entry: entryOf(holdAccount, "-0.00625", ownAccount, "0.00315625", money.RevenueUsage, "0.00309375", money.CostUsage, "-0.0025",
			money.VendorPayable("openai"), "0.0025"),
	}
	late := charged
	late.Usage, late.LineItems = usage.Usage{usage.Output: 200}, []usage.LineItem{item(usage.Output, 200, "0.00001")}
	late.Provenance, late.Late, late.HeldBefore = usage.Estimated, true, money.Zero()
	late.Charge, late.Uncollectible, late.VendorCost = money.MustParse("0.002"), money.MustParse("0.0005"), money.Zero()
	late.Call = wallet.Call{Attempts: 1, Error: "upstream_timeout", Suspect: true, StartedAt: sampleTime, DurationMS: 600000}
	late.Balances = balances("0", "0")
	late.Entry = entryOf(ownAccount, "-0.0015", money.Uncollectible, "-0.0005", money.RevenueUsage, "0.002")
	free := charged
	free.Usage, free.LineItems, free.Charge, free.VendorCost = usage.Usage{}, []usage.LineItem{}, money.Zero(), money.Zero()
	free.HeldBefore, free.Balances, free.Entry, free.Call = money.Zero(), balances("20", "0"), entryOf(), wallet.Call{}
	flex := charged
	flex.ServiceTier = "flex"
	flex.Usage = usage.Usage{
		usage.AudioInput: 300, usage.AudioCacheRead: 100, usage.ImageInput: 50, usage.AudioOutput: 20, usage.ImageOutput: 10,
		usage.Image: 2, usage.Second: 7, usage.Character: 40, usage.Search: 3,
	}
	flex.LineItems = []usage.LineItem{
		item(usage.AudioInput, 300, "0.00001"), item(usage.AudioCacheRead, 100, "0.000001"), item(usage.ImageInput, 50, "0.000005"),
		item(usage.AudioOutput, 20, "0.00002"), item(usage.ImageOutput, 10, "0.00003"), item(usage.Image, 2, "0.04"),
		item(usage.Second, 7, "0.0001"), item(usage.Character, 40, "0.000015"), item(usage.Search, 3, "0.01"),
	}
	flex.Charge = usage.Total(flex.LineItems)
	flex.Call.ServiceTier = "flex"
	keyed := charged
	keyed.Call.Credential = "openai/eu-1"
	preset := charged
	preset.Call.PresetID, preset.Call.PresetVersion = samplePreset, 3
	own := charged
	own.LineItems = []usage.LineItem{
		item(usage.Input, 700, "0.0000000625"), item(usage.CacheRead, 250, "0.00000000625"), item(usage.CacheWrite, 40, "0.000000078125"),
		item(usage.CacheWrite1h, 10, "0.000000125"), item(usage.Output, 120, "0.0000005"), item(usage.Reasoning, 80, "0.0000005"),
		item(usage.Request, 1, "0.000005"),
	}
	own.Charge, own.VendorCost, own.HeldBefore = usage.Total(own.LineItems), money.Zero(), money.MustParse("0.0003125")
	own.Call.Credential, own.Call.OwnKey, own.Call.UpstreamCost = "own/"+sampleOwnKey.ID.String()+".3", &sampleOwnKey, money.MustParse("0.0025")
	own.Balances = balances("19.9998453125", "1.25")
	own.Entry = entryOf(holdAccount, "-0.0003125", ownAccount, "0.0001578125", money.RevenueUsage, "0.0001546875")
	group := charged
	group.PriceGroup, group.MemberID = "partners", sampleMember
	return map[string]domain.Event{
		"wallet.usage_charged.v1": charged, "wallet.usage_charged.v1.credential": keyed, "wallet.usage_charged.v1.late": late, "wallet.usage_charged.v1.media": flex,
		"wallet.usage_charged.v1.free": free, "wallet.usage_charged.v1.group": group, "wallet.usage_charged.v1.own": own, "wallet.usage_charged.v1.preset": preset,
	}
}

func keySamples() map[string]domain.Event {
	secret := apikey.Secret(sampleKey, [32]byte{1, 2, 3, 31: 0xff})
	other := apikey.Secret(sampleKey, [32]byte{4, 5, 6, 31: 0xee})
	day, week, month, total := money.MustParse("5"), money.MustParse("20"), money.MustParse("50.5"), money.MustParse("100")
	limits := apikey.Limits{
		Name: "production", Caps: wallet.Caps{Day: &day, Week: &week, Month: &month, Total: &total},
		Models: []string{"openai/gpt-5", "acme/chat"}, ExpiresAt: sampleTime.AddDate(1, 0, 0),
	}
	paced := limits
	paced.Rates = apikey.RateLimits{RequestsPerMinute: 600, TokensPerMinute: 1_000_000, Parallel: 20}
	return map[string]domain.Event{
		"apikey.issued.v1.member":  apikey.Issued{KeyID: sampleKey, WalletID: sampleWallet, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret), Limits: apikey.Limits{MemberID: sampleMember}},
		"apikey.updated.v1.member": apikey.Updated{KeyID: sampleKey, Limits: apikey.Limits{Name: "laptop", MemberID: sampleMember}},
		"apikey.issued.v1.rates":   apikey.Issued{KeyID: sampleKey, WalletID: sampleWallet, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret), Limits: paced},
		"apikey.updated.v1.rates":  apikey.Updated{KeyID: sampleKey, Limits: paced},
		"apikey.issued.v1": apikey.Issued{
			KeyID: sampleKey, WalletID: sampleWallet, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret), Limits: limits,
		},
		"apikey.issued.v1.management": apikey.Issued{
			KeyID: sampleKey, WalletID: sampleWallet, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret),
			Limits: apikey.Limits{Name: "terraform"}, Scope: apikey.Management,
		},
		"apikey.issued.v1.plain": apikey.Issued{
			KeyID: sampleKey, WalletID: sampleWallet, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret),
		},
		"apikey.updated.v1": apikey.Updated{KeyID: sampleKey, Limits: limits},
		"apikey.rotated.v1": apikey.Rotated{
			KeyID: sampleKey, Hash: apikey.HashSecret(other), Label: apikey.Label(other), OldHashUntil: sampleTime.Add(24 * time.Hour),
		},
		"apikey.disabled.v1":        apikey.Disabled{KeyID: sampleKey, Reason: "found in a public repository"},
		"apikey.disabled.v1.leaked": apikey.Disabled{KeyID: sampleKey, Reason: "its secret was found in public: github.com", Leaked: true},
		"apikey.updated.v1.networks": apikey.Updated{KeyID: sampleKey, Limits: apikey.Limits{
			Name: "office", Networks: apikey.Networks{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		}},
		"apikey.issued.v1.networks": apikey.Issued{
			KeyID: sampleKey, WalletID: sampleWallet, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret),
			Limits: apikey.Limits{Networks: apikey.Networks{netip.MustParsePrefix("203.0.113.9/32")}},
		},
		"apikey.enabled.v1":        apikey.Enabled{KeyID: sampleKey},
		"apikey.revoked.v1":        apikey.Revoked{KeyID: sampleKey, Reason: "employee left"},
		"apikey.app_bound.v1":      apikey.AppBound{KeyID: sampleKey, AppID: sampleApp},
		"apikey.app_bound.v1.none": apikey.AppBound{KeyID: sampleKey},
	}
}

func appSamples() map[string]domain.Event {
	details := app.Details{Name: "Notes", URL: "https://notes.example/start", Description: "Takes notes.", Hidden: true}
	return map[string]domain.Event{
		"app.registered.v1":       app.Registered{AppID: sampleApp, WalletID: sampleWallet, Owner: "org-71", Details: details},
		"app.registered.v1.plain": app.Registered{AppID: sampleApp, WalletID: sampleWallet, Details: app.Details{Name: "Notes", URL: "https://notes.example"}},
		"app.updated.v1":          app.Updated{AppID: sampleApp, Details: details},
		"app.archived.v1":         app.Archived{AppID: sampleApp, Reason: "shut down"},
	}
}

func catalogSamples() map[string]domain.Event {
	rates := func(in, out string) catalog.Rates {
		return catalog.Rates{usage.Input: money.MustPrice(in), usage.Output: money.MustPrice(out)}
	}
	base := rates("0.00000125", "0.00001")
	base[usage.CacheRead], base[usage.Request] = money.MustPrice("0.000000125"), money.MustPrice("0.0001")
	cost := catalog.Schedule{Base: rates("0.000001", "0.000008"), Overrides: []catalog.Override{
		{MinPromptTokens: 200_000, UTCStart: "22:00", UTCEnd: "06:00", Rates: rates("0.000002", "0.000012")},
	}}
	tiers := catalog.Schedule{Base: base, Overrides: []catalog.Override{
		{ServiceTier: "flex", Rates: rates("0.000000625", "0.000005")},
	}}
	return map[string]domain.Event{
		"catalog.vendor_published.v1": catalog.VendorPublished{Vendor: catalog.Vendor{
			ID: "openai", Name: "OpenAI", BaseURL: "https://api.openai.com/v1", Dialect: "openai", CancelPolicy: catalog.Cancel,
			MaxTokensField: "max_completion_tokens", Status: catalog.Active,
		}},
		"catalog.model_published.v1": catalog.ModelPublished{Model: catalog.Model{
			ID: "openai/gpt-5", Name: "GPT-5", Description: "For code and long work.\nReasons before it answers.", ContextLength: 400_000,
			MaxCompletionTokens: 128_000, InputModalities: []string{"text", "image"}, OutputModalities: []string{"text"},
			SupportedParameters: []string{"max_tokens", "tools"}, Tokenizer: "o200k_base", ReleasedAt: sampleTime.Truncate(24 * time.Hour),
			Status: catalog.Active,
		}},
		"catalog.endpoint_published.v1": catalog.EndpointPublished{Endpoint: catalog.Endpoint{
			ID: "openai/gpt-5@openai", Model: "openai/gpt-5", Vendor: "openai", UpstreamModel: "gpt-5-2025-08-07", ContextLength: 400_000,
			MaxCompletionTokens: 128_000, Status: catalog.Disabled,
		}},
		"catalog.vendor_published.v1.wire": catalog.VendorPublished{Vendor: catalog.Vendor{
			ID: "azure-eu", Name: "Azure", BaseURL: "https://eu.openai.azure.com/openai", Dialect: "openai", CancelPolicy: catalog.Cancel,
			MaxTokensField: "max_completion_tokens", Status: catalog.Active, Wire: &catalog.Wire{
				Auth: catalog.AuthHeader, AuthName: "api-key", Headers: map[string]string{"X-Team": "router"},
				Query: map[string]string{"api-version": "2024-10-21"}, Paths: map[string]string{"chat": "/deployments/{model}/chat/completions"},
				BodyVersion: "vertex-2023-10-16", NoStreamUsage: true,
			},
		}},
		"catalog.vendor_published.v1.profile": catalog.VendorPublished{Vendor: catalog.Vendor{
			ID: "openai", Name: "OpenAI", BaseURL: "https://api.openai.com/v1", Dialect: "openai", CancelPolicy: catalog.Cancel,
			MaxTokensField: "max_completion_tokens", Status: catalog.Active, Profile: &catalog.Profile{
				Headquarters: "US", Datacenters: []string{"US", "IE"}, PrivacyPolicyURL: "https://openai.com/policies/privacy-policy",
				TermsOfServiceURL: "https://openai.com/policies/terms-of-use", StatusPageURL: "https://status.openai.com",
			},
		}},
		"catalog.model_published.v1.facts": catalog.ModelPublished{Model: catalog.Model{
			ID: "acme/open", Name: "Open", ContextLength: 400_000, MaxCompletionTokens: 128_000, InputModalities: []string{"text"},
			OutputModalities: []string{"text"}, ReleasedAt: sampleTime.Truncate(24 * time.Hour), Status: catalog.Active, Facts: catalog.Facts{
				CanonicalSlug: "acme/open-2026-03-14", HuggingFaceID: "acme/Open-120B", InstructType: "chatml",
				DefaultParameters: catalog.Parameters{"temperature": "0.7", "top_k": "40"}, KnowledgeCutoff: "2025-10-01",
				ExpirationDate: "2028-01-31", Categories: []string{"programming", "marketing/seo"}, Voices: []string{"ada"}, Distillable: true,
			},
		}},
		"catalog.endpoint_published.v1.terms": catalog.EndpointPublished{Endpoint: catalog.Endpoint{
			ID: "acme/open@acme", Model: "acme/open", Vendor: "acme", UpstreamModel: "open", ContextLength: 400_000, MaxCompletionTokens: 128_000,
			Status: catalog.Active, Terms: catalog.Terms{
				Quantization: "fp8", MaxPromptTokens: 272_000, SupportedParameters: []string{"max_tokens", "tools"}, Region: "eu", Moderated: true,
				DataPolicy: &catalog.DataPolicy{RetainsPrompts: true, RetentionDays: 30},
			},
		}},
		"catalog.endpoint_published.v1.trains": catalog.EndpointPublished{Endpoint: catalog.Endpoint{
			ID: "acme/open@trainer", Model: "acme/open", Vendor: "trainer", UpstreamModel: "open", ContextLength: 400_000, MaxCompletionTokens: 128_000,
			Status: catalog.Active, Terms: catalog.Terms{DataPolicy: &catalog.DataPolicy{Training: true}},
		}},
		"catalog.endpoint_published.v1.zdr": catalog.EndpointPublished{Endpoint: catalog.Endpoint{
			ID: "acme/open@north", Model: "acme/open", Vendor: "north", UpstreamModel: "open", ContextLength: 400_000, MaxCompletionTokens: 128_000,
			Status: catalog.Active, Terms: catalog.Terms{DataPolicy: &catalog.DataPolicy{ZDR: true}},
		}},
		"catalog.price_published.v1.group": catalog.PricePublished{EndpointID: "openai/gpt-5@openai", PriceVersion: catalog.PriceVersion{
			ID: samplePrice, Currency: money.USD, EffectiveFrom: sampleTime, Cost: &tiers, Price: tiers, Group: "partners",
		}},
		"catalog.price_published.v1.tiers": catalog.PricePublished{EndpointID: "openai/gpt-5@openai", PriceVersion: catalog.PriceVersion{
			ID: samplePrice, Currency: money.USD, EffectiveFrom: sampleTime, Cost: &tiers, Price: tiers,
		}},
		"catalog.price_published.v1": catalog.PricePublished{EndpointID: "openai/gpt-5@openai", PriceVersion: catalog.PriceVersion{
			ID: samplePrice, Currency: money.USD, EffectiveFrom: sampleTime, Cost: &cost, Price: catalog.Schedule{Base: base, Overrides: []catalog.Override{
				{MinPromptTokens: 200_000, Rates: rates("0.0000025", "0.000015")},
				{UTCStart: "22:00", UTCEnd: "06:00", Rates: catalog.Rates{usage.Output: money.MustPrice("0.000005")}},
			}},
		}},
	}
}
