package contract_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/command"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/organisation"
	"github.com/massrouter/massrouter/http/query"
)

// TestBadParameters: the errors of each generated server are told apart, and what the caller has typed is not repeated.
func TestBadParameters(t *testing.T) {
	t.Parallel()
	typed := errors.New("cannot parse <script>")
	for name, row := range map[string]struct {
		err              error
		message, blaming string
	}{
		"format":       {&command.InvalidParamFormatError{ParamName: "limit", Err: typed}, "the parameter limit is malformed", "limit"},
		"wrapped":      {fmt.Errorf("bind: %w", &query.InvalidParamFormatError{ParamName: "from", Err: typed}), "the parameter from is malformed", "from"},
		"json":         {&organisation.UnmarshalingParamError{ParamName: "filter", Err: typed}, "the parameter filter is malformed", "filter"},
		"cookie":       {&account.UnescapedCookieParamError{ParamName: "mr", Err: typed}, "the parameter mr is malformed", "mr"},
		"missing":      {&query.RequiredParamError{ParamName: "to"}, "the parameter to is missing", "to"},
		"header":       {&command.RequiredHeaderError{ParamName: "Idempotency-Key", Err: typed}, "the header Idempotency-Key is required", "Idempotency-Key"},
		"given twice":  {&account.TooManyValuesForParamError{ParamName: "Idempotency-Key", Count: 2}, "the header Idempotency-Key is given more than once", "Idempotency-Key"},
		"another one":  {typed, "a parameter is malformed", ""},
		"of no struct": {errors.Join(typed, typed), "a parameter is malformed", ""},
	} {
		w := httptest.NewRecorder()
		contract.BadParameter(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), row.err)
		require.Equal(t, http.StatusBadRequest, w.Code, name)
		require.Contains(t, w.Body.String(), row.message, name)
		require.NotContains(t, w.Body.String(), "script", name)
		var told struct {
			Details map[string]string `json:"details"`
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &told))
		require.Equal(t, row.blaming, told.Details["parameter"], name)
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"the body does not fit the operation": errors.New("cannot parse <script>"),
		"an amount is text":                   fmt.Errorf("decode: %w", domain.Errorf(domain.CodeAmountInvalid, "an amount is text")),
	} {
		w := httptest.NewRecorder()
		contract.BadBody(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil), err)
		require.Equal(t, http.StatusBadRequest, w.Code)
		require.Contains(t, w.Body.String(), want)
		require.NotContains(t, w.Body.String(), "script")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	n, err := contract.Limit(nil, contract.MaxLimit)
	require.NoError(t, err)
	require.Zero(t, n)
	for _, good := range []int{1, contract.MaxLimit} {
		n, err := contract.Limit(&good, contract.MaxLimit)
		require.NoError(t, err)
		require.Equal(t, good, n)
	}
	for _, bad := range []int{-1, 0, contract.MaxLimit + 1} {
		_, err := contract.Limit(&bad, contract.MaxLimit)
		var refusal *domain.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, domain.CodeInvalid, refusal.Code)
		require.Equal(t, "limit", refusal.Details["parameter"])
	}
}

func TestMeta(t *testing.T) {
	t.Parallel()
	key := "an-order-17"
	one, err := contract.Meta(t.Context(), &key)
	require.NoError(t, err)
	again, err := contract.Meta(t.Context(), &key)
	require.NoError(t, err)
	require.Equal(t, one.CommandID, again.CommandID)
	fresh, err := contract.Meta(t.Context(), nil)
	require.NoError(t, err)
	require.NotEqual(t, uuid.Nil, fresh.CommandID)
	require.NotEqual(t, one.CommandID, fresh.CommandID)
	for _, bad := range []string{"", "two words", "naïve", "line\n", strings.Repeat("x", 201)} {
		_, err := contract.Meta(t.Context(), &bad)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), bad)
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?b=1", nil)
	type handler func(ctx context.Context, w http.ResponseWriter, r *http.Request, input any) (any, error)
	seen := handler(func(ctx context.Context, _ http.ResponseWriter, _ *http.Request, _ any) (any, error) {
		return contract.Of(ctx), nil
	})
	_, err := contract.Exchanged(seen, "")(t.Context(), w, r, struct{}{})
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "there is no parameter b")
	r.URL.RawQuery = ""
	got, err := contract.Exchanged(seen, "")(t.Context(), w, r, struct{}{})
	require.NoError(t, err)
	require.Equal(t, contract.Exchange{W: w, R: r}, got)
	require.Zero(t, contract.Of(t.Context()))
}
