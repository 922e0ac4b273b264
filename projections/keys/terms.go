package keys

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// term is what a batch says of what the calls of a wallet are held to; nil means that it says nothing of that.
type term struct {
	group, rates, content *string
	at                    time.Time
	position              int64
}

// memberTerm is the same of a member of a wallet.
type memberTerm struct {
	limits   string
	at       time.Time
	position int64
}

type memberID struct{ wallet, member uuid.UUID }

type terms struct {
	ordered[term]
	members map[memberID]memberTerm
	order   []memberID
}

func newTerms() *terms {
	return &terms{ordered: ordered[term]{byKey: map[uuid.UUID]*term{}}, members: map[memberID]memberTerm{}}
}

func (t *terms) fold(event wallet.Event, at *runner.Event) error {
	switch e := event.(type) {
	case wallet.PriceGroupSet:
		w, err := t.touch(at)
		if err != nil {
			return err
		}
		w.group = &e.Group
	case wallet.RateLimitsSet:
		w, err := t.touch(at)
		if err != nil {
			return err
		}
		w.rates, err = text(e.Rates)
		return err
	case wallet.ContentStorageSet:
		w, err := t.touch(at)
		if err != nil {
			return err
		}
		w.content, err = text(e.Storage)
		return err
	case wallet.MemberLimitsSet:
		id, err := at.Entity()
		if err != nil {
			return err
		}
		limits, err := text(e.MemberLimits)
		if err != nil {
			return err
		}
		key := memberID{id, e.MemberID}
		if _, known := t.members[key]; !known {
			t.order = append(t.order, key)
		}
		t.members[key] = memberTerm{*limits, at.RecordedAt, at.Position}
	case wallet.Opened, wallet.ToppedUp, wallet.Granted, wallet.Adjusted, wallet.HoldPlaced, wallet.HoldExtended, wallet.HoldSuspected,
		wallet.HoldReleased, wallet.HoldExpired, wallet.UsageCharged, wallet.ChargeCorrected: // see spends
	}
	return nil
}

func (t *terms) touch(at *runner.Event) (*term, error) {
	id, err := at.Entity()
	if err != nil {
		return nil, err
	}
	w := t.get(id)
	w.at, w.position = at.RecordedAt, at.Position
	return w, nil
}

func text(value any) (*string, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode limits: %w", err)
	}
	text := string(body)
	return &text, nil
}

const upsertTerms = `INSERT INTO views.keys_wallets_v1 AS w (wallet_id, price_group, rate_limits, content_storage, updated_at, position)
	SELECT t.wallet_id, coalesce(t.price_group, k.price_group, ''), coalesce(t.rate_limits::jsonb, k.rate_limits, '{}'),
		coalesce(t.content_storage::jsonb, k.content_storage, '{}'), t.at, t.position
	FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[]) AS t(wallet_id, price_group, rate_limits, content_storage, at, position)
	LEFT JOIN views.keys_wallets_v1 k ON k.wallet_id = t.wallet_id
	ON CONFLICT (wallet_id) DO UPDATE SET price_group = excluded.price_group, rate_limits = excluded.rate_limits, content_storage = excluded.content_storage,
	updated_at = excluded.updated_at, position = excluded.position`

const upsertMembers = `INSERT INTO views.keys_members_v1 (wallet_id, member_id, limits, updated_at, position)
	SELECT t.wallet_id, t.member_id, t.limits::jsonb, t.at, t.position
	FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[]) AS t(wallet_id, member_id, limits, at, position)
	ON CONFLICT (wallet_id, member_id) DO UPDATE SET limits = excluded.limits, updated_at = excluded.updated_at, position = excluded.position`

func (t *terms) write(w *runner.Writes) {
	var id, owner, member column.UUIDs
	var group, rates, content, limits column.Texts
	var at, memberAt column.Times
	var position, memberPosition column.Ints
	for _, wallet := range t.ordered.order {
		one := t.byKey[wallet]
		id.Add(wallet)
		group.Maybe(one.group)
		rates.Maybe(one.rates)
		content.Maybe(one.content)
		at.Add(one.at)
		position.Add(one.position)
	}
	for _, key := range t.order {
		one := t.members[key]
		owner.Add(key.wallet)
		member.Add(key.member)
		limits.Add(one.limits)
		memberAt.Add(one.at)
		memberPosition.Add(one.position)
	}
	w.Add(id.Len(), upsertTerms, &id, &group, &rates, &content, &at, &position)
	w.Add(owner.Len(), upsertMembers, &owner, &member, &limits, &memberAt, &memberPosition)
}

// Terms are what the calls of a wallet are held to.
type Terms struct {
	PriceGroup string            // whose prices they pay; "" for the list's
	Rates      wallet.RateLimits // of all of them together
	Content    wallet.ContentStorage
	checkpoint.At
}

// Terms reads those of a wallet, after waiting for minPosition; of one that was never told any, they are empty. Errors:
// ledger_unavailable.
func (q *Query) Terms(ctx context.Context, walletID uuid.UUID, minPosition int64) (Terms, error) {
	var t Terms
	at, err := q.view.Read(ctx, minPosition, `SELECT w.price_group, w.rate_limits, w.content_storage FROM views.keys_wallets_v1 w WHERE w.wallet_id = $3`, `r.price_group`,
		[]any{walletID}, func(row checkpoint.Row) error {
			var rates, content []byte
			if err := row(&t.PriceGroup, &rates, &content); err != nil {
				return err
			}
			if err := limitsOf(rates, &t.Rates); err != nil {
				return err
			}
			return limitsOf(content, &t.Content)
		})
	t.At = at
	return t, err
}

// Member is what the keys of a member of a wallet may do together.
type Member struct {
	Limits wallet.MemberLimits
	checkpoint.At
}

// Member reads a member's limits, after waiting for minPosition. Errors: not_found for one that never had any, ledger_unavailable.
func (q *Query) Member(ctx context.Context, walletID, member uuid.UUID, minPosition int64) (Member, error) {
	var m Member
	found := false
	at, err := q.view.Read(ctx, minPosition, `SELECT m.limits FROM views.keys_members_v1 m WHERE m.wallet_id = $3 AND m.member_id = $4`, `r.limits::text`,
		[]any{walletID, member}, func(row checkpoint.Row) error {
			found = true
			var limits []byte
			if err := row(&limits); err != nil {
				return err
			}
			return limitsOf(limits, &m.Limits)
		})
	m.At = at
	if err == nil && !found {
		return Member{}, domain.Errorf(domain.CodeNotFound, "no limits were set for this member")
	}
	return m, err
}

// limitsOf decodes limits; none when there are none.
func limitsOf(body []byte, into any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("decode limits: %w", err)
	}
	return nil
}
