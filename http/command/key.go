package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
)

// IssueKey makes a secret, records its hash, and shows it in this one answer.
func (a *API) IssueKey(ctx context.Context, r IssueKeyRequestObject) (IssueKeyResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	id := domain.DeriveID(m.CommandID, "key")
	secret, err := newSecret(id)
	if err != nil {
		return nil, err
	}
	member, err := memberOf(ctx, r.Body.MemberID, chosen(r.Body.Scope))
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.IssueKey(ctx, m, commands.IssueKey{
		KeyID: id, WalletID: r.WalletID, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret),
		Limits: apikey.Limits{
			Name: r.Body.Name, Caps: chosen(r.Body.Caps), Models: chosen(r.Body.Models), ExpiresAt: chosen(r.Body.ExpiresAt),
			Rates: chosen(r.Body.RateLimits), MemberID: member, Networks: chosen(r.Body.Networks),
		},
		Scope: chosen(r.Body.Scope),
	})
	if err := shownOnce(done, err, id); err != nil {
		return nil, err
	}
	return IssueKey201JSONResponse(secretReceipt(id, secret, done)), nil
}

// memberOf is whose key it is that somebody issues: one's own unless said; the nil id says that it is the organisation's. Who may not change members' limits issues
// keys for oneself only, so that one's caps hold, and none that manages: it would change the keys of all.
func memberOf(ctx context.Context, asked *uuid.UUID, scope apikey.Scope) (uuid.UUID, error) {
	actor, acting := auth.From(ctx), auth.ActingOf(ctx)
	if len(acting.Wallets) == 0 {
		return chosen(asked), nil
	}
	own := asked == nil || *asked == actor.User
	if (!own || scope == apikey.Management) && !actor.Tenants[acting.Wallets[0]].Permissions.Has(auth.MembersWrite) {
		return uuid.Nil, domain.Errorf(domain.CodeForbidden, "a key of another member, or one that manages keys, needs the permission %s", auth.MembersWrite).
			With("permission", string(auth.MembersWrite))
	}
	if own {
		return actor.User, nil
	}
	return *asked, nil
}

// RotateKey makes a new secret, records its hash, and shows it in this one answer.
func (a *API) RotateKey(ctx context.Context, r RotateKeyRequestObject) (RotateKeyResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	most := int64(apikey.MaxRotationGrace / time.Second)
	if r.Body.GraceSeconds < 0 || r.Body.GraceSeconds > most {
		return nil, domain.Errorf(domain.CodeInvalid, "grace_seconds is between 0 and %d", most).With("member", "/grace_seconds")
	}
	secret, err := newSecret(r.KeyID)
	if err != nil {
		return nil, err
	}
	grace := time.Duration(r.Body.GraceSeconds) * time.Second
	_, done, err := a.app.RotateKey(ctx, m, commands.RotateKey{
		KeyID: r.KeyID, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret), Grace: grace,
	})
	if err := shownOnce(done, err, r.KeyID); err != nil {
		return nil, err
	}
	answer := secretReceipt(r.KeyID, secret, done)
	until := answer.RecordedAt.Add(grace)
	answer.OldSecretUntil = &until
	return RotateKey200JSONResponse(answer), nil
}

// newSecret draws 256 bits.
func newSecret(id uuid.UUID) (string, error) {
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("draw a secret: %w", err)
	}
	return apikey.Secret(id, random), nil
}

// shownOnce refuses a repeated request: the secret of this one was never recorded, and that of the first is gone.
func shownOnce(done commands.Receipt, err error, id uuid.UUID) error {
	repeated := errors.Is(err, &domain.Error{Code: domain.CodeIdempotencyConflict}) || (err == nil && done.Replayed)
	if !repeated {
		return err
	}
	return domain.Errorf(domain.CodeIdempotencyConflict, "this Idempotency-Key was used before: a secret is shown once, "+
		"in the first answer; send another key to try again").With("key_id", id.String())
}

func secretReceipt(id uuid.UUID, secret string, r commands.Receipt) SecretReceipt {
	return SecretReceipt{
		KeyID: id, Label: apikey.Label(secret), Secret: secret,
		Position: openapi.Count(r.Position), RecordedAt: r.RecordedAt.UTC(), Replayed: r.Replayed,
	}
}

// UpdateKey replaces a key's limits whole.
func (a *API) UpdateKey(ctx context.Context, r UpdateKeyRequestObject) (UpdateKeyResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.UpdateKey(ctx, m, commands.UpdateKey{KeyID: r.KeyID, Limits: apikey.Limits{
		Name: r.Body.Name, Caps: chosen(r.Body.Caps), Models: r.Body.Models, ExpiresAt: chosen(r.Body.ExpiresAt),
		Rates: chosen(r.Body.RateLimits), Networks: r.Body.Networks,
	}})
	if err != nil {
		return nil, err
	}
	return UpdateKey200JSONResponse(receipt(done)), nil
}

// DisableKey stops a key until it is enabled again.
func (a *API) DisableKey(ctx context.Context, r DisableKeyRequestObject) (DisableKeyResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.DisableKey(ctx, m, commands.DisableKey{KeyID: r.KeyID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return DisableKey200JSONResponse(receipt(done)), nil
}

// EnableKey lets a disabled key work again.
func (a *API) EnableKey(ctx context.Context, r EnableKeyRequestObject) (EnableKeyResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.EnableKey(ctx, m, commands.EnableKey{KeyID: r.KeyID})
	if err != nil {
		return nil, err
	}
	return EnableKey200JSONResponse(receipt(done)), nil
}

// RevokeKey ends a key for good.
func (a *API) RevokeKey(ctx context.Context, r RevokeKeyRequestObject) (RevokeKeyResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.RevokeKey(ctx, m, commands.RevokeKey{KeyID: r.KeyID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return RevokeKey200JSONResponse(receipt(done)), nil
}
