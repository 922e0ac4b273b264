package account

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
)

// mayMove refuses to exchange a mailbox of a domain whose organisation insists on its own issuer for one that the organisation does not speak for: a password would be enough again.
// Its owners come in by everything anyway. Errors: forbidden.
func mayMove(ctx context.Context, tx pgx.Tx, user uuid.UUID, from, to address.Email) error {
	var bound bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.members m JOIN identity.organisations o USING (organisation_id) JOIN identity.sso_connections c USING (organisation_id)
		JOIN identity.sso_domains d USING (organisation_id) WHERE m.user_id = $1 AND m.role <> 'owner' AND c.enforced AND o.deleted_at IS NULL AND d.domain = $2 AND d.verified_at IS NOT NULL
		AND NOT EXISTS (SELECT FROM identity.sso_domains t WHERE t.organisation_id = d.organisation_id AND t.domain = $3 AND t.verified_at IS NOT NULL))`,
		user, from.Domain(), to.Domain()).Scan(&bound)
	if err == nil && bound {
		return domain.Errorf(domain.CodeForbidden, "your organisation signs you in by its own service: leave it before you take a mailbox elsewhere")
	}
	return identity.Wrap("find out whether somebody may take another mailbox", err)
}

// moved notes the mailbox that somebody had until now, for the erasure of what names it elsewhere.
func moved(ctx context.Context, tx pgx.Tx, user uuid.UUID, from address.Email, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO identity.former_emails (user_id, email, until) VALUES ($1, $2, $3) ON CONFLICT (user_id, email) DO UPDATE SET until = excluded.until`, user, from, at)
	return identity.Wrap("note a mailbox of before", err)
}
