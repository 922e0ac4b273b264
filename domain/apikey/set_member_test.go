package apikey_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

func TestK10_AKeyHasAtMostOneMember(t *testing.T) {
	t.Parallel()
	_, err := apikey.New().SetMember(uuid.New())
	require.Equal(t, domain.CodeKeyNotFound, domain.CodeOf(err))
	member := uuid.New()
	s := issued(t, apikey.Limits{Name: "laptop", Models: []string{"acme/chat"}, MemberID: member})
	require.Equal(t, member, s.Limits.MemberID)
	_, err = s.SetMember(member)
	require.Equal(t, domain.CodeConflict, domain.CodeOf(err))

	updated, err := s.Update(apikey.Update{Limits: apikey.Limits{Name: "desk"}}, start)
	require.NoError(t, err)
	s.Apply(updated, start)
	require.Equal(t, apikey.Limits{Name: "desk", MemberID: member}, s.Limits, "another change leaves the member")
	other := uuid.New()
	for _, next := range []uuid.UUID{other, {}} {
		e, err := s.SetMember(next)
		require.NoError(t, err)
		s.Apply(e, start)
		require.Equal(t, apikey.Limits{Name: "desk", MemberID: next}, s.Limits)
	}
	manager := apikey.New()
	made, err := manager.Issue(apikey.Issue{
		KeyID: uuid.New(), WalletID: uuid.New(), Hash: apikey.HashSecret("x"), Label: "l", Scope: apikey.Management, Limits: apikey.Limits{MemberID: member},
	}, start)
	require.NoError(t, err, "a key that manages is somebody's, too")
	manager.Apply(made, start)
	require.Equal(t, member, manager.Limits.MemberID)
}
