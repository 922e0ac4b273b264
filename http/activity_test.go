package http_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
)

// TestPeopleSeeWhatWasDone has two people sign in, a stranger try, and the platform give one of them a role.
func TestPeopleSeeWhatWasDone(t *testing.T) {
	t.Parallel()
	b, who := withPeople(t).withAccounts()
	nobody := header{"Authorization", ""}
	join := func(email string) (user string, me header) {
		words := map[string]any{"email": email, "password": annWord, "delivery": "body"}
		b.post(authPath+"sign-up", map[string]any{"email": email, "password": annWord}, nobody).is(202)
		var id uuid.UUID
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT user_id FROM identity.users WHERE email = $1`, email).Scan(&id))
		secret, err := who.MakeLink(t.Context(), id, address.Email(email), account.Verify)
		require.NoError(t, err)
		b.post(authPath+"verify-email", map[string]any{"token": secret}, nobody).is(200)
		in := b.post(authPath+"sign-in", words, nobody).is(200)
		return id.String(), bearer(in.text("access_token"))
	}
	ann, asAnn := join(annEmail)
	bob, asBob := join("bob@portal.example")
	b.post(authPath+"sign-in", map[string]any{"email": annEmail, "password": "another"}, nobody, header{"User-Agent", "stranger"}).is(401)
	b.post("/console/v1/grants", map[string]any{"email": annEmail, "role": "support", "reason": "r", "days": 1}).is(201)

	type seen struct {
		entry
		Personal *struct {
			Address   string
			UserAgent string `json:"user_agent"`
		}
	}
	list := func(query string, me header) (items []seen, next string) {
		page := b.get(mePath+"/activity?"+query, me).is(200)
		require.NoError(t, json.Unmarshal(page.at("items"), &items))
		require.NoError(t, json.Unmarshal(page.at("next_cursor"), &next))
		return items, next
	}
	all, _ := list("", asAnn)
	require.GreaterOrEqual(t, len(all), 4)
	require.Equal(t, []string{"GrantRole", "operator:token", "done"}, []string{all[0].Action, all[0].Actor, all[0].Result})
	require.Nil(t, all[0].Personal, "where the platform's people are is not for others")
	require.Equal(t, []string{"SignIn", "anonymous", "refused"}, []string{all[1].Action, all[1].Actor, all[1].Result})
	require.Equal(t, []string{"127.0.0.1", "stranger"}, []string{all[1].Personal.Address, all[1].Personal.UserAgent})
	require.Equal(t, []string{"SignIn", trail.Of("user", uuid.MustParse(ann)), "done"}, []string{all[2].Action, all[2].Actor, all[2].Result})
	theirs, _ := list("", asBob)
	require.NotEmpty(t, theirs)
	for _, e := range theirs {
		require.Equal(t, "user:"+bob, e.Target, e.Action)
	}

	var paged []seen
	for query := "limit=2"; ; {
		items, next := list(query, asAnn)
		paged = append(paged, items...)
		if next == "" {
			break
		}
		query = "limit=2&cursor=" + next
	}
	require.Equal(t, all, paged)
	b.get(mePath+"/activity").refused(403, "forbidden")
	b.get(mePath+"/activity", nobody).is(401)
	b.get(mePath+"/activity?limit=0", asAnn).is(400)
}
