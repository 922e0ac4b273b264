package mail

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
)

const (
	counted = time.Hour
	// maxWaiting are the mails of a group that wait for a mailbox; older ones make room.
	maxWaiting = 10
)

// group are kinds of mails that others can have sent to a mailbox of their choice, and how many of them it gets within an hour.
type group struct {
	kinds []account.Kind
	most  int
}

// groupOf is the group of a kind. Mails that tell somebody what has happened to his account are in none: they are never late.
func groupOf(k account.Kind) (group, bool) {
	switch k {
	case account.VerifyEmail, account.AlreadyHave, account.ResetPassword, account.ConfirmEmail:
		return group{[]account.Kind{account.VerifyEmail, account.AlreadyHave, account.ResetPassword, account.ConfirmEmail}, 10}, true
	case account.Invited: // apart, so that invitations keep nobody from a new password
		return group{[]account.Kind{account.Invited}, 5}, true
	case account.PasswordChanged, account.EmailChanging, account.EmailChanged, account.SessionStolen, account.IdentityLinked, account.IdentityUnlinked, account.PasskeyAdded,
		account.PasskeyRemoved, account.AppAdded, account.AppRemoved, account.PhoneAdded, account.PhoneRemoved, account.RecoveryRenewed, account.RecoveryUsed, account.CodesGuessed,
		account.KeyLeaked, account.DomainUnproved:
	}
	return group{}, false
}

// letThrough says whether a mail may be sent now. One that may not is due again when there is room, or is gone when newer ones wait for the same mailbox. Links are made when
// a mail is sent, so one that waits loses nothing of their time.
func (w *Worker) letThrough(ctx context.Context, d due) (through bool, err error) {
	g, capped := groupOf(d.kind)
	if !capped || d.let {
		return true, nil
	}
	now := domain.Moment(w.o.Now())
	err = pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
		// Processes that have mails to one mailbox come one after the other.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('identity mails to ' || $1, 0))`, d.to); err != nil {
			return err
		}
		var n int
		var oldest *time.Time
		if err := tx.QueryRow(ctx, `SELECT count(*), min(let_at) FROM identity.mails WHERE recipient = $1 AND kind = ANY($2) AND let_at > $3`,
			d.to, g.kinds, now.Add(-counted)).Scan(&n, &oldest); err != nil {
			return err
		}
		if through = n < g.most; through {
			tag, err := tx.Exec(ctx, `UPDATE identity.mails SET let_at = $2 WHERE mail_id = $1`, d.id, now)
			through = tag.RowsAffected() > 0 // it made room meanwhile
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE identity.mails SET due_at = $2, attempts = attempts - 1 WHERE mail_id = $1`, d.id, oldest.Add(counted)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM identity.mails WHERE mail_id IN (SELECT mail_id FROM identity.mails
			WHERE recipient = $1 AND kind = ANY($2) AND let_at IS NULL AND sent_at IS NULL AND failed_at IS NULL ORDER BY created_at DESC, mail_id DESC OFFSET $3)`, d.to, g.kinds, maxWaiting)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look whether a mail may be sent now: %w", err)
	}
	return through, nil
}
