package http_test

import (
	"encoding/json"
	nethttp "net/http"
	"slices"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/internal/oauthsim"
	"github.com/massrouter/massrouter/internal/passkeytest"
)

// belongings gives somebody one of each thing that operations on the own account have ids of, by the names of these parameters.
func (b *bundle) belongings(of somebody, email string) map[string]string {
	t := b.t
	t.Helper()
	device := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: of.id[:]})
	asked := b.post(mePath+"/passkeys/options", nil, of.header).is(200)
	wanted, err := virtualwebauthn.ParseAttestationOptions(string(asked.at("options")))
	require.NoError(t, err)
	party := virtualwebauthn.RelyingParty{ID: "portal.example", Name: "MassRouter", Origin: portal}
	passkey := b.post(mePath+"/passkeys", map[string]any{
		"ceremony": asked.text("ceremony"), "name": "laptop", "credential": json.RawMessage(virtualwebauthn.CreateAttestationResponse(party, device, passkeytest.NewCredential(), *wanted)),
	}, of.header).is(201)
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: email, Verified: true})
	to, kept := b.redirected("GET", authPath+"oauth/corp", "", "", 302)
	_, pending := b.redirected("GET", oauthsim.Visit(t, to).RequestURI(), kept, "", 302)
	identity := b.post(mePath+"/identities/claim", nil, of.header, header{"Cookie", pending}).is(200).text("items", 0, "id")
	host := b.post("/console/v1/organisations", map[string]any{"name": "Acme"}, of.header).is(201)
	invited := b.post("/console/v1/organisations/"+host.text("id")+"/invitations", map[string]any{"email": "guest@portal.example", "role": "admin"}, of.header).is(201)
	return map[string]string{
		"session_id": of.session, "passkey_id": passkey.text("passkey_id"), "identity_id": identity, "invitation_id": invited.text("id"),
	}
}

// TestNobodyReachesOtherPeoplesThings goes through the document: wherever an operation on the own account has an id in its path, somebody else's is
// answered as one that nothing has, and nothing is done to it. A new kind of id fails here until the test has one of it.
func TestNobodyReachesOtherPeoplesThings(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann, eve := b.signedIn(who, annEmail), b.signedIn(who, "eve@portal.example")
	things := b.belongings(ann, annEmail)
	seen := func() string {
		var all strings.Builder
		for _, list := range []string{"/sessions", "/factors", "/identities"} {
			all.Write(b.get(mePath+list, ann.header).is(200).body)
		}
		return all.String()
	}
	before, tried := seen(), 0
	bodies := map[string]any{"RenamePasskey": map[string]any{"name": "mine"}}
	for path, item := range loadDocument(t, openapi.Document()).Paths.Map() {
		for method, op := range item.Operations() {
			permission, _ := op.Extensions["x-permission"].(string)
			if auth.Permission(permission) != auth.Oneself || !strings.Contains(path, "{") {
				continue
			}
			theirs, nobodys := path, path
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				if p.Value.In == "path" {
					require.Contains(t, things, p.Value.Name, "%s has an id of a kind that this test does not know", op.OperationID)
					theirs = strings.ReplaceAll(theirs, "{"+p.Value.Name+"}", things[p.Value.Name])
					nobodys = strings.ReplaceAll(nobodys, "{"+p.Value.Name+"}", uuid.NewString())
				}
			}
			foreign := b.send(method, theirs, bodies[op.OperationID], eve.header).refused(404, domain.CodeNotFound)
			unknown := b.send(method, nobodys, bodies[op.OperationID], eve.header).refused(404, domain.CodeNotFound)
			require.Equal(t, shape(unknown), shape(foreign), "%s tells that there is one", op.OperationID)
			tried++
		}
	}
	require.GreaterOrEqual(t, tried, 6)
	require.Equal(t, before, seen(), "nothing was done")
	// They are what their owners reach, so it is not that there was nothing.
	guest := b.signedIn(who, "guest@portal.example")
	b.post(mePath+"/invitations/"+things["invitation_id"]+"/accept", nil, guest.header).is(200)
	b.send("PATCH", mePath+"/passkeys/"+things["passkey_id"], bodies["RenamePasskey"], ann.header).is(200)
	b.send("DELETE", mePath+"/identities/"+things["identity_id"], nil, ann.header).is(200)
	b.send("DELETE", mePath+"/sessions/"+things["session_id"], nil, ann.header).is(200)
}

// TestKeysReachNothingOfOthers goes through the document's other surface: wherever a path or a query takes an id of something that belongs to somebody, another
// wallet's is answered as one that nothing has. A parameter that this test does not know fails it.
func TestKeysReachNothingOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	side := func() (calls, manages header, ids map[string]string) {
		wallet := b.wallet("10")
		_, secret := b.key(wallet, map[string]any{"name": "calls"})
		manager := bearer(b.manager(wallet))
		made := b.sendAsOpenRouter("POST", "/api/v1/keys", map[string]any{"name": "made"}, manager).is(201)
		call := map[string]any{"model": "acme/large", "messages": []map[string]string{{"role": "user", "content": "Hello"}}}
		done := b.post("/v1/chat/completions", call, bearer(secret)).is(200)
		return bearer(secret), manager, map[string]string{
			"hash": made.text("data", "hash"), "api_key_hash": made.text("data", "hash"), "id": done.header.Get("X-Generation-Id"), "workspace_id": idOf(t, wallet).String(),
		}
	}
	myKey, myManager, mine := side()
	_, theirManager, theirs := side()
	nobodys := map[string]string{"hash": strings.Repeat("0", 64), "api_key_hash": strings.Repeat("0", 64), "id": "gen-" + unknownID, "workspace_id": unknownID}
	open := []string{"author", "slug", "model", "alt", "offset", "limit", "include_disabled", "date"} // of the catalogue, which is everybody's, and of pages
	bodies := map[string]any{"UpdateManagedKey": map[string]any{"name": "mine"}}
	before, tried := b.position(), 0
	for path, item := range loadDocument(t, openapi.Document()).Paths.Map() {
		for method, op := range item.Operations() {
			if strings.HasPrefix(path, "/console/") || op.OperationID == "ListRoutableModels" || op.OperationID == "CountRoutableModels" { // whose filters are the catalogue's
				continue
			}
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				name := p.Value.Name
				if p.Value.In != "path" && p.Value.In != "query" || slices.Contains(open, name) {
					continue
				}
				require.Contains(t, theirs, name, "%s has a parameter that this test does not know", op.OperationID)
				send := func(ids map[string]string) answer {
					to := strings.ReplaceAll(path, "{"+name+"}", ids[name])
					if p.Value.In == "query" {
						to += "?" + name + "=" + ids[name]
					}
					got := b.send(method, to, bodies[op.OperationID], myKey)
					if got.status == 401 { // "this needs a management key"
						got = b.send(method, to, bodies[op.OperationID], myManager)
					}
					return got
				}
				foreign, unknown := send(theirs), send(nobodys)
				require.Equal(t, unknown.status, foreign.status, "%s %s: %s", op.OperationID, name, foreign.body)
				require.Equal(t, shape(unknown), shape(foreign), "%s %s tells that there is one", op.OperationID, name)
				require.NotContains(t, string(foreign.body), theirs[name])
				if p.Value.In == "path" || name == "id" {
					foreign.is(404)
				}
				if method == nethttp.MethodGet && !strings.HasSuffix(path, "/content") { // the own one is there; nobody has stored contents
					require.NotEqual(t, 404, send(mine).status, "%s %s", op.OperationID, name)
				}
				tried++
			}
		}
	}
	require.GreaterOrEqual(t, tried, 7)
	require.Equal(t, before, b.position(), "nothing was done")
	b.asOpenRouter("/api/v1/keys/"+theirs["hash"], theirManager).is(200)
}
