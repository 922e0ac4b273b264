package config

import (
	"net/netip"
	"time"

	"github.com/massrouter/massrouter/reactors/webhook"
)

// Webhooks are the requests that customers get of what happens in their wallets.
type Webhooks struct {
	WebhookKey         Secret        `env:"MASSROUTER_WEBHOOK_KEY" doc:"Key that seals the webhooks' secrets in the database, from 'massrouter webhook keygen'. Several are separated by commas: the first one seals, all of them open. With MASSROUTER_SECRETS_KEYSET that seals, and this only opens what is older; without either there are no webhooks. See webhooks.md." used:"serve work secrets"`
	WebhookAllowHTTP   bool          `env:"MASSROUTER_WEBHOOK_ALLOW_HTTP" doc:"Let webhooks have addresses that begin with http, not only https. Always so in dev." used:"serve work"`
	WebhookNetworks    string        `env:"MASSROUTER_WEBHOOK_ALLOW_NETWORKS" doc:"Networks that webhooks may reach although they are not public, separated by commas: 10.20.0.0/16,fd00:1::/32. All else that is private, loopback or special is refused when it is dialled. In dev this machine is always allowed." used:"serve work dev"`
	WebhookRetention   time.Duration `env:"MASSROUTER_WEBHOOK_RETENTION" doc:"How long finished deliveries are kept, and how far back a replay may begin." used:"serve work dev"`
	WebhookTimeout     time.Duration `env:"MASSROUTER_WEBHOOK_TIMEOUT" doc:"Longest time of one attempt, in all." used:"work dev"`
	WebhookReceivers   int           `env:"MASSROUTER_WEBHOOK_RECEIVERS" doc:"Webhooks that one process serves at once. Half of that, at most, is for receivers that fail or are slow." used:"work dev"`
	WebhookConcurrency int           `env:"MASSROUTER_WEBHOOK_CONCURRENCY" doc:"Requests that one process has under way to one webhook." used:"work dev"`
}

func (w Webhooks) validate(p *Problems) {
	if w.WebhookKey.IsSet() {
		_, err := webhook.ParseKeyring(w.WebhookKey.Reveal())
		p.add(err == nil, "MASSROUTER_WEBHOOK_KEY", "%v", err)
	}
	_, err := webhook.ParseNetworks(w.WebhookNetworks)
	p.add(err == nil, "MASSROUTER_WEBHOOK_ALLOW_NETWORKS", "%v", err)
	checkDuration(p, "MASSROUTER_WEBHOOK_RETENTION", w.WebhookRetention, webhook.GiveUpAfter, 366*24*time.Hour)
	checkDuration(p, "MASSROUTER_WEBHOOK_TIMEOUT", w.WebhookTimeout, time.Second, time.Minute)
	p.add(w.WebhookReceivers >= 2 && w.WebhookReceivers <= 1000, "MASSROUTER_WEBHOOK_RECEIVERS", "%d is not between 2 and 1000", w.WebhookReceivers)
	p.add(w.WebhookConcurrency >= 1 && w.WebhookConcurrency <= 100, "MASSROUTER_WEBHOOK_CONCURRENCY", "%d is not between 1 and 100", w.WebhookConcurrency)
}

// Reachable are the networks that media may be fetched from although they are not public. They have been validated.
func (g Gateway) Reachable() []netip.Prefix { return networks(g.MediaNetworks) }

// Policy is where webhooks may reach. The networks have been validated.
func (w Webhooks) Policy() webhook.Policy {
	return webhook.Policy{AllowHTTP: w.WebhookAllowHTTP, Allowed: networks(w.WebhookNetworks)}
}

// networks are a list's that has been validated.
func networks(list string) []netip.Prefix {
	all, err := webhook.ParseNetworks(list)
	if err != nil {
		return nil
	}
	return all
}
