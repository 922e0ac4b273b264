package generations

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/page"
)

// State is where a generation stands.
type State string

// The states. A charge may still follow an expiry, and nothing follows a charge or a release.
const (
	Running  State = "running"
	Suspect  State = "suspect"
	Expired  State = "expired"
	Charged  State = "charged"
	Released State = "released"
)

// Generation is one call with everything that explains its charge. Amounts are zero, and Usage, LineItems and Call
// empty, until a charge (or, for Call, a release) says otherwise. A charge that was corrected is as the last correction says; what it
// was before is in Correction.
type Generation struct {
	ID                  uuid.UUID // of the hold
	WalletID            uuid.UUID
	KeyID               uuid.UUID
	Model               string
	Endpoint            string
	Vendor              string
	State               State
	PriceVersion        uuid.UUID
	Currency            money.Currency
	HoldAmount          money.Amount
	MaxPromptTokens     int64
	MaxCompletionTokens int64
	Charge              money.Amount
	Debited             money.Amount // the charge without its uncollectible part
	Uncollectible       money.Amount
	VendorCost          money.Amount
	Usage               usage.Usage
	Provenance          usage.Provenance
	LineItems           []usage.LineItem
	Call                wallet.Call
	ReleaseReason       string
	PlacedAt            time.Time
	ExpiresAt           time.Time
	EndedAt             time.Time // of the charge, release or expiry; zero before
	HoldPosition        int64
	EndPosition         int64       // of the charge, release or expiry; 0 before
	ChargePosition      int64       // of the charge; 0 without one
	Late                bool        // charged after expiry
	Correction          *Correction // nil while there is none
	checkpoint.At
}

// Request asks for a page of generations, the newest first.
type Request struct {
	WalletID    *uuid.UUID // nil means any, as KeyID
	KeyID       *uuid.UUID
	Model       string    // "" means any
	From, To    time.Time // placed in [From, To); zero leaves the side open
	Cursor      string    // NextCursor of the page before
	Limit       int       // 1 to 1000; 0 means 50
	MinPosition int64
}

// Page is a part of a list. NextCursor is "" on the last page.
type Page struct {
	Generations []Generation
	NextCursor  string
	checkpoint.At
}

// Query answers from the generations view.
type Query struct{ view *checkpoint.View }

// NewQuery makes the view's queries.
func NewQuery(pool *pgxpool.Pool, options ...checkpoint.Option) *Query {
	return &Query{checkpoint.NewView(pool, Name, Version, append([]checkpoint.Option{checkpoint.Walled()}, options...)...)}
}

const selectGenerations = `SELECT g.generation_id, g.wallet_id, g.key_id, g.model, g.endpoint, coalesce(e.vendor, '') AS vendor,
	coalesce(e.state, g.state) AS state, g.price_version, g.currency, g.hold_amount::text, g.max_prompt_tokens, g.max_completion_tokens,
	coalesce(e.charge, 0)::text AS charge,
	coalesce(e.uncollectible, 0)::text AS uncollectible, coalesce(e.vendor_cost, 0)::text AS vendor_cost,
	e.usage, coalesce(e.provenance, '') AS provenance, e.line_items, e.call, coalesce(e.release_reason, '') AS release_reason,
	g.placed_at, g.expires_at, coalesce(e.ended_at, g.expired_at) AS ended_at,
	g.hold_position, coalesce(e.position, g.expiry_position, 0) AS end_position, coalesce(e.late, false) AS late,
	coalesce(c.number, 0) AS corrections, coalesce(c.position, 0) AS correction_position, c.corrected_at, coalesce(c.evidence, '') AS evidence,
	coalesce(c.reason, '') AS correction_reason, coalesce(c.insured, false) AS insured, coalesce(c.provenance, '') AS corrected_provenance,
	coalesce(c.charge, 0)::text AS corrected_charge, coalesce(c.uncollectible, 0)::text AS corrected_uncollectible,
	coalesce(c.vendor_cost, 0)::text AS corrected_vendor_cost, coalesce(c.upstream_cost, 0)::text AS corrected_upstream_cost, c.usage AS corrected_usage, c.line_items AS corrected_line_items
	FROM views.generations_v1 g LEFT JOIN views.generations_ends_v1 e ON e.generation_id = g.generation_id
	LEFT JOIN LATERAL (SELECT * FROM views.generations_corrections_v1 k WHERE k.generation_id = g.generation_id
		ORDER BY k.number DESC LIMIT 1) c ON true WHERE `

// Generation reads one generation by the id of its hold, after waiting for minPosition. With a wallet id, a
// generation of another wallet is not found. Errors: not_found, ledger_unavailable.
func (q *Query) Generation(ctx context.Context, id uuid.UUID, walletID *uuid.UUID, minPosition int64) (Generation, error) {
	var g Generation
	found := false
	at, err := q.view.Read(ctx, minPosition, selectGenerations+`g.generation_id = $3`, `r.generation_id`, []any{id},
		func(row checkpoint.Row) (err error) {
			g, err = scan(row)
			found = walletID == nil || g.WalletID == *walletID
			return err
		})
	if err != nil {
		return Generation{}, err
	}
	if !found {
		return Generation{}, domain.Errorf(domain.CodeNotFound, "no such generation")
	}
	g.At = at
	return g, nil
}

// List reads a page of generations. Errors: invalid_request, ledger_unavailable.
func (q *Query) List(ctx context.Context, r Request) (Page, error) {
	limit, err := page.Limit(r.Limit)
	if err != nil {
		return Page{}, err
	}
	sql, args, err := r.sql(limit)
	if err != nil {
		return Page{}, err
	}
	var p Page
	p.At, err = q.view.Read(ctx, r.MinPosition, sql, `r.placed_at DESC, r.hold_position DESC`, args, func(row checkpoint.Row) error {
		if len(p.Generations) == limit { // there is one more: not shown, but a page of its own
			if p.NextCursor == "" {
				last := p.Generations[limit-1]
				p.NextCursor = page.Encode(Name, last.PlacedAt.UnixMicro(), last.HoldPosition)
			}
			return nil
		}
		g, err := scan(row)
		p.Generations = append(p.Generations, g)
		return err
	})
	if err != nil {
		return Page{}, err
	}
	for i := range p.Generations {
		p.Generations[i].At = p.At
	}
	return p, nil
}

func (r Request) sql(limit int) (string, []any, error) {
	from, to, err := page.Range(r.From, r.To)
	if err != nil {
		return "", nil, err
	}
	if err := page.Text("model", r.Model); err != nil {
		return "", nil, err
	}
	sql, args := selectGenerations+`true`, []any(nil)
	add := func(condition string, values ...any) {
		places := make([]any, len(values))
		for i, v := range values {
			args = append(args, v)
			places[i] = "$" + strconv.Itoa(len(args)+2)
		}
		sql += fmt.Sprintf(` AND `+condition, places...)
	}
	if r.Cursor != "" {
		key, err := page.Decode(Name, r.Cursor, 2)
		if err != nil {
			return "", nil, err
		}
		at, _, err := page.Range(time.UnixMicro(key[0]), time.Time{})
		if err != nil {
			return "", nil, err
		}
		add(`(g.placed_at, g.hold_position) < (%s::timestamptz, %s::bigint)`, at, key[1])
	}
	if r.WalletID != nil {
		add(`g.wallet_id = %s`, *r.WalletID)
	}
	if r.KeyID != nil {
		add(`g.key_id = %s`, *r.KeyID)
	}
	if r.Model != "" {
		add(`g.model = %s`, r.Model)
	}
	if from != nil {
		add(`g.placed_at >= %s`, *from)
	}
	if to != nil {
		add(`g.placed_at < %s`, *to)
	}
	return sql + ` ORDER BY g.placed_at DESC, g.hold_position DESC LIMIT ` + strconv.Itoa(page.Rows(limit)), args, nil
}
