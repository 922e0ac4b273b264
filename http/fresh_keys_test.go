package http_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/signin"
)

// TestKeysAndMembersWantAFreshFactor: who has a session of an hour ago gives out no secrets, loosens no limits, and lets nobody in.
func TestKeysAndMembersWantAFreshFactor(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann := b.signedIn(who, annEmail)
	made := b.post("/console/v1/organisations", map[string]any{"name": "Acme"}, ann.header).is(201)
	organisation, wallet := "/console/v1/organisations/"+made.text("id"), "/console/v1/wallets/"+made.text("wallet_id")
	key := "/console/v1/keys/" + b.post(wallet+"/keys", map[string]any{"name": "k"}, ann.header).is(201).text("key_id")
	b.get(wallet + "/keys?min_position=" + count(b.position())).is(200)
	hook := "/console/v1/webhooks/" + b.post(wallet+"/webhooks", hookSpec(), ann.header).is(201).text("webhook_id")
	_, err := b.pool.Exec(t.Context(), `UPDATE identity.sessions SET authenticated_at = authenticated_at - interval '6 minutes'`)
	require.NoError(t, err)
	before := b.position()
	for _, one := range []struct{ method, path string }{
		{"PATCH", key},
		{"POST", key + "/enable"},
		{"POST", key + "/rotate"},
		{"PUT", key + "/member"},
		{"DELETE", key + "/member"},
		{"POST", wallet + "/keys"},
		{"PUT", wallet + "/members/" + unknownID + "/limits"},
		{"POST", wallet + "/vendor-keys"},
		{"PUT", wallet + "/vendor-keys/" + unknownID},
		{"POST", wallet + "/webhooks"},
		{"PUT", hook},
		{"POST", hook + "/rotate"},
		{"POST", organisation + "/invitations"},
		{"DELETE", organisation + "/members/" + unknownID},
		{"PUT", organisation + "/members/" + unknownID},
	} {
		b.send(one.method, one.path, map[string]any{}, ann.header).refused(403, signin.CodeStepUp)
	}
	require.Equal(t, before, b.position())
	b.post(key+"/disable", map[string]any{"reason": "r"}, ann.header).is(200) // what only stops waits for nobody
}
