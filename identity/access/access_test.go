package access_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

type bench struct {
	*access.Service
	t    *testing.T
	pool *pgxpool.Pool
	mu   sync.Mutex
	at   time.Time
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	b.Service = access.New(b.pool, func() time.Time {
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

func (b *bench) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
}

func (b *bench) user(name string) uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	b.exec(`INSERT INTO identity.users (user_id, email, email_verified_at, name, language, zone, created_at) VALUES ($1, $2, now(), $3, 'en', 'UTC', now())`, id, name+"@example.com", name)
	b.exec(`INSERT INTO identity.totp (user_id, secret, created_at, confirmed_at) VALUES ($1, '', now(), now())`, id)
	return id
}

func (b *bench) requireCode(code domain.Code, err error) {
	b.t.Helper()
	require.Equal(b.t, code, domain.CodeOf(err), "%v", err)
}

// TestTheTable: what must hold of it, whatever is changed in it.
func TestTheTable(t *testing.T) {
	t.Parallel()
	for _, p := range access.All() {
		require.True(t, access.On(access.PlatformOwner).Has(p), "an owner of the platform has everything: %s", p)
		require.NotContains(t, []access.Permission{access.Anybody, access.Oneself}, p)
	}
	for _, p := range []access.Permission{
		access.WalletsWrite, access.MoneyWrite, access.HoldsWrite, access.CatalogWrite, access.LedgerRead, access.CostsRead, access.OperationsRead, access.GrantsWrite,
		access.GrantsRead, access.ApprovalsRead,
	} {
		for _, role := range organisation.Roles() {
			require.False(t, access.In(role).Has(p), "%s is nothing that a tenant's %s may do", p, role)
		}
	}
	for _, role := range []access.PlatformRole{access.PlatformAuditor, access.PlatformReadOnly} {
		for _, p := range access.On(role).List() {
			require.True(t, strings.HasSuffix(string(p), ".read") || p == access.AuditExport, "%s may %s", role, p)
		}
	}
	for _, p := range access.In(organisation.Viewer).List() {
		require.True(t, strings.HasSuffix(string(p), ".read"), "a viewer may %s", p)
		require.True(t, access.In(organisation.Owner).Has(p))
	}
	require.True(t, access.In("king").Empty())
	require.True(t, access.On("king").Empty())
	require.True(t, access.On().Empty())
	require.Equal(t, access.All(), access.On(access.PlatformOwner).List())
	both := access.On(access.PlatformCatalogue).Union(access.On(access.PlatformFinance))
	require.Equal(t, both.List(), access.On(access.PlatformCatalogue, access.PlatformFinance).List())
}

func TestRightsAreThoseOfNow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.user("ann")
	none, err := b.Rights(t.Context(), ann)
	require.NoError(t, err)
	require.Equal(t, access.Rights{Tenants: map[uuid.UUID]access.Tenant{}, Platform: access.On()}, none)
	first, wallet := uuid.New(), uuid.New()
	b.exec(`INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at) VALUES ($1, $2, 'Acme', now())`, first, wallet)
	b.exec(`INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, 'finance', now())`, first, ann)
	grant := func(role access.PlatformRole, life time.Duration) access.Grant {
		g, err := b.Grant(t.Context(), access.Grant{ID: uuid.New(), Email: "ann@example.com", Role: role, Reason: "r", GrantedBy: "operator:token"}, life)
		require.NoError(t, err)
		require.Equal(t, ann, g.User)
		return g
	}
	grant(access.PlatformSupport, time.Hour)
	long := grant(access.PlatformFinance, 2*time.Hour)
	rights, err := b.Rights(t.Context(), ann)
	require.NoError(t, err)
	require.Equal(t, map[uuid.UUID]access.Tenant{wallet: {Organisation: first, Role: "finance", Permissions: access.In("finance")}}, rights.Tenants)
	require.ElementsMatch(t, []access.PlatformRole{access.PlatformSupport, access.PlatformFinance}, rights.Roles)
	require.True(t, rights.Platform.Has(access.MoneyWrite))
	require.True(t, rights.Platform.Has(access.HoldsWrite))
	many, err := b.Many(t.Context(), []uuid.UUID{ann, b.user("bob"), uuid.New(), ann})
	require.NoError(t, err)
	require.Len(t, many, 1, "who may do nothing is left out")
	require.Equal(t, rights.Tenants, many[ann].Tenants)
	require.ElementsMatch(t, rights.Roles, many[ann].Roles)
	require.Equal(t, rights.Platform, many[ann].Platform)
	b.step(time.Hour)
	rights, err = b.Rights(t.Context(), ann)
	require.NoError(t, err)
	require.Equal(t, []access.PlatformRole{access.PlatformFinance}, rights.Roles)
	require.NoError(t, b.EndGrant(t.Context(), long.ID, "operator:token"))
	require.NoError(t, b.EndGrant(t.Context(), long.ID, "user:x"), "again")
	b.requireCode(domain.CodeNotFound, b.EndGrant(t.Context(), uuid.New(), "x"))
	all, err := b.Grants(t.Context(), true, "", 0)
	require.NoError(t, err)
	require.Len(t, all.Items, 2)
	for _, g := range all.Items {
		require.Equal(t, g.ID == long.ID, g.EndedBy == "operator:token", "who ended it first stays")
	}
	now, err := b.Grants(t.Context(), false, "", 0)
	require.NoError(t, err)
	require.Empty(t, now.Items)
	b.exec(`UPDATE identity.organisations SET deleted_at = now()`)
	rights, err = b.Rights(t.Context(), ann)
	require.NoError(t, err)
	require.Empty(t, rights.Tenants)
	require.True(t, rights.Platform.Empty())
	b.exec(`UPDATE identity.organisations SET deleted_at = NULL`)
	grant(access.PlatformOwner, time.Hour)
	b.exec(`UPDATE identity.users SET deleted_at = now()`)
	rights, err = b.Rights(t.Context(), ann)
	require.NoError(t, err)
	require.Empty(t, rights.Tenants)
	require.True(t, rights.Platform.Empty())
}

func TestWhatGrantsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.user("ann")
	good := func() access.Grant {
		return access.Grant{ID: uuid.New(), Email: "ann@example.com", Role: access.PlatformSupport, Reason: "r", GrantedBy: "operator:token"}
	}
	try := func(change func(*access.Grant), life time.Duration) error {
		g := good()
		change(&g)
		_, err := b.Grant(t.Context(), g, life)
		return err
	}
	same := func(*access.Grant) {}
	b.requireCode(domain.CodeInvalid, try(same, 0))
	b.requireCode(domain.CodeInvalid, try(same, access.MaxGrant+1))
	b.requireCode(domain.CodeInvalid, try(func(g *access.Grant) { g.Role = "king" }, time.Hour))
	b.requireCode(domain.CodeInvalid, try(func(g *access.Grant) { g.Reason = "  " }, time.Hour))
	b.requireCode(domain.CodeInvalid, try(func(g *access.Grant) { g.Reason = strings.Repeat("x", 501) }, time.Hour))
	b.requireCode(domain.CodeNotFound, try(func(g *access.Grant) { g.Email = "eve@example.com" }, time.Hour))
	b.requireCode(domain.CodeForbidden, try(func(g *access.Grant) { g.GrantedBy = "user:" + ann.String() }, time.Hour))
	b.requireCode(domain.CodeForbidden, try(func(g *access.Grant) { g.ApprovedBy = "user:" + ann.String() }, time.Hour))
	b.exec(`UPDATE identity.users SET email_verified_at = NULL`)
	b.requireCode(domain.CodeNotFound, try(same, time.Hour))
	b.exec(`UPDATE identity.users SET email_verified_at = now()`)
	g := good()
	for range 3 {
		_, err := b.Grant(t.Context(), g, time.Hour)
		require.NoError(t, err)
	}
	all, err := b.Grants(t.Context(), false, "", 0)
	require.NoError(t, err)
	require.Len(t, all.Items, 1, "the same id makes it once")
	require.Equal(t, address.Email("ann@example.com"), all.Items[0].Email)
}

// TestOneDecisionOnly: however many decide at the same time, one does, and never who asked.
func TestOneDecisionOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asker := b.user("ann")
	deciders := []uuid.UUID{asker, b.user("bob"), b.user("eve"), b.user("zoe")}
	for range 5 {
		asked, err := b.Ask(t.Context(), access.Approval{ID: uuid.New(), Operation: "AdjustWallet", Method: "POST", Path: "/x", Body: "{}", Permission: access.MoneyWrite, By: asker})
		require.NoError(t, err)
		var all sync.WaitGroup
		won := make(chan uuid.UUID, 20)
		for _, who := range deciders {
			for _, d := range []access.Decision{access.Approved, access.Refused} {
				all.Go(func() {
					if a, err := b.Decide(context.Background(), asked.ID, who, d); err == nil && a.DecidedBy == who && a.Decision == d {
						won <- who
					}
				})
			}
		}
		all.Wait()
		close(won)
		var winners []uuid.UUID
		for who := range won {
			winners = append(winners, who)
		}
		require.Len(t, winners, 1)
		require.NotEqual(t, asker, winners[0])
		kept, err := b.Approval(t.Context(), asked.ID)
		require.NoError(t, err)
		require.Equal(t, winners[0], kept.DecidedBy)
	}
}

func TestApprovalsWaitThreeDays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, bob := b.user("ann"), b.user("bob")
	wish := access.Approval{ID: uuid.New(), Operation: "GrantRole", Method: "POST", Path: "/x", Body: "{}", Permission: access.GrantsWrite, By: ann}
	_, err := b.Ask(t.Context(), wish)
	require.NoError(t, err)
	other := wish
	other.Body = `{"role":"owner"}`
	_, err = b.Ask(t.Context(), other)
	b.requireCode(domain.CodeIdempotencyConflict, err)
	b.step(access.ApprovalLife - time.Second)
	open, err := b.Approvals(t.Context(), false, "", 0)
	require.NoError(t, err)
	require.Len(t, open.Items, 1)
	b.step(time.Second)
	_, err = b.Decide(t.Context(), wish.ID, bob, access.Approved)
	b.requireCode(domain.CodeConflict, err)
	open, err = b.Approvals(t.Context(), false, "", 0)
	require.NoError(t, err)
	require.Empty(t, open.Items)
	_, err = b.Approval(t.Context(), uuid.New())
	b.requireCode(domain.CodeNotFound, err)
	_, err = b.pool.Exec(t.Context(), `UPDATE identity.approvals SET decision = 'approved', decided_by = requested_by, decided_at = now()`)
	require.Error(t, err, "the table itself refuses a decision by who asked")
}

// TestAMovementThatOthersRelyOn: two requests of one command, one of which is refused, count as the movement that the other makes.
func TestAMovementThatOthersRelyOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one := b.user("one")
	limit := money.MustParse("100")
	move := access.Movement{CommandID: uuid.New(), By: one, Currency: "USD", Amount: money.MustParse("-60")}
	alone := func(m access.Movement) (bool, time.Time) {
		may, noted, err := b.MayMoveAlone(t.Context(), m, limit)
		require.NoError(t, err)
		return may, noted
	}
	may, refused := alone(move)
	require.True(t, may)
	require.Equal(t, b.at, refused.UTC())
	may, other := alone(move)
	require.True(t, may)
	require.Zero(t, other, "it counts already")
	require.NoError(t, b.MovedNothing(t.Context(), move.CommandID, refused))
	next := move
	next.CommandID = uuid.New()
	may, _ = alone(next)
	require.False(t, may, "60 was moved")

	// The same command cannot stand for more, nor for money that is counted apart.
	for _, m := range []access.Movement{{move.CommandID, one, "USD", money.MustParse("70")}, {move.CommandID, one, "EUR", money.MustParse("60")}} {
		_, _, err := b.MayMoveAlone(t.Context(), m, limit)
		b.requireCode(domain.CodeIdempotencyConflict, err)
	}

	next.Amount = money.MustParse("40")
	_, noted := alone(next)
	require.NoError(t, b.MovedNothing(t.Context(), next.CommandID, noted))
	next.CommandID = uuid.New()
	may, _ = alone(next)
	require.True(t, may, "what was refused does not count")
}
