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
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT sign_up_id FROM identity.sign_ups WHERE email = $1`, email).Scan(&id))
		secret, err := who.MakeLink(t.Context(), id, address.Email(email), account.Verify)
		require.NoError(t, err)
		b.post(authPath+"verify-email", map[string]any{"token": secret, "password": annWord}, nobody).is(200)
		in := b.post(authPath+"sign-in", words, nobody).is(200)
		return id.String(), bearer(in.text("access_token"))
	}
	ann, asAnn := join(annEmail)
	bob, asBob := join("bob@portal.example")
	b.post(authPath+"sign-in", map[string]any{"email": annEmail, "password": "another"}, nobody, header{"User-Agent", "stranger"}).is(401)
	b.strong(person{id: uuid.MustParse(ann)})
	stranger := []header{nobody, {"User-Agent", "stranger"}, {"X-Audit-Reason", "she asked me to"}}
	b.post(authPath+"forgot-password", map[string]any{"email": annEmail}, stranger...).is(202)
	b.post(authPath+"sign-up", map[string]any{"email": annEmail, "password": annWord}, stranger...).is(202)
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
	require.GreaterOrEqual(t, len(all), 6)
	require.Equal(t, []string{"GrantRole", "operator:token", "done"}, []string{all[0].Action, all[0].Actor, all[0].Result})
	require.Nil(t, all[0].Personal, "where the platform's people are is not for others")
	for i, want := range [][]string{{"SignUp", "done"}, {"ForgotPassword", "done"}, {"SignIn", "refused"}} {
		got := all[1+i]
		require.Equal(t, []string{want[0], "anonymous", want[1], ""}, []string{got.Action, got.Actor, got.Result, got.Reason}, "what a stranger asks for is not hers, nor has it a reason")
		require.Equal(t, []string{"127.0.0.1", "stranger"}, []string{got.Personal.Address, got.Personal.UserAgent})
	}
	require.Equal(t, []string{"SignIn", trail.Of("user", uuid.MustParse(ann)), "done"}, []string{all[4].Action, all[4].Actor, all[4].Result})
	theirs, _ := list("", asBob)
	require.NotEmpty(t, theirs)
	for _, e := range theirs {
		require.Contains(t, []string{e.Target, e.Actor}, "user:"+bob, e.Action)
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
