package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/organisation"
)

// Kind is what a mail says. Package reactors/mail has the words.
type Kind string

// The kinds. Those with a link name its purpose.
const (
	VerifyEmail     Kind = "verify_email"     // link: Verify
	AlreadyHave     Kind = "already_have"     // somebody tried to sign up with an address that has an account; link: Reset
	ResetPassword   Kind = "reset_password"   // link: Reset
	PasswordChanged Kind = "password_changed" // tells
	ConfirmEmail    Kind = "confirm_email"    // to the new mailbox; link: Change
	EmailChanging   Kind = "email_changing"   // to the old mailbox; tells
	EmailChanged    Kind = "email_changed"    // to the old mailbox; tells
	SessionStolen   Kind = "session_stolen"   // a refresh token was used twice; tells
	Invited         Kind = "invited"          // into an organisation; tells, also mailboxes without an account
)

// The kinds that tell of what has changed in the ways in, and of what has happened to what one manages.
const (
	IdentityLinked   Kind = "identity_linked"
	IdentityUnlinked Kind = "identity_unlinked"
	PasskeyAdded     Kind = "passkey_added"
	PasskeyRemoved   Kind = "passkey_removed"
	AppAdded         Kind = "app_added" // an authenticator app, with its recovery codes
	AppRemoved       Kind = "app_removed"
	PhoneAdded       Kind = "phone_added"
	PhoneRemoved     Kind = "phone_removed"
	RecoveryRenewed  Kind = "recovery_renewed"
	RecoveryUsed     Kind = "recovery_used"
	CodesGuessed     Kind = "codes_guessed"   // of a second factor
	KeyLeaked        Kind = "key_leaked"      // to who may manage the key
	DomainUnproved   Kind = "domain_unproved" // to who manages the organisation
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{
		VerifyEmail, AlreadyHave, ResetPassword, PasswordChanged, ConfirmEmail, EmailChanging, EmailChanged, SessionStolen, Invited, IdentityLinked, IdentityUnlinked,
		PasskeyAdded, PasskeyRemoved, AppAdded, AppRemoved, PhoneAdded, PhoneRemoved, RecoveryRenewed, RecoveryUsed, CodesGuessed, KeyLeaked, DomainUnproved,
	}
}

// Link is the purpose of the link in a mail of the kind; "" for none.
func (k Kind) Link() Purpose {
	switch k {
	case VerifyEmail:
		return Verify
	case AlreadyHave, ResetPassword:
		return Reset
	case ConfirmEmail:
		return Change
	case PasswordChanged, EmailChanging, EmailChanged, SessionStolen, Invited, IdentityLinked, IdentityUnlinked, PasskeyAdded, PasskeyRemoved, AppAdded, AppRemoved, PhoneAdded, PhoneRemoved,
		RecoveryRenewed, RecoveryUsed, CodesGuessed, KeyLeaked, DomainUnproved:
	}
	return ""
}

// decoy is written where there is nobody to be told: a commit that has nothing to write is faster, and would say so. It is forgotten with what was sent long ago.
func (s *Service) decoy(ctx context.Context, tx pgx.Tx) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("name a mail: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO identity.mails (mail_id, recipient, kind, language, details, created_at, due_at, sent_at) VALUES ($1, '', 'nobody', 'en', '{}', $2, $2, $2::timestamptz - interval '1 year')`,
		id, domain.Moment(s.now()))
	return identity.Wrap("note that nobody is told", err)
}

// tell notes what is to be told, with the change that it tells of.
func (s *Service) tell(ctx context.Context, tx pgx.Tx, u *row, to address.Email, k Kind, details map[string]string) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("name a mail: %w", err)
	}
	if details == nil {
		details = map[string]string{}
	}
	text, err := json.Marshal(details)
	if err != nil {
		return fmt.Errorf("write the details of a mail: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO identity.mails (mail_id, user_id, recipient, kind, language, details, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
		id, u.ID, to, k, u.Profile.Language, text, domain.Moment(s.now()))
	return identity.Wrap("note a mail", err)
}

// tellAttempt notes the mail with which a sign-up is proved.
func (s *Service) tellAttempt(ctx context.Context, tx pgx.Tx, a *attempt) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("name a mail: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO identity.mails (mail_id, sign_up_id, recipient, kind, language, details, created_at, due_at) VALUES ($1, $2, $3, $4, $5, '{}', $6, $6)`,
		id, a.id, a.email, VerifyEmail, a.profile.Language, domain.Moment(s.now()))
	return identity.Wrap("note a mail", err)
}

// Tell notes, in the transaction of what it tells of, a mail to somebody whose mailbox is proved; to others there is nothing to be told. id makes it once.
func Tell(ctx context.Context, tx pgx.Tx, id, user uuid.UUID, k Kind, details map[string]string, now time.Time) error {
	if details == nil {
		details = map[string]string{}
	}
	text, err := json.Marshal(details)
	if err != nil {
		return fmt.Errorf("write the details of a mail: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO identity.mails (mail_id, user_id, recipient, kind, language, details, created_at, due_at)
		SELECT $1, user_id, email, $3, language, $4, $5, $5 FROM identity.users WHERE user_id = $2 AND deleted_at IS NULL AND email_verified_at IS NOT NULL
		FOR KEY SHARE ON CONFLICT (mail_id) DO NOTHING`, id, user, k, text, domain.Moment(now))
	return identity.Wrap("note a mail", err)
}

// TellOnce is Tell with an id of its own, for what happens in one transaction only.
func TellOnce(ctx context.Context, tx pgx.Tx, user uuid.UUID, k Kind, details map[string]string, now time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("name a mail: %w", err)
	}
	return Tell(ctx, tx, id, user, k, details, now)
}

// TellStolen tells somebody that a session was used from two places and has ended. device is what the second one called itself.
func (s *Service) TellStolen(ctx context.Context, user uuid.UUID, device string) error {
	return identity.Wrap("tell of a stolen session", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		u, err := byID(ctx, tx, user, "FOR KEY SHARE")
		if errors.Is(err, errNobody) {
			return nil // gone meanwhile, and the session with him
		}
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, &u, u.Email, SessionStolen, map[string]string{"device": device})
	}))
}

// TellInvited makes what notes a mail that tells of an invitation, in the transaction that makes it. It says nothing of whether the mailbox has an account.
func (s *Service) TellInvited(ctx context.Context, language Language) func(pgx.Tx, organisation.Invitation) error {
	return func(tx pgx.Tx, i organisation.Invitation) error {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("name a mail: %w", err)
		}
		text, err := json.Marshal(map[string]string{"organisation": i.Name})
		if err != nil {
			return fmt.Errorf("write the details of a mail: %w", err)
		}
		_, err = tx.Exec(ctx, `INSERT INTO identity.mails (mail_id, recipient, kind, language, details, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
			id, i.Email, Invited, language, text, domain.Moment(s.now()))
		return identity.Wrap("note a mail", err)
	}
}
