package commands

import (
	"slices"

	"github.com/massrouter/massrouter/domain"
)

// The commands of each call and their outcomes have hand-written encodings; a test holds them equal to json.Marshal's.

// AppendJSON appends the input that is hashed.
func (c PlaceHold) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(dst)
	o.ID("hold_id", c.HoldID)
	o.ID("wallet_id", c.WalletID)
	o.ID("key_id", c.KeyID)
	o.String("model", c.Model)
	o.String("endpoint", c.Endpoint)
	o.Int("prompt_tokens", c.PromptTokens)
	o.Int("completion_tokens", c.CompletionTokens)
	if len(c.Extra) > 0 {
		o.Value("extra", c.Extra.AppendJSON)
	}
	if c.ServiceTier != "" {
		o.String("service_tier", c.ServiceTier)
	}
	o.Int("choices", c.Choices)
	o.Bool("clamp", c.Clamp)
	o.Int("ttl_ns", c.TTL.Nanoseconds())
	if c.OwnKey != nil {
		o.Value("own_key", c.OwnKey.AppendJSON)
	}
	return o.End()
}

// AppendJSON appends the input that is hashed.
func (c ExtendHold) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(dst)
	o.ID("hold_id", c.HoldID)
	o.ID("wallet_id", c.WalletID)
	o.Int("ttl_ns", c.TTL.Nanoseconds())
	return o.End()
}

// AppendJSON appends the input that is hashed.
func (c SettleHold) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(dst)
	o.ID("hold_id", c.HoldID)
	o.ID("wallet_id", c.WalletID)
	o.String("endpoint", c.Endpoint)
	if c.ServiceTier != "" {
		o.String("service_tier", c.ServiceTier)
	}
	if len(c.Usage) > 0 {
		o.Value("usage", c.Usage.AppendJSON)
	}
	o.String("provenance", string(c.Provenance))
	o.Value("call", c.Call.AppendJSON)
	return o.End()
}

// AppendJSON appends the input that is hashed.
func (c ReleaseHold) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(dst)
	o.ID("hold_id", c.HoldID)
	o.ID("wallet_id", c.WalletID)
	o.String("reason", c.Reason)
	if c.Endpoint != "" {
		o.String("endpoint", c.Endpoint)
	}
	if c.ServiceTier != "" {
		o.String("service_tier", c.ServiceTier)
	}
	if len(c.Usage) > 0 {
		o.Value("usage", c.Usage.AppendJSON)
	}
	o.Value("call", c.Call.AppendJSON)
	return o.End()
}

// AppendJSON appends the recorded outcome.
func (h Held) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(slices.Grow(dst, 320))
	o.Value("amount", h.Amount.AppendJSON)
	o.Int("prompt_tokens", h.PromptTokens)
	o.Int("completion_tokens", h.CompletionTokens)
	o.ID("price_version", h.PriceVersion)
	o.Time("placed_at", h.PlacedAt)
	o.Time("expires_at", h.ExpiresAt)
	o.Value("available", h.Available.AppendJSON)
	return o.End()
}

// AppendJSON appends the recorded outcome.
func (e Extended) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(slices.Grow(dst, 64))
	o.Time("expires_at", e.ExpiresAt)
	return o.End()
}

// AppendJSON appends the recorded outcome.
func (c Charged) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(slices.Grow(dst, 256))
	o.Value("charge", c.Charge.AppendJSON)
	o.Value("debited", c.Debited.AppendJSON)
	if !c.Uncollectible.IsZero() {
		o.Value("uncollectible", c.Uncollectible.AppendJSON)
	}
	o.Value("prompt_cost", c.PromptCost.AppendJSON)
	o.Value("completion_cost", c.CompletionCost.AppendJSON)
	o.Value("vendor_cost", c.VendorCost.AppendJSON)
	if !c.UpstreamCost.IsZero() {
		o.Value("upstream_cost", c.UpstreamCost.AppendJSON)
	}
	o.Value("posted", c.Posted.AppendJSON)
	o.Value("held", c.Held.AppendJSON)
	return o.End()
}

// AppendJSON appends the recorded outcome.
func (b Balance) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(slices.Grow(dst, 128))
	o.Value("posted", b.Posted.AppendJSON)
	o.Value("held", b.Held.AppendJSON)
	o.Value("available", b.Available.AppendJSON)
	return o.End()
}
