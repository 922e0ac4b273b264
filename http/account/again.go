package account

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/http/auth"
)

var _ auth.Watcher = (*Authenticator)(nil)

// Again implements auth.Watcher, with two queries however many they are. Nothing that is remembered counts.
func (a *Authenticator) Again(ctx context.Context, actors []auth.Actor) ([]auth.Actor, error) {
	sessions, users := make([]uuid.UUID, len(actors)), make([]uuid.UUID, len(actors))
	for i := range actors {
		sessions[i], users[i] = actors[i].Session, actors[i].User
	}
	live, err := a.p.Sessions.Live(ctx, sessions)
	if err != nil {
		return nil, unavailable(err)
	}
	rights, err := a.p.Rights.Many(ctx, users)
	if err != nil {
		return nil, unavailable(err)
	}
	now := make([]auth.Actor, len(actors))
	for i := range actors {
		if audience, ok := live[actors[i].Session]; ok {
			now[i] = with(actors[i].User, actors[i].Session, audience, rights[actors[i].User])
		}
	}
	return now, nil
}
