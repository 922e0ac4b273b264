package account

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/contract"
	people "github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
)

// SignUp notes that somebody wants an account, or tells the owner of the address.
func (a *API) SignUp(ctx context.Context, r SignUpRequestObject) (SignUpResponseObject, error) {
	language, err := choice(r.Body.Language, "language", string(people.English), string(people.Chinese))
	if err != nil {
		return nil, err
	}
	zone := "UTC"
	if r.Body.Zone != nil {
		zone = *r.Body.Zone
	}
	err = a.p.Accounts.SignUp(ctx, people.SignUp{
		Email: r.Body.Email, Password: r.Body.Password,
		Profile: people.Profile{Name: chosen(r.Body.Name), Language: people.Language(language), Zone: zone},
	})
	return SignUp202JSONResponse{Accepted: true}, err
}

// VerifyEmail proves the mailbox of a sign-up, makes its account, and opens the wallet of the account.
func (a *API) VerifyEmail(ctx context.Context, r VerifyEmailRequestObject) (VerifyEmailResponseObject, error) {
	u, err := a.p.Accounts.Verify(ctx, r.Body.Token, r.Body.Password)
	if err != nil {
		return nil, err
	}
	a.home(ctx, u.ID)
	return VerifyEmail200JSONResponse{Done: true}, nil
}

// way is how somebody wants to be signed in.
func way(audience, delivery *string) (a token.Audience, by string, err error) {
	if a, err = audienceOf(audience); err != nil {
		return a, by, err
	}
	by, err = choice(delivery, "delivery", byCookie, byBody)
	return a, by, err
}

// SignIn takes an address and a password.
func (a *API) SignIn(ctx context.Context, r SignInRequestObject) (SignInResponseObject, error) {
	audience, by, err := way(r.Body.Audience, r.Body.Delivery)
	if err != nil {
		return nil, err
	}
	result, err := a.p.Machine.Password(ctx, audience, r.Body.Email, r.Body.Password, device(ctx))
	if err != nil {
		return nil, err
	}
	return SignIn200JSONResponse(a.signedIn(ctx, &result, audience, by)), nil
}

// AskPasskey asks for any passkey of the site.
func (a *API) AskPasskey(ctx context.Context, _ AskPasskeyRequestObject) (AskPasskeyResponseObject, error) {
	options, ceremony, err := a.p.Machine.AskAnybody(ctx)
	return AskPasskey200JSONResponse{Ceremony: ceremony, Options: options}, err
}

// SignInWithPasskey takes a passkey and nothing else.
func (a *API) SignInWithPasskey(ctx context.Context, r SignInWithPasskeyRequestObject) (SignInWithPasskeyResponseObject, error) {
	audience, by, err := way(r.Body.Audience, r.Body.Delivery)
	if err != nil {
		return nil, err
	}
	result, err := a.p.Machine.Passkey(ctx, audience, r.Body.Ceremony, r.Body.Credential, device(ctx))
	if err != nil {
		return nil, err
	}
	return SignInWithPasskey200JSONResponse(a.signedIn(ctx, &result, audience, by)), nil
}

// signedIn gives tokens, or the next challenge, in the way that was asked for. What was in a browser's cookies before is replaced: nobody goes on in a session that
// somebody else has put there.
func (a *API) signedIn(ctx context.Context, r *signin.Result, audience token.Audience, by string) SignedIn {
	var answer SignedIn
	w := contract.Of(ctx).W
	if r.Challenge != nil {
		answer.Challenge = a.challenged(ctx, r.Challenge, audience, by)
		return answer
	}
	if by == byCookie {
		a.jar.clear(w, audience, challenge)
	}
	a.home(ctx, r.Session.User)
	shown := shownSession(r.Session, r.Session.ID)
	answer.Session, answer.AccessExpiresAt = &shown, &r.Expires
	if by == byBody {
		answer.AccessToken, answer.RefreshToken = &r.Access, &r.Refresh
		return answer
	}
	a.jar.set(w, audience, accessToken, r.Access, r.Expires)
	a.jar.set(w, audience, refreshToken, r.Refresh, r.Session.ExpiresAt)
	return answer
}

func (a *API) challenged(ctx context.Context, c *signin.Challenge, audience token.Audience, by string) *Challenge {
	answer := &Challenge{ExpiresAt: c.ExpiresAt, Methods: make([]string, len(c.Methods))}
	for i, m := range c.Methods {
		answer.Methods[i] = string(m)
	}
	if by == byBody {
		answer.Challenge = &c.Secret
	} else {
		a.jar.set(contract.Of(ctx).W, audience, challenge, c.Secret, c.ExpiresAt)
	}
	return answer
}

func missing(member string) error {
	return domain.Errorf(domain.CodeInvalid, "the member %s is missing", member).With("member", "/"+member)
}
