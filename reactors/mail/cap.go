package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
)

const (
	counted = time.Hour
	// ownWait are the mails that may wait for a mailbox when none does for another: as many as there is room for within a day.
	ownWait = 240
	// alikeWait are those of which each does as well as another, or tells of what is seen elsewhere.
	alikeWait = 10
)

// group are kinds of mails that others can have sent to a mailbox of their choice.
type group struct {
	kinds []account.Kind
	most  int // that it gets within an hour
	wait  int // that wait
}

// groupOf is the group of a kind. Mails that tell somebody what has happened to his account are in none: they are never late.
func groupOf(k account.Kind) (group, bool) {
	switch k {
	case account.VerifyEmail, account.ConfirmEmail: // only who has asked can follow the link: a stranger's does nothing for the owner
		return group{[]account.Kind{account.VerifyEmail, account.ConfirmEmail}, 10, ownWait}, true
	case account.AlreadyHave, account.ResetPassword: // only a mailbox of an account gets them, where those above come to nothing: they wait for none of them
		return group{[]account.Kind{account.AlreadyHave, account.ResetPassword}, 10, alikeWait}, true
	case account.Invited: // apart, so that invitations keep nobody from a new password
		return group{[]account.Kind{account.Invited}, 5, alikeWait}, true
	case account.PasswordChanged, account.EmailChanging, account.EmailChanged, account.SessionStolen, account.IdentityLinked, account.IdentityUnlinked, account.PasskeyAdded,
		account.PasskeyRemoved, account.AppAdded, account.AppRemoved, account.PhoneAdded, account.PhoneRemoved, account.RecoveryRenewed, account.RecoveryUsed, account.CodesGuessed,
		account.KeyLeaked, account.DomainUnproved:
	}
	return group{}, false
}

// letThrough says whether a mail may be sent now. One that may not has a time from then on at which it is, behind those that came before. Links are made when a mail is sent, so
// one that waits loses nothing of their time.
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
		at, err := g.room(ctx, tx, d.to, now)
		if err != nil {
			return err
		}
		if !at.After(now) {
			tag, err := tx.Exec(ctx, `UPDATE identity.mails SET let_at = $2 WHERE mail_id = $1`, d.id, now)
			through = tag.RowsAffected() > 0 // its sign-up may be over meanwhile
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE identity.mails SET let_at = $2, due_at = $2, attempts = attempts - 1 WHERE mail_id = $1`, d.id, at)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look whether a mail may be sent now: %w", err)
	}
	return through, nil
}

// room is when there is room for one more mail to a mailbox: an hour after the one that is as many before it as there may be in an hour. When too many wait it is the time of
// one of them, which goes, by lot: so whoever has others sent does not choose which, and none that stays waits longer for it.
func (g group) room(ctx context.Context, tx pgx.Tx, to address.Email, now time.Time) (at time.Time, err error) {
	const of, waits = `recipient = $1 AND kind = ANY($2)`, `let_at > $3 AND sent_at IS NULL AND failed_at IS NULL`
	err = tx.QueryRow(ctx, `SELECT let_at FROM identity.mails WHERE `+of+` AND let_at IS NOT NULL ORDER BY let_at DESC OFFSET $3 LIMIT 1`, to, g.kinds, g.most-1).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		return now, nil
	}
	if at = at.Add(counted); err != nil || !at.After(now) {
		return at, err
	}
	var waiting int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM identity.mails WHERE `+of+` AND `+waits, to, g.kinds, now).Scan(&waiting); err != nil || waiting < g.wait {
		return at, err
	}
	err = tx.QueryRow(ctx, `DELETE FROM identity.mails WHERE mail_id = (SELECT mail_id FROM identity.mails WHERE `+of+` AND `+waits+` ORDER BY random() LIMIT 1) RETURNING let_at`,
		to, g.kinds, now).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil // it is gone by itself
	}
	return at, err
}
