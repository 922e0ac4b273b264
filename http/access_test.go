package http_test

import (
	nethttp "net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/organisation"
)

// people is an authenticator whose actors are what their headers say: X-User is a person, whose rights are read; X-In is a role, and whose wallet and
// organisation; X-On is a role on the platform. Without any it is the operator.
type people struct {
	operator auth.Authenticator
	rights   *access.Service
}

var testUser = uuid.MustParse("0190a1b2-0000-7000-8000-000000000001")

func (p *people) Authenticate(r *nethttp.Request) (auth.Actor, error) {
	if user := r.Header.Get("X-User"); user != "" {
		id := uuid.MustParse(user)
		rights, err := p.rights.Rights(r.Context(), id)
		return auth.Actor{ID: "user:" + user, User: id, Session: id, Platform: rights.Platform, Roles: rights.Roles, Tenants: rights.Tenants}, err
	}
	in, on := strings.Fields(r.Header.Get("X-In")), r.Header.Get("X-On")
	if len(in) == 0 && on == "" {
		return p.operator.Authenticate(r)
	}
	a := auth.Actor{ID: "user:" + testUser.String(), User: testUser, Session: testUser, Tenants: map[uuid.UUID]auth.Tenant{}}
	if len(in) == 3 {
		role := organisation.Role(in[0])
		a.Tenants[uuid.MustParse(in[1])] = auth.Tenant{Organisation: uuid.MustParse(in[2]), Role: role, Permissions: access.In(role)}
	}
	if on != "" {
		a.Roles = []auth.PlatformRole{auth.PlatformRole(on)}
		a.Platform = access.On(a.Roles...)
	}
	return a, nil
}

// withPeople starts a service for all roles.
func withPeople(t *testing.T, choose ...func(*parts)) *bundle {
	t.Helper()
	b := setup(t, append(choose, func(p *parts) {
		operator, err := auth.NewOperatorToken(operatorToken)
		require.NoError(t, err)
		p.api.Authenticator = &people{operator: operator}
	})...)
	_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.users (user_id, email, language, zone, created_at) VALUES ($1, 'all@example.com', 'en', 'UTC', now())`, testUser)
	require.NoError(t, err)
	return b
}

// tenant is a wallet with one thing of each kind.
type tenant struct {
	organisation uuid.UUID
	ids          map[string]string // by the names of parameters
	wallet       string            // its path
}

func (b *bundle) tenant() tenant {
	b.t.Helper()
	wallet := b.wallet("10")
	walletID := idOf(b.t, wallet)
	key, _ := b.key(wallet, map[string]any{"name": "k", "member_id": testUser})
	running, ended := b.hold(walletID, idOf(b.t, key)), b.hold(walletID, idOf(b.t, key))
	b.get("/console/v1/generations?min_position=" + count(b.charge(walletID, ended))).is(200)
	app := b.post(wallet+"/apps", map[string]any{"name": "Notes", "url": "https://notes.example"}).is(201)
	preset := b.post(wallet+"/presets", map[string]any{"slug": "x", "system_prompt": "P"}).is(201)
	hook := b.post(wallet+"/webhooks", hookSpec()).is(201)
	delivery := b.post("/console/v1/webhooks/"+hook.text("webhook_id")+"/ping", nil)
	return tenant{organisation: uuid.New(), wallet: wallet, ids: map[string]string{
		"wallet_id": walletID.String(), "key_id": idOf(b.t, key).String(), "app_id": app.text("app_id"), "preset_id": preset.text("preset_id"),
		"webhook_id": hook.text("webhook_id"), "generation_id": domain.GenerationID(ended), "hold_id": running.String(),
		"delivery_id": delivery.is(202).text("delivery_id"),
	}}
}

func (o tenant) as(role organisation.Role) header {
	return header{"X-In", strings.Join([]string{string(role), o.ids["wallet_id"], o.organisation.String()}, " ")}
}

// path is that of an operation on the tenant's things.
func (o tenant) path(op auth.Operation) string {
	path := op.Pattern
	for name, id := range o.ids {
		path = strings.ReplaceAll(path, "{"+name+"}", id)
	}
	path = strings.ReplaceAll(path, "{organisation_id}", o.organisation.String())
	if op.Rule().Query {
		path += "?wallet_id=" + o.ids["wallet_id"]
	}
	return filled(path)
}

// harmless makes a request that every operation refuses once it is let in: none has this parameter.
func harmless(path string) string {
	if strings.Contains(path, "?") {
		return path + "&never=1"
	}
	return path + "?never=1"
}

// TestEachRoleDoesWhatTheTableSays: every operation × every role, on the own things.
func TestEachRoleDoesWhatTheTableSays(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine := b.tenant()
	before := b.position()
	for _, op := range auth.Operations() {
		path := harmless(mine.path(op))
		check := func(may bool, who header) {
			t.Helper()
			got := b.send(op.Method, path, nil, who)
			if may {
				require.Contains(t, []int{202, 400, 415, 501}, got.status, "%s as %s: %s", op.ID, who.value, got.body)
				return
			}
			require.Equal(t, 403, got.status, "%s as %s", op.ID, who.value)
			require.Equal(t, string(op.Permission), got.text("details", "permission"), op.ID)
		}
		if op.Permission == auth.Anybody {
			continue
		}
		for _, role := range organisation.Roles() {
			check(op.InRole(role), mine.as(role))
		}
		for _, role := range access.PlatformRoles() {
			check(op.OnPlatform(role), header{"X-On", string(role)})
		}
	}
	require.Equal(t, before, b.position(), "nothing was done")
}

// TestNobodyReachesWhatBelongsToOthers goes through the document: wherever an operation has an id, somebody else's is answered as one that nothing has.
func TestNobodyReachesWhatBelongsToOthers(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine, theirs := b.tenant(), b.tenant()
	table := map[string]auth.Operation{}
	for _, op := range auth.Operations() {
		table[op.ID] = op
	}
	before := b.position()
	tried := 0
	for pattern, item := range loadDocument(t, openapi.Document()).Paths.Map() {
		for method, op := range item.Operations() {
			row, guarded := table[op.OperationID]
			if !guarded || row.Rule().Reach == auth.ReachSelf || row.Rule().Reach == auth.ReachOpen {
				continue // no id leads to somebody else's things there: their rooms look within the own ones only
			}
			names := []string{}
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				if strings.HasSuffix(p.Value.Name, "_id") && p.Value.In == "path" {
					names = append(names, p.Value.Name)
				}
			}
			if len(names) == 0 && !row.Rule().Query {
				continue
			}
			tried++
			nobodys := row
			nobodys.Pattern = pattern
			foreign := b.send(method, theirs.path(row), nil, mine.as(organisation.Owner))
			for name := range theirs.ids {
				nobodys.Pattern = strings.ReplaceAll(nobodys.Pattern, "{"+name+"}", unknownOf(name))
			}
			unknown := b.send(method, tenant{organisation: uuid.New(), ids: map[string]string{"wallet_id": unknownID}}.path(nobodys), nil, mine.as(organisation.Owner))
			if row.Rule().Reach == auth.ReachPlatform {
				foreign.refused(403, domain.CodeForbidden)
				unknown.refused(403, domain.CodeForbidden)
			} else {
				foreign.refused(404, domain.CodeNotFound)
				unknown.refused(404, domain.CodeNotFound)
				require.NotContains(t, foreign.header, "Etag")
			}
			require.Equal(t, shape(unknown), shape(foreign), "%s tells that there is one", op.OperationID)
		}
	}
	require.Greater(t, tried, 50)
	require.Equal(t, before, b.position(), "nothing was done")
}

// shape is an answer without what is new each time.
func shape(a answer) string {
	body := string(a.body)
	if id := a.header.Get("X-Request-Id"); id != "" {
		body = strings.ReplaceAll(body, id, "")
	}
	return body
}

func unknownOf(name string) string {
	if name == "generation_id" {
		return "gen-" + unknownID
	}
	return unknownID
}

// TestWithinTheOwnThingsOthersAreNotFoundEither: the second id of a path, and the ids of a query.
func TestWithinTheOwnThingsOthersAreNotFoundEither(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine, theirs := b.tenant(), b.tenant()
	owner := mine.as(organisation.Owner)
	hook := "/console/v1/webhooks/" + mine.ids["webhook_id"] + "/deliveries/"
	b.get(hook+mine.ids["delivery_id"], owner).is(200)
	b.get(hook+theirs.ids["delivery_id"], owner).is(404)
	b.post(hook+theirs.ids["delivery_id"]+"/replay", nil, owner).is(404)
	b.send("PUT", "/console/v1/keys/"+mine.ids["key_id"]+"/app", map[string]any{"app_id": theirs.ids["app_id"]}, owner).is(404)
	// Other ids narrow within the wallet.
	require.Zero(t, b.get("/console/v1/generations?wallet_id="+mine.ids["wallet_id"]+"&key_id="+theirs.ids["key_id"], owner).is(200).count("items"))
	require.NotZero(t, b.get("/console/v1/generations?wallet_id="+mine.ids["wallet_id"], owner).is(200).count("items"))
	for _, op := range auth.Operations() {
		if !op.Rule().Query {
			continue
		}
		base := op.Pattern + "?"
		b.get(base, owner).refused(400, domain.CodeInvalid)
		b.get(base+"wallet_id="+mine.ids["wallet_id"]+"&wallet_id="+theirs.ids["wallet_id"], owner).refused(404, domain.CodeNotFound)
		b.get(base+"wallet_id="+theirs.ids["wallet_id"]+"&wallet_id="+mine.ids["wallet_id"], owner).refused(404, domain.CodeNotFound)
		b.get(base+"wallet_id=", owner).refused(400, domain.CodeInvalid)
		b.get(base+"WALLET_ID="+theirs.ids["wallet_id"], owner).refused(400, domain.CodeInvalid)
		b.get(base+"wallet_id="+mine.ids["wallet_id"]+";wallet_id="+theirs.ids["wallet_id"], owner).refused(400, domain.CodeInvalid)
	}
}

// TestIDsThatWereJustGivenAreKnown: what somebody makes is found at once, whatever the read models know.
func TestIDsThatWereJustGivenAreKnown(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	mine := tenant{organisation: uuid.New(), wallet: b.wallet("1")}
	mine.ids = map[string]string{"wallet_id": idOf(t, mine.wallet).String()}
	developer := mine.as(organisation.Developer)
	for range 20 {
		key := b.post(mine.wallet+"/keys", map[string]any{"name": "k"}, developer).is(201).text("key_id")
		b.post("/console/v1/keys/"+key+"/disable", map[string]any{"reason": "r"}, developer).is(200)
	}
}

// TestCostsAreForThePlatformOnly: what vendors are paid is shown to nobody whose calls they are.
func TestCostsAreForThePlatformOnly(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine := b.tenant()
	wallet := "wallet_id=" + mine.ids["wallet_id"]
	for who, sees := range map[header]bool{
		mine.as(organisation.Owner): false, {"X-On", "support"}: false, {"X-On", "finance"}: true, {"X-On", "owner"}: true,
	} {
		one := b.get("/console/v1/generations/"+mine.ids["generation_id"], who).is(200)
		require.Equal(t, sees, strings.Contains(string(one.body), "vendor_cost"), who.value)
		for _, path := range []string{"/console/v1/generations?", "/console/v1/usage/calls?"} {
			require.Equal(t, sees, strings.Contains(string(b.get(path+wallet, who).is(200).body), "vendor_cost"), who.value)
		}
		rows := strings.Split(string(b.get("/console/v1/usage/calls?format=csv&"+wallet, who).is(200).body), "\n")
		head := strings.Split(strings.TrimSpace(rows[0]), ",")
		for _, row := range rows[1:] {
			cells := strings.Split(row, ",")
			require.True(t, row == "" || sees == (cells[slices.Index(head, "vendor_cost")] != ""), "%s: %s", who.value, row)
		}
		for _, query := range []string{"metric=vendor_cost", "metric=margin", "metric=charge&metric=margin", "metric=charge&order_by=vendor_cost"} {
			got := b.get("/console/v1/usage/aggregate?currency=USD&"+wallet+"&"+query, who)
			require.Equal(t, sees, got.status != 403, "%s %s", who.value, query)
		}
		b.get("/console/v1/usage/aggregate?currency=USD&metric=charge&"+wallet, who).is(200)
	}
}

// TestKeysOfDevelopersAreTheirs: so that their caps hold.
func TestKeysOfDevelopersAreTheirs(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	mine := tenant{organisation: uuid.New(), wallet: b.wallet("1")}
	mine.ids = map[string]string{"wallet_id": idOf(t, mine.wallet).String()}
	developer, admin := mine.as(organisation.Developer), mine.as(organisation.Admin)
	issued := b.post(mine.wallet+"/keys", map[string]any{"name": "k"}, developer).is(201)
	key := "/console/v1/keys/" + issued.text("key_id")
	require.Equal(t, testUser.String(), b.get(key+issued.after(), developer).is(200).text("key", "member_id"))
	b.post(mine.wallet+"/keys", map[string]any{"name": "k", "member_id": unknownID}, developer).refused(403, domain.CodeForbidden)
	b.send("DELETE", key+"/member", nil, developer).refused(403, domain.CodeForbidden)
	b.send("PUT", mine.wallet+"/members/"+testUser.String()+"/limits", map[string]any{"caps": map[string]string{"day": "9"}}, developer).refused(403, domain.CodeForbidden)
	b.post(mine.wallet+"/keys", map[string]any{"name": "k", "member_id": unknownID}, admin).is(201)
}
