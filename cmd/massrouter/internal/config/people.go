package config

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/massrouter/massrouter/reactors/mail"
)

// People are those who sign in, and how they are written to.
type People struct {
	PortalURL     string `env:"MASSROUTER_PORTAL_URL" doc:"Address of the portal, as people's browsers see it: https://portal.example.com. Links in mails lead there, its pages may sign people in, and access tokens name it as their issuer. Without it, or without MASSROUTER_SECRETS_KEYSET, nobody can sign in. In dev http://localhost:3001." used:"serve work dev"`
	AdminURL      string `env:"MASSROUTER_ADMIN_URL" doc:"Address of the admin front end. In dev http://localhost:3000." used:"serve work dev"`
	PasskeyDomain string `env:"MASSROUTER_PASSKEY_DOMAIN" doc:"Domain that passkeys are bound to, for ever: both front ends lie in it. The portal's host without it." used:"serve work dev"`
	SMTPURL       Secret `env:"MASSROUTER_SMTP_URL" doc:"Mail server: smtps://user:password@host:465 (TLS), smtp://user:password@host:587 (STARTTLS, which the server must have), or smtp+insecure://host:25 for one on this machine. dev shows mails at /dev/mail instead, unless it is set." used:"work dev"`
	MailFrom      string `env:"MASSROUTER_MAIL_FROM" doc:"Mailbox that mails come from." used:"work dev"`
	MailName      string `env:"MASSROUTER_MAIL_NAME" doc:"Name that mails come from, and that authenticator apps and passkeys show." used:"serve work dev"`
}

// Enabled says whether there are people.
func (c People) Enabled() bool { return c.PortalURL != "" }

// Domain is what passkeys are bound to.
func (c People) Domain() string {
	if c.PasskeyDomain != "" {
		return c.PasskeyDomain
	}
	u, err := url.Parse(c.PortalURL)
	if err != nil {
		return "" // Validate refuses it
	}
	return u.Hostname()
}

func (c People) validate(p *Problems, role Role, keyset bool) {
	for _, one := range []struct{ name, value string }{{"MASSROUTER_PORTAL_URL", c.PortalURL}, {"MASSROUTER_ADMIN_URL", c.AdminURL}} {
		if one.value == "" {
			continue
		}
		u, err := url.Parse(one.value)
		ok := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
		p.add(ok, one.name, "is no address such as https://portal.example.com, without a path")
		if ok && c.PasskeyDomain != "" {
			p.add(u.Hostname() == c.PasskeyDomain || strings.HasSuffix(u.Hostname(), "."+c.PasskeyDomain), "MASSROUTER_PASSKEY_DOMAIN", "%s does not lie in it", u.Hostname())
		}
	}
	_, err := netip.ParseAddr(strings.Trim(c.Domain(), "[]"))
	p.add(!c.Enabled() || err != nil, "MASSROUTER_PORTAL_URL", "has an address of the network for a host, to which browsers bind no passkeys: use a name, such as localhost")
	runs := role == RoleServe || role == RoleWork
	p.add(!runs || !c.Enabled() || keyset, keysetName, "is needed with MASSROUTER_PORTAL_URL: it seals what people sign in with")
	p.add(role != RoleWork || !c.Enabled() || c.SMTPURL.IsSet(), "MASSROUTER_SMTP_URL", "is needed with MASSROUTER_PORTAL_URL: nobody could prove a mailbox")
	p.add(!c.SMTPURL.IsSet() || c.MailFrom != "", "MASSROUTER_MAIL_FROM", "is needed with MASSROUTER_SMTP_URL")
	p.add(c.MailName != "", "MASSROUTER_MAIL_NAME", "is empty")
	if c.SMTPURL.IsSet() && c.MailFrom != "" {
		_, err := mail.NewSMTP(c.SMTPURL.Reveal(), c.MailFrom, c.MailName, nil)
		p.add(err == nil, "MASSROUTER_SMTP_URL", "%v", err)
	}
}
