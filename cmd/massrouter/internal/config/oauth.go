package config

import (
	"net/netip"

	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// OAuth is sign-in by services of others.
type OAuth struct {
	OAuthProviders Secret `env:"MASSROUTER_OAUTH_PROVIDERS" doc:"Services that people may sign in by, as a JSON list of objects; see sign-in-providers.md. It holds the client secrets: better from a file." used:"serve work dev"`
	OAuthNetworks  string `env:"MASSROUTER_OAUTH_ALLOW_NETWORKS" doc:"Networks that sign-in services may be in, although they are not public, separated by commas; at a number in them also over plain HTTP. All else that is private, loopback or special is refused when it is dialled." used:"serve dev"`
}

// Providers are the services, which have been validated.
func (o OAuth) Providers() []oauth.Config {
	all, err := oauth.ParseConfigs([]byte(o.OAuthProviders.Reveal()))
	if err != nil {
		return nil // Validate refuses it
	}
	return all
}

// Reachable are the networks, which have been validated.
func (o OAuth) Reachable() []netip.Prefix { return networks(o.OAuthNetworks) }

func (o OAuth) validate(p *Problems) {
	_, err := oauth.ParseConfigs([]byte(o.OAuthProviders.Reveal()))
	p.add(err == nil, "MASSROUTER_OAUTH_PROVIDERS", "%v", err)
	_, err = webhook.ParseNetworks(o.OAuthNetworks)
	p.add(err == nil, "MASSROUTER_OAUTH_ALLOW_NETWORKS", "%v", err)
}
