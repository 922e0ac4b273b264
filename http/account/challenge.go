package account

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
)

// underWay is the secret of a challenge: the one that was sent, else that of the cookie. by is how its answer goes back.
func (a *API) underWay(ctx context.Context, sent *string) (secret, by string, audience token.Audience, err error) {
	if sent != nil {
		return *sent, byBody, token.Portal, nil
	}
	if secret, audience = a.jar.find(contract.Of(ctx).R, challenge); secret == "" {
		err = domain.Errorf(signin.CodeOver, "this sign-in is over: begin again")
	}
	return secret, byCookie, audience, err
}

// GetChallenge is for a page that was loaded again.
func (a *API) GetChallenge(ctx context.Context, _ GetChallengeRequestObject) (GetChallengeResponseObject, error) {
	secret, _, audience, err := a.underWay(ctx, nil)
	if err != nil {
		return nil, err
	}
	c, err := a.p.Machine.Look(ctx, secret)
	if err != nil {
		return nil, err
	}
	return GetChallenge200JSONResponse(*a.challenged(ctx, &c, audience, byCookie)), nil
}

// AskChallengePasskey asks for a passkey of whoever a challenge is about.
func (a *API) AskChallengePasskey(ctx context.Context, r AskChallengePasskeyRequestObject) (AskChallengePasskeyResponseObject, error) {
	secret, _, _, err := a.underWay(ctx, r.Body.Challenge)
	if err != nil {
		return nil, err
	}
	options, ceremony, err := a.p.Machine.AskPasskey(ctx, secret)
	return AskChallengePasskey200JSONResponse{Ceremony: ceremony, Options: options}, err
}

// AnswerChallenge takes a second factor, or a factor once more.
func (a *API) AnswerChallenge(ctx context.Context, r AnswerChallengeRequestObject) (AnswerChallengeResponseObject, error) {
	secret, by, audience, err := a.underWay(ctx, r.Body.Challenge)
	if err != nil {
		return nil, err
	}
	if by == byBody {
		if by, err = choice(r.Body.Delivery, "delivery", byBody, byCookie); err != nil {
			return nil, err
		}
	}
	result, err := a.answer(ctx, secret, r.Body)
	if err != nil {
		return nil, err
	}
	if result.Session != nil {
		audience = result.Session.Audience
	}
	return AnswerChallenge200JSONResponse(a.signedIn(ctx, &result, audience, by)), nil
}

func (a *API) answer(ctx context.Context, secret string, b *AnswerChallengeJSONRequestBody) (signin.Result, error) {
	method := factor.Method(b.Method)
	switch {
	case method != factor.Passkey && b.Code == nil:
		return signin.Result{}, missing("code")
	case method != factor.Passkey:
		return a.p.Machine.Answer(ctx, secret, method, *b.Code, device(ctx))
	case b.Ceremony == nil:
		return signin.Result{}, missing("ceremony")
	case b.Credential == nil:
		return signin.Result{}, missing("credential")
	}
	return a.p.Machine.AnswerPasskey(ctx, secret, *b.Ceremony, *b.Credential, device(ctx))
}

// StepUp begins to ask for a factor once more.
func (a *API) StepUp(ctx context.Context, r StepUpRequestObject) (StepUpResponseObject, error) {
	by, err := choice(r.Body.Delivery, "delivery", byCookie, byBody)
	if err != nil {
		return nil, err
	}
	if by == byBody && contract.Of(ctx).R.Header.Get("Authorization") == "" {
		return nil, domain.Errorf(domain.CodeInvalid, "what came in a cookie goes back in a cookie: no page gets to see a token").With("member", "/delivery")
	}
	s, err := a.p.Sessions.Get(ctx, auth.From(ctx).Session)
	if err != nil {
		return nil, err
	}
	c, err := a.p.Machine.StepUp(ctx, s, device(ctx))
	if err != nil {
		return nil, err
	}
	return StepUp200JSONResponse{Challenge: a.challenged(ctx, c, s.Audience, by)}, nil
}
