package access_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/internal/pagetest"
	"github.com/massrouter/massrouter/projections/page"
)

// moment is the nth: an hour ago, and so many microseconds.
func (b *bench) moment(n int) time.Time {
	return b.at.Add(-time.Hour + time.Duration(n)*time.Microsecond)
}

func (b *bench) readGrants(past bool) pagetest.Read {
	return pagetest.ReadBy(func(g *access.Grant) uuid.UUID { return g.ID }, func(cursor string, limit int) (page.Part[access.Grant], error) {
		return b.Grants(b.t.Context(), past, cursor, limit)
	})
}

func (b *bench) readApprovals(past bool) pagetest.Read {
	return pagetest.ReadBy(func(a *access.Approval) uuid.UUID { return a.ID }, func(cursor string, limit int) (page.Part[access.Approval], error) {
		return b.Approvals(b.t.Context(), past, cursor, limit)
	})
}

func TestGrantsAreReadByPages(t *testing.T) {
	t.Parallel()
	for _, past := range []bool{false, true} {
		b := setup(t)
		ann := b.user("ann")
		add := func(n int, expires time.Time) uuid.UUID {
			id := uuid.New()
			b.exec(`INSERT INTO identity.platform_grants (grant_id, user_id, role, reason, granted_by, created_at, expires_at) VALUES ($1, $2, 'support', 'r', 'operator:token', $3, $4)`,
				id, ann, b.moment(n), expires)
			return id
		}
		if !past {
			add(20, b.at) // over
			b.exec(`UPDATE identity.platform_grants SET ended_at = created_at WHERE grant_id = $1`, add(21, b.at.Add(time.Hour)))
		}
		life := access.MaxGrant - time.Hour
		pagetest.Keeps(t, pagetest.List{
			Read: b.readGrants(past), Others: map[string]pagetest.Read{"with the other filter": b.readGrants(!past), "approvals": b.readApprovals(past)}, Newest: true,
			Add:    func(n int) uuid.UUID { return add(n, b.moment(n).Add(life)) },
			Remove: func(id uuid.UUID) { b.exec(`DELETE FROM identity.platform_grants WHERE grant_id = $1`, id) },
		})
	}
}

func TestApprovalsAreReadByPages(t *testing.T) {
	t.Parallel()
	for _, past := range []bool{false, true} {
		b := setup(t)
		ann := b.user("ann")
		add := func(n int) uuid.UUID {
			id := uuid.New()
			b.exec(`INSERT INTO identity.approvals (approval_id, operation, method, path, body, permission, requested_by, created_at, expires_at)
				VALUES ($1, 'GrantRole', 'POST', '/x', '{}', 'grants.write', $2, $3, $4)`, id, ann, b.moment(n), b.moment(n).Add(access.ApprovalLife))
			return id
		}
		remove := func(id uuid.UUID) { b.exec(`DELETE FROM identity.approvals WHERE approval_id = $1`, id) }
		if !past {
			remove = func(id uuid.UUID) {
				b.exec(`UPDATE identity.approvals SET decision = 'withdrawn', decided_at = now() WHERE approval_id = $1`, id)
			}
			remove(add(20))
			b.exec(`UPDATE identity.approvals SET expires_at = $2 WHERE approval_id = $1`, add(21), b.at) // over
		}
		pagetest.Keeps(t, pagetest.List{
			Read: b.readApprovals(past), Others: map[string]pagetest.Read{"with the other filter": b.readApprovals(!past), "grants": b.readGrants(past)}, Newest: true,
			Add: add, Remove: remove,
		})
	}
}

// TestWhatLastsLongestIsListed: nothing that counts still is left out for its age.
func TestWhatLastsLongestIsListed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.user("ann")
	g, err := b.Grant(t.Context(), access.Grant{ID: uuid.New(), Email: "ann@example.com", Role: access.PlatformSupport, Reason: "r", GrantedBy: "operator:token"}, access.MaxGrant)
	require.NoError(t, err)
	a, err := b.Ask(t.Context(), access.Approval{ID: uuid.New(), Operation: "GrantRole", Method: "POST", Path: "/x", Body: "{}", Permission: access.GrantsWrite, By: ann})
	require.NoError(t, err)
	counts := func(list pagetest.Read, want ...uuid.UUID) {
		t.Helper()
		ids, _, err := list("", 0)
		require.NoError(t, err)
		require.Equal(t, want, ids)
	}
	b.step(access.ApprovalLife - time.Microsecond)
	counts(b.readApprovals(false), a.ID)
	b.step(time.Microsecond)
	counts(b.readApprovals(false))
	b.step(access.MaxGrant - access.ApprovalLife - time.Microsecond)
	counts(b.readGrants(false), g.ID)
	b.step(time.Microsecond)
	counts(b.readGrants(false))
	counts(b.readGrants(true), g.ID)
}
