package wallet

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// ReadJSON reads the stored form as AppendJSON writes it; false when it has another shape.
func (e *HoldPlaced) ReadJSON(body []byte) bool {
	f := domain.ReadObject(body)
	e.HoldID = f.ID("hold_id")
	e.KeyID = f.ID("key_id")
	readOptional(&f, "member_id", &e.MemberID, f.ID)
	e.Model = f.String("model")
	e.Endpoint = f.String("endpoint")
	e.PriceVersion = f.ID("price_version")
	readOptional(&f, "price_group", &e.PriceGroup, f.String)
	e.PromptTokens = f.Int("prompt_tokens")
	e.CompletionTokens = f.Int("completion_tokens")
	if f.Has("extra") {
		f.Value("extra", e.Extra.ReadJSON)
	}
	readOptional(&f, "service_tier", &e.ServiceTier, f.String)
	readOwnKey(&f, &e.OwnKey)
	f.Value("amount", e.Amount.ReadJSON)
	e.ExpiresAt = f.Time("expires_at")
	e.Currency = money.Currency(f.String("currency"))
	e.Balances.read(&f)
	f.Value("entry", e.Entry.ReadJSON)
	return whole(&f)
}

// ReadJSON reads the stored form as AppendJSON writes it; false when it has another shape.
func (e *UsageCharged) ReadJSON(body []byte) bool {
	f := domain.ReadObject(body)
	e.HoldID = f.ID("hold_id")
	e.KeyID = f.ID("key_id")
	readOptional(&f, "member_id", &e.MemberID, f.ID)
	e.Model = f.String("model")
	e.Endpoint = f.String("endpoint")
	e.Vendor = f.String("vendor")
	e.PriceVersion = f.ID("price_version")
	readOptional(&f, "price_group", &e.PriceGroup, f.String)
	readOptional(&f, "service_tier", &e.ServiceTier, f.String)
	f.Value("usage", e.Usage.ReadJSON)
	e.Provenance = usage.Provenance(f.String("provenance"))
	f.Value("line_items", func(b []byte) (rest []byte, ok bool) {
		e.LineItems, rest, ok = usage.ReadJSON(b)
		return rest, ok
	})
	f.Value("charge", e.Charge.ReadJSON)
	if f.Has("uncollectible") {
		f.Value("uncollectible", e.Uncollectible.ReadJSON)
	}
	f.Value("vendor_cost", e.VendorCost.ReadJSON)
	f.Value("hold_amount", e.HeldBefore.ReadJSON)
	if f.Has("late") {
		e.Late = f.Bool("late")
	}
	f.Value("call", e.Call.ReadJSON)
	e.Currency = money.Currency(f.String("currency"))
	e.Balances.read(&f)
	f.Value("entry", e.Entry.ReadJSON)
	return whole(&f)
}

// ReadJSON reads the stored form as AppendJSON writes it; false when it has another shape.
func (e *HoldReleased) ReadJSON(body []byte) bool {
	f := domain.ReadObject(body)
	e.HoldID = f.ID("hold_id")
	e.KeyID = f.ID("key_id")
	e.Model = f.String("model")
	e.Endpoint = f.String("endpoint")
	f.Value("amount", e.Amount.ReadJSON)
	e.Reason = f.String("reason")
	readOptional(&f, "vendor", &e.Vendor, f.String)
	readOptional(&f, "service_tier", &e.ServiceTier, f.String)
	if f.Has("usage") {
		f.Value("usage", e.Usage.ReadJSON)
	}
	if f.Has("vendor_cost") {
		f.Value("vendor_cost", e.VendorCost.ReadJSON)
	}
	f.Value("call", e.Call.ReadJSON)
	e.Currency = money.Currency(f.String("currency"))
	e.Balances.read(&f)
	f.Value("entry", e.Entry.ReadJSON)
	return whole(&f)
}

func (b *Balances) read(f *domain.Fields) {
	f.Value("posted_after", b.Posted.ReadJSON)
	f.Value("held_after", b.Held.ReadJSON)
}

// ReadJSON reads the stored form at the beginning of b and returns what follows it.
func (c *Call) ReadJSON(b []byte) (rest []byte, ok bool) {
	f := domain.ReadObject(b)
	c.Streamed = f.Bool("streamed")
	readOptional(&f, "cancelled", &c.Cancelled, f.Bool)
	readOptional(&f, "finish_reason", &c.FinishReason, f.String)
	readOptional(&f, "native_finish_reason", &c.NativeFinishReason, f.String)
	readOptional(&f, "upstream_id", &c.UpstreamID, f.String)
	readOptional(&f, "credential", &c.Credential, f.String)
	readOptional(&f, "attempts", &c.Attempts, func(name string) int { return int(f.Int(name)) })
	readOptional(&f, "error", &c.Error, f.String)
	readOptional(&f, "service_tier", &c.ServiceTier, f.String)
	readOptional(&f, "suspect", &c.Suspect, f.Bool)
	readOptional(&f, "started_at", &c.StartedAt, f.Time)
	readOptional(&f, "first_token_ms", &c.FirstTokenMS, f.Int)
	readOptional(&f, "duration_ms", &c.DurationMS, f.Int)
	readOptional(&f, "app_id", &c.AppID, f.ID)
	readOptional(&f, "app_url", &c.AppURL, f.String)
	readOptional(&f, "app_title", &c.AppTitle, f.String)
	readOptional(&f, "preset_id", &c.PresetID, f.ID)
	readOptional(&f, "preset_version", &c.PresetVersion, f.Int)
	readOptional(&f, "suspect_reason", &c.SuspectReason, f.String)
	readOptional(&f, "operation", &c.Operation, f.String)
	readOwnKey(&f, &c.OwnKey)
	if f.Has("upstream_cost") {
		f.Value("upstream_cost", c.UpstreamCost.ReadJSON)
	}
	return f.End()
}

// ReadJSON reads the stored form at the beginning of b and returns what follows it.
func (k *OwnKey) ReadJSON(b []byte) (rest []byte, ok bool) {
	f := domain.ReadObject(b)
	k.ID = f.ID("id")
	f.Value("rate", k.Rate.ReadJSON)
	return f.End()
}

func readOwnKey(f *domain.Fields, into **OwnKey) {
	if f.Has("own_key") {
		*into = &OwnKey{}
		f.Value("own_key", (*into).ReadJSON)
	}
}

func readOptional[T any](f *domain.Fields, name string, into *T, read func(name string) T) {
	if f.Has(name) {
		*into = read(name)
	}
}

// whole says whether the object ended with the body.
func whole(f *domain.Fields) bool {
	rest, ok := f.End()
	return ok && len(rest) == 0
}
