package program

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/devmail"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/vault"
	hs "github.com/massrouter/massrouter/http"
	accounts "github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/oauth/appcode"
	"github.com/massrouter/massrouter/identity/oauth/sso"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/signing"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/reactors/mail"
)

// pruneEvery is how often what people have left behind is removed.
const pruneEvery = time.Minute

// mailEvery is between two looks for what the ledger has to be told of; each waits for events itself.
const mailEvery = 100 * time.Millisecond

// people are the rooms of those who sign in.
type people struct {
	accounts      *account.Service
	factors       *factor.Store
	passkeys      *passkey.Store
	phones        *phone.Store
	sessions      *session.Store
	organisations *organisation.Service
	signing       *signing.Store
	issuer        *token.Issuer
	machine       *signin.Machine
	ended         *session.Ended
	services      *oauth.Service // of others
	codes         *appcode.Store // of apps of others
	sso           *sso.Store
	outbox        *mail.Outbox // instead of a mail server; nil with one
}

// openPeople prepares them; there are none without an address of the portal, or without a keyset.
func (p *Program) openPeople(ctx context.Context) error {
	c := p.o.Config.People
	if !c.Enabled() || p.secrets == nil {
		return nil
	}
	hasher, err := password.NewHasher(password.Options{})
	if err != nil {
		return fmt.Errorf("prepare to hash passwords: %w", err)
	}
	sealer := vault.New(p.secrets)
	who := &people{sessions: session.New(p.pool, time.Now)}
	who.accounts = account.New(p.pool, hasher, who.sessions, time.Now)
	who.factors = factor.New(p.pool, sealer, c.MailName, time.Now)
	who.organisations = organisation.New(p.pool, tenantWallets{p.app}, time.Now)
	if who.passkeys, err = passkey.New(p.pool, c.Domain(), c.MailName, origins(c.PortalURL, c.AdminURL), time.Now); err != nil {
		return err
	}
	who.phones = p.newPhones()
	who.signing = signing.New(p.pool, sealer, time.Now)
	all, err := who.signing.Load(ctx)
	if err != nil {
		return fmt.Errorf("%w; the keyset of MASSROUTER_SECRETS_KEYSET has to be the one that they were sealed with", err)
	}
	if who.issuer, err = token.NewIssuer(c.PortalURL, time.Now, all...); err != nil {
		return err
	}
	who.sso = newSSO(p.pool, sealer)
	who.machine = signin.New(p.pool, signin.Parts{
		Accounts: who.accounts, Factors: who.factors, Passkeys: who.passkeys, Phones: who.phones, Sessions: who.sessions, Issuer: who.issuer, Policy: who.sso,
	}, time.Now)
	who.codes = appcode.New(p.pool, time.Now)
	if who.services, err = p.services(who); err != nil {
		return err
	}
	who.ended = session.NewEnded(p.pool, p.complain("it could not be found out which sessions have ended; requests ask one by one"))
	if !c.SMTPURL.IsSet() {
		who.outbox = &mail.Outbox{}
	}
	p.people = who
	return nil
}

// origins are the addresses as browsers name them.
func origins(sites ...string) []string {
	var all []string
	for _, site := range sites {
		if u, err := url.Parse(site); err == nil && site != "" {
			all = append(all, u.Scheme+"://"+u.Host)
		}
	}
	return all
}

func (p *Program) complain(what string) func(error) {
	return func(err error) { p.o.Log.Error().Err(err).Msg(what) }
}

// peopleActors is what serves them in this process.
func (p *Program) peopleActors() stage {
	if p.people == nil {
		return nil
	}
	return stage{
		{"ended sessions", func(ctx context.Context) error {
			p.people.ended.Run(ctx)
			return nil
		}},
		{"signing keys", func(ctx context.Context) error {
			p.people.signing.Follow(ctx, p.people.issuer, p.complain("the signing keys could not be read; those known are used"))
			return nil
		}},
	}
}

// sites are the front ends.
func (p *Program) sites() accounts.Sites {
	return accounts.Sites{Portal: p.o.Config.People.PortalURL, Admin: p.o.Config.People.AdminURL}
}

// addPeople gives the API its people: who sends requests, and what they do about themselves.
func (p *Program) addPeople(api *hs.API, operator auth.Authenticator) error {
	who := p.people
	if who == nil {
		none, err := accounts.New(nil)
		api.Authenticator, api.Accounts = operator, none
		return err
	}
	authenticator, err := accounts.NewAuthenticator(accounts.AuthenticatorParts{
		Operator: operator, Issuer: who.issuer, Sessions: who.sessions, Ended: who.ended, Rights: access.New(p.pool, time.Now), Sites: p.sites(), Now: time.Now,
	})
	if err != nil {
		return err
	}
	api.Authenticator = authenticator
	if api.Accounts, err = accounts.New(&accounts.Parts{
		Accounts: who.accounts, Machine: who.machine, Factors: who.factors, Passkeys: who.passkeys, Phones: who.phones, Sessions: who.sessions, Organisations: who.organisations,
		Issuer: who.issuer, Keys: p.revoker(), Sites: p.sites(), Now: time.Now,
	}); err != nil {
		return err
	}
	api.OAuth = p.oauthAPI(who, api.Accounts)
	api.Inference.Codes, api.Inference.Granters = who.codes, granters{access.New(p.pool, time.Now)}
	if who.outbox != nil && p.o.Dev {
		api.DevMail, err = devmail.New(who.outbox)
	}
	return err
}

// peopleWork is what is done behind them: mails are sent, and what is over is removed.
func (p *Program) peopleWork() (stage, error) {
	who := p.people
	if who == nil {
		return nil, nil
	}
	c := p.o.Config.People
	var sender mail.Sender = who.outbox
	if who.outbox == nil {
		server, err := mail.NewSMTP(c.SMTPURL.Reveal(), c.MailFrom, c.MailName, nil)
		if err != nil {
			return nil, err
		}
		sender = server
	}
	writer, err := mail.NewWriter(c.PortalURL)
	if err != nil {
		return nil, err
	}
	mails := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "massrouter_mails_total", Help: "Attempts of this process to send a mail, by kind and outcome: sent, retry, failed, gone, or late (its mailbox has had enough for now).",
	}, []string{"kind", "outcome"})
	if err := register(p.registry, mails); err != nil {
		return nil, err
	}
	worker := mail.NewWorker(p.workers, who.accounts, writer, sender, mail.Options{
		Now: time.Now, OnError: p.complain("mails could not be worked on and are tried again"),
		OnEnd: func(kind account.Kind, outcome string) { mails.WithLabelValues(string(kind), outcome).Inc() },
	})
	messages, err := p.messagesWork()
	if err != nil {
		return nil, err
	}
	prune := func(ctx context.Context) error {
		for _, one := range []func(context.Context) (int64, error){
			worker.Prune, who.machine.Prune, who.factors.Prune, who.passkeys.Prune, who.sessions.Prune, who.accounts.Prune, who.signing.Prune, who.services.Prune, who.codes.Prune, who.phones.Prune,
			access.New(p.workers, time.Now).Prune,
		} {
			if _, err := one(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	tidy := task{name: "people", every: pruneEvery, pool: p.workers, log: p.o.Log, tick: prune}
	following := task{name: "mails of the ledger", every: mailEvery, pool: p.workers, log: p.o.Log, tick: mail.NewFollower(p.store, p.workers, time.Now).Tick}
	proving := task{name: "domains", every: pruneEvery, pool: p.workers, log: p.o.Log, tick: func(ctx context.Context) error {
		_, err := who.sso.Recheck(ctx)
		return err
	}}
	ending := task{name: "leavings", every: leavingsEvery, pool: p.workers, log: p.o.Log, tick: p.leavings().tick}
	return append(messages, stage{
		{"mail", func(ctx context.Context) error {
			worker.Run(ctx)
			return nil
		}},
		{"people", tidy.run},
		{"mails of the ledger", following.run},
		{"domains", proving.run},
		{"leavings", ending.run},
		{"departures", task{name: "departures", every: departuresEvery, takeover: time.Second, pool: p.workers, log: p.o.Log, tick: p.followDepartures}.run},
	}...), nil
}
