package problem_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
)

// codes are the constants of type Code in a file.
func codes(t *testing.T, path string) []domain.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(t, err)
	var found []domain.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		found = append(found, domain.Code(text))
		return true
	})
	require.NotEmpty(t, found)
	return found
}

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	ours := []domain.Code{domain.CodeInternal, domain.CodeUnbalanced}
	for _, code := range append(codes(t, "../../domain/error.go"), codes(t, "status.go")...) {
		status := problem.Status(code)
		require.NotEmpty(t, http.StatusText(status), code)
		if status == http.StatusInternalServerError {
			require.Contains(t, ours, code, "this code is in no row of the table")
		}
	}
	require.Equal(t, http.StatusInternalServerError, problem.Status("made_up"))
}

func write(t *testing.T, err error) (*httptest.ResponseRecorder, problem.Problem, string) {
	t.Helper()
	var log strings.Builder
	ctx := zerolog.New(&log).WithContext(request.With(t.Context(), uuid.UUID{15: 7}))
	w := httptest.NewRecorder()
	problem.Write(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil), err)
	var p problem.Problem
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
	require.Equal(t, problem.ContentType, w.Header().Get("Content-Type"))
	require.Equal(t, w.Code, p.Status)
	require.Equal(t, uuid.UUID{15: 7}, p.RequestID)
	require.Equal(t, "urn:massrouter:problem:"+string(p.Code), p.Type)
	return w, p, log.String()
}

func TestProblemShowsWhatIsSafe(t *testing.T) {
	t.Parallel()
	cause := errors.New("secret cause")
	for name, row := range map[string]struct {
		err    error
		status int
		code   domain.Code
		logged bool
	}{
		"refusal":             {domain.Errorf(domain.CodeWalletNotFound, "no such wallet").With("a", "b").Wrap(cause), 404, domain.CodeWalletNotFound, false},
		"wrapped refusal":     {fmt.Errorf("outer: %w", domain.Errorf(domain.CodeConflict, "c")), 409, domain.CodeConflict, false},
		"unknown":             {cause, 500, domain.CodeInternal, true},
		"internal":            {domain.Errorf(domain.CodeInternal, "secret cause"), 500, domain.CodeInternal, true},
		"unbalanced":          {domain.Errorf(domain.CodeUnbalanced, "secret cause"), 500, domain.CodeInternal, true},
		"away":                {domain.Errorf(domain.CodeUnavailable, "away").Wrap(cause), 503, domain.CodeUnavailable, true},
		"overloaded":          {domain.Errorf(domain.CodeOverloaded, "full"), 503, domain.CodeOverloaded, false},
		"deadline":            {fmt.Errorf("read: %w", context.DeadlineExceeded), 504, problem.CodeTimeout, true},
		"a key's own state":   {domain.Errorf(domain.CodeKeyRevoked, "revoked"), 409, domain.CodeKeyRevoked, false},
		"a key that is off":   {domain.Errorf(domain.CodeKeyDisabled, "disabled"), 409, domain.CodeKeyDisabled, false},
		"the caller":          {domain.Errorf(domain.CodeUnauthenticated, "who?"), 401, domain.CodeUnauthenticated, false},
		"the caller's rights": {domain.Errorf(domain.CodeForbidden, "no"), 403, domain.CodeForbidden, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p, log := write(t, row.err)
			require.Equal(t, row.status, w.Code)
			require.Equal(t, row.code, p.Code)
			require.NotContains(t, w.Body.String(), "secret")
			require.Equal(t, row.logged, log != "", log)
			require.Equal(t, row.status == 503, w.Header().Get("Retry-After") != "")
			require.Equal(t, row.status == 401, w.Header().Get("WWW-Authenticate") != "")
		})
	}
}
