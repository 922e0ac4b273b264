package organisation

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/identity/access"
)

// departed is the reason of keys that end since their member may not have them any more.
const departed = "its member may have it no more"

// departedTime bounds what is done right after a change of members, whoever waits for it.
const departedTime = 10 * time.Second

// RevokeLost revokes the keys of a member that his role of now does not let him have: all of them where he may issue none, those that manage where he may not
// change members' limits. Keys that his management keys have issued are his. The commands' ids follow from the keys': what was cut off goes on when it is asked
// for again, by whomever.
func (v Revoker) RevokeLost(ctx context.Context, wallet, member uuid.UUID, actor string) error {
	at, err := v.Head.Position(ctx)
	if err != nil {
		return err
	}
	held, err := v.Keys.OfMember(ctx, wallet, member, at)
	if err != nil || len(held) == 0 {
		return err
	}
	role, err := v.Members.RoleIn(ctx, wallet, member) // after the list: of who has come back since, the keys of since are not in it
	if err != nil {
		return err
	}
	may := access.In(role)
	var failed []error
	for i := range held {
		if may.Has(access.KeysWrite) && (held[i].Scope != apikey.Management || may.Has(access.MembersWrite)) {
			continue
		}
		id := domain.DeriveID(held[i].ID, departed)
		m := commands.Meta{CommandID: id, Actor: actor, CorrelationID: id, CausationID: id}
		if _, _, err := v.App.RevokeKey(ctx, m, commands.RevokeKey{KeyID: held[i].ID, Reason: departed}); err != nil && domain.CodeOf(err) != domain.CodeKeyRevoked {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// lost ends a member's keys after a change that was made, and that the database has noted: what fails here is done by whoever follows departures.
func (a *API) lost(ctx context.Context, organisation, by, member uuid.UUID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), departedTime)
	defer cancel()
	o, err := a.Organisations.Find(ctx, by, organisation)
	if err == nil {
		err = a.revoker().RevokeLost(ctx, o.Wallet, member, auth.From(ctx).ID)
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("keys of a member could not be revoked at once; they are within seconds")
	}
}
