package http_test

import (
	"fmt"
	nethttp "net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/openapi"
)

// cookie is the session of somebody as a browser at the portal has it.
func (s somebody) cookie() header {
	return header{"Cookie", "__Host-mr_at=" + strings.TrimPrefix(s.header.value, "Bearer ")}
}

// written is what there is: the ledger's end, and the rows of every table in which the console writes, without those that say when a session was last used.
func (b *bundle) written() string {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `SELECT table_name FROM information_schema.tables
		WHERE table_schema = 'identity' AND table_type = 'BASE TABLE' ORDER BY table_name`)
	require.NoError(b.t, err)
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		require.NoError(b.t, rows.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(b.t, rows.Err())
	require.NotEmpty(b.t, tables)
	said := fmt.Sprintf("position %d", b.position())
	for _, name := range tables {
		var sum string
		require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT coalesce(md5(string_agg(r::text, ',' ORDER BY r::text)), '') FROM identity.`+name+` r`).Scan(&sum))
		said += "\n" + name + " " + sum
	}
	return said
}

// consoleOperation is one of the document.
type consoleOperation struct {
	id, method, path string
	permission       auth.Permission
	body, redirect   bool
}

// consoleOperations are all of the document, with ids that nothing has.
func consoleOperations(t *testing.T) (all []consoleOperation) {
	t.Helper()
	for path, item := range loadDocument(t, openapi.Document()).Paths.Map() {
		for method, op := range item.Operations() {
			permission, console := op.Extensions["x-permission"].(string)
			if console {
				all = append(all, consoleOperation{
					op.OperationID, method, parameter.ReplaceAllString(strings.Replace(filled(path), "{provider}", "corp", 1), unknownID),
					auth.Permission(permission), op.RequestBody != nil, slices.Contains(op.Tags, "redirect"),
				})
			}
		}
	}
	return all
}

// TestPagesOfOtherSitesChangeNothing is CSRF for each operation of the document that changes something: with the cookies of somebody who is signed in a page of another site gets
// 403, whatever body it sends, and, where nobody has to be signed in, without them too, so that it signs nobody in as somebody else.
func TestPagesOfOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann := b.signedIn(who, annEmail)
	before, tried := b.written(), 0
	evil := map[string][]header{
		"another site":        {{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}},
		"a neighbour":         {{"Origin", "https://evil.portal.example"}, {"Sec-Fetch-Site", "same-site"}},
		"an old browser":      {{"Origin", "https://evil.example"}},
		"a page of no origin": {{"Origin", "null"}},
		"a longer name":       {{"Origin", portal + ".evil.example"}},
		"without TLS":         {{"Origin", "http://portal.example"}, {"Sec-Fetch-Site", "cross-site"}},
		"another port":        {{"Origin", portal + ":8443"}, {"Sec-Fetch-Site", "same-site"}},
		"no word of where":    {{"Sec-Fetch-Site", "cross-site"}},
	}
	bodies := map[string]string{"application/json": "{}", "text/plain": "{}", "application/x-www-form-urlencoded": "a=b", "multipart/form-data; boundary=x": "--x--\r\n"}
	for _, op := range consoleOperations(t) {
		if op.method == nethttp.MethodGet {
			continue
		}
		for page, from := range evil {
			for media, body := range bodies {
				sent := append([]header{{"Authorization", ""}, {"Content-Type", media}, idempotent("cross-site")}, from...)
				got := b.send(op.method, op.path, body, append(sent, ann.cookie())...)
				got.refused(403, domain.CodeForbidden)
				require.Equal(t, "cross_origin", got.text("details", "reason"), "%s from %s with %s", op.id, page, media)
				if op.permission == auth.Anybody && !op.redirect { // a service posts there, with proofs of its own
					got := b.send(op.method, op.path, body, sent...)
					require.Equal(t, 403, got.status, "%s from %s with %s: %s", op.id, page, media, got.body)
					require.Equal(t, "cross_origin", got.text("details", "reason"))
				}
				tried++
			}
		}
	}
	require.Greater(t, tried, 2000)
	require.Equal(t, before, b.written())
	b.get(mePath, header{"Authorization", ""}, ann.cookie()).is(200)
}

// TestFormsAreNoRequests: what a form can send is no request of the console, not even from our own page; nor is it one to read with another method in a header.
func TestFormsAreNoRequests(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann := b.signedIn(who, annEmail)
	page := []header{{"Authorization", ""}, ann.cookie(), {"Origin", portal}, {"Sec-Fetch-Site", "same-origin"}, idempotent("form")}
	before, tried := b.written(), 0
	for _, op := range consoleOperations(t) {
		if op.method == nethttp.MethodGet || op.redirect {
			continue
		}
		own := op.permission == auth.Oneself || op.permission == auth.Anybody
		if !own || !op.body {
			continue
		}
		for media, body := range map[string]string{"text/plain": "{}", "application/x-www-form-urlencoded": "a=b", "multipart/form-data; boundary=x": "--x--\r\n", "": "{}"} {
			got := b.send(op.method, op.path, body, append(slices.Clone(page), header{"Content-Type", media})...)
			require.Equal(t, 415, got.status, "%s as %q: %s", op.id, media, got.body)
			tried++
		}
	}
	require.Greater(t, tried, 80)
	require.Equal(t, before, b.written())
}

// TestReadingChangesNothing: no GET of the console changes anything, whoever sends a browser there, also when it says that it means another method.
func TestReadingChangesNothing(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann := b.signedIn(who, annEmail)
	tried := 0
	for _, op := range consoleOperations(t) {
		if op.method != nethttp.MethodGet || op.redirect || strings.HasSuffix(op.path, "/stream") {
			continue
		}
		before := b.written()
		for _, override := range []string{"", "X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
			sent := []header{{"Authorization", ""}, ann.cookie(), {"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}}
			if override != "" {
				sent = append(sent, header{override, nethttp.MethodDelete})
			}
			b.get(op.path, sent...)
			tried++
		}
		require.Equal(t, before, b.written(), op.id)
	}
	require.Greater(t, tried, 100)
	b.get(mePath, ann.header).is(200)
}

// TestASessionIsNoKey: what signs a person in at the console calls no model and manages no key, as bearer or as a cookie.
func TestASessionIsNoKey(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann := b.signedIn(who, annEmail)
	b.get(mePath, ann.header).is(200)
	for _, one := range [][2]string{{"GET", "/api/v1/key"}, {"GET", "/api/v1/keys"}, {"POST", "/api/v1/keys"}, {"GET", "/api/v1/credits"}, {"POST", "/v1/chat/completions"}, {"POST", "/v1/messages"}} {
		body := map[string]any{"name": "x", "model": "acme/large", "messages": []any{}}
		if one[0] == "GET" {
			body = nil
		}
		for _, as := range []header{ann.header, ann.cookie(), {"X-Api-Key", strings.TrimPrefix(ann.header.value, "Bearer ")}} {
			var sent any
			if body != nil {
				sent = body
			}
			got := b.send(one[0], one[1], sent, as, idempotent("no-key"))
			require.Equal(t, 401, got.status, "%s %s by %s: %s", one[0], one[1], as.name, got.body)
		}
	}
}
