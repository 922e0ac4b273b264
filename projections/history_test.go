package projections_test

import (
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/generations"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/statement"
)

// history makes random events by the domain's own decisions on one wallet and its keys, and keeps what the read models must say.
type history struct {
	*rapid.T
	kit       *pt.Kit
	wallet    *wallet.State
	keys      []*apikey.State
	id        uuid.UUID
	holds     []uuid.UUID
	head      int64 // of the log when the read models are asked
	credited  money.Amount
	charged   money.Amount
	movements []statement.Movement                  // oldest first
	calls     map[uuid.UUID]*generations.Generation // what is not in the wallet's state
	charges   []*correctable
	next      func() uuid.UUID
}

// correctable is a charge with what it comes to by now.
type correctable struct {
	wallet.UsageCharged
	at     time.Time
	bill   wallet.Bill
	number int64
}

func newHistory(t *rapid.T, kit *pt.Kit, next func() uuid.UUID) *history {
	h := &history{T: t, kit: kit, wallet: wallet.New(), id: next(), next: next, calls: map[uuid.UUID]*generations.Generation{}}
	opened, err := h.wallet.Open(wallet.Open{WalletID: h.id, Owner: "o", Currency: money.USD})
	require.NoError(t, err)
	h.accept(opened)
	for range 2 {
		key := apikey.New()
		h.keys = append(h.keys, key)
		issued, err := key.Issue(apikey.Issue{KeyID: next(), WalletID: h.id, Hash: h.hash(), Label: "l"}, kit.Now)
		h.acceptKey(key, issued.KeyID, issued, err)
	}
	h.topUp()
	return h
}

func (h *history) steps() []func() {
	return []func(){
		h.topUp, h.grant, h.adjust, h.place, h.place, h.place, h.place, h.extend, h.settle, h.settle, h.settle, h.correct, h.release, h.expire, h.expire,
		h.expire, h.pass, h.pass, h.changeKey,
	}
}

// accept appends a wallet event and notes what the generation and the statement must say of it.
func (h *history) accept(e wallet.Event) {
	before := h.wallet.Posted
	position := h.kit.Append(h.Context(), h, pt.Wallet(h.id, e))
	h.wallet.Apply(e, h.kit.Now)
	h.follow(e, position)
	switch e := e.(type) {
	case wallet.ToppedUp:
		h.move(position, statement.TopUp, before, e.Reason, e.Reference)
	case wallet.Granted:
		h.move(position, statement.Grant, before, e.Reason, e.Reference)
	case wallet.Adjusted:
		h.move(position, statement.Adjustment, before, e.Reason, e.Reference)
	case wallet.UsageCharged:
		h.move(position, statement.Charge, before, "", "")
		m := &h.movements[len(h.movements)-1]
		m.GenerationID, m.KeyID, m.Model = &e.HoldID, &e.KeyID, e.Model
		h.charges = append(h.charges, &correctable{UsageCharged: e, at: h.kit.Now, bill: e.Bill()})
	case wallet.ChargeCorrected:
		h.move(position, statement.Correction, before, e.Reason, e.Evidence)
		m := &h.movements[len(h.movements)-1]
		m.GenerationID, m.KeyID, m.Model = &e.HoldID, &e.KeyID, e.Model
	}
}

func (h *history) move(position int64, kind string, before money.Amount, reason, reference string) {
	amount := h.wallet.Posted.Sub(before)
	if kind == statement.Charge || kind == statement.Correction {
		h.charged = h.charged.Sub(amount)
	} else {
		h.credited = h.credited.Add(amount)
	}
	h.movements = append(h.movements, statement.Movement{
		Position: position, RecordedAt: h.kit.Now, Kind: kind, Amount: amount, BalanceBefore: before, BalanceAfter: h.wallet.Posted,
		Currency: money.USD, Reason: reason, Reference: reference,
	})
}

// follow notes the calls by their events, as plainly as it can be said.
func (h *history) follow(e wallet.Event, position int64) {
	end := func(id uuid.UUID, state generations.State) *generations.Generation {
		g := h.calls[id]
		g.State, g.EndedAt, g.EndPosition = state, h.kit.Now, position
		return g
	}
	switch e := e.(type) {
	case wallet.HoldPlaced:
		h.calls[e.HoldID] = &generations.Generation{
			ID: e.HoldID, WalletID: h.id, KeyID: e.KeyID, Model: e.Model, Endpoint: e.Endpoint, State: generations.Running, PriceVersion: e.PriceVersion,
			Currency: e.Currency, HoldAmount: e.Amount, MaxPromptTokens: e.PromptTokens, MaxCompletionTokens: e.CompletionTokens,
			PlacedAt: h.kit.Now, ExpiresAt: e.ExpiresAt, HoldPosition: position,
		}
	case wallet.HoldExtended:
		h.calls[e.HoldID].State, h.calls[e.HoldID].ExpiresAt = generations.Running, e.ExpiresAt
	case wallet.HoldSuspected:
		h.calls[e.HoldID].State = generations.Suspect
	case wallet.HoldExpired:
		end(e.HoldID, generations.Expired)
	case wallet.HoldReleased:
		g := end(e.HoldID, generations.Released)
		g.ReleaseReason, g.Call = e.Reason, e.Call
	case wallet.UsageCharged:
		g := end(e.HoldID, generations.Charged)
		g.ChargePosition, g.Vendor, g.Charge, g.Debited, g.Uncollectible, g.VendorCost = position, e.Vendor, e.Charge, e.Debited(), e.Uncollectible, e.VendorCost
		g.Usage, g.Provenance, g.LineItems, g.Call, g.Late = e.Usage, e.Provenance, e.LineItems, e.Call, e.Late
	case wallet.ChargeCorrected:
		g := h.calls[e.HoldID]
		c := generations.Correction{
			Number: e.Number, Position: position, CorrectedAt: h.kit.Now, Evidence: e.Evidence, Reason: e.Reason, Insured: e.Insured,
			Original: generations.Original{Charge: g.Charge, Uncollectible: g.Uncollectible, VendorCost: g.VendorCost, Usage: g.Usage, Provenance: g.Provenance, LineItems: g.LineItems},
		}
		if g.Correction != nil {
			c.Original = g.Correction.Original
		}
		g.Correction, g.Charge, g.Debited, g.Uncollectible, g.VendorCost = &c, e.After.Charge, e.After.Paid(), e.After.Uncollectible, e.After.VendorCost
		g.Usage, g.Provenance, g.LineItems = e.After.Usage, e.Provenance, e.LineItems
	}
}

// try accepts what the wallet decided; a refusal is as good.
func try[E wallet.Event](h *history, e E, err error) {
	if err == nil {
		h.accept(e)
	}
}

func (h *history) amount() money.Amount {
	return money.MustParse(rapid.OneOf(rapid.StringMatching(`[0-9](\.[0-9]{1,3})?`), rapid.StringMatching(`0\.[0-9]{10,12}`)).Draw(h.T, "amount"))
}

func (h *history) topUp() {
	e, err := h.wallet.TopUp(wallet.TopUp{Amount: h.amount(), Currency: money.USD, PSP: "operator", Reason: "r", Reference: "ref"})
	try(h, e, err)
}

func (h *history) grant() {
	e, err := h.wallet.Grant(wallet.Grant{Amount: h.amount(), Currency: money.USD, Reason: "g"})
	try(h, e, err)
}

func (h *history) adjust() {
	amount := h.amount()
	if rapid.Bool().Draw(h.T, "negative") {
		amount = amount.Neg()
	}
	e, err := h.wallet.Adjust(wallet.Adjust{Amount: amount, Currency: money.USD, Reason: "a"})
	try(h, e, err)
}

func (h *history) key() *apikey.State {
	return h.keys[rapid.IntRange(0, len(h.keys)-1).Draw(h.T, "key")]
}

func (h *history) place() {
	id := h.next()
	e, err := h.wallet.PlaceHold(wallet.PlaceHold{
		HoldID: id, KeyID: h.key().ID, Model: rapid.SampledFrom([]string{"acme/one", "acme/two"}).Draw(h.T, "model"), Endpoint: "acme/one@north",
		PriceVersion: pt.ID(900), PromptTokens: 10, CompletionTokens: 20, MaxCost: h.amount(), Currency: money.USD,
		ExpiresAt: h.kit.Now.Add(time.Duration(rapid.IntRange(1, 60).Draw(h.T, "minutes")) * time.Minute),
	}, h.kit.Now)
	if err == nil {
		h.holds = append(h.holds, id)
		h.accept(e)
	}
}

// hold is one that was placed at some time; mostly a recent one.
func (h *history) hold() uuid.UUID {
	if len(h.holds) == 0 {
		return uuid.Nil
	}
	return h.holds[max(0, len(h.holds)-1-rapid.IntRange(0, 6).Draw(h.T, "hold"))]
}

func (h *history) extend() {
	e, err := h.wallet.ExtendHold(wallet.ExtendHold{HoldID: h.hold(), ExpiresAt: h.kit.Now.Add(2 * time.Hour)}, h.kit.Now)
	try(h, e, err)
}

func (h *history) settle() {
	rate := money.MustPrice(rapid.StringMatching(`0\.[0-9]{1,12}`).Draw(h.T, "rate"))
	used := usage.Usage{usage.Output: rapid.Int64Range(1, 12).Draw(h.T, "tokens")}
	schedule := catalog.Schedule{Base: catalog.Rates{usage.Output: rate}}
	e, err := h.wallet.SettleHold(wallet.SettleHold{
		HoldID: h.hold(), Vendor: "north", Usage: used, Provenance: usage.Estimated, LineItems: schedule.LineItems(used, h.kit.Now),
		VendorCost: h.amount(), Call: wallet.Call{Streamed: true, FinishReason: "stop", DurationMS: 5},
	}, h.kit.Now)
	try(h, e, err)
}

// correct says what a call used in truth.
func (h *history) correct() {
	if len(h.charges) == 0 {
		return
	}
	c := rapid.SampledFrom(h.charges).Draw(h.T, "corrected")
	used := usage.Usage{usage.Output: rapid.Int64Range(0, 30).Draw(h.T, "truth")}
	schedule := catalog.Schedule{Base: catalog.Rates{usage.Output: money.MustPrice(rapid.StringMatching(`0\.[0-9]{1,12}`).Draw(h.T, "rate"))}}
	e, err := h.wallet.CorrectCharge(wallet.CorrectCharge{
		Charge: c.UsageCharged, Position: 1, ChargedAt: c.at, PlacedAt: c.at, Number: c.number + 1, Before: c.bill, Usage: used, Provenance: usage.LookedUp,
		Evidence: "lookup", Reason: "usage was missing", LineItems: schedule.LineItems(used, c.at), VendorCost: h.amount(),
	})
	if err == nil {
		c.bill, c.number = e.After, e.Number
	}
	try(h, e, err)
}

func (h *history) release() {
	e, err := h.wallet.ReleaseHold(wallet.ReleaseHold{HoldID: h.hold(), Reason: "nothing_produced", Call: wallet.Call{Error: "timeout"}})
	try(h, e, err)
}

func (h *history) expire() {
	if due := h.wallet.Due(h.kit.Now, 1); len(due) > 0 {
		e, err := h.wallet.ExpireHold(due[0], h.kit.Now)
		try(h, e, err)
	}
}

func (h *history) pass() {
	step := rapid.OneOf(rapid.Int64Range(0, int64(time.Minute)), rapid.Int64Range(0, int64(3*time.Hour)), rapid.Int64Range(0, int64(60*time.Hour)))
	h.kit.Now = h.kit.Now.Add(time.Duration(step.Draw(h.T, "time")).Truncate(time.Microsecond))
}

func (h *history) hash() apikey.Hash {
	return apikey.HashSecret(h.next().String())
}

func (h *history) changeKey() {
	k := h.key()
	switch rapid.IntRange(0, 12).Draw(h.T, "change") {
	case 0, 1, 2:
		e, err := k.Rotate(apikey.Rotate{Hash: h.hash(), Label: "rotated", Grace: time.Hour}, h.kit.Now)
		h.acceptKey(k, k.ID, e, err)
	case 3, 4, 5:
		limit := h.amount()
		e, err := k.Update(apikey.Update{Limits: apikey.Limits{Name: "n", Caps: wallet.Caps{Week: &limit}}}, h.kit.Now)
		h.acceptKey(k, k.ID, e, err)
	case 6, 7, 8:
		e, err := k.Disable(apikey.Disable{Reason: "d"})
		h.acceptKey(k, k.ID, e, err)
	case 9, 10, 11:
		e, err := k.Enable()
		h.acceptKey(k, k.ID, e, err)
	case 12:
		e, err := k.Revoke(apikey.Revoke{Reason: "end"})
		h.acceptKey(k, k.ID, e, err)
	}
}

func (h *history) acceptKey(k *apikey.State, id uuid.UUID, e apikey.Event, err error) {
	if err == nil {
		h.kit.Append(h.Context(), h, pt.Key(id, e))
		k.Apply(e, h.kit.Now)
	}
}
