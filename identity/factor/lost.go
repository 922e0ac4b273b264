package factor

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// Lost is for the transaction in which a factor went; the user is held. Recovery codes go with it unless there is another one that they stand for. Without one that
// counts at the admin front end, an app or a passkey, sessions there end, as none could begin any more.
func Lost(ctx context.Context, tx pgx.Tx, user uuid.UUID, now time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM identity.recovery_codes WHERE user_id = $1 AND NOT (`+strong+` OR `+weak+`)`, user); err != nil {
		return identity.Wrap("remove recovery codes", err)
	}
	if left, err := Strong(ctx, tx, user); left || err != nil {
		return err
	}
	_, err := session.EndAt(ctx, tx, user, token.Admin, session.FactorLost, now)
	return err
}

// Gained is for the transaction in which a factor comes, before it is there; the user is held. With the first one no network is known any more: who knew the password before, and
// that was enough, guesses codes as any stranger does.
func Gained(ctx context.Context, tx pgx.Tx, user uuid.UUID) error {
	_, err := tx.Exec(ctx, `DELETE FROM identity.factor_networks WHERE user_id = $1 AND NOT (`+strong+` OR `+weak+`)`, user)
	return identity.Wrap("forget networks", err)
}

// Strong says whether somebody has a factor that counts everywhere: an app or a passkey.
func Strong(ctx context.Context, tx pgx.Tx, user uuid.UUID) (is bool, err error) {
	err = tx.QueryRow(ctx, `SELECT `+strong, user).Scan(&is)
	return is, identity.Wrap("look for a second factor", err)
}

// What recovery codes stand for: factors that count everywhere, and the one that counts at the portal only.
const (
	strong = `(EXISTS (SELECT FROM identity.totp WHERE user_id = $1 AND confirmed_at IS NOT NULL) OR EXISTS (SELECT FROM identity.passkeys WHERE user_id = $1))`
	weak   = `EXISTS (SELECT FROM identity.phones WHERE user_id = $1)`
)
