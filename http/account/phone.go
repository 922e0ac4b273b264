package account

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/problem"
)

// messages refuses what needs text messages where there are none.
func (a *API) messages() error {
	if !a.p.Phones.On() {
		return domain.Errorf(problem.CodeNotConfigured, "this service sends no text messages: MASSROUTER_SMS_COUNTRIES is not set")
	}
	return nil
}

// GetPhone is the number without most of its digits.
func (a *API) GetPhone(ctx context.Context, _ GetPhoneRequestObject) (GetPhoneResponseObject, error) {
	if a.p.Phones == nil {
		return nil, a.messages()
	}
	p, err := a.p.Phones.Get(ctx, auth.From(ctx).User)
	if err != nil {
		return nil, err
	}
	return GetPhone200JSONResponse{Phone: p.Number.Masked(), VerifiedAt: p.VerifiedAt}, nil
}

// SetPhone has a code sent to a number.
func (a *API) SetPhone(ctx context.Context, r SetPhoneRequestObject) (SetPhoneResponseObject, error) {
	if err := a.messages(); err != nil {
		return nil, err
	}
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	return SetPhone202JSONResponse{Accepted: true}, a.p.Phones.Add(ctx, auth.From(ctx).User, r.Body.Phone, device(ctx).Address)
}

// ConfirmPhone takes the code that was sent to a number.
func (a *API) ConfirmPhone(ctx context.Context, r ConfirmPhoneRequestObject) (ConfirmPhoneResponseObject, error) {
	if a.p.Phones == nil {
		return nil, a.messages()
	}
	return ConfirmPhone200JSONResponse{Done: true}, a.p.Phones.Confirm(ctx, auth.From(ctx).User, r.Body.Code)
}

// RemovePhone takes the number away.
func (a *API) RemovePhone(ctx context.Context, _ RemovePhoneRequestObject) (RemovePhoneResponseObject, error) {
	if a.p.Phones == nil {
		return nil, a.messages()
	}
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	return RemovePhone200JSONResponse{Done: true}, a.p.Phones.Remove(ctx, auth.From(ctx).User)
}

// AskChallengeSMS has a code sent to the number of whoever a challenge is about.
func (a *API) AskChallengeSMS(ctx context.Context, r AskChallengeSMSRequestObject) (AskChallengeSMSResponseObject, error) {
	if err := a.messages(); err != nil {
		return nil, err
	}
	secret, _, _, err := a.underWay(ctx, r.Body.Challenge)
	if err != nil {
		return nil, err
	}
	return AskChallengeSMS202JSONResponse{Accepted: true}, a.p.Machine.AskSMS(ctx, secret, device(ctx))
}
