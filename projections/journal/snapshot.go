package journal

import (
	"time"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// snapshot is what all wallets and all holds come to after the last entry of a stretch.
type snapshot struct {
	currency       money.Currency
	bucket         int64
	recordedAt     time.Time // of the first entry
	position       int64     // of the last one
	wallets, holds money.Amount
}

func (b *batch) snapshot(e *entry, wallets, holds money.Amount) {
	s, bucket := b.snapshots[e.currency], e.event.Position/stretch
	if s == nil || s.bucket != bucket {
		s = &snapshot{currency: e.currency, bucket: bucket, recordedAt: e.event.RecordedAt}
		b.snapshots[e.currency], b.past = s, append(b.past, s)
	}
	s.position, s.wallets, s.holds = e.event.Position, wallets, holds
}

// A stretch that began in an earlier batch keeps the time of its first entry.
const upsertSnapshots = `INSERT INTO views.journal_snapshots_v1 (currency, bucket, recorded_at, position, wallets, holds)
	SELECT t.currency, t.bucket, t.recorded_at, t.position, coalesce(w.balance, 0) + t.wallets, coalesce(h.balance, 0) + t.holds
	FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::numeric[], $6::numeric[])
		AS t(currency, bucket, recorded_at, position, wallets, holds)
	LEFT JOIN views.journal_balances_v1 w ON w.account = 'wallet:*' AND w.currency = t.currency
	LEFT JOIN views.journal_balances_v1 h ON h.account = 'hold:*' AND h.currency = t.currency
	ON CONFLICT (currency, bucket) DO UPDATE SET position = excluded.position, wallets = excluded.wallets, holds = excluded.holds`

func (b *batch) writeSnapshots(w *runner.Writes) {
	var currency column.Texts
	var bucket, position column.Ints
	var recordedAt column.Times
	var wallets, holds column.Amounts
	for _, s := range b.past {
		currency.Add(string(s.currency))
		bucket.Add(s.bucket)
		recordedAt.Add(s.recordedAt)
		position.Add(s.position)
		wallets.Add(s.wallets)
		holds.Add(s.holds)
	}
	w.Add(len(b.past), upsertSnapshots, &currency, &bucket, &recordedAt, &position, &wallets, &holds)
}
