package program

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/preset"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/reactors/webhook"
)

const (
	leavingsActor = "system:leavings"
	leavingsEvery = 5 * time.Second
	// leavingsBack is how long ago an organisation may have ended to be looked at by a process that has just become the one who does.
	leavingsBack = 30 * 24 * time.Hour
	// leavingsAgain is how long after its end an organisation is looked at again: a request that was under way may have made something.
	leavingsAgain = 15 * time.Minute
)

// leavings removes what organisations leave behind that have ended, people's own among them: keys end, and what is in tables only goes. What the
// ledger says of the wallet stays.
type leavings struct {
	program       *Program
	organisations *organisation.Service
	presets       *preset.Store
	ownKeys       *ownkey.Store
	contents      *content.Store
	done          map[uuid.UUID]time.Time // by wallet: when it was looked at last
}

func (p *Program) leavings() *leavings {
	return &leavings{
		program: p, organisations: p.people.organisations, done: map[uuid.UUID]time.Time{},
		presets: preset.New(p.workers, nil), ownKeys: ownkey.New(p.workers, nil, nil, nil), contents: content.New(p.workers, nil),
	}
}

// tick looks at each organisation that has ended, until long enough after its end.
func (l *leavings) tick(ctx context.Context) error {
	gone, err := l.organisations.Ended(ctx, time.Now().Add(-leavingsBack))
	if err != nil {
		return err
	}
	for _, g := range gone {
		if at, ok := l.done[g.Wallet]; ok && at.Sub(g.At) > leavingsAgain {
			continue
		}
		at := time.Now()
		if err := l.remove(ctx, g.Wallet, g.At); err != nil {
			return err
		}
		l.done[g.Wallet] = at
	}
	return nil
}

func (l *leavings) remove(ctx context.Context, wallet uuid.UUID, ended time.Time) error {
	if err := l.program.revoker().RevokeAll(ctx, wallet, leavingsActor); err != nil {
		return err
	}
	return errors.Join(l.removePresets(ctx, wallet), l.removeOwnKeys(ctx, wallet), l.removeWebhooks(ctx, wallet), l.contents.EraseLeft(ctx, wallet, ended, leavingsActor))
}

func (l *leavings) removePresets(ctx context.Context, wallet uuid.UUID) error {
	all, err := l.presets.ByWallet(ctx, wallet)
	if err != nil {
		return err
	}
	for i := range all {
		q := preset.Request{ID: domain.DeriveID(all[i].ID, leavingsActor), Actor: leavingsActor}
		if _, err := l.presets.Erase(ctx, q, all[i].ID); err != nil {
			return err
		}
	}
	return nil
}

func (l *leavings) removeOwnKeys(ctx context.Context, wallet uuid.UUID) error {
	all, err := l.ownKeys.ByWallet(ctx, wallet)
	if err != nil {
		return err
	}
	for i := range all {
		q := ownkey.Request{ID: domain.DeriveID(all[i].ID, leavingsActor), Actor: leavingsActor}
		if _, err := l.ownKeys.Delete(ctx, q, wallet, all[i].ID); err != nil {
			return err
		}
	}
	return nil
}

func (l *leavings) removeWebhooks(ctx context.Context, wallet uuid.UUID) error {
	hooks := l.program.hooks
	if hooks == nil {
		return nil
	}
	all, err := hooks.Webhooks(ctx, wallet)
	if err != nil {
		return err
	}
	for i := range all {
		q := webhook.Request{ID: domain.DeriveID(all[i].ID, leavingsActor), Actor: leavingsActor}
		if _, err := hooks.Delete(ctx, q, all[i].ID); err != nil {
			return err
		}
	}
	return nil
}
