package organisation_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/internal/pagetest"
	"github.com/massrouter/massrouter/projections/page"
)

func (b *bench) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
}

// moment is the nth: an hour ago, and so many microseconds.
func (b *bench) moment(n int) time.Time {
	return b.at.Add(-time.Hour + time.Duration(n)*time.Microsecond)
}

func (b *bench) readMembers(of uuid.UUID) pagetest.Read {
	return pagetest.ReadBy(func(m *organisation.Member) uuid.UUID { return m.User }, func(cursor string, limit int) (page.Part[organisation.Member], error) {
		return b.Members(b.t.Context(), of, cursor, limit)
	})
}

func ofInvitation(i *organisation.Invitation) uuid.UUID { return i.ID }

func (b *bench) readInvitations(of uuid.UUID) pagetest.Read {
	return pagetest.ReadBy(ofInvitation, func(cursor string, limit int) (page.Part[organisation.Invitation], error) {
		return b.Invitations(b.t.Context(), of, cursor, limit)
	})
}

func (b *bench) readInvited(user uuid.UUID, name string) pagetest.Read {
	return pagetest.ReadBy(ofInvitation, func(cursor string, limit int) (page.Part[organisation.Invitation], error) {
		return b.InvitationsTo(b.t.Context(), user, mailbox(name), cursor, limit)
	})
}

func (b *bench) readOrganisations(user uuid.UUID) pagetest.Read {
	return pagetest.ReadBy(func(o *organisation.Organisation) uuid.UUID { return o.ID }, func(cursor string, limit int) (page.Part[organisation.Organisation], error) {
		return b.Page(b.t.Context(), user, cursor, limit)
	})
}

// team makes an organisation without anybody, of the nth moment.
func (b *bench) team(n int) uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	b.exec(`INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at) VALUES ($1, $2, 'Team', $3)`, id, uuid.New(), b.moment(n))
	return id
}

func (b *bench) invite(of uuid.UUID, name string, n int) uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	b.exec(`INSERT INTO identity.invitations (invitation_id, organisation_id, email, role, invited_by, created_at, expires_at) VALUES ($1, $2, $3, 'viewer', $1, $4, $5)`,
		id, of, mailbox(name), b.moment(n), b.moment(n).Add(organisation.InvitationLife))
	return id
}

func (b *bench) withdraw(id uuid.UUID) {
	b.exec(`UPDATE identity.invitations SET ended_at = now(), ended_as = 'withdrawn' WHERE invitation_id = $1`, id)
}

func TestMembersAreReadByPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, theirs := b.team(0), b.team(0)
	add := func(to uuid.UUID, n int) uuid.UUID {
		user := b.user(uuid.NewString())
		b.exec(`INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, 'viewer', $3)`, to, user, b.moment(n))
		return user
	}
	add(theirs, 20)
	pagetest.Keeps(t, pagetest.List{
		Read: b.readMembers(mine), Others: map[string]pagetest.Read{"theirs": b.readMembers(theirs), "of nobody": b.readMembers(uuid.New()), "invitations": b.readInvitations(mine)},
		Add:    func(n int) uuid.UUID { return add(mine, n) },
		Remove: func(id uuid.UUID) { b.exec(`DELETE FROM identity.members WHERE user_id = $1`, id) },
	})
}

func TestInvitationsAreReadByPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, theirs := b.team(0), b.team(0)
	b.invite(theirs, "eve", 20)
	b.exec(`UPDATE identity.invitations SET expires_at = $2 WHERE invitation_id = $1`, b.invite(mine, "late", 20), b.at) // over
	pagetest.Keeps(t, pagetest.List{
		Read: b.readInvitations(mine), Others: map[string]pagetest.Read{"theirs": b.readInvitations(theirs), "to somebody": b.readInvited(mine, "eve")},
		Add: func(n int) uuid.UUID { return b.invite(mine, uuid.NewString(), n) }, Remove: b.withdraw,
	})
}

func TestInvitationsToAMailboxAreReadByPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, bob := b.user("ann"), b.user("bob")
	b.invite(b.team(0), "bob", 20)
	pagetest.Keeps(t, pagetest.List{
		Read: b.readInvited(ann, "ann"), Others: map[string]pagetest.Read{"bob's": b.readInvited(bob, "bob"), "of an organisation": b.readInvitations(ann)},
		Add: func(n int) uuid.UUID { return b.invite(b.team(0), "ann", n) }, Remove: b.withdraw,
	})
}

func TestOrganisationsAreReadByPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, bob := b.user("ann"), b.user("bob")
	add := func(n int) uuid.UUID {
		id := b.team(n)
		b.exec(`INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, 'viewer', now())`, id, ann)
		return id
	}
	pagetest.Keeps(t, pagetest.List{
		Read: b.readOrganisations(ann), Others: map[string]pagetest.Read{"bob's": b.readOrganisations(bob), "members": b.readMembers(ann)},
		Add: add, Remove: func(id uuid.UUID) { b.exec(`DELETE FROM identity.members WHERE organisation_id = $1`, id) },
	})
	own, err := b.Personal(t.Context(), ann) // made last
	require.NoError(t, err)
	all, err := b.List(t.Context(), ann)
	require.NoError(t, err)
	require.Equal(t, own, all[0], "the own one is the first")
	one, err := b.Page(t.Context(), ann, "", 1)
	require.NoError(t, err)
	require.Equal(t, all[:1], one.Items)
	rest, err := b.Page(t.Context(), ann, one.NextCursor, page.MaxLimit)
	require.NoError(t, err)
	require.Equal(t, all[1:], rest.Items, "and only there")
}
