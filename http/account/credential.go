package account

import (
	"context"

	"github.com/massrouter/massrouter/http/auth"
)

// ForgotPassword has a mail sent, if the address has an account.
func (a *API) ForgotPassword(ctx context.Context, r ForgotPasswordRequestObject) (ForgotPasswordResponseObject, error) {
	return ForgotPassword202JSONResponse{Accepted: true}, a.p.Accounts.Forgot(ctx, r.Body.Email)
}

// ResetPassword sets a password by a link.
func (a *API) ResetPassword(ctx context.Context, r ResetPasswordRequestObject) (ResetPasswordResponseObject, error) {
	return ResetPassword200JSONResponse{Done: true}, a.p.Accounts.Reset(ctx, r.Body.Token, r.Body.Password)
}

// ConfirmEmail proves the caller's new mailbox.
func (a *API) ConfirmEmail(ctx context.Context, r ConfirmEmailRequestObject) (ConfirmEmailResponseObject, error) {
	_, err := a.p.Accounts.ConfirmEmail(ctx, auth.From(ctx).User, r.Body.Token)
	return ConfirmEmail200JSONResponse{Done: true}, err
}

// ChangePassword exchanges the password and ends all other sessions.
func (a *API) ChangePassword(ctx context.Context, r ChangePasswordRequestObject) (ChangePasswordResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	actor := auth.From(ctx)
	return ChangePassword200JSONResponse{Done: true}, a.p.Accounts.ChangePassword(ctx, actor.User, actor.Session, r.Body.Current, r.Body.Password)
}

// ChangeEmail asks for another mailbox.
func (a *API) ChangeEmail(ctx context.Context, r ChangeEmailRequestObject) (ChangeEmailResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	return ChangeEmail202JSONResponse{Accepted: true}, a.p.Accounts.ChangeEmail(ctx, auth.From(ctx).User, r.Body.Email)
}
