package query

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/problem"
)

var _ auth.Owners = (*API)(nil)

// WalletOf is the wallet that something belongs to. What a read model does not know it is asked for again at the end of the log: who was just given an id may
// use it at once.
func (a *API) WalletOf(ctx context.Context, kind auth.Kind, id string, minPosition int64) (uuid.UUID, error) {
	wallet, err := a.walletOf(ctx, kind, id, minPosition)
	if err == nil || !missing(err) || kind == auth.OfPreset || kind == auth.OfWebhook {
		return wallet, foreign(err)
	}
	head, headErr := a.views.Log.Head(ctx)
	if headErr != nil {
		return uuid.Nil, headErr
	}
	if head.Position <= minPosition {
		return uuid.Nil, foreign(err)
	}
	wallet, err = a.walletOf(ctx, kind, id, head.Position)
	return wallet, foreign(err)
}

// MemberOf is whose key a key is.
func (a *API) MemberOf(ctx context.Context, key string) (uuid.UUID, error) {
	id, err := uuid.Parse(key)
	if err != nil {
		return uuid.Nil, domain.Errorf(domain.CodeInvalid, "the parameter %s is malformed", auth.OfKey).With("parameter", string(auth.OfKey))
	}
	head, err := a.views.Log.Head(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	k, err := a.views.Keys.Key(ctx, id, head.Position)
	return k.Limits.MemberID, foreign(err)
}

// missing says whether there is no such thing, by any of the codes of that.
func missing(err error) bool {
	return err != nil && problem.Missing(domain.CodeOf(err))
}

// foreign gives all that is missing one code.
func foreign(err error) error {
	if missing(err) {
		return domain.Errorf(domain.CodeNotFound, "there is no such thing").Wrap(err)
	}
	return err
}

func (a *API) walletOf(ctx context.Context, kind auth.Kind, id string, minPosition int64) (uuid.UUID, error) {
	if kind == auth.OfGeneration {
		generation, err := domain.ParseGenerationID(id)
		if err != nil {
			return uuid.Nil, err
		}
		g, err := a.views.Generations.Generation(ctx, generation, nil, minPosition)
		return g.WalletID, err
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return uuid.Nil, domain.Errorf(domain.CodeInvalid, "the parameter %s is malformed", kind).With("parameter", string(kind))
	}
	switch kind {
	case auth.OfKey:
		k, err := a.views.Keys.Key(ctx, parsed, minPosition)
		return k.WalletID, err
	case auth.OfApp:
		found, err := a.views.Apps.App(ctx, parsed, minPosition)
		return found.WalletID, err
	case auth.OfPreset:
		p, err := a.views.Presets.Preset(ctx, parsed)
		return p.WalletID, err
	case auth.OfWebhook:
		hooks, err := a.hooks()
		if err != nil {
			return uuid.Nil, err
		}
		h, err := hooks.Webhook(ctx, parsed)
		return h.WalletID, err
	case auth.OfWallet, auth.OfOrganisation, auth.OfGeneration:
	}
	return uuid.Nil, domain.Errorf(domain.CodeNotFound, "nothing is looked up by %s", kind)
}
