package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

// SetKeyMember says who of the wallet uses a key: the limits of that member count beside the key's.
type SetKeyMember struct {
	KeyID    uuid.UUID `json:"key_id"`
	MemberID uuid.UUID `json:"member_id,omitzero"` // nil for nobody
}

// SetKeyMember records the change.
func (a *App) SetKeyMember(ctx context.Context, m Meta, c SetKeyMember) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (SetKeyMember) name() string { return "set_key_member" }

func (c SetKeyMember) streams() []domain.StreamID { return []domain.StreamID{apikey.Stream(c.KeyID)} }

func (c SetKeyMember) decide(d *executor.Decision) (Done, error) {
	stream := apikey.Stream(c.KeyID)
	e, err := state[*apikey.State](d, stream).SetMember(c.MemberID)
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(stream, e)
}
