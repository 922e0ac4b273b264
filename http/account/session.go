package account

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// RefreshSession makes the next tokens. What was in a cookie goes back into one: no script of a page gets to see it.
func (a *API) RefreshSession(ctx context.Context, r RefreshSessionRequestObject) (RefreshSessionResponseObject, error) {
	secret, by, audience, err := a.refreshToken(ctx, r.Body.RefreshToken, r.Body.Audience)
	if err != nil {
		return nil, err
	}
	result, _, err := a.p.Machine.Refresh(ctx, secret, audience, device(ctx))
	if err != nil {
		if by == byCookie && domain.CodeOf(err) == domain.CodeUnauthenticated { // not session_renewed: newer ones are there, or under way
			a.jar.clear(contract.Of(ctx).W, audience, accessToken, refreshToken)
		}
		return nil, err
	}
	return RefreshSession200JSONResponse(a.signedIn(ctx, &result, audience, by)), nil
}

func (a *API) refreshToken(ctx context.Context, sent, named *string) (secret, by string, audience token.Audience, err error) {
	if sent != nil {
		audience, err = audienceOf(named)
		return *sent, byBody, audience, err
	}
	if secret, audience = a.jar.find(contract.Of(ctx).R, refreshToken); secret == "" {
		err = unknown()
	}
	return secret, byCookie, audience, err
}

// SignOut ends what is known of a session: that of the access token, and that of the refresh token.
func (a *API) SignOut(ctx context.Context, r SignOutRequestObject) (SignOutResponseObject, error) {
	actor := auth.From(ctx)
	if actor.Session != uuid.Nil {
		if err := a.p.Sessions.End(ctx, actor.User, actor.Session, session.SignedOut); err != nil && domain.CodeOf(err) != domain.CodeNotFound {
			return nil, err
		}
	}
	secret, by, audience, err := a.refreshToken(ctx, r.Body.RefreshToken, r.Body.Audience)
	if err == nil {
		if err := a.p.Sessions.EndByToken(ctx, secret, audience, session.SignedOut); err != nil {
			return nil, err
		}
	}
	if by == byCookie {
		for _, one := range asked(contract.Of(ctx).R) {
			if audience == "" || one == audience {
				a.jar.clear(contract.Of(ctx).W, one, accessToken, refreshToken, challenge)
			}
		}
	}
	return SignOut200JSONResponse{Done: true}, nil
}

// SignOutEverywhere ends all sessions, this one too.
func (a *API) SignOutEverywhere(ctx context.Context, _ SignOutEverywhereRequestObject) (SignOutEverywhereResponseObject, error) {
	if _, err := a.p.Sessions.EndEvery(ctx, auth.From(ctx).User, session.SignedOut); err != nil {
		return nil, err
	}
	a.clear(ctx)
	return SignOutEverywhere200JSONResponse{Done: true}, nil
}

// clear removes the cookies of the session that a request came with.
func (a *API) clear(ctx context.Context) {
	x := contract.Of(ctx)
	if _, audience := a.jar.find(x.R, accessToken); audience != "" {
		a.jar.clear(x.W, audience, accessToken, refreshToken, challenge)
	}
}

// ListSessions lists live ones.
func (a *API) ListSessions(ctx context.Context, _ ListSessionsRequestObject) (ListSessionsResponseObject, error) {
	actor := auth.From(ctx)
	all, err := a.p.Sessions.List(ctx, actor.User)
	if err != nil {
		return nil, err
	}
	answer := ListSessions200JSONResponse{Items: make([]Session, len(all))}
	for i := range all {
		answer.Items[i] = shownSession(&all[i], actor.Session)
	}
	return answer, nil
}

// EndSession ends one of the caller's.
func (a *API) EndSession(ctx context.Context, r EndSessionRequestObject) (EndSessionResponseObject, error) {
	actor, why := auth.From(ctx), session.Revoked
	if r.SessionID == actor.Session {
		why = session.SignedOut
		a.clear(ctx)
	}
	return EndSession200JSONResponse{Done: true}, a.p.Sessions.End(ctx, actor.User, r.SessionID, why)
}

func shownSession(s *session.Session, current uuid.UUID) Session {
	return Session{
		SessionID: s.ID, Audience: string(s.Audience), CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, ExpiresAt: s.ExpiresAt, AuthenticatedAt: s.AuthenticatedAt,
		Factors: s.Factors, UserAgent: s.Device.UserAgent, Address: s.Device.Address.String(), Current: s.ID == current,
	}
}
