package organisation_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/organisation"
)

// TestNobodyInvitesForEver: so many invitations a day, of all organisations of one person, whether they are open, replaced or withdrawn.
func TestNobodyInvitesForEver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.user("ann")
	var all [2]uuid.UUID
	for i := range all {
		made, err := b.Create(t.Context(), uuid.New(), ann, "Acme")
		require.NoError(t, err)
		all[i] = made.ID
	}
	invite := func(i int) error {
		_, err := b.Invite(t.Context(), uuid.New(), all[i%2], ann, mailbox("bob"), organisation.Viewer, b.tell)
		return err
	}
	for i := range organisation.MaxInvitationsPerDay {
		require.NoError(t, invite(i))
	}
	err := invite(0)
	b.requireCode(domain.CodeRateLimited, err)
	var refusal *domain.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "86400", refusal.Details["retry_after"])
	b.step(24 * time.Hour)
	require.NoError(t, invite(0))
}
