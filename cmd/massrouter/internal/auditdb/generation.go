package auditdb

import (
	"context"
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
	open map[[16]byte]*openCall
	done []Table
}

type openCall struct {
	row  *generation
	hold *audit.Hold
}

const generationsSQL = `SELECT generation_id, wallet_id, key_id, price_version, model, endpoint, currency, hold_amount::text,
	max_prompt_tokens, max_completion_tokens, placed_at, hold_position, expires_at, state, expired_at, coalesce(expiry_position, 0)
	FROM views.generations_v1 ORDER BY hold_position, generation_id`

func newGenerations(ctx context.Context, v *view) ([]comparer, error) {
	rows, err := newMerge(ctx, v, v.table(""), generationsSQL, func(r *row) generation {
		return generation{
			id: r.uuid(0), wallet: r.uuid(1), key: r.uuid(2), price: r.uuid(3), model: r.text(4), endpoint: r.text(5), currency: r.text(6),
			hold: r.amount(7), maxPrompt: r.int64(8), maxCompletion: r.int64(9), placedAt: r.time(10), position: r.int64(11),
			expiresAt: r.time(12), state: r.text(13), expiredAt: r.time(14), expiryPosition: r.int64(15),
		}
	}, func(g generation) int64 { return g.position }, func(g generation) string { return g.id.String() })
	if err != nil {
		return nil, err
	}
	calls := &generations{rows: rows, open: map[[16]byte]*openCall{}}
	ends, err := newEnds(ctx, v)
	return []comparer{calls, ends}, err
}

func (g *generations) tables() []Table { return g.done }

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
			g.ended(step.Hold.ID)
		}
	}
	if step.Row.Position == g.rows.view.position {
		for id := range g.open {
			g.ended(id)
		}
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
	g.open[h.ID] = &openCall{&stored, h}
	return nil
}

// ended compares what changes while a hold is open. A charge or release leaves it as it is then.
func (g *generations) ended(id [16]byte) {
	call, ok := g.open[id]
	if !ok {
		return // its row is missing, and was reported; or it was compared when it expired
	}
	delete(g.open, id)
	h := call.hold
	d := g.rows.view.diff(max(h.Position, h.ExpiredPosition), g.rows.name, uuid.UUID(id).String)
	state := "running"
	switch {
	case !h.ExpiredAt.IsZero():
		state = "expired"
	case !h.SuspectSince.IsZero():
		state = "suspect"
	}
	same(d, "state", call.row.state, state)
	d.time("expires_at", call.row.expiresAt, h.ExpiresAt)
	d.time("expired_at", call.row.expiredAt, h.ExpiredAt)
	same(d, "expiry_position", call.row.expiryPosition, h.ExpiredPosition)
}

// End reports rows that no event called for.
func (g *generations) End(context.Context, *audit.State) error {
	table, err := g.rows.end()
	g.done = []Table{table}
	return err
}
