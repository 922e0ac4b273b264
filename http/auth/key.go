package auth

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// shown refuses the new secret of somebody's key to whoever acts for the platform as a person: it is for its member only, as in organisations. The operator's token
// is nobody's, and is what programs hold.
func shown(ctx context.Context, owners Owners, a Actor, o Operation, key string) error {
	if o.ID != rotateKey || a.User == uuid.Nil {
		return nil
	}
	member, err := owners.MemberOf(ctx, key)
	if err != nil || member == a.User || member == uuid.Nil {
		return err
	}
	return othersSecret()
}

const rotateKey = "RotateKey"

func othersSecret() error {
	return domain.Errorf(domain.CodeForbidden, "the secret of a member's key is shown to that member only: take the key over first, or revoke it").With("reason", "key_of_another")
}

// changeable refuses changes of keys that are not the member's own, so that the limits of members hold and what one has stopped no other starts again: for them
// a role needs members.write as well. A new secret of somebody's key is for that one only: who takes a key over says so first (SetKeyMember).
func changeable(ctx context.Context, owners Owners, a Actor, t Tenant, o Operation, key string) error {
	all := t.Permissions.Has(MembersWrite)
	if all && o.ID != rotateKey {
		return nil
	}
	member, err := owners.MemberOf(ctx, key)
	switch {
	case err != nil:
		return err
	case member == a.User, all && member == uuid.Nil:
		return nil
	case all:
		return othersSecret()
	}
	return domain.Errorf(domain.CodeForbidden, "a key of another member, or of nobody in particular, needs the permission %s", MembersWrite).With("permission", string(MembersWrite))
}
