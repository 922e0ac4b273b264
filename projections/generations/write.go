package generations

import (
	"slices"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// placements are the columns that a hold gives.
type placements struct {
	wallet, key        column.UUIDs
	model, endpoint    column.Texts
	price              column.UUIDs
	currency           column.Texts
	amount             column.Amounts
	prompt, completion column.Ints
	placedAt           column.Times
	position           column.Ints
}

func (p *placements) add(c *call) {
	h := c.placed
	p.wallet.Add(c.walletID)
	p.key.Add(h.KeyID)
	p.model.Add(h.Model)
	p.endpoint.Add(h.Endpoint)
	p.price.Add(h.PriceVersion)
	p.currency.Add(string(h.Currency))
	p.amount.Add(h.Amount)
	p.prompt.Add(h.PromptTokens)
	p.completion.Add(h.CompletionTokens)
	p.placedAt.Add(c.placedAt)
	p.position.Add(c.holdPosition)
}

func (p *placements) columns() []column.Array {
	return []column.Array{
		&p.wallet, &p.key, &p.model, &p.endpoint, &p.price, &p.currency, &p.amount, &p.prompt, &p.completion, &p.placedAt, &p.position,
	}
}

// stages are the columns that say where a generation stands.
type stages struct {
	id                 column.UUIDs
	state              column.Texts
	expiresAt, endedAt column.Times
	endPosition        column.Ints
}

func (s *stages) add(id uuid.UUID, c *call) {
	s.id.Add(id)
	s.state.Add(string(c.state))
	s.expiresAt.Maybe(c.expiresAt)
	s.endedAt.Maybe(c.endedAt)
	s.endPosition.Maybe(c.endPosition)
}

func (s *stages) columns() []column.Array {
	return []column.Array{&s.id, &s.state, &s.expiresAt, &s.endedAt, &s.endPosition}
}

// results are the columns that a charge or a release gives.
type results struct {
	vendor, provenance                         column.Texts
	charge, debited, uncollectible, vendorCost column.Amounts
	usage, lineItems, facts, reason            column.Texts
	late                                       column.Bools
}

func (r *results) add(c *call) {
	r.vendor.Add(c.vendor)
	r.provenance.Add(c.provenance)
	r.charge.Add(c.charge)
	r.debited.Add(c.debited)
	r.uncollectible.Add(c.uncollectible)
	r.vendorCost.Add(c.vendorCost)
	r.usage.Maybe(c.usage)
	r.lineItems.Maybe(c.lineItems)
	r.facts.Maybe(c.facts)
	r.reason.Add(c.releaseReason)
	r.late.Add(c.late)
}

func (r *results) columns() []column.Array {
	return []column.Array{
		&r.vendor, &r.provenance, &r.charge, &r.debited, &r.uncollectible, &r.vendorCost, &r.usage, &r.lineItems, &r.facts, &r.reason, &r.late,
	}
}

const (
	unnestStages  = `$1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[]`
	namesOfStages = `generation_id, state, expires_at, ended_at, end_position`

	unnestResults = `$6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
		$15::text[], $16::boolean[]`
	namesOfResults = `vendor, provenance, charge, debited, uncollectible, vendor_cost, usage, line_items, call, release_reason, late`
	castResults    = `t.vendor, t.provenance, t.charge::numeric, t.debited::numeric, t.uncollectible::numeric, t.vendor_cost::numeric,
		t.usage::json, t.line_items::json, t.call::json, t.release_reason, t.late`
)

const insertCalls = `INSERT INTO views.generations_v1 (` + namesOfStages + `, ` + namesOfResults + `, wallet_id, key_id, model, endpoint,
	price_version, currency, hold_amount, max_prompt_tokens, max_completion_tokens, placed_at, hold_position)
	SELECT t.generation_id, t.state, t.expires_at, t.ended_at, t.end_position, ` + castResults + `, t.wallet_id, t.key_id, t.model,
		t.endpoint, t.price_version, t.currency, t.hold_amount::numeric, t.prompt, t.completion, t.placed_at, t.hold_position
	FROM unnest(` + unnestStages + `, ` + unnestResults + `, $17::uuid[], $18::uuid[], $19::text[], $20::text[], $21::uuid[], $22::text[],
		$23::text[], $24::bigint[], $25::bigint[], $26::timestamptz[], $27::bigint[])
	AS t(` + namesOfStages + `, ` + namesOfResults + `, wallet_id, key_id, model, endpoint, price_version, currency, hold_amount,
		prompt, completion, placed_at, hold_position)`

const settleCalls = `UPDATE views.generations_v1 AS g SET state = t.state, expires_at = coalesce(t.expires_at, g.expires_at),
	ended_at = t.ended_at, end_position = t.end_position, (` + namesOfResults + `) = ROW(` + castResults + `)
	FROM unnest(` + unnestStages + `, ` + unnestResults + `) AS t(` + namesOfStages + `, ` + namesOfResults + `)
	WHERE g.generation_id = t.generation_id`

const moveCalls = `UPDATE views.generations_v1 AS g SET state = t.state, expires_at = coalesce(t.expires_at, g.expires_at),
	ended_at = coalesce(t.ended_at, g.ended_at), end_position = coalesce(t.end_position, g.end_position)
	FROM unnest(` + unnestStages + `) AS t(` + namesOfStages + `) WHERE g.generation_id = t.generation_id`

// write inserts the calls whose hold is in the batch, whole; of the others it completes those that ended with a charge or
// a release, and moves the state of the rest.
func (s *calls) write(w *runner.Writes) {
	var placed placements
	var fresh, settled, moved stages
	var freshResults, settledResults results
	for _, id := range s.order {
		c := s.byID[id]
		switch {
		case c.placed != nil:
			if c.expiresAt == nil {
				c.expiresAt = &c.placed.ExpiresAt
			}
			placed.add(c)
			fresh.add(id, c)
			freshResults.add(c)
		case c.settled:
			settled.add(id, c)
			settledResults.add(c)
		default:
			moved.add(id, c)
		}
	}
	w.Add(fresh.id.Len(), insertCalls, slices.Concat(fresh.columns(), freshResults.columns(), placed.columns())...)
	w.Add(settled.id.Len(), settleCalls, slices.Concat(settled.columns(), settledResults.columns())...)
	w.Add(moved.id.Len(), moveCalls, moved.columns()...)
}
