package auditdb

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/apikey"
)

const (
	keysSQL = `SELECT key_id, wallet_id, label, hash, old_hash, old_hash_until, limits::text, disabled, disabled_reason, revoked,
		revoked_reason, issued_at, issued_position, updated_at, position, app_id, scope FROM views.keys_v1`
	spendsSQL = `SELECT key_id, held::text, total::text, day, day_spent::text, week, week_spent::text, month, month_spent::text,
		last_used_at, position, upstream::text, day_upstream::text, week_upstream::text, month_upstream::text FROM views.keys_spend_v1`
	termsSQL   = `SELECT wallet_id, price_group, rate_limits::text, content_storage::text, updated_at, position FROM views.keys_wallets_v1`
	membersSQL = `SELECT wallet_id, member_id, limits::text, updated_at, position FROM views.keys_members_v1`
)

func newKeys(_ context.Context, v *view) ([]comparer, error) {
	facts, spends, terms, members := v.table(""), v.table("_spend"), v.table("_wallets"), v.table("_members")
	return []comparer{
		newState(v, facts, func(ctx context.Context, now *audit.State) (int64, error) {
			return compareAll(ctx, v, facts, keysSQL, now.Keys, func(k *audit.Key) int64 { return k.UpdatedPosition }, compareKey)
		}),
		newState(v, spends, func(ctx context.Context, now *audit.State) (int64, error) {
			return compareAll(ctx, v, spends, spendsSQL, now.Spends, func(s *audit.Spend) int64 { return s.Position }, compareSpend)
		}),
		newState(v, terms, func(ctx context.Context, now *audit.State) (int64, error) {
			told := map[[16]byte]*audit.Wallet{}
			for id, w := range now.Wallets {
				if w.TermsPosition > 0 {
					told[id] = w
				}
			}
			return compareAll(ctx, v, terms, termsSQL, told, func(w *audit.Wallet) int64 { return w.TermsPosition }, compareTerms)
		}),
		newState(v, members, func(ctx context.Context, now *audit.State) (int64, error) {
			told := map[audit.MemberID]*audit.Member{}
			for id, m := range now.Members {
				if m.Position > 0 {
					told[id] = m
				}
			}
			return compareKeyed(ctx, v, members, membersSQL, func(r *row) audit.MemberID { return audit.MemberID{Wallet: r.uuid(0), Member: r.uuid(1)} }, told,
				func(m *audit.Member) int64 { return m.Position }, compareMember)
		}),
	}, nil
}

// compareAll compares a table with one row an id, which is its first column.
func compareAll[T any](ctx context.Context, v *view, table, query string, want map[[16]byte]T, position func(T) int64, compare func(*diff, *row, T)) (rows int64, err error) {
	return compareKeyed(ctx, v, table, query, (*row).id, want, position, compare)
}

// id is the first column.
func (r *row) id() [16]byte { return r.uuid(0) }

func compareKey(d *diff, r *row, k *audit.Key) {
	same(d, "wallet_id", r.uuid(1), k.Wallet)
	same(d, "label", r.text(2), k.Label)
	same(d, "hash", apikey.Hash(r.hash(3)), k.Hash)
	same(d, "old_hash", apikey.Hash(r.hash(4)), k.OldHash)
	d.time("old_hash_until", r.time(5), k.OldHashUntil)
	d.limits("limits", r.bytes(6), k.Limits)
	same(d, "disabled", r.bool(7), k.Disabled)
	same(d, "disabled_reason", r.text(8), k.DisabledReason)
	same(d, "revoked", r.bool(9), k.Revoked)
	same(d, "revoked_reason", r.text(10), k.RevokedReason)
	d.time("issued_at", r.time(11), k.IssuedAt)
	same(d, "issued_position", r.int64(12), k.IssuedPosition)
	d.time("updated_at", r.time(13), k.UpdatedAt)
	same(d, "position", r.int64(14), k.UpdatedPosition)
	same(d, "app_id", r.uuid(15), k.App)
	same(d, "scope", apikey.Scope(r.text(16)), k.Scope)
}

func compareSpend(d *diff, r *row, s *audit.Spend) {
	d.amount("held", r.amount(1), s.Held)
	d.amount("total", r.amount(2), s.Total)
	for i, w := range []struct {
		column string
		want   audit.Window
	}{{"day", s.Day}, {"week", s.Week}, {"month", s.Month}} {
		if stored, want := r.day(3+2*i), firstDay(w.want); stored != want {
			d.differs(w.column, date(stored), date(want))
		}
		d.amount(w.column+"_spent", r.amount(4+2*i), w.want.Amount)
		d.amount(w.column+"_upstream", r.amount(12+i), w.want.Upstream)
	}
	d.amount("upstream", r.amount(11), s.Upstream)
	d.time("last_used_at", r.time(9), s.LastUsedAt)
	same(d, "position", r.int64(10), s.Position)
}

func compareTerms(d *diff, r *row, w *audit.Wallet) {
	same(d, "price_group", r.text(1), w.PriceGroup)
	d.limits("rate_limits", r.bytes(2), w.Rates)
	d.limits("content_storage", r.bytes(3), w.Content)
	d.time("updated_at", r.time(4), w.TermsAt)
	same(d, "position", r.int64(5), w.TermsPosition)
}

func compareMember(d *diff, r *row, m *audit.Member) {
	d.limits("limits", r.bytes(2), m.Limits)
	d.time("updated_at", r.time(3), m.SetAt)
	same(d, "position", r.int64(4), m.Position)
}

// limits compares limits that are stored as JSON.
func (d *diff) limits(column string, stored []byte, want any) {
	body, err := json.Marshal(want)
	if err != nil {
		d.report(RowDiffers, "the limits cannot be compared: %v", err)
	}
	d.json(column, stored, body)
}

// firstDay is a window's first day as row.day has it.
func firstDay(w audit.Window) int64 {
	if !w.Charged {
		return math.MinInt64
	}
	return w.Start
}

func date(day int64) string {
	if day == math.MinInt64 {
		return "NULL"
	}
	return time.Unix(day*secondsOfDay, 0).UTC().Format(time.DateOnly)
}
