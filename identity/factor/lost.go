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
	var left bool
	if err := tx.QueryRow(ctx, `SELECT `+strong, user).Scan(&left); err != nil {
		return identity.Wrap("look for further factors", err)
	}
	if left {
		return nil
	}
	_, err := session.EndAt(ctx, tx, user, token.Admin, session.FactorLost, now)
	return err
}

// What recovery codes stand for: factors that count everywhere, and the one that counts at the portal only.
const (
	strong = `(EXISTS (SELECT FROM identity.totp WHERE user_id = $1 AND confirmed_at IS NOT NULL) OR EXISTS (SELECT FROM identity.passkeys WHERE user_id = $1))`
	weak   = `EXISTS (SELECT FROM identity.phones WHERE user_id = $1)`
)
