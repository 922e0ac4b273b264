package wallet

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
)

// The events that each call writes have hand-written encodings; a test holds them equal to json.Marshal's.

// AppendJSON appends the stored form.
func (e HoldPlaced) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(grown(dst, 700))
	o.ID("hold_id", e.HoldID)
	o.ID("key_id", e.KeyID)
	if e.MemberID != uuid.Nil {
		o.ID("member_id", e.MemberID)
	}
	o.String("model", e.Model)
	o.String("endpoint", e.Endpoint)
	o.ID("price_version", e.PriceVersion)
	optional(&o, "price_group", e.PriceGroup)
	o.Int("prompt_tokens", e.PromptTokens)
	o.Int("completion_tokens", e.CompletionTokens)
	if len(e.Extra) > 0 {
		o.Value("extra", e.Extra.AppendJSON)
	}
	optional(&o, "service_tier", e.ServiceTier)
	if e.OwnKey != nil {
		o.Value("own_key", e.OwnKey.AppendJSON)
	}
	o.Value("amount", e.Amount.AppendJSON)
	o.Time("expires_at", e.ExpiresAt)
	o.String("currency", string(e.Currency))
	e.Balances.append(&o)
	o.Value("entry", e.Entry.AppendJSON)
	return o.End()
}

// AppendJSON appends the stored form.
func (e UsageCharged) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(grown(dst, 1600))
	o.ID("hold_id", e.HoldID)
	o.ID("key_id", e.KeyID)
	if e.MemberID != uuid.Nil {
		o.ID("member_id", e.MemberID)
	}
	o.String("model", e.Model)
	o.String("endpoint", e.Endpoint)
	o.String("vendor", e.Vendor)
	o.ID("price_version", e.PriceVersion)
	optional(&o, "price_group", e.PriceGroup)
	optional(&o, "service_tier", e.ServiceTier)
	o.Value("usage", e.Usage.AppendJSON)
	o.String("provenance", string(e.Provenance))
	o.Value("line_items", func(dst []byte) ([]byte, error) { return usage.AppendJSON(dst, e.LineItems) })
	o.Value("charge", e.Charge.AppendJSON)
	if !e.Uncollectible.IsZero() {
		o.Value("uncollectible", e.Uncollectible.AppendJSON)
	}
	o.Value("vendor_cost", e.VendorCost.AppendJSON)
	o.Value("hold_amount", e.HeldBefore.AppendJSON)
	if e.Late {
		o.Bool("late", true)
	}
	o.Value("call", e.Call.AppendJSON)
	o.String("currency", string(e.Currency))
	e.Balances.append(&o)
	o.Value("entry", e.Entry.AppendJSON)
	return o.End()
}

// AppendJSON appends the stored form.
func (e HoldReleased) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(grown(dst, 700))
	o.ID("hold_id", e.HoldID)
	o.ID("key_id", e.KeyID)
	o.String("model", e.Model)
	o.String("endpoint", e.Endpoint)
	o.Value("amount", e.Amount.AppendJSON)
	o.String("reason", e.Reason)
	optional(&o, "vendor", e.Vendor)
	optional(&o, "service_tier", e.ServiceTier)
	if len(e.Usage) > 0 {
		o.Value("usage", e.Usage.AppendJSON)
	}
	if !e.VendorCost.IsZero() {
		o.Value("vendor_cost", e.VendorCost.AppendJSON)
	}
	o.Value("call", e.Call.AppendJSON)
	o.String("currency", string(e.Currency))
	e.Balances.append(&o)
	o.Value("entry", e.Entry.AppendJSON)
	return o.End()
}

func (b Balances) append(o *domain.Object) {
	o.Value("posted_after", b.Posted.AppendJSON)
	o.Value("held_after", b.Held.AppendJSON)
}

// AppendJSON appends the stored form.
func (c Call) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(dst)
	o.Bool("streamed", c.Streamed)
	optional(&o, "cancelled", c.Cancelled)
	optional(&o, "finish_reason", c.FinishReason)
	optional(&o, "native_finish_reason", c.NativeFinishReason)
	optional(&o, "upstream_id", c.UpstreamID)
	optional(&o, "credential", c.Credential)
	optional(&o, "attempts", int64(c.Attempts))
	optional(&o, "error", c.Error)
	optional(&o, "service_tier", c.ServiceTier)
	optional(&o, "suspect", c.Suspect)
	if !c.StartedAt.IsZero() {
		o.Time("started_at", c.StartedAt)
	}
	optional(&o, "first_token_ms", c.FirstTokenMS)
	optional(&o, "duration_ms", c.DurationMS)
	if c.AppID != uuid.Nil {
		o.ID("app_id", c.AppID)
	}
	optional(&o, "app_url", c.AppURL)
	optional(&o, "app_title", c.AppTitle)
	if c.PresetID != uuid.Nil {
		o.ID("preset_id", c.PresetID)
	}
	optional(&o, "preset_version", c.PresetVersion)
	optional(&o, "suspect_reason", c.SuspectReason)
	optional(&o, "operation", c.Operation)
	if c.OwnKey != nil {
		o.Value("own_key", c.OwnKey.AppendJSON)
	}
	if !c.UpstreamCost.IsZero() {
		o.Value("upstream_cost", c.UpstreamCost.AppendJSON)
	}
	return o.End()
}

// optional appends a value other than the zero value.
func optional[T bool | int64 | string](o *domain.Object, name string, value T) {
	var zero T
	if value == zero {
		return
	}
	switch v := any(value).(type) {
	case bool:
		o.Bool(name, v)
	case int64:
		o.Int(name, v)
	case string:
		o.String(name, v)
	}
}

// grown makes room for the usual size of an event at once.
func grown(dst []byte, size int) []byte {
	if cap(dst)-len(dst) >= size {
		return dst
	}
	return append(make([]byte, 0, len(dst)+size), dst...)
}
