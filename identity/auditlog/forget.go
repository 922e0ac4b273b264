package auditlog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Forget erases what is personal in the entries of somebody who goes. The chain stays as it is.
func Forget(ctx context.Context, tx Execer, person uuid.UUID) error {
	if _, err := tx.Exec(ctx, `UPDATE audit.entries SET personal = NULL, salt = NULL WHERE person = $1 AND personal IS NOT NULL`, person); err != nil {
		return fmt.Errorf("erase somebody from the audit trail: %w", err)
	}
	return nil
}

// forgetBatch is how many entries are erased in one transaction.
const forgetBatch = 1000

// forgetStrangers leaves out what another process is erasing just now.
const forgetStrangers = `UPDATE audit.entries SET personal = NULL, salt = NULL WHERE entry_id IN (
	SELECT entry_id FROM audit.entries WHERE personal IS NOT NULL AND (person IS NULL OR actor = 'anonymous') AND recorded_at < $1
	ORDER BY recorded_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)`

// ForgetStrangers erases what is personal in entries of nobody who was signed in (sign-ins that failed, reports, keys, the operator's token) that were
// recorded before a time, in batches, and says of how many: whose address it is has no account to be erased with. The chain stays as it is.
func (l *Log) ForgetStrangers(ctx context.Context, before time.Time) (int64, error) {
	return l.forgetStrangers(ctx, before, forgetBatch)
}

func (l *Log) forgetStrangers(ctx context.Context, before time.Time, batch int64) (all int64, err error) {
	for {
		tag, err := l.pool.Exec(ctx, forgetStrangers, before, batch)
		if err != nil {
			return all, fmt.Errorf("erase strangers from the audit trail: %w", err)
		}
		all += tag.RowsAffected()
		if tag.RowsAffected() < batch {
			return all, nil
		}
	}
}
