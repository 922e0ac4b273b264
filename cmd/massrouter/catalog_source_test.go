package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// lists serves answers by path.
func lists(t *testing.T, answers map[string]http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer, ok := answers[r.URL.Path]; ok {
			answer(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func page(id, next string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"data":[{"id":"%s","name":"A model","context_length":1000,"pricing":{"prompt":"0.000001","completion":"0.000002"}}],`+
			`"links":{"next":%s}}`, id, next)
	}
}

// A list at an address is followed over its pages, and its vendor is where the list is.
func TestListAtAnAddressIsImportedWithAllPages(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	at := lists(t, map[string]http.HandlerFunc{
		"/api/v1/models": page("acme/one", `"/api/v1/more?offset=1"`), "/api/v1/more": page("acme/two", "null"),
	})
	r := doImport(t, environ, "--format", "openrouter", at+"/api/v1/models")
	require.Equal(t, 1+2+2+2, r.Published)
	var vendors client.VendorList
	require.Len(t, s.models(), 2)
	s.ask(http.MethodGet, "/console/v1/vendors", operatorToken, nil).decode(t, &vendors)
	require.Equal(t, at+"/api/v1", vendors.Items[0].BaseURL)
	require.Empty(t, doImport(t, environ, "--format", "openrouter", at+"/api/v1/models").Changes)
}

// One MassRouter imports what another one sells: its own answer is such a list.
func TestListOfAnotherMassRouterIsImported(t *testing.T) {
	t.Parallel()
	seller, buyer := serve(t, pgtest.URL(t), nil), serve(t, pgtest.URL(t), nil)
	to := func(s *service) []string {
		return []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	}
	doImport(t, to(seller), "--format", "genai-prices", small(t, "1.25"), "--all-to", "http://127.0.0.1:1/v1")
	require.Len(t, seller.models(), 1)
	a := seller.open("1")
	var found answered
	await(t, func() bool { // this list is the gateway's, which knows of a price a moment after the console
		found = seller.ask(http.MethodGet, "/api/v1/models", a.secret, nil)
		require.Equal(t, http.StatusOK, found.status, "%s", found.body)
		return strings.Contains(string(found.body), `"0.00000125"`)
	})
	r := doImport(t, to(buyer), "--format", "openrouter", write(t, "models.json", string(found.body)), "--vendor", "seller",
		"--base-url", "seller="+seller.BaseURL()+"/api/v1")
	require.Equal(t, 4, r.Published)
	sold, bought := seller.models()[0], buyer.models()[0]
	require.Equal(t, "acme/one@seller", bought.Endpoints[0].ID)
	require.Equal(t, sold.Endpoints[0].PriceInForce.Price, bought.Endpoints[0].PriceInForce.Price)
	require.Equal(t, sold.ReleasedAt, bought.ReleasedAt)
}

func TestAddressesOfListsAreBounded(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	at := lists(t, map[string]http.HandlerFunc{
		"/elsewhere": page("acme/one", `"http://127.0.0.2:1/models"`),
		"/endless":   page("acme/one", `"/endless"`),
		"/file": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		},
		"/round": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) },
		"/html":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"/huge": func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range 70 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
	})
	for path, want := range map[string]string{
		"/none": "404", "/elsewhere": "another place", "/endless": "more than 100 pages", "/file": "nobody asked for", "/round": "redirections",
		"/html": "JSON", "/huge": "longer than",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got := call(t.Context(), environ, "catalog", "import", "--format", "openrouter", at+path)
			require.NotEqual(t, exitOK, got.code)
			require.Contains(t, got.err, want)
		})
	}
	got := call(t.Context(), environ, "catalog", "import", "--format", "openrouter", "https://user:secret@list.example/models")
	require.Equal(t, exitUsage, got.code)
	require.NotContains(t, got.err, "secret")
}
