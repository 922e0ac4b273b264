package program

import (
	"context"
	"errors"
	"time"

	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/reactors/webhook"
)

const (
	departuresActor = "system:departures"
	departuresEvery = 300 * time.Millisecond
)

// followDepartures ends what members have no right to any more: what the request that took them out has not, as it died, and what one that was under way has made
// since. One that fails keeps no other waiting.
func (p *Program) followDepartures(ctx context.Context) error {
	all, err := p.people.organisations.Departures(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, d := range all {
		err := errors.Join(p.revoker().RevokeLost(ctx, d.Wallet, d.Member, departuresActor), p.stopWebhooks(ctx, d))
		failed = append(failed, err, p.people.organisations.Followed(ctx, d, err != nil))
	}
	return errors.Join(failed...)
}

// stopWebhooks disables the webhooks that a member who may have none any more was the last to change: where they send to is known to that person, and perhaps only to
// him. Whoever may enables them again.
func (p *Program) stopWebhooks(ctx context.Context, d organisation.Departure) error {
	if p.hooks == nil {
		return nil
	}
	all, err := p.hooks.Webhooks(ctx, d.Wallet)
	if err != nil {
		return err
	}
	role, err := p.people.organisations.RoleIn(ctx, d.Wallet, d.Member) // after the list, as for keys
	if err != nil || access.In(role).Has(access.WebhooksWrite) {
		return err
	}
	var failed []error
	for i := range all {
		if all[i].UpdatedBy != "user:"+d.Member.String() || all[i].DisabledReason != "" {
			continue
		}
		failed = append(failed, p.hooks.Stop(ctx, webhook.Request{Actor: departuresActor}, all[i].ID, all[i].UpdatedBy))
	}
	return errors.Join(failed...)
}
