package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/identity/oauth/appcode"
)

const maxLabel = 100 // characters

// AuthorizeApp lets an app of others have a key of a wallet on which the caller may issue keys. The key is the caller's own: what members may spend holds for it.
func (a *API) AuthorizeApp(ctx context.Context, r AuthorizeAppRequestObject) (AuthorizeAppResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	actor := auth.From(ctx)
	wallet, err := walletOf(actor, r.Body.WalletID)
	if err != nil {
		return nil, err
	}
	limits, err := a.limits(r.Body)
	if err != nil {
		return nil, err
	}
	limits.MemberID = actor.User
	text, err := json.Marshal(limits)
	if err != nil {
		return nil, fmt.Errorf("write what is granted: %w", err)
	}
	g := appcode.Grant{User: actor.User, Wallet: wallet, Actor: actor.ID, Callback: r.Body.CallbackURL, Limits: text}
	if r.Body.CodeChallenge != nil {
		g.Challenge = *r.Body.CodeChallenge
	}
	if r.Body.CodeChallengeMethod != nil {
		g.Method = appcode.Method(*r.Body.CodeChallengeMethod)
	}
	code, err := a.p.Codes.Make(ctx, g)
	if err != nil {
		return nil, err
	}
	return AuthorizeApp200JSONResponse{Code: code.Secret, RedirectURL: code.Redirect, ExpiresAt: code.ExpiresAt}, nil
}

// walletOf is whose key it is to be: the caller's own wallet unless said.
func walletOf(actor auth.Actor, asked *uuid.UUID) (uuid.UUID, error) {
	wallet := domain.DeriveID(actor.User, "wallet") // see organisation.Service.Personal
	if asked != nil {
		wallet = *asked
	}
	tenant, mine := actor.Tenants[wallet]
	switch {
	case !mine:
		return wallet, domain.Errorf(domain.CodeNotFound, "there is no such wallet")
	case !tenant.Permissions.Has(auth.KeysWrite):
		return wallet, domain.Errorf(domain.CodeForbidden, "this needs the permission %s", auth.KeysWrite).With("permission", string(auth.KeysWrite))
	}
	return wallet, nil
}

// limits are those of the key.
func (a *API) limits(b *AuthorizeAppJSONRequestBody) (l apikey.Limits, err error) {
	_, host, err := appcode.Callback(b.CallbackURL)
	if err != nil {
		return l, err
	}
	l.Name = host
	if b.KeyLabel != nil && *b.KeyLabel != "" {
		l.Name = *b.KeyLabel
	}
	if utf8.RuneCountInString(l.Name) > maxLabel {
		return l, domain.Errorf(domain.CodeInvalid, "key_label has at most %d characters", maxLabel).With("member", "/key_label")
	}
	one := apikey.Cap{Amount: b.Limit}
	if b.UsageLimitType != nil {
		one.Window = apikey.Window(*b.UsageLimitType)
	}
	switch {
	case one.Amount == nil && one.Window != apikey.Ever:
		return l, domain.Errorf(domain.CodeInvalid, "usage_limit_type needs a limit").With("member", "/usage_limit_type")
	case one.Amount != nil && one.Amount.Sign() < 0:
		return l, domain.Errorf(domain.CodeInvalid, "a limit is not negative").With("member", "/limit")
	}
	if l.Caps, err = one.Caps(); err != nil {
		return l, err
	}
	if b.ExpiresAt != nil {
		if l.ExpiresAt = b.ExpiresAt.UTC(); !l.ExpiresAt.After(a.p.Now().Add(time.Minute)) {
			return l, domain.Errorf(domain.CodeInvalid, "expires_at lies in the future").With("member", "/expires_at")
		}
	}
	return l, nil
}
