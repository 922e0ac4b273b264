package access_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/session"
)

// wallets is the ledger of these tests: organisations are made and nothing is paid.
type wallets struct{}

func (wallets) Open(context.Context, uuid.UUID, string) error { return nil }

// rooms are those that meet when somebody is erased.
func (b *bench) rooms() (*account.Service, *organisation.Service) {
	b.t.Helper()
	hasher, err := password.NewHasher(password.Options{Parameters: password.Parameters{Memory: 64, Passes: 1, Threads: 1}, Share: 1, Patience: time.Minute})
	require.NoError(b.t, err)
	now := func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.at }
	return account.New(b.pool, hasher, session.New(b.pool, now), now), organisation.New(b.pool, wallets{}, now)
}

func (b *bench) ask(by uuid.UUID) access.Approval {
	b.t.Helper()
	a, err := b.Ask(b.t.Context(), wish(by))
	require.NoError(b.t, err)
	return a
}

func wish(by uuid.UUID) access.Approval {
	return access.Approval{ID: uuid.New(), Operation: "AdjustWallet", Method: "POST", Path: "/x", Body: "{}", Permission: access.MoneyWrite, By: by}
}

// race runs everything at once, and gives what failed.
func race(all ...func() error) []error {
	var running sync.WaitGroup
	begin, failed := make(chan struct{}), make(chan error, len(all))
	for _, do := range all {
		running.Go(func() {
			<-begin
			failed <- do()
		})
	}
	close(begin)
	running.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// TestErasedWhileNamed: whoever goes while others grant roles, decide, invite and hand over, and while he asks, decides and accepts himself, leaves nothing behind,
// and everybody gets an answer for callers: no broken reference, no deadlock. The organisation keeps an owner.
func TestErasedWhileNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people, organisations := b.rooms()
	boss := b.user("boss")
	ctx := context.Background()
	for round := range 25 {
		mailbox := address.Email(fmt.Sprintf("ann%d@example.com", round))
		ann := b.user(fmt.Sprintf("ann%d", round))
		org, err := organisations.Create(ctx, uuid.New(), boss, "Acme")
		require.NoError(t, err)
		invited, err := organisations.Invite(ctx, uuid.New(), org.ID, boss, mailbox, organisation.Admin, func(pgx.Tx, organisation.Invitation) error { return nil })
		require.NoError(t, err)
		own, others := b.ask(ann), b.ask(boss)
		grant := func() error {
			for range 4 {
				_, err := b.Grant(ctx, access.Grant{ID: uuid.New(), Email: mailbox, Role: access.PlatformSupport, Reason: "r", GrantedBy: "operator:token"}, time.Hour)
				if err != nil {
					switch domain.CodeOf(err) {
					case domain.CodeConflict: // it is there already
					case domain.CodeNotFound:
						return nil
					default:
						return fmt.Errorf("a grant to somebody who is not there: %w", err)
					}
				}
			}
			return nil
		}
		said := func(do func() error) func() error { // an answer for callers is none of a failure
			return func() error {
				if err := do(); domain.CodeOf(err) == domain.CodeInternal {
					return err
				}
				return nil
			}
		}
		erase := func() error { return people.Erase(ctx, ann) }
		require.Empty(t, race(
			grant, grant, grant, grant,
			said(func() error { _, err := b.Ask(ctx, wish(ann)); return err }),
			said(func() error { _, err := b.Decide(ctx, own.ID, ann, access.Withdrawn); return err }),
			said(func() error { _, err := b.Decide(ctx, own.ID, boss, access.Approved); return err }),
			said(func() error { _, err := b.Decide(ctx, others.ID, ann, access.Approved); return err }),
			said(func() error { _, err := organisations.Accept(ctx, ann, mailbox, invited.ID); return err }),
			said(func() error { return organisations.SetRole(ctx, org.ID, boss, ann, organisation.Owner) }),
			said(func() error { return organisations.HandOver(ctx, org.ID, boss, ann) }),
			said(func() error {
				_, err := organisations.Invite(ctx, uuid.New(), org.ID, boss, mailbox, organisation.Viewer, func(pgx.Tx, organisation.Invitation) error { return nil })
				return err
			}),
			said(erase),
		))
		if err := erase(); domain.CodeOf(err) == organisation.CodeLastOwner { // it was handed over before, and he may not go
			require.NoError(t, organisations.HandOver(ctx, org.ID, ann, boss))
			require.NoError(t, erase())
		}
		var left, owners int
		require.NoError(t, b.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM identity.users WHERE user_id = $1) + (SELECT count(*) FROM identity.platform_grants WHERE user_id = $1)
			+ (SELECT count(*) FROM identity.members WHERE user_id = $1) + (SELECT count(*) FROM identity.approvals WHERE requested_by = $1 OR decided_by = $1),
			(SELECT count(*) FROM identity.members WHERE organisation_id = $2 AND role = 'owner')`, ann, org.ID).Scan(&left, &owners))
		require.Zero(t, left)
		require.Positive(t, owners)
		require.NoError(t, organisations.Delete(ctx, org.ID)) // one has a few only
	}
}

// TestTwoGoAtOnce: each has decided on much that the other has asked for.
func TestTwoGoAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people, _ := b.rooms()
	for round := range 8 {
		ann, bob := b.user(fmt.Sprintf("ann%d", round)), b.user(fmt.Sprintf("bob%d", round))
		b.exec(`INSERT INTO identity.approvals (approval_id, operation, method, path, body, permission, requested_by, created_at, expires_at, decision, decided_by, decided_at)
			SELECT gen_random_uuid(), 'x', 'POST', '/x', '', 'x', CASE n % 2 WHEN 0 THEN $1::uuid ELSE $2 END, now(), now(), 'approved', CASE n % 2 WHEN 0 THEN $2 ELSE $1::uuid END, now()
			FROM generate_series(1, 400) AS n`, ann, bob)
		require.Empty(t, race(
			func() error { return people.Erase(context.Background(), ann) },
			func() error { return people.Erase(context.Background(), bob) },
		))
		var left int
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.approvals`).Scan(&left))
		require.Zero(t, left)
	}
}

// TestErasedWhileAccepting: both are stopped right before the invitation, which both change, and go on at the same time.
func TestErasedWhileAccepting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people, organisations := b.rooms()
	boss := b.user("boss")
	org, err := organisations.Create(t.Context(), uuid.New(), boss, "Acme")
	require.NoError(t, err)
	for round := range 10 {
		name := fmt.Sprintf("ann%d", round)
		ann, mailbox := b.user(name), address.Email(name+"@example.com")
		invited, err := organisations.Invite(t.Context(), uuid.New(), org.ID, boss, mailbox, organisation.Admin, func(pgx.Tx, organisation.Invitation) error { return nil })
		require.NoError(t, err)
		held, err := b.pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = held.Exec(t.Context(), `LOCK TABLE identity.invitations IN SHARE MODE`)
		require.NoError(t, err)
		accepted, erased := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := organisations.Accept(context.Background(), ann, mailbox, invited.ID)
			accepted <- err
		}()
		b.waiting(1)
		go func() { erased <- people.Erase(context.Background(), ann) }()
		b.waiting(2)
		require.NoError(t, held.Rollback(t.Context()))
		require.NoError(t, <-erased)
		if err := <-accepted; err != nil { // he was erased before the answer was read
			b.requireCode(domain.CodeNotFound, err)
		}
	}
}

// waiting waits until so many statements wait for a lock.
func (b *bench) waiting(n int) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		var waits int
		err := b.pool.QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waits)
		return err == nil && waits >= n
	}, time.Minute, 5*time.Millisecond)
}

// TestNobodyGoesAsTheOwnerHeJustBecame: an organisation is made while its maker is being erased, after his organisations were looked at.
func TestNobodyGoesAsTheOwnerHeJustBecame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people, organisations := b.rooms()
	ann := b.user("ann")
	held, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = held.Rollback(context.Background()) }()
	_, err = held.Exec(t.Context(), `SELECT FROM identity.users WHERE user_id = $1 FOR NO KEY UPDATE`, ann)
	require.NoError(t, err)
	erased := make(chan error, 1)
	go func() { erased <- people.Erase(context.Background(), ann) }()
	b.waiting(1)
	_, err = organisations.Create(t.Context(), uuid.New(), ann, "Acme")
	require.NoError(t, err)
	require.NoError(t, held.Rollback(t.Context()))
	b.requireCode(organisation.CodeLastOwner, <-erased)
}
