package http_test

import (
	"maps"
	nethttp "net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
)

// somebody is a person who has signed in.
type somebody struct {
	id      uuid.UUID
	header  header
	session string
}

// signedIn makes an account, proves its mailbox and signs in.
func (b *bundle) signedIn(who *account.Service, email string) somebody {
	b.t.Helper()
	nobody := header{"Authorization", ""}
	b.post(authPath+"sign-up", map[string]any{"email": email, "password": annWord}, nobody).is(202)
	var s somebody
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT sign_up_id FROM identity.sign_ups WHERE email = $1`, email).Scan(&s.id))
	link, err := who.MakeLink(b.t.Context(), s.id, address.Email(email), account.Verify)
	require.NoError(b.t, err)
	b.post(authPath+"verify-email", map[string]any{"token": link, "password": annWord}, nobody).is(200)
	in := b.post(authPath+"sign-in", map[string]any{"email": email, "password": annWord, "delivery": "body"}, nobody).is(200)
	s.header, s.session = bearer(in.text("access_token")), in.text("session", "session_id")
	return s
}

var parameter = regexp.MustCompile(`\{[a-z_]+\}`)

// members adds the names of a schema's members, and of those within.
func members(s *openapi3.SchemaRef, depth int, into map[string]bool) {
	if s == nil || s.Value == nil || depth == 0 {
		return
	}
	for name, inner := range s.Value.Properties {
		into[name] = true
		members(inner, depth-1, into)
	}
	members(s.Value.Items, depth, into)
	for _, one := range slices.Concat(s.Value.OneOf, s.Value.AnyOf, s.Value.AllOf) {
		members(one, depth-1, into)
	}
}

// smuggled are the members that an operation does not take, though its answers have them, or somebody might try them.
func smuggled(op *openapi3.Operation, taken openapi3.Schemas) []string {
	names := map[string]bool{
		"role": true, "roles": true, "permissions": true, "platform_roles": true, "is_admin": true, "actor": true, "user_id": true, "member_id": true, "wallet_id": true,
		"organisation_id": true, "owner": true, "balance": true, "posted": true, "verified": true, "created_at": true, "revoked_at": true, "deleted_at": true, "position": true,
		"__proto__": true, "constructor": true, "": true,
	}
	for status, answer := range op.Responses.Map() {
		if content := answer.Value.Content.Get("application/json"); content != nil && strings.HasPrefix(status, "2") {
			members(content.Schema, 4, names)
		}
	}
	for name := range taken {
		names[strings.ToUpper(name[:1])+name[1:]] = true // another case is another member
	}
	for name := range taken {
		delete(names, name)
	}
	return slices.Sorted(maps.Keys(names))
}

// TestNoMemberIsSmuggledIn is mass assignment: every operation of the console that changes something refuses, by name, each member that the document does
// not give its body, those that only answers have, and members within members; it is refused and not ignored, so that nobody takes it for done. What takes no body refuses one.
func TestNoMemberIsSmuggledIn(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann := b.signedIn(who, annEmail)
	before, tried, within := b.position(), 0, 0
	for path, item := range loadDocument(t, openapi.Document()).Paths.Map() {
		for method, op := range item.Operations() {
			permission, console := op.Extensions["x-permission"].(string)
			if !console || method == nethttp.MethodGet || slices.Contains(op.Tags, "redirect") { // a form of a service's, which has tests of its own
				continue
			}
			as := bearer(operatorToken)
			switch auth.Permission(permission) {
			case auth.Anybody:
				as.value = ""
			case auth.Oneself:
				as = ann.header
			}
			to := filled(path)
			to = parameter.ReplaceAllString(to, unknownID)
			refused := func(raw, place string) {
				t.Helper()
				got := b.send(method, to, raw, as, idempotent("smuggled"))
				require.Equal(t, 400, got.status, "%s %s: %s", op.OperationID, raw, got.body)
				got.refused(400, domain.CodeInvalid)
				if place != "" {
					require.Equal(t, place, got.text("details", "member"), "%s %s: %s", op.OperationID, raw, got.body)
				}
				tried++
			}
			if op.RequestBody == nil {
				refused(`{"role":"owner"}`, "")
				continue
			}
			schema := op.RequestBody.Value.Content.Get("application/json").Schema.Value
			for _, name := range smuggled(op, schema.Properties) {
				refused(`{"`+name+`":true}`, "/"+name)
			}
			for name, inner := range schema.Properties {
				if s := inner.Value; len(s.Properties) > 0 && s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has {
					refused(`{"`+name+`":{"smuggled":true}}`, "/"+name+"/smuggled")
					within++
				}
			}
		}
	}
	require.Greater(t, tried, 500)
	require.Positive(t, within)
	require.Equal(t, before, b.position(), "nothing was done")
	b.get(mePath, ann.header).is(200)
}
