package account

import (
	"context"
	"slices"

	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/passkey"
)

// GetFactors says what there is.
func (a *API) GetFactors(ctx context.Context, _ GetFactorsRequestObject) (GetFactorsResponseObject, error) {
	user := auth.From(ctx).User
	methods, err := a.p.Factors.List(ctx, user)
	if err != nil {
		return nil, err
	}
	left, err := a.p.Factors.RecoveryLeft(ctx, user)
	if err != nil {
		return nil, err
	}
	all, err := a.p.Passkeys.List(ctx, user)
	if err != nil {
		return nil, err
	}
	answer := GetFactors200JSONResponse{Totp: slices.Contains(methods, factor.TOTP), Phone: slices.Contains(methods, factor.SMS), RecoveryCodes: left, Passkeys: make([]Passkey, len(all))}
	for i := range all {
		answer.Passkeys[i] = shownPasskey(&all[i])
	}
	return answer, nil
}

func shownPasskey(k *passkey.Passkey) Passkey {
	shown := Passkey{PasskeyID: k.ID, Name: k.Name, CreatedAt: k.CreatedAt}
	if !k.UsedAt.IsZero() {
		shown.UsedAt = &k.UsedAt
	}
	return shown
}

// BeginTOTP makes the secret of an authenticator app.
func (a *API) BeginTOTP(ctx context.Context, _ BeginTOTPRequestObject) (BeginTOTPResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	u, err := a.p.Accounts.Get(ctx, auth.From(ctx).User)
	if err != nil {
		return nil, err
	}
	e, err := a.p.Factors.BeginTOTP(ctx, u.ID, string(u.Email))
	return BeginTOTP200JSONResponse(e), err
}

// ConfirmTOTP takes the first code of an app.
func (a *API) ConfirmTOTP(ctx context.Context, r ConfirmTOTPRequestObject) (ConfirmTOTPResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	codes, err := a.p.Factors.ConfirmTOTP(ctx, auth.From(ctx).User, r.Body.Code)
	return ConfirmTOTP200JSONResponse{Codes: codes}, err
}

// RemoveTOTP takes the app away.
func (a *API) RemoveTOTP(ctx context.Context, _ RemoveTOTPRequestObject) (RemoveTOTPResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	return RemoveTOTP200JSONResponse{Done: true}, a.p.Factors.RemoveTOTP(ctx, auth.From(ctx).User)
}

// RenewRecoveryCodes makes new ones.
func (a *API) RenewRecoveryCodes(ctx context.Context, _ RenewRecoveryCodesRequestObject) (RenewRecoveryCodesResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	codes, err := a.p.Factors.RenewRecovery(ctx, auth.From(ctx).User)
	return RenewRecoveryCodes200JSONResponse{Codes: codes}, err
}

func (a *API) person(ctx context.Context) (passkey.Person, error) {
	u, err := a.p.Accounts.Get(ctx, auth.From(ctx).User)
	return passkey.Person{ID: u.ID, Email: string(u.Email), Name: u.Profile.Name}, err
}

// AskNewPasskey asks the browser for one.
func (a *API) AskNewPasskey(ctx context.Context, _ AskNewPasskeyRequestObject) (AskNewPasskeyResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	p, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	options, ceremony, err := a.p.Passkeys.BeginRegister(ctx, p)
	return AskNewPasskey200JSONResponse{Ceremony: ceremony, Options: options}, err
}

// AddPasskey keeps what the browser has made.
func (a *API) AddPasskey(ctx context.Context, r AddPasskeyRequestObject) (AddPasskeyResponseObject, error) {
	p, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	k, err := a.p.Passkeys.FinishRegister(ctx, p, r.Body.Ceremony, r.Body.Name, r.Body.Credential)
	return AddPasskey201JSONResponse(shownPasskey(&k)), err
}

// RenamePasskey gives one another name.
func (a *API) RenamePasskey(ctx context.Context, r RenamePasskeyRequestObject) (RenamePasskeyResponseObject, error) {
	return RenamePasskey200JSONResponse{Done: true}, a.p.Passkeys.Rename(ctx, auth.From(ctx).User, r.PasskeyID, r.Body.Name)
}

// RemovePasskey takes one away.
func (a *API) RemovePasskey(ctx context.Context, r RemovePasskeyRequestObject) (RemovePasskeyResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	return RemovePasskey200JSONResponse{Done: true}, a.p.Passkeys.Remove(ctx, auth.From(ctx).User, r.PasskeyID)
}
