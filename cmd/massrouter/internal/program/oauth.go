package program

import (
	"context"
	"net"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	accounts "github.com/massrouter/massrouter/http/account"
	oauthhttp "github.com/massrouter/massrouter/http/oauth"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/oauth/sso"
)

// services are those of others that people sign in by.
func (p *Program) services(who *people) (*oauth.Service, error) {
	c := p.o.Config
	return oauth.New(p.pool, oauth.Options{
		Providers: c.OAuth.Providers(), Portal: c.People.PortalURL, Admin: c.People.AdminURL, Allowed: c.OAuth.Reachable(),
		Machine: who.machine, Accounts: who.accounts, SSO: who.sso, Now: time.Now,
	})
}

// oauthAPI is how browsers go there and come back.
func (p *Program) oauthAPI(who *people, account *accounts.API) *oauthhttp.API {
	return oauthhttp.New(&oauthhttp.Parts{
		Services: who.services, Machine: who.machine, Sessions: who.sessions, Account: account, Codes: who.codes, SSO: who.sso, Now: time.Now,
	})
}

// newSSO is single sign-on of organisations. Customers choose the addresses of their issuers: only public ones are reached.
func newSSO(pool *pgxpool.Pool, sealer sso.Sealer) *sso.Store {
	return sso.New(pool, sealer, net.DefaultResolver, oauth.NewClient(nil), time.Now)
}

// granters says who may still let apps have keys.
type granters struct{ rights *access.Service }

// MayIssue implements inference.Granters.
func (g granters) MayIssue(ctx context.Context, user, wallet uuid.UUID) (bool, error) {
	rights, err := g.rights.Rights(ctx, user)
	return rights.Tenants[wallet].Permissions.Has(access.KeysWrite), err
}
