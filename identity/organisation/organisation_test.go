package organisation_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

type bench struct {
	*organisation.Service
	t      *testing.T
	pool   *pgxpool.Pool
	mu     sync.Mutex
	at     time.Time
	opened map[uuid.UUID]string
	broken error
	told   []organisation.Invitation
}

func (b *bench) Open(_ context.Context, wallet uuid.UUID, actor string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken == nil {
		b.opened[wallet] = actor
	}
	return b.broken
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), opened: map[uuid.UUID]string{}}
	b.Service = organisation.New(b.pool, b, func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.at
	})
	return b
}

func (b *bench) step(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func (b *bench) user(name string) uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	_, err := b.pool.Exec(b.t.Context(), `INSERT INTO identity.users (user_id, email, name, language, zone, created_at) VALUES ($1, $2, $3, 'en', 'UTC', now())`,
		id, name+"@example.com", name)
	require.NoError(b.t, err)
	return id
}

func mailbox(name string) address.Email { return address.Email(name + "@example.com") }

func (b *bench) tell(_ pgx.Tx, i organisation.Invitation) error {
	b.told = append(b.told, i)
	return nil
}

// join makes a user a member.
func (b *bench) join(of, owner uuid.UUID, name string, role organisation.Role) uuid.UUID {
	b.t.Helper()
	user := b.user(name)
	i, err := b.Invite(b.t.Context(), uuid.New(), of, owner, mailbox(name), role, b.tell)
	require.NoError(b.t, err)
	o, err := b.Accept(b.t.Context(), user, mailbox(name), i.ID)
	require.NoError(b.t, err)
	require.Equal(b.t, role, o.Role)
	return user
}

func (b *bench) requireCode(code domain.Code, err error) {
	b.t.Helper()
	require.Equal(b.t, code, domain.CodeOf(err), "%v", err)
}

// TestOnesOwn: made once, however often and by however many it is asked for, with a wallet; also when the first try failed half-way.
func TestOnesOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.user("ann")
	b.broken = errors.New("the ledger is away")
	_, err := b.Personal(t.Context(), ann)
	require.ErrorIs(t, err, b.broken)
	b.broken = nil
	made := make(chan organisation.Organisation, 10)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			o, err := b.Personal(context.Background(), ann)
			if err != nil {
				o.Name = err.Error()
			}
			made <- o
		})
	}
	group.Wait()
	close(made)
	first := <-made
	for o := range made {
		require.Equal(t, first, o)
	}
	require.Equal(t, map[uuid.UUID]string{first.Wallet: "user:" + ann.String()}, b.opened)
	all, err := b.List(t.Context(), ann)
	require.NoError(t, err)
	require.Equal(t, []organisation.Organisation{first}, all)
	for _, err := range []error{
		b.Rename(t.Context(), first.ID, "x"), b.SetRole(t.Context(), first.ID, ann, ann, organisation.Viewer), b.Remove(t.Context(), first.ID, ann, ann),
		b.HandOver(t.Context(), first.ID, ann, ann),
	} {
		b.requireCode(domain.CodeConflict, err)
	}
	_, err = b.Invite(t.Context(), uuid.New(), first.ID, ann, mailbox("bob"), organisation.Admin, b.tell)
	b.requireCode(domain.CodeConflict, err)
}

func TestTeams(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, stranger := b.user("ann"), b.user("stranger")
	id := uuid.New()
	o, err := b.Create(t.Context(), id, ann, "  Acme \u3000 Labs ")
	require.NoError(t, err)
	require.Equal(t, "Acme Labs", o.Name)
	again, err := b.Create(t.Context(), id, ann, "Other")
	require.NoError(t, err)
	require.Equal(t, "Acme Labs", again.Name, "the same id makes it once")
	require.NoError(t, b.Rename(t.Context(), id, "Acme"))
	for _, name := range []string{"", " ", strings.Repeat("x", 101), "a\u202eb", "a\x00b", "\xff"} {
		_, err := b.Create(t.Context(), uuid.New(), ann, name)
		b.requireCode(domain.CodeInvalid, err)
	}
	got, err := b.OfWallet(t.Context(), ann, o.Wallet)
	require.NoError(t, err)
	require.Equal(t, "Acme", got.Name)
	_, err = b.OfWallet(t.Context(), stranger, o.Wallet)
	b.requireCode(domain.CodeNotFound, err)
	_, err = b.Get(t.Context(), stranger, id)
	b.requireCode(domain.CodeNotFound, err)
	_, err = b.Get(t.Context(), ann, uuid.New())
	b.requireCode(domain.CodeNotFound, err)
	for n := range organisation.MaxPerUser - 1 {
		_, err := b.Create(t.Context(), uuid.New(), ann, fmt.Sprint("team ", n))
		require.NoError(t, err)
	}
	_, err = b.Create(t.Context(), uuid.New(), ann, "one more")
	b.requireCode(domain.CodeConflict, err)
}

func TestRoles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.user("ann")
	id := uuid.New()
	_, err := b.Create(t.Context(), id, ann, "Acme")
	require.NoError(t, err)
	bob, eve := b.join(id, ann, "bob", organisation.Admin), b.join(id, ann, "eve", organisation.Viewer)
	stranger := b.user("stranger")

	b.requireCode(organisation.CodeLastOwner, b.SetRole(t.Context(), id, ann, ann, organisation.Admin))
	b.requireCode(organisation.CodeLastOwner, b.Remove(t.Context(), id, ann, ann))
	b.requireCode(domain.CodeForbidden, b.SetRole(t.Context(), id, bob, bob, organisation.Owner))
	b.requireCode(domain.CodeForbidden, b.SetRole(t.Context(), id, bob, ann, organisation.Viewer))
	b.requireCode(domain.CodeForbidden, b.Remove(t.Context(), id, bob, ann))
	b.requireCode(domain.CodeForbidden, b.HandOver(t.Context(), id, bob, bob))
	b.requireCode(domain.CodeNotFound, b.SetRole(t.Context(), id, ann, stranger, organisation.Viewer))
	b.requireCode(domain.CodeNotFound, b.SetRole(t.Context(), id, stranger, eve, organisation.Admin))
	b.requireCode(domain.CodeInvalid, b.SetRole(t.Context(), id, ann, eve, "king"))
	require.NoError(t, b.SetRole(t.Context(), id, bob, eve, organisation.Developer))
	require.NoError(t, b.HandOver(t.Context(), id, ann, bob))
	members, err := b.Members(t.Context(), id, "", 0)
	require.NoError(t, err)
	got := map[string]organisation.Role{}
	for _, m := range members.Items {
		got[m.Name] = m.Role
	}
	require.Equal(t, map[string]organisation.Role{"ann": "admin", "bob": "owner", "eve": "developer"}, got)
	require.NoError(t, b.SetRole(t.Context(), id, bob, ann, organisation.Owner))
	require.NoError(t, b.Remove(t.Context(), id, bob, bob), "one of two owners can go")
	require.NoError(t, b.Remove(t.Context(), id, eve, eve), "everybody can leave")
	_, err = b.Get(t.Context(), eve, id)
	b.requireCode(domain.CodeNotFound, err)
}

// TestNeverWithoutAnOwner: two owners who make each other something else at the same time.
func TestNeverWithoutAnOwner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.user("ann")
	id := uuid.New()
	_, err := b.Create(t.Context(), id, ann, "Acme")
	require.NoError(t, err)
	bob := b.join(id, ann, "bob", organisation.Admin)
	for range 10 {
		require.NoError(t, b.reset(id, ann, bob))
		var group sync.WaitGroup
		for _, who := range [][2]uuid.UUID{{ann, bob}, {bob, ann}, {ann, ann}, {bob, bob}} {
			group.Go(func() { _ = b.SetRole(context.Background(), id, who[0], who[1], organisation.Viewer) })
		}
		group.Wait()
		members, err := b.Members(t.Context(), id, "", 0)
		require.NoError(t, err)
		owners := 0
		for _, m := range members.Items {
			if m.Role == organisation.Owner {
				owners++
			}
		}
		require.Equal(t, 1, owners)
	}
}

// reset makes both owners again, past the rules.
func (b *bench) reset(id, one, two uuid.UUID) error {
	_, err := b.pool.Exec(b.t.Context(), `UPDATE identity.members SET role = 'owner' WHERE organisation_id = $1 AND user_id IN ($2, $3)`, id, one, two)
	return err
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, bob := b.user("ann"), b.user("bob")
	id := uuid.New()
	_, err := b.Create(t.Context(), id, ann, "Acme")
	require.NoError(t, err)
	invite := func(request uuid.UUID, name string, role organisation.Role) (organisation.Invitation, error) {
		return b.Invite(t.Context(), request, id, ann, mailbox(name), role, b.tell)
	}
	first, err := invite(uuid.New(), "bob", organisation.Viewer)
	require.NoError(t, err)
	_, err = invite(first.ID, "bob", organisation.Viewer)
	require.NoError(t, err)
	require.Len(t, b.told, 1, "the same request tells once")
	second, err := invite(uuid.New(), "bob", organisation.Developer)
	require.NoError(t, err)
	to, err := b.InvitationsTo(t.Context(), bob, mailbox("bob"), "", 0)
	require.NoError(t, err)
	require.Equal(t, []organisation.Invitation{second}, to.Items)
	_, err = b.Accept(t.Context(), bob, mailbox("bob"), first.ID)
	b.requireCode(domain.CodeNotFound, err)
	_, err = b.Accept(t.Context(), bob, mailbox("eve"), second.ID)
	b.requireCode(domain.CodeNotFound, err)
	b.requireCode(domain.CodeNotFound, b.Withdraw(t.Context(), uuid.New(), second.ID))
	b.requireCode(domain.CodeNotFound, b.Decline(t.Context(), mailbox("eve"), second.ID))
	o, err := b.Accept(t.Context(), bob, mailbox("bob"), second.ID)
	require.NoError(t, err)
	require.Equal(t, organisation.Developer, o.Role)
	_, err = b.Accept(t.Context(), bob, mailbox("bob"), second.ID)
	b.requireCode(domain.CodeNotFound, err)
	_, err = invite(uuid.New(), "bob", organisation.Admin)
	b.requireCode(domain.CodeConflict, err)
	_, err = invite(uuid.New(), "eve", organisation.Owner)
	b.requireCode(domain.CodeInvalid, err)
	_, err = invite(uuid.New(), "eve", "king")
	b.requireCode(domain.CodeInvalid, err)
	_, err = b.Invite(t.Context(), uuid.New(), uuid.New(), ann, mailbox("eve"), organisation.Admin, b.tell)
	b.requireCode(domain.CodeNotFound, err)

	third, err := invite(uuid.New(), "eve", organisation.Admin)
	require.NoError(t, err)
	require.NoError(t, b.Withdraw(t.Context(), id, third.ID))
	fourth, err := invite(uuid.New(), "eve", organisation.Admin)
	require.NoError(t, err)
	require.NoError(t, b.Decline(t.Context(), mailbox("eve"), fourth.ID))
	fifth, err := invite(uuid.New(), "eve", organisation.Admin)
	require.NoError(t, err)
	open, err := b.Invitations(t.Context(), id, "", 0)
	require.NoError(t, err)
	require.Equal(t, []organisation.Invitation{fifth}, open.Items)
	b.step(organisation.InvitationLife)
	_, err = b.Accept(t.Context(), b.user("eve"), mailbox("eve"), fifth.ID)
	b.requireCode(domain.CodeNotFound, err)
	open, err = b.Invitations(t.Context(), id, "", 0)
	require.NoError(t, err)
	require.Empty(t, open.Items)
	_, err = b.Invite(t.Context(), uuid.New(), id, ann, mailbox("zoe"), organisation.Admin, func(pgx.Tx, organisation.Invitation) error { return errors.New("no mail") })
	require.Error(t, err)
	open, err = b.Invitations(t.Context(), id, "", 0)
	require.NoError(t, err)
	require.Empty(t, open.Items, "an invitation that nobody is told of is none")
}

// TestEnding: nobody belongs to it any more, nobody is invited, and it does not count.
func TestEnding(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.user("ann")
	id := uuid.New()
	_, err := b.Create(t.Context(), id, ann, "Acme")
	require.NoError(t, err)
	bob := b.join(id, ann, "bob", organisation.Admin)
	open, err := b.Invite(t.Context(), uuid.New(), id, ann, mailbox("eve"), organisation.Viewer, b.tell)
	require.NoError(t, err)
	for user, role := range map[uuid.UUID]organisation.Role{ann: organisation.Owner, bob: organisation.Admin, uuid.New(): ""} {
		found, err := b.Find(t.Context(), user, id)
		require.NoError(t, err)
		require.Equal(t, role, found.Role)
	}
	require.NoError(t, b.Delete(t.Context(), id))
	b.requireCode(domain.CodeNotFound, b.Delete(t.Context(), id))
	_, err = b.Find(t.Context(), ann, id)
	b.requireCode(domain.CodeNotFound, err)
	_, err = b.Accept(t.Context(), b.user("eve"), mailbox("eve"), open.ID)
	b.requireCode(domain.CodeNotFound, err)
	for _, user := range []uuid.UUID{ann, bob} {
		all, err := b.List(t.Context(), user)
		require.NoError(t, err)
		require.Empty(t, all)
	}
	own, err := b.Personal(t.Context(), ann)
	require.NoError(t, err)
	b.requireCode(domain.CodeConflict, b.Delete(t.Context(), own.ID))
}
