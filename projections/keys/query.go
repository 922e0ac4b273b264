package keys

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/page"
)

// Key is what is known of one API key. Spent is of the windows that are current when the query runs.
type Key struct {
	ID             uuid.UUID
	WalletID       uuid.UUID
	Scope          apikey.Scope
	Label          string
	Hash           apikey.Hash
	OldHash        apikey.Hash // works until OldHashUntil
	OldHashUntil   time.Time   // zero when the key was never rotated
	Limits         apikey.Limits
	Disabled       bool
	DisabledReason string
	Revoked        bool
	RevokedReason  string
	AppID          uuid.UUID // the app that its calls count for; nil when there is none
	IssuedAt       time.Time
	UpdatedAt      time.Time
	Spend          Spend // by window, for another moment than now
	Spent          Spent
	LastUsedAt     time.Time             // of the last hold; zero when the key was never used
	LastPosition   int64                 // of the key's last own event
	PriceGroup     string                // of its wallet: whose prices its calls pay; "" for the list's
	WalletRates    wallet.RateLimits     // of all calls of its wallet
	Member         wallet.MemberLimits   // of its member; none when it has no member
	Content        wallet.ContentStorage // of its wallet
	checkpoint.At
}

// Spent is what a key has spent in the windows of a moment, and what its open calls hold.
type Spent struct {
	Total, Day, Week, Month, Held money.Amount
	Upstream                      Upstream
}

// Upstream is what vendors billed the customer in the windows of a moment, for calls with the customer's own keys.
type Upstream struct{ Total, Day, Week, Month money.Amount }

// Request asks for a page of keys.
type Request struct {
	Cursor      string // NextCursor of the page before
	Limit       int    // 1 to 1000; 0 means 50
	MinPosition int64
}

// Page is a part of a wallet's keys. NextCursor is "" on the last page.
type Page struct {
	Keys       []Key
	NextCursor string
	checkpoint.At
}

// Query answers from the keys view.
type Query struct {
	view *checkpoint.View
	now  func() time.Time
}

// NewQuery makes the view's queries.
func NewQuery(pool *pgxpool.Pool, options ...checkpoint.Option) *Query {
	return &Query{view: checkpoint.NewView(pool, Name, Version, append([]checkpoint.Option{checkpoint.Walled()}, options...)...), now: time.Now}
}

// UseClock gives the clock that says which day, week and month of a key's spending are the current ones: the log's, where that is not the machine's.
func (q *Query) UseClock(now func() time.Time) *Query {
	q.now = now
	return q
}

const selectKeys = `SELECT k.key_id, k.wallet_id, k.label, k.hash, k.old_hash, k.old_hash_until, k.limits, k.disabled,
	k.disabled_reason, k.revoked, k.revoked_reason, k.app_id, k.issued_at, k.updated_at, k.position, k.issued_position, k.scope,
	coalesce(s.held, 0)::text AS held, coalesce(s.total, 0)::text AS total, s.day, coalesce(s.day_spent, 0)::text AS day_spent,
	s.week, coalesce(s.week_spent, 0)::text AS week_spent, s.month, coalesce(s.month_spent, 0)::text AS month_spent, s.last_used_at,
	coalesce(s.upstream, 0)::text AS upstream, coalesce(s.day_upstream, 0)::text AS day_upstream, coalesce(s.week_upstream, 0)::text AS week_upstream,
	coalesce(s.month_upstream, 0)::text AS month_upstream,
	coalesce(w.price_group, '') AS price_group, w.rate_limits, m.limits AS member_limits, w.content_storage
	FROM views.keys_v1 k LEFT JOIN views.keys_spend_v1 s ON s.key_id = k.key_id LEFT JOIN views.keys_wallets_v1 w ON w.wallet_id = k.wallet_id
	LEFT JOIN views.keys_members_v1 m ON m.wallet_id = k.wallet_id AND m.member_id = (k.limits ->> 'member_id')::uuid `

// Key reads one key, after waiting for minPosition. Errors: key_not_found, ledger_unavailable.
func (q *Query) Key(ctx context.Context, id uuid.UUID, minPosition int64) (Key, error) {
	return q.one(ctx, minPosition, `k.key_id = $3`, id)
}

// one is the key that a condition means.
func (q *Query) one(ctx context.Context, minPosition int64, condition string, args ...any) (Key, error) {
	var k Key
	found := false
	at, err := q.view.Read(ctx, minPosition, selectKeys+`WHERE `+condition, `r.key_id`, args,
		func(row checkpoint.Row) (err error) {
			found = true
			k, _, err = scan(row, q.now())
			return err
		})
	if err != nil {
		return Key{}, err
	}
	if !found {
		return Key{}, domain.Errorf(domain.CodeKeyNotFound, "no such key")
	}
	k.At = at
	return k, nil
}

// Changed lists the keys of which an event after a position of the log tells something else than what they spend, with those of a wallet
// whose terms were changed, or of a member whose limits were. Errors: ledger_unavailable.
func (q *Query) Changed(ctx context.Context, after int64) ([]uuid.UUID, checkpoint.At, error) {
	var out []uuid.UUID
	at, err := q.view.Read(ctx, 0, `SELECT k.key_id FROM views.keys_v1 k WHERE k.position > $3
		UNION SELECT k.key_id FROM views.keys_wallets_v1 w JOIN views.keys_v1 k ON k.wallet_id = w.wallet_id WHERE w.position > $3
		UNION SELECT k.key_id FROM views.keys_members_v1 m JOIN views.keys_v1 k ON k.wallet_id = m.wallet_id
			AND (k.limits ->> 'member_id')::uuid = m.member_id WHERE m.position > $3`, `r.key_id`, []any{after},
		func(row checkpoint.Row) error {
			var id uuid.UUID
			err := row(&id)
			out = append(out, id)
			return err
		})
	return out, at, err
}

// ByWallet lists a wallet's keys, the newest first; an unknown wallet has none. Errors: invalid_request,
// ledger_unavailable.
func (q *Query) ByWallet(ctx context.Context, walletID uuid.UUID, r Request) (Page, error) {
	limit, err := page.Limit(r.Limit)
	if err != nil {
		return Page{}, err
	}
	before := int64(1<<63 - 1)
	if r.Cursor != "" {
		key, err := page.Decode(Name, r.Cursor, 1)
		if err != nil {
			return Page{}, err
		}
		before = key[0]
	}
	var p Page
	last, now := int64(0), q.now()
	p.At, err = q.view.Read(ctx, r.MinPosition,
		selectKeys+`WHERE k.wallet_id = $3 AND k.issued_position < $4 ORDER BY k.issued_position DESC LIMIT $5`,
		`r.issued_position DESC`, []any{walletID, before, limit + 1},
		func(row checkpoint.Row) error {
			if len(p.Keys) == limit { // there is one more: not shown, but a page of its own
				p.NextCursor = page.Encode(Name, last)
				return nil
			}
			k, issued, err := scan(row, now)
			last, p.Keys = issued, append(p.Keys, k)
			return err
		})
	if err != nil {
		return Page{}, err
	}
	for i := range p.Keys {
		p.Keys[i].At = p.At
	}
	return p, nil
}

func scan(row checkpoint.Row, now time.Time) (k Key, issued int64, err error) {
	var limits, hash, oldHash, rates, member, content []byte
	var oldUntil, day, week, month, used *time.Time
	s := &k.Spend
	err = row(&k.ID, &k.WalletID, &k.Label, &hash, &oldHash, &oldUntil, &limits, &k.Disabled, &k.DisabledReason,
		&k.Revoked, &k.RevokedReason, &k.AppID, &k.IssuedAt, &k.UpdatedAt, &k.LastPosition, &issued, &k.Scope,
		column.Amount(&s.Held), column.Amount(&s.Total), &day, column.Amount(&s.Day.Amount),
		&week, column.Amount(&s.Week.Amount), &month, column.Amount(&s.Month.Amount), &used,
		column.Amount(&s.Upstream), column.Amount(&s.Day.Upstream), column.Amount(&s.Week.Upstream), column.Amount(&s.Month.Upstream), &k.PriceGroup, &rates, &member, &content)
	if err != nil {
		return Key{}, 0, err
	}
	if copy(k.Hash[:], hash) != len(k.Hash) || copy(k.OldHash[:], oldHash) != len(k.OldHash) {
		return Key{}, 0, fmt.Errorf("a hash of key %s is too short", k.ID)
	}
	if err := json.Unmarshal(limits, &k.Limits); err != nil {
		return Key{}, 0, fmt.Errorf("decode limits of key %s: %w", k.ID, err)
	}
	if err := limitsOf(rates, &k.WalletRates); err != nil {
		return Key{}, 0, err
	}
	if err := limitsOf(member, &k.Member); err != nil {
		return Key{}, 0, err
	}
	if err := limitsOf(content, &k.Content); err != nil {
		return Key{}, 0, err
	}
	k.IssuedAt, k.UpdatedAt = k.IssuedAt.UTC(), k.UpdatedAt.UTC()
	for to, from := range map[*time.Time]*time.Time{
		&k.OldHashUntil: oldUntil, &s.Day.Start: day, &s.Week.Start: week, &s.Month.Start: month, &k.LastUsedAt: used,
	} {
		if from != nil {
			*to = from.UTC()
		}
	}
	k.Spent = s.At(now)
	return k, issued, nil
}
