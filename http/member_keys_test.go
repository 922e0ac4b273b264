package http_test

import (
	"maps"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/identity/access"
	tenants "github.com/massrouter/massrouter/identity/organisation"
)

// team is an organisation of several people with money in its wallet.
type team struct {
	*bundle
	path, wallet          string
	owner, admin, builder person
}

func newTeam(t *testing.T) team {
	t.Helper()
	b := withPeople(t)
	b.publish()
	v := team{bundle: b, owner: b.person("ann"), admin: b.person("bob"), builder: b.person("dan")}
	made := b.post("/console/v1/organisations", map[string]any{"name": "Acme"}, v.owner.header).is(201)
	v.path, v.wallet = "/console/v1/organisations/"+made.text("id"), "/console/v1/wallets/"+made.text("wallet_id")
	b.post(v.wallet+"/top-ups", map[string]any{"amount": money.MustParse("10"), "currency": "USD", "reason": "r"}, idempotent("credit")).is(200)
	b.join(v.path, v.owner, v.admin, tenants.Admin)
	b.join(v.path, v.owner, v.builder, tenants.Developer)
	return v
}

// made is a key that somebody was shown the secret of.
type made struct {
	path string
	auth header
}

func manages() map[string]any { return map[string]any{"scope": "management"} }

func ofNobody() map[string]any { return map[string]any{"member_id": uuid.Nil} }

func (v team) issue(by person, more ...map[string]any) made {
	v.t.Helper()
	body := map[string]any{"name": "k"}
	for _, m := range more {
		maps.Copy(body, m)
	}
	a := v.post(v.wallet+"/keys", body, by.header).is(201)
	return made{"/console/v1/keys/" + a.text("key_id"), bearer(a.text("secret"))}
}

// shown waits until what was done is known to those who look keys up.
func (v team) shown() {
	v.t.Helper()
	v.get(v.wallet + "/keys?min_position=" + count(v.position())).is(200)
}

// calls says what a call with the key is answered.
func (v team) calls(k made) int {
	v.t.Helper()
	v.shown()
	return v.post("/v1/chat/completions", map[string]any{"model": "acme/large", "messages": []map[string]string{{"role": "user", "content": "Hello"}}}, k.auth).status
}

func (v team) member(k made) string {
	v.t.Helper()
	a := v.get(k.path+"?min_position="+count(v.position()), v.owner.header).is(200)
	if strings.Contains(string(a.body), `"member_id"`) {
		return a.text("key", "member_id")
	}
	return ""
}

// changes are all the ways to change a key.
func changes() map[string]struct {
	method, path string
	body         any
} {
	type change = struct {
		method, path string
		body         any
	}
	return map[string]change{
		"update":  {"PATCH", "", map[string]any{"name": "mine", "caps": map[string]any{}, "models": []string{}, "networks": []string{}, "expires_at": nil, "rate_limits": map[string]any{}}},
		"rotate":  {"POST", "/rotate", map[string]any{"grace_seconds": 2592000}},
		"disable": {"POST", "/disable", map[string]any{"reason": "r"}}, "enable": {"POST", "/enable", nil}, "revoke": {"POST", "/revoke", map[string]any{"reason": "r"}},
		"bind": {"PUT", "/app", map[string]any{"app_id": unknownID}}, "unbind": {"DELETE", "/app", nil},
	}
}

// TestADeveloperChangesOwnKeysOnly: not one of the owner's, whichever way, nor one that manages, nor one of nobody in particular.
func TestADeveloperChangesOwnKeysOnly(t *testing.T) {
	t.Parallel()
	v := newTeam(t)
	owners, managing := v.issue(v.owner), v.issue(v.owner, manages())
	nobodys, admins, own := v.issue(v.owner, ofNobody()), v.issue(v.admin), v.issue(v.builder)
	require.Equal(t, []string{v.owner.id.String(), v.owner.id.String(), "", v.builder.id.String()}, []string{v.member(owners), v.member(managing), v.member(nobodys), v.member(own)})
	before := v.position()
	for _, key := range []made{owners, managing, nobodys, admins} {
		for name, c := range changes() {
			a := v.send(c.method, key.path+c.path, c.body, v.builder.header).refused(403, domain.CodeForbidden)
			require.NotContains(t, string(a.body), "secret\"", name)
		}
	}
	for _, body := range []map[string]any{
		{"name": "k", "scope": "management"}, {"name": "k", "member_id": v.owner.id}, {"name": "k", "member_id": uuid.Nil}, {"name": "k", "scope": "management", "member_id": v.builder.id},
	} {
		v.post(v.wallet+"/keys", body, v.builder.header).refused(403, domain.CodeForbidden)
	}
	require.Equal(t, before, v.position(), "nothing was done")
	require.Equal(t, 200, v.calls(owners))

	v.send("PATCH", own.path, changes()["update"].body, v.builder.header).is(200)
	own.auth = bearer(v.post(own.path+"/rotate", map[string]any{"grace_seconds": 0}, v.builder.header).is(200).text("secret"))
	require.Equal(t, 200, v.calls(own))

	// Who may change members' limits changes all, but is shown the secret of no other member's key unless it is taken over, which is told.
	rotate := map[string]any{"grace_seconds": 0}
	v.post(owners.path+"/disable", map[string]any{"reason": "r"}, v.admin.header).is(200)
	v.post(owners.path+"/enable", nil, v.admin.header).is(200)
	v.post(own.path+"/rotate", rotate, v.owner.header).refused(403, domain.CodeForbidden)
	v.post(managing.path+"/rotate", rotate, v.admin.header).refused(403, domain.CodeForbidden)
	v.post(nobodys.path+"/rotate", rotate, v.admin.header).is(200)
	v.send("PUT", own.path+"/member", map[string]any{"member_id": v.owner.id}, v.owner.header).is(200)
	v.post(own.path+"/rotate", rotate, v.builder.header).refused(403, domain.CodeForbidden)
	v.post(own.path+"/rotate", rotate, v.owner.header).is(200)
	v.post(managing.path+"/rotate", rotate).is(200) // the operator
	staff := v.staff("op", access.PlatformOperator)
	v.post(v.issue(v.builder).path+"/rotate", rotate, staff.header).refused(403, domain.CodeForbidden)
	v.post(nobodys.path+"/rotate", rotate, staff.header).is(200)
}

// TestWhatAManagementKeyIssuesIsItsMembers: so that the member's caps hold for it.
func TestWhatAManagementKeyIssuesIsItsMembers(t *testing.T) {
	t.Parallel()
	v := newTeam(t)
	managing := v.issue(v.admin, manages())
	v.shown()
	child := made{auth: bearer(v.sendAsOpenRouter("POST", "/api/v1/keys", map[string]any{"name": "child"}, managing.auth).is(201).text("key"))}
	require.Equal(t, 200, v.calls(child))
	v.send("PUT", v.wallet+"/members/"+v.admin.id.String()+"/limits", map[string]any{"caps": map[string]string{"day": "0"}}, v.owner.header).is(200)
	require.Equal(t, 402, v.calls(child))
}

// TestAMemberWhoLeavesSpendsNoMore: one's keys end, with what one's management key has issued; those of others and of the organisation stay.
func TestAMemberWhoLeavesSpendsNoMore(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(team){
		"removed":      func(v team) { v.send("DELETE", v.path+"/members/"+v.admin.id.String(), nil, v.owner.header).is(204) },
		"left":         func(v team) { v.post(v.path+"/leave", nil, v.admin.header).is(204) },
		"a viewer now": func(v team) { v.role(v.admin, tenants.Viewer) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newTeam(t)
			plain, managing := v.issue(v.admin), v.issue(v.admin, manages())
			managing.auth = bearer(v.post(managing.path+"/rotate", map[string]any{"grace_seconds": 2592000}, v.admin.header).is(200).text("secret"))
			v.shown()
			child := made{auth: bearer(v.sendAsOpenRouter("POST", "/api/v1/keys", map[string]any{"name": "child"}, managing.auth).is(201).text("key"))}
			code := v.sendAsOpenRouter("POST", "/api/v1/auth/keys/code", map[string]any{"callback_url": "https://app.example/cb"}, managing.auth).is(200).text("data", "id")
			others, nobodys := v.issue(v.builder), v.issue(v.admin, ofNobody())
			for _, k := range []made{plain, child, others, nobodys} {
				require.Equal(t, 200, v.calls(k))
			}
			leave(v)
			for _, k := range []made{plain, child} {
				require.Equal(t, nethttp.StatusUnauthorized, v.calls(k))
			}
			v.sendAsOpenRouter("POST", "/api/v1/keys", map[string]any{"name": "more"}, managing.auth).is(401)
			require.GreaterOrEqual(t, v.sendAsOpenRouter("POST", "/api/v1/auth/keys", map[string]any{"code": code}).status, 400, "a grant of the key is over, too")
			require.Equal(t, 200, v.calls(others))
			require.Equal(t, 200, v.calls(nobodys))
			var entries int
			require.NoError(t, v.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit.entries WHERE body::text LIKE '%apikey.revoked.v1%' AND body::text LIKE '%its member may have it no more%'`).Scan(&entries))
			require.Equal(t, 3, entries)
		})
	}
}

func (v team) role(who person, role tenants.Role) {
	v.t.Helper()
	v.send("PUT", v.path+"/members/"+who.id.String(), map[string]any{"role": role}, v.owner.header).is(204)
}

// TestARoleThatMayIssueKeysKeepsThem: an admin who is a developer now manages no keys of others, and has his own; who comes back has new ones.
func TestARoleThatMayIssueKeysKeepsThem(t *testing.T) {
	t.Parallel()
	v := newTeam(t)
	plain, managing := v.issue(v.admin), v.issue(v.admin, manages())
	v.role(v.admin, tenants.Developer)
	require.Equal(t, 200, v.calls(plain))
	v.shown()
	v.sendAsOpenRouter("GET", "/api/v1/keys", nil, managing.auth).is(401)
	v.send("PUT", v.path+"/owner", map[string]any{"member_id": v.builder.id}, v.owner.header).is(204)
	own := v.issue(v.owner)
	require.Equal(t, 200, v.calls(own), "who has handed an organisation over is an admin")
	v.send("DELETE", v.path+"/members/"+v.admin.id.String(), nil, v.builder.header).is(204)
	require.Equal(t, 401, v.calls(plain))
	v.join(v.path, v.builder, v.admin, tenants.Developer)
	again := v.issue(v.admin)
	v.role(v.admin, tenants.Admin)
	require.Equal(t, 200, v.calls(again))
	require.Equal(t, 401, v.calls(plain), "revoked is for good")
}
