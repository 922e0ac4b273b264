package http_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	nethttp "net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/command"
	"github.com/massrouter/massrouter/http/inference"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/organisation"
	"github.com/massrouter/massrouter/http/query"
)

func loadDocument(t *testing.T, raw []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context(), openapi3.EnableExamplesValidation()))
	return doc
}

// document knows which operation of an OpenAPI document a request is for, and whether an answer is what it says.
type document struct {
	doc    *openapi3.T
	routes chi.Router
}

func newDocument(t *testing.T, raw []byte) *document {
	t.Helper()
	d := &document{doc: loadDocument(t, raw), routes: chi.NewRouter()}
	for path, item := range d.doc.Paths.Map() {
		for method := range item.Operations() {
			d.routes.Method(method, path, nethttp.NotFoundHandler())
		}
	}
	return d
}

// find is the operation of a request, nil when the document has none.
func (d *document) find(r *nethttp.Request, prefix string) *openapi3filter.RequestValidationInput {
	path := strings.TrimPrefix(r.URL.EscapedPath(), prefix)
	match := chi.NewRouteContext()
	if !d.routes.Match(match, r.Method, path) {
		return nil
	}
	pattern := match.RoutePattern()
	item := d.doc.Paths.Value(pattern)
	return &openapi3filter.RequestValidationInput{
		Request: r,
		Route:   &routers.Route{Spec: d.doc, Path: pattern, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)},
	}
}

// check validates an answer; its body has been read already. Of a stream each event is validated.
func (d *document) check(ctx context.Context, input *openapi3filter.RequestValidationInput, status int, h nethttp.Header, body []byte) error {
	if strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") {
		return d.checkEvents(body)
	}
	if media, _, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil && (media == "text/csv" || media == "application/pdf" || media == "application/rss+xml" || media == "application/jsonl" || strings.HasPrefix(media, "audio/")) {
		return checkFile(input, status, media)
	}
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: status, Header: h, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

// checkFile says whether an operation may answer with a file; what is in it is for the tests of the operation.
func checkFile(input *openapi3filter.RequestValidationInput, status int, media string) error {
	response := input.Route.Operation.Responses.Status(status)
	if response == nil || response.Value.Content[media] == nil {
		return fmt.Errorf("the operation %s has no answer %d of type %s", input.Route.Operation.OperationID, status, media)
	}
	return nil
}

func (d *document) checkEvents(body []byte) error {
	schema := d.doc.Components.Schemas["ChatChunk"].Value
	for _, line := range strings.Split(string(body), "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var event any
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			return err
		}
		if named, ok := event.(map[string]any); ok && named["type"] != nil {
			continue // of an operation or a dialect with shapes of its own
		}
		if err := schema.VisitJSON(event, openapi3.EnableJSONSchema2020()); err != nil {
			return err
		}
	}
	return nil
}

// transport validates every answer of the API against the document, and remembers which operations were answered.
type transport struct {
	t        *testing.T
	document *document
	mu       sync.Mutex
	answered map[string]bool // operation ids with a 2xx answer
}

func validating(t *testing.T) *transport {
	t.Helper()
	return &transport{t: t, document: newDocument(t, openapi.Document()), answered: map[string]bool{}}
}

// RoundTrip sends a request and checks what comes back. Paths that the document does not have are answered in the shape
// of the surface that they belong to.
func (v *transport) RoundTrip(r *nethttp.Request) (*nethttp.Response, error) {
	res, err := nethttp.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if err := res.Body.Close(); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	input := v.document.find(r, "")
	if input == nil {
		stand := &nethttp.Request{Method: nethttp.MethodGet, URL: r.URL.JoinPath(), Header: r.Header}
		stand.URL.RawPath, stand.URL.Path = "", "/api/v1/credits"
		if strings.HasPrefix(r.URL.Path, "/console/") {
			stand.URL.Path = "/console/v1/wallets"
		}
		input = v.document.find(stand, "")
	}
	if err := v.document.check(r.Context(), input, res.StatusCode, res.Header, body); err != nil {
		v.t.Errorf("%s %s: the answer %d is not what the document says: %v\n%s", r.Method, r.URL, res.StatusCode, err, body)
	}
	if res.StatusCode < 400 {
		v.mu.Lock()
		v.answered[input.Route.Operation.OperationID] = true
		v.mu.Unlock()
	}
	return res, nil
}

// routesOf lists "METHOD pattern" of a router.
func routesOf(t *testing.T, routes chi.Routes) []string {
	t.Helper()
	var all []string
	require.NoError(t, chi.Walk(routes, func(method, pattern string, _ nethttp.Handler, _ ...func(nethttp.Handler) nethttp.Handler) error {
		all = append(all, method+" "+pattern)
		return nil
	}))
	slices.Sort(all)
	return all
}

func TestRoutesAreTheDocuments(t *testing.T) {
	t.Parallel()
	token, err := auth.NewOperatorToken(operatorToken)
	require.NoError(t, err)
	api := http.API{
		Authenticator: token, Commands: command.New(nil, nil, nil, nil, nil), Queries: query.New(query.Views{}),
		Inference: &inference.API{Calls: inference.NewCalls(nil, nil, inference.CallOptions{})}, Stream: nethttp.NotFoundHandler(),
		Organisations: organisation.New(organisation.Parts{}),
	}
	routes, ok := api.Handler().(chi.Routes)
	require.True(t, ok)
	documented := routesOf(t, newDocument(t, openapi.Document()).routes)
	require.Equal(t, documented, routesOf(t, routes))
	require.NotEmpty(t, documented)
}

func TestOperationsAreTheDocuments(t *testing.T) {
	t.Parallel()
	documented := map[string]auth.Operation{}
	ids := map[string]bool{}
	for path, item := range loadDocument(t, openapi.Document()).Paths.Map() {
		for method, op := range item.Operations() {
			require.False(t, ids[op.OperationID], "%s is there twice", op.OperationID)
			ids[op.OperationID] = true
			permission, guarded := op.Extensions["x-permission"].(string)
			require.Equal(t, strings.HasPrefix(path, "/console/"), guarded, "%s %s", method, path)
			if guarded {
				documented[op.OperationID] = auth.Operation{Method: method, Pattern: path, ID: op.OperationID, Permission: auth.Permission(permission)}
			}
		}
	}
	table := map[string]auth.Operation{}
	for _, op := range auth.Operations() {
		require.NotContains(t, table, op.ID)
		require.Contains(t, append(auth.All(), auth.Anybody, auth.Oneself), op.Permission)
		table[op.ID] = op
	}
	require.Equal(t, documented, table)
}

func TestMutatingOperationsTakeAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	money := []string{"TopUpWallet", "GrantCredit", "AdjustWallet", "ReviewCharge"}
	for path, item := range loadDocument(t, openapi.Document()).Paths.Map() {
		for method, op := range item.Operations() {
			if method == nethttp.MethodGet {
				require.NotContains(t, op.Tags, "command", path)
				continue
			}
			if slices.Contains(op.Tags, "account") || strings.Contains(path, "/v1/auth/") || strings.HasPrefix(path, "/console/v1/me/identities") {
				continue // about sessions and what one signs in with: links, codes and refresh tokens are good once by themselves
			}
			if strings.HasSuffix(path, "/count_tokens") || op.OperationID == "ReportLeakedKeys" {
				continue // the one changes nothing, the other nothing more, as often as it is asked
			}
			key := op.Parameters.GetByInAndName("header", "Idempotency-Key")
			require.NotNil(t, key, "%s %s", method, path)
			require.Equal(t, slices.Contains(money, op.OperationID), key.Required, op.OperationID)
		}
	}
}

// openRouter is the part of OpenRouter's own document that is answered here.
func openRouter(t *testing.T) *document {
	t.Helper()
	raw, err := os.ReadFile("inference/testdata/openrouter.yaml")
	require.NoError(t, err)
	return newDocument(t, raw)
}
