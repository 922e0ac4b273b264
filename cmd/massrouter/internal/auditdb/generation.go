package auditdb

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// generation is a row of the calls. What the hold gives comes first, then what its fate adds.
type generation struct {
	id, wallet, key, price         uuid.UUID
	model, endpoint, currency      string
	hold                           amount
	maxPrompt, maxCompletion       int64
	placedAt                       time.Time
	position                       int64
	expiresAt                      time.Time
	state                          string
	endedAt                        time.Time // zero for NULL
	endPosition                    int64     // 0 for NULL
	vendor                         string
	charge, debited, uncollectible amount
	vendorCost                     amount
	provenance                     string
	usage, lineItems, call         []byte
	releaseReason                  string
	late                           bool
}

// generations compares the calls: each row is read when its hold was placed, and compared when its fate is known.
type generations struct {
	rows *merge[generation]
	open map[[16]byte]*pending
	done []Table
}

// pending is a call whose fate is not known yet. An expired one whose row says so was compared, and its row is nil.
type pending struct {
	row  *generation
	hold *audit.Hold
}

const generationsSQL = `SELECT generation_id, wallet_id, key_id, price_version, model, endpoint, currency, hold_amount::text,
	max_prompt_tokens, max_completion_tokens, placed_at, hold_position, expires_at, state, ended_at, coalesce(end_position, 0), vendor,
	charge::text, debited::text, uncollectible::text, vendor_cost::text, provenance, usage::text, line_items::text, call::text,
	release_reason, late FROM views.generations_v1 ORDER BY hold_position, generation_id`

func newGenerations(ctx context.Context, v *view) ([]comparer, error) {
	rows, err := newMerge(ctx, v, v.table(""), generationsSQL, scanGeneration,
		func(g generation) int64 { return g.position }, generation.name)
	if err != nil {
		return nil, err
	}
	return []comparer{&generations{rows: rows, open: map[[16]byte]*pending{}}}, nil
}

func scanGeneration(r *row) generation {
	return generation{
		id: r.uuid(0), wallet: r.uuid(1), key: r.uuid(2), price: r.uuid(3), model: r.text(4), endpoint: r.text(5), currency: r.text(6),
		hold: r.amount(7), maxPrompt: r.int64(8), maxCompletion: r.int64(9), placedAt: r.time(10), position: r.int64(11),
		expiresAt: r.time(12), state: r.text(13), endedAt: r.time(14), endPosition: r.int64(15), vendor: r.text(16), charge: r.amount(17),
		debited: r.amount(18), uncollectible: r.amount(19), vendorCost: r.amount(20), provenance: r.text(21), usage: r.bytes(22),
		lineItems: r.bytes(23), call: r.bytes(24), releaseReason: r.text(25), late: r.bool(26),
	}
}

func (g generation) name() string { return g.id.String() }

func (g *generations) tables() []Table { return g.done }

func (g *generations) close() { g.rows.close() }

// Observe follows a hold, and at the checkpoint compares all calls that are still open.
func (g *generations) Observe(_ context.Context, step *audit.Step) error {
	if !g.rows.view.covers(step) {
		return nil
	}
	if err := g.follow(step); err != nil {
		return err
	}
	if step.Row.Position == g.rows.view.position {
		for _, p := range g.open {
			if p.row != nil {
				g.compareFate(p.hold, p.row, unsettled(p.hold))
			}
		}
		clear(g.open)
	}
	return nil
}

func (g *generations) follow(step *audit.Step) error {
	h := step.Hold
	if h == nil {
		return nil
	}
	switch e := step.Data.(type) {
	case wallet.HoldPlaced:
		return g.placed(h)
	case wallet.HoldReleased:
		g.ended(step, h, released(&e))
	case wallet.UsageCharged:
		g.ended(step, h, charged(&e))
	case wallet.HoldExpired:
		g.expired(h)
	}
	return nil
}

func (g *generations) placed(h *audit.Hold) error {
	id := uuid.UUID(h.ID)
	stored, found, err := g.rows.next(h.Position, id.String)
	if err != nil || !found {
		return err
	}
	d, e := g.rows.view.diff(h.Position, g.rows.name, id.String), h.Placed
	same(d, "generation_id", stored.id, id)
	same(d, "wallet_id", stored.wallet, h.Wallet.ID)
	same(d, "key_id", stored.key, e.KeyID)
	same(d, "price_version", stored.price, e.PriceVersion)
	same(d, "model", stored.model, e.Model)
	same(d, "endpoint", stored.endpoint, e.Endpoint)
	same(d, "currency", stored.currency, string(e.Currency))
	d.amount("hold_amount", stored.hold, e.Amount)
	same(d, "max_prompt_tokens", stored.maxPrompt, e.PromptTokens)
	same(d, "max_completion_tokens", stored.maxCompletion, e.CompletionTokens)
	d.time("placed_at", stored.placedAt, h.PlacedAt)
	g.open[h.ID] = &pending{&stored, h}
	return nil
}

// compareFate compares what became of a call: the columns that its hold does not give.
func (g *generations) compareFate(h *audit.Hold, stored *generation, want generation) {
	d := g.rows.view.diff(h.Position, g.rows.name, stored.id.String)
	if want.endPosition > 0 {
		d.position = want.endPosition
	}
	d.time("expires_at", stored.expiresAt, h.ExpiresAt)
	same(d, "state", stored.state, want.state)
	d.time("ended_at", stored.endedAt, want.endedAt)
	same(d, "end_position", stored.endPosition, want.endPosition)
	same(d, "vendor", stored.vendor, want.vendor)
	d.amount("charge", stored.charge, want.charge.value)
	d.amount("debited", stored.debited, want.debited.value)
	d.amount("uncollectible", stored.uncollectible, want.uncollectible.value)
	d.amount("vendor_cost", stored.vendorCost, want.vendorCost.value)
	same(d, "provenance", stored.provenance, want.provenance)
	d.json("usage", stored.usage, want.usage)
	d.json("line_items", stored.lineItems, want.lineItems)
	d.json("call", stored.call, want.call)
	same(d, "release_reason", stored.releaseReason, want.releaseReason)
	same(d, "late", stored.late, want.late)
}

// ended compares a call that nothing can follow.
func (g *generations) ended(step *audit.Step, h *audit.Hold, want generation) {
	p, ok := g.open[h.ID]
	if !ok {
		return // its row is missing, and was reported
	}
	delete(g.open, h.ID)
	want.endedAt, want.endPosition = step.Row.RecordedAt, step.Row.Position
	if p.row == nil { // as it was compared then
		p.row = &generation{id: h.ID, state: "expired", expiresAt: h.ExpiresAt, endedAt: h.ExpiredAt, endPosition: h.ExpiredPosition}
	}
	g.compareFate(h, p.row, want)
}

// expired compares a call whose row says that it expired; another row may say that a charge follows.
func (g *generations) expired(h *audit.Hold) {
	if p, ok := g.open[h.ID]; ok && p.row.state == "expired" {
		g.compareFate(h, p.row, unsettled(h))
		p.row = nil
	}
}

// unsettled is a call without a charge or release, as its hold stands.
func unsettled(h *audit.Hold) generation {
	g := generation{state: "running"}
	switch {
	case !h.ExpiredAt.IsZero():
		g.state, g.endedAt, g.endPosition = "expired", h.ExpiredAt, h.ExpiredPosition
	case !h.SuspectSince.IsZero():
		g.state = "suspect"
	}
	return g
}

func released(e *wallet.HoldReleased) generation {
	return generation{state: "released", releaseReason: e.Reason, call: document(e.Call.AppendJSON)}
}

func charged(e *wallet.UsageCharged) generation {
	return generation{
		state: "charged", vendor: e.Vendor, charge: amount{value: e.Charge}, debited: amount{value: e.Charge.Sub(e.Uncollectible)},
		uncollectible: amount{value: e.Uncollectible}, vendorCost: amount{value: e.VendorCost}, provenance: string(e.Provenance), late: e.Late,
		usage:     document(e.Usage.AppendJSON),
		lineItems: document(func(dst []byte) ([]byte, error) { return usage.AppendJSON(dst, e.LineItems) }),
		call:      document(e.Call.AppendJSON),
	}
}

// document is a part of an event as JSON. One that has none, which no decoded event has, equals nothing that is stored.
func document(appendJSON func([]byte) ([]byte, error)) []byte {
	text, err := appendJSON(nil)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// End reports rows that no event called for.
func (g *generations) End(context.Context, *audit.State) error {
	table, err := g.rows.end()
	g.done = []Table{table}
	return err
}
