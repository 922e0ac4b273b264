package commands

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// PlaceHold admits a call: it reserves the most that the call can cost at the price in force, which is pinned.
type PlaceHold struct {
	HoldID           uuid.UUID      `json:"hold_id"` // the generation's id
	WalletID         uuid.UUID      `json:"wallet_id"`
	KeyID            uuid.UUID      `json:"key_id"`
	Model            string         `json:"model"`
	Endpoint         string         `json:"endpoint"`
	PromptTokens     int64          `json:"prompt_tokens"`          // upper bound
	CompletionTokens int64          `json:"completion_tokens"`      // cap, all choices together
	Extra            usage.Usage    `json:"extra,omitempty"`        // the most of media and of units that are no tokens: see usage.Bounds
	ServiceTier      string         `json:"service_tier,omitempty"` // that the call asks for: see catalog.Schedule.Allowed
	Choices          int64          `json:"choices"`                // answers asked for; the clamped cap stays a multiple of it. 0 means 1
	Clamp            bool           `json:"clamp"`                  // lower the cap to what is affordable rather than refuse
	TTL              time.Duration  `json:"ttl_ns"`
	OwnKey           *wallet.OwnKey `json:"own_key,omitempty"` // the customer's at the vendor: each rate of the price is a part of itself
}

// Held is an admitted call.
type Held struct {
	Amount           money.Amount `json:"amount"`
	PromptTokens     int64        `json:"prompt_tokens"`
	CompletionTokens int64        `json:"completion_tokens"` // the cap to send to the vendor; lower than asked when clamped
	PriceVersion     uuid.UUID    `json:"price_version"`
	PlacedAt         time.Time    `json:"placed_at"`
	ExpiresAt        time.Time    `json:"expires_at"`
	Available        money.Amount `json:"available"`
}

// PlaceHold records the hold, or refuses: insufficient_credits and key_limit_exceeded say which limit was hit, what is
// required, what is available, and how many output tokens are affordable. The command's id is the hold's, by which the
// log keeps a hold from being placed twice.
func (a *App) PlaceHold(ctx context.Context, m Meta, c PlaceHold) (Held, Receipt, error) {
	if m.CommandID != c.HoldID {
		return Held{}, Receipt{}, domain.Errorf(domain.CodeInvalid, "the id of the command that places a hold is the hold's")
	}
	return do(ctx, a, m, c)
}

func (PlaceHold) name() string { return "place_hold" }

// A refused call never happened: keeping its id would let anybody with an empty wallet fill the table. When the hold is
// there already the refusal is kept, which finds the placement and gives its outcome again.
func (PlaceHold) forgets(code domain.Code) bool { return code != domain.CodeHoldExists }

func (c PlaceHold) streams() []domain.StreamID {
	return []domain.StreamID{wallet.Stream(c.WalletID), apikey.Stream(c.KeyID), catalog.EndpointStream(c.Endpoint)}
}

func (c PlaceHold) decide(d *executor.Decision) (Held, error) {
	stream := wallet.Stream(c.WalletID)
	w := state[*wallet.State](d, stream)
	if _, placed := w.Find(c.HoldID); placed {
		return Held{}, domain.Errorf(domain.CodeHoldExists, "this hold is placed already")
	}
	key := state[*apikey.State](d, apikey.Stream(c.KeyID))
	if err := key.Use(c.WalletID, c.Model, d.Now()); err != nil {
		return Held{}, err
	}
	price, err := c.price(d, w.PriceGroup)
	if err != nil {
		return Held{}, err
	}
	if c.OwnKey != nil {
		price.Price = price.Price.Part(c.OwnKey.Rate)
	}
	by := wallet.Spender{KeyID: c.KeyID, Caps: key.Limits.Caps, MemberID: key.Limits.MemberID}
	c.ServiceTier = catalog.TierOf(c.ServiceTier)
	tiers, err := price.Price.Allowed(c.ServiceTier)
	if err != nil {
		return Held{}, err
	}
	if c.Clamp {
		c.CompletionTokens = c.clamped(w, by, price, d.Now())
	}
	e, err := w.PlaceHold(wallet.PlaceHold{
		HoldID: c.HoldID, KeyID: c.KeyID, Model: c.Model, Endpoint: c.Endpoint, PriceVersion: price.ID, PriceGroup: price.Group,
		PromptTokens: c.PromptTokens, CompletionTokens: c.CompletionTokens, Extra: c.Extra,
		ServiceTier: c.ServiceTier, OwnKey: c.OwnKey, MaxCost: price.Price.MaxCostOf(tiers, c.bounds(), d.Now()),
		Currency: price.Currency, Caps: by.Caps, MemberID: by.MemberID, ExpiresAt: d.Now().Add(c.TTL),
	}, d.Now())
	if err != nil {
		return Held{}, c.explain(err, w, by, price, d.Now())
	}
	return Held{
		Amount: e.Amount, PromptTokens: e.PromptTokens, CompletionTokens: e.CompletionTokens, PriceVersion: price.ID,
		PlacedAt: d.Now(), ExpiresAt: e.ExpiresAt, Available: e.Posted.Sub(e.Held),
	}, d.Append(stream, e)
}

func (c PlaceHold) bounds() usage.Bounds {
	return usage.Bounds{Prompt: c.PromptTokens, Completion: c.CompletionTokens, Extra: c.Extra}
}

func (c PlaceHold) price(d *executor.Decision, group string) (catalog.PriceVersion, error) {
	if c.PromptTokens < 0 || c.CompletionTokens < 0 || c.Choices < 0 {
		return catalog.PriceVersion{}, domain.Errorf(domain.CodeInvalid, "token bounds are not negative")
	}
	if err := c.bounds().Check(); err != nil {
		return catalog.PriceVersion{}, err
	}
	endpoint := state[*catalog.EndpointState](d, catalog.EndpointStream(c.Endpoint))
	if !endpoint.Published || endpoint.Endpoint.Model != c.Model || endpoint.Endpoint.Status != catalog.Active {
		return catalog.PriceVersion{}, domain.Errorf(domain.CodeEndpointNotFound, "the model %q has no such endpoint", c.Model)
	}
	return endpoint.PriceInForce(group, d.Now())
}

// clamped is the largest affordable cap, at least one token a choice: below that the hold is refused as usual.
func (c PlaceHold) clamped(w *wallet.State, by wallet.Spender, price catalog.PriceVersion, now time.Time) int64 {
	choices := max(c.Choices, 1)
	n := min(c.affordable(w, by, price, c.CompletionTokens, now), c.CompletionTokens)
	return max(n-n%choices, min(choices, c.CompletionTokens))
}

func (c PlaceHold) affordable(w *wallet.State, by wallet.Spender, price catalog.PriceVersion, limit int64, now time.Time) int64 {
	budget, _ := w.Budget(by, now)
	tiers, err := price.Price.Allowed(c.ServiceTier)
	if err != nil {
		return 0
	}
	n, ok := price.Price.AffordableOutputOf(tiers, budget, usage.Bounds{Prompt: c.PromptTokens, Completion: limit, Extra: c.Extra}, now)
	if !ok {
		return 0
	}
	return n
}

// explain adds the affordable output to a refusal for want of money.
func (c PlaceHold) explain(err error, w *wallet.State, by wallet.Spender, price catalog.PriceVersion, now time.Time) error {
	var refusal *domain.Error
	if !errors.As(err, &refusal) || (refusal.Code != domain.CodeInsufficientCredits && refusal.Code != domain.CodeKeyLimitExceeded) {
		return err
	}
	n := c.affordable(w, by, price, c.CompletionTokens, now) / max(c.Choices, 1)
	return refusal.With("affordable_output_tokens", strconv.FormatInt(n, 10))
}
