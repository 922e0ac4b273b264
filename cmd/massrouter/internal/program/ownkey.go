package program

import (
	"context"

	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/http/command"
	"github.com/massrouter/massrouter/http/query"
)

// watchOwnKeys reads the keys that customers have at vendors; nothing without a keyset.
func (p *Program) watchOwnKeys(ctx context.Context) error {
	if p.secrets == nil {
		return nil
	}
	p.ownWatch = ownkey.NewWatch(p.pool, p.secrets, func(err error) {
		p.o.Log.Error().Err(err).Msg("the keys of customers at vendors cannot be read")
	})
	return p.ownWatch.Look(ctx)
}

// openOwnKeys prepares their changes: the gateway knows what the vendors take.
func (p *Program) openOwnKeys() {
	if p.secrets != nil {
		p.ownKeys = ownkey.New(p.pool, p.secrets, walletsOf{p.views.balance, p.store}, p.gateway)
	}
}

// gatewayOwnKeys and the others are nil without a keyset, as the rooms want it.
func (p *Program) gatewayOwnKeys() gateway.OwnKeys {
	if p.ownWatch == nil {
		return nil
	}
	return p.ownWatch
}

func (p *Program) queryOwnKeys() query.OwnKeys {
	if p.ownKeys == nil {
		return nil
	}
	return p.ownKeys
}

func (p *Program) commandOwnKeys() command.OwnKeys {
	if p.ownKeys == nil {
		return nil
	}
	return p.ownKeys
}

// runOwnKeys keeps the keys current.
func (p *Program) runOwnKeys(ctx context.Context) error {
	if p.ownWatch == nil {
		<-ctx.Done()
		return nil
	}
	return p.ownWatch.Run(ctx)
}
