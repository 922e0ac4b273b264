package inference_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/http/inference"
)

// reported are the reports that reach the ledger.
type reported struct {
	inference.Keyring
	commands []commands.ReportLeak
	err      error
}

func (k *reported) ReportLeak(_ context.Context, _ commands.Meta, c commands.ReportLeak) (commands.Done, commands.Receipt, error) {
	k.commands = append(k.commands, c)
	return commands.Done{}, commands.Receipt{}, k.err
}

// knowing knows one key, and what is the matter with it.
type knowing struct {
	secret string
	err    error
}

func (k knowing) Header(_ context.Context, header string) (auth.Key, string, error) {
	if header != "Bearer "+k.secret {
		return auth.Key{}, "", domain.Errorf(domain.CodeKeyInvalid, "this API key is not valid")
	}
	return auth.Key{}, k.secret, k.err
}

func report(t *testing.T, known knowing, k *reported, body string) *httptest.ResponseRecorder {
	t.Helper()
	router := chi.NewRouter()
	(&inference.API{Calls: inference.NewCalls(nil, known, inference.CallOptions{}), Callers: known, Keyring: k}).Mount(router)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/leaked-keys", strings.NewReader(body)))
	return w
}

func TestALeakIsAnsweredTheSameWhateverItIs(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("018f3a5e-0000-7000-8000-000000000001")
	secret, other := apikey.Secret(id, [32]byte{1}), apikey.Secret(id, [32]byte{2})
	for name, row := range map[string]struct {
		known error
		body  string
		want  []string // the sources that are told
	}{
		"a key that works":   {nil, `{"token":"` + secret + `","url":"https://GitHub.com/jane.doe/secrets#L1"}`, []string{"github.com"}},
		"a list":             {nil, `[{"token":"` + secret + `"},{"token":"` + other + `"},{"token":"ghp_x"}]`, []string{""}},
		"a disabled one":     {domain.Errorf(domain.CodeKeyDisabled, "m"), `{"token":"` + secret + `"}`, []string{""}},
		"an expired one":     {domain.Errorf(domain.CodeKeyExpired, "m"), `{"token":"` + secret + `"}`, []string{""}},
		"a revoked one":      {domain.Errorf(domain.CodeKeyRevoked, "m"), `{"token":"` + secret + `"}`, nil},
		"an unknown one":     {nil, `{"token":"` + other + `"}`, nil},
		"a wrong checksum":   {nil, `{"token":"` + secret[:112] + `x"}`, nil},
		"another platform's": {nil, `{"token":"sk-or-v1-0123"}`, nil},
		"no token":           {nil, `{}`, nil},
		"an odd address":     {nil, `{"token":"` + secret + `","url":"https://x y/"}`, []string{""}},
		"a name in the host": {nil, `{"token":"` + secret + `","url":"https://jane@evil.example:8/"}`, []string{"evil.example"}},
	} {
		k := &reported{}
		w := report(t, knowing{secret, row.known}, k, row.body)
		require.Equal(t, http.StatusAccepted, w.Code, name)
		require.Contains(t, w.Body.String(), `{"received":`, name)
		var told []string
		for _, c := range k.commands {
			require.Equal(t, commands.ReportLeak{KeyID: id, Hash: apikey.HashSecret(secret), Source: c.Source}, c, name)
			told = append(told, c.Source)
		}
		require.Equal(t, row.want, told, name)
	}
}

func TestLeaksThatCannotBeRead(t *testing.T) {
	t.Parallel()
	secret := apikey.Secret(uuid.New(), [32]byte{1})
	for name, row := range map[string]struct {
		body   string
		status int
	}{
		"empty": {"", 400}, "no JSON": {secret, 400}, "no reports": {"[]", 400}, "a number": {"7", 400},
		"too many": {"[" + strings.Repeat(`{},`, 100) + "{}]", 400}, "a token that is none": {`{"token":["` + secret + `"]}`, 400},
		"a megabyte": {strings.Repeat(" ", 1<<20) + "[]", 413},
	} {
		k := &reported{}
		w := report(t, knowing{secret: secret}, k, row.body)
		require.Equal(t, row.status, w.Code, name)
		require.Empty(t, k.commands, name)
		require.NotContains(t, w.Body.String(), secret, name)
	}
}

func TestALeakThatCannotBeRecordedIsReportedAgain(t *testing.T) {
	t.Parallel()
	secret := apikey.Secret(uuid.New(), [32]byte{1})
	away := domain.Errorf(domain.CodeUnavailable, "m")
	require.Equal(t, 503, report(t, knowing{secret: secret}, &reported{err: away}, `{"token":"`+secret+`"}`).Code)
	require.Equal(t, 503, report(t, knowing{secret, away}, &reported{}, `{"token":"`+secret+`"}`).Code)
}
