package generations

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// batch is what a batch of events says: the rows that it makes, and the few that it changes.
type batch struct {
	placed    placements
	ended     ends
	corrected corrections
	moves     map[uuid.UUID]*move
	order     []uuid.UUID // of the moves
}

// move changes a hold that did not simply end; nil means that it says nothing of that.
type move struct {
	state     State
	expiresAt *time.Time
	expiredAt *time.Time
	position  *int64
}

func (b *batch) move(id uuid.UUID) *move {
	m, ok := b.moves[id]
	if !ok {
		if b.moves == nil {
			b.moves = map[uuid.UUID]*move{}
		}
		m = &move{}
		b.moves[id], b.order = m, append(b.order, id)
	}
	return m
}

// placements are the rows of new holds.
type placements struct {
	id, wallet, key, price    column.UUIDs
	model, endpoint, currency column.Texts
	amount                    column.Amounts
	prompt, completion        column.Ints
	placedAt                  column.Times
	position                  column.Ints
	expiresAt                 column.Times
	state                     column.Texts
}

func (p *placements) add(e *wallet.HoldPlaced, walletID uuid.UUID, at *runner.Event) {
	p.id.Add(e.HoldID)
	p.wallet.Add(walletID)
	p.key.Add(e.KeyID)
	p.model.Add(e.Model)
	p.endpoint.Add(e.Endpoint)
	p.price.Add(e.PriceVersion)
	p.currency.Add(string(e.Currency))
	p.amount.Add(e.Amount)
	p.prompt.Add(e.PromptTokens)
	p.completion.Add(e.CompletionTokens)
	p.placedAt.Add(at.RecordedAt)
	p.position.Add(at.Position)
	p.expiresAt.Add(e.ExpiresAt)
	p.state.Add(string(Running))
}

// ends are the rows of charges and releases. Each takes one call of add, result and amounts, and the documents.
type ends struct {
	id                                column.UUIDs
	state                             column.Texts
	at                                column.Times
	position                          column.Ints
	vendor, provenance, reason        column.Texts
	late                              column.Bools
	charge, uncollectible, vendorCost column.Amounts
	usage, lineItems, facts           column.Texts // JSON, as the event has it: kept to be shown, not to be searched
}

func (s *ends) add(id uuid.UUID, state State, at *runner.Event) {
	s.id.Add(id)
	s.state.Add(string(state))
	s.at.Add(at.RecordedAt)
	s.position.Add(at.Position)
}

func (s *ends) result(vendor, provenance, reason string, late bool) {
	s.vendor.Add(vendor)
	s.provenance.Add(provenance)
	s.reason.Add(reason)
	s.late.Add(late)
}

func (s *ends) amounts(charge, uncollectible, vendorCost money.Amount) {
	s.charge.Add(charge)
	s.uncollectible.Add(uncollectible)
	s.vendorCost.Add(vendorCost)
}

const moveHolds = `UPDATE views.generations_v1 AS g SET state = t.state, expires_at = coalesce(t.expires_at, g.expires_at),
	expired_at = coalesce(t.expired_at, g.expired_at), expiry_position = coalesce(t.position, g.expiry_position)
	FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[]) AS t(id, state, expires_at, expired_at, position)
	WHERE g.generation_id = t.id`

func (b *batch) write(w *runner.Writes) {
	p, e := &b.placed, &b.ended
	w.Insert("views.generations_v1", "generation_id, wallet_id, key_id, model, endpoint, price_version, currency, hold_amount, max_prompt_tokens, "+
		"max_completion_tokens, placed_at, hold_position, expires_at, state",
		&p.id, &p.wallet, &p.key, &p.model, &p.endpoint, &p.price, &p.currency, &p.amount, &p.prompt,
		&p.completion, &p.placedAt, &p.position, &p.expiresAt, &p.state)
	w.Insert("views.generations_ends_v1", "generation_id, state, ended_at, position, vendor, provenance, release_reason, late, "+
		"charge, uncollectible, vendor_cost, usage, line_items, call",
		&e.id, &e.state, &e.at, &e.position, &e.vendor, &e.provenance, &e.reason, &e.late,
		&e.charge, &e.uncollectible, &e.vendorCost, &e.usage, &e.lineItems, &e.facts)
	b.corrected.write(w)
	var id column.UUIDs
	var state column.Texts
	var expiresAt, expiredAt column.Times
	var position column.Ints
	for _, hold := range b.order {
		m := b.moves[hold]
		id.Add(hold)
		state.Add(string(m.state))
		expiresAt.Maybe(m.expiresAt)
		expiredAt.Maybe(m.expiredAt)
		position.Maybe(m.position)
	}
	w.Add(id.Len(), moveHolds, &id, &state, &expiresAt, &expiredAt, &position)
}
