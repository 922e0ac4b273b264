package auditdb

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/wallet"
)

// generation is the row of a call that its hold made. State, and what follows it, change while the hold is open.
type generation struct {
	id, wallet, key, price    uuid.UUID
	model, endpoint, currency string
	hold                      amount
	maxPrompt, maxCompletion  int64
	placedAt                  time.Time
	position                  int64
	expiresAt                 time.Time
	state                     string
	expiredAt                 time.Time // zero for NULL
	expiryPosition            int64     // 0 for NULL
}

// generations compares the calls: each row is read when its hold was placed, and compared to the end when nothing can
// change it any more, or at the checkpoint.
type generations struct {
	rows *merge[generation]
	want generation            // of the hold under way
	open map[[16]byte]openCall // empty when the table is screened
}

// openCall is a call that may change its row.
type openCall struct {
	row  *generation
	hold *audit.Hold
}

const generationColumns = `generation_id, wallet_id, key_id, price_version, model, endpoint, currency, hold_amount::text,
	max_prompt_tokens, max_completion_tokens, placed_at, hold_position, expires_at, state, expired_at, expiry_position`

func newGenerations(ctx context.Context, v *view) ([]comparer, error) {
	rows, err := newScreened(ctx, v, layout[generation]{
		name: v.table(""), columns: generationColumns, order: `hold_position, generation_id`, scan: scanGeneration, encode: encodeGeneration,
		position: func(g *generation) int64 { return g.position }, key: func(g *generation) string { return g.id.String() }, compare: comparePlaced,
	})
	if err != nil {
		return nil, err
	}
	calls := &generations{rows: rows, open: map[[16]byte]openCall{}}
	ends, err := newEnds(ctx, v)
	if err != nil {
		return []comparer{calls}, err
	}
	corrected, err := newCorrections(ctx, v)
	return []comparer{calls, ends, corrected}, err
}

func scanGeneration(r *row) generation {
	return generation{
		id: r.uuid(0), wallet: r.uuid(1), key: r.uuid(2), price: r.uuid(3), model: r.text(4), endpoint: r.text(5), currency: r.text(6),
		hold: r.amount(7), maxPrompt: r.int64(8), maxCompletion: r.int64(9), placedAt: r.time(10), position: r.int64(11),
		expiresAt: r.time(12), state: r.text(13), expiredAt: r.time(14), expiryPosition: r.int64OrNull(15),
	}
}

func encodeGeneration(e *encoder, g *generation) {
	e.uuid(g.id)
	e.uuid(g.wallet)
	e.uuid(g.key)
	e.uuid(g.price)
	e.text(g.model)
	e.text(g.endpoint)
	e.text(g.currency)
	e.amount(g.hold.value)
	e.int64(g.maxPrompt)
	e.int64(g.maxCompletion)
	e.time(g.placedAt)
	e.int64(g.position)
	e.time(g.expiresAt)
	e.text(g.state)
	e.time(g.expiredAt)
	e.int64OrNull(g.expiryPosition)
}

// wanted is the row of a hold as it is now.
func (g *generations) wanted(h *audit.Hold) *generation {
	e, want := h.Placed, &g.want
	*want = generation{
		id: h.ID, wallet: h.Wallet.ID, key: e.KeyID, price: e.PriceVersion, model: e.Model, endpoint: e.Endpoint, currency: string(e.Currency),
		hold: amount{value: e.Amount}, maxPrompt: e.PromptTokens, maxCompletion: e.CompletionTokens, placedAt: h.PlacedAt, position: h.Position,
		expiresAt: h.ExpiresAt, state: "running", expiredAt: h.ExpiredAt, expiryPosition: h.ExpiredPosition,
	}
	switch {
	case !h.ExpiredAt.IsZero():
		want.state = "expired"
	case !h.SuspectSince.IsZero():
		want.state = "suspect"
	}
	return want
}

func (g *generations) tables() []Table { return []Table{g.rows.table()} }

func (g *generations) close() { g.rows.close() }

// Observe follows a hold, and at the checkpoint compares all calls that are still open.
func (g *generations) Observe(_ context.Context, step *audit.Step) error {
	if !g.rows.view.covers(step) {
		return nil
	}
	if step.Hold != nil {
		switch step.Data.(type) {
		case wallet.HoldPlaced:
			if err := g.placed(step.Hold); err != nil {
				return err
			}
		case wallet.HoldReleased, wallet.UsageCharged, wallet.HoldExpired:
			g.ended(step.Hold, step.Row.Position)
		}
	}
	if step.Row.Position != g.rows.view.position {
		return nil
	}
	if g.rows.screened != nil {
		for _, hold := range step.State.Holds {
			if hold.ExpiredAt.IsZero() {
				g.rows.count(g.wanted(hold))
			}
		}
	} else {
		calls := slices.Collect(maps.Values(g.open))
		slices.SortFunc(calls, func(a, b openCall) int { return cmp.Compare(a.hold.Position, b.hold.Position) })
		for _, call := range calls {
			g.ended(call.hold, step.Row.Position)
		}
	}
	return nil
}

func (g *generations) placed(h *audit.Hold) error {
	if g.rows.screened != nil {
		return nil
	}
	want := g.wanted(h)
	stored, found, err := g.rows.next(want)
	if err != nil || !found {
		return err
	}
	g.rows.compare(g.rows.diff(want), stored, want)
	g.open[h.ID] = openCall{stored, h}
	return nil
}

// comparePlaced compares what its hold makes of a call for good.
func comparePlaced(d *diff, stored, want *generation) {
	same(d, "generation_id", stored.id, want.id)
	same(d, "wallet_id", stored.wallet, want.wallet)
	same(d, "key_id", stored.key, want.key)
	same(d, "price_version", stored.price, want.price)
	same(d, "model", stored.model, want.model)
	same(d, "endpoint", stored.endpoint, want.endpoint)
	same(d, "currency", stored.currency, want.currency)
	d.amount("hold_amount", stored.hold, want.hold.value)
	same(d, "max_prompt_tokens", stored.maxPrompt, want.maxPrompt)
	same(d, "max_completion_tokens", stored.maxCompletion, want.maxCompletion)
	d.time("placed_at", stored.placedAt, want.placedAt)
}

// ended compares what changes while a hold is open. A charge or release leaves it as it is then.
func (g *generations) ended(h *audit.Hold, position int64) {
	if g.rows.screened != nil {
		if h.ExpiredAt.IsZero() || h.ExpiredPosition == position { // else it was counted when it expired
			g.rows.count(g.wanted(h))
		}
		return
	}
	call, ok := g.open[h.ID]
	if !ok {
		return // its row is missing, and was reported; or it was compared when it expired
	}
	delete(g.open, h.ID)
	want := g.wanted(call.hold)
	d := g.rows.view.diff(max(want.position, want.expiryPosition), g.rows.name, want.id.String)
	same(d, "state", call.row.state, want.state)
	d.time("expires_at", call.row.expiresAt, want.expiresAt)
	d.time("expired_at", call.row.expiredAt, want.expiredAt)
	same(d, "expiry_position", call.row.expiryPosition, want.expiryPosition)
}

// End reports rows that no event called for.
func (g *generations) End(context.Context, *audit.State) error { return g.rows.end() }
