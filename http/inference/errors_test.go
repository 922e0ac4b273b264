package inference_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/http/inference"
)

func TestWriteError(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		err    error
		status int
		code   string
		retry  string
		after  string
		logged string
	}{
		"unknown":         {errors.New("password=x"), 500, "internal", "false", "", "password=x"},
		"internal":        {domain.Errorf(domain.CodeInternal, "a detail"), 500, "internal", "false", "", "a detail"},
		"wrapped":         {fmt.Errorf("place: %w", domain.Errorf(domain.CodeInsufficientCredits, "m")), 402, "insufficient_credits", "false", "", ""},
		"queue full":      {domain.Errorf(domain.CodeOverloaded, "m"), 503, "overloaded", "true", "1", ""},
		"ledger away":     {domain.Errorf(domain.CodeUnavailable, "m").Wrap(errors.New("dial tcp")), 503, "ledger_unavailable", "true", "1", "dial tcp"},
		"told when":       {domain.Errorf(domain.CodeInProgress, "m").With("retry_after", "7"), 409, "request_in_progress", "true", "7", ""},
		"nobody's key":    {domain.Errorf(domain.CodeKeyNotFound, "m"), 401, "key_not_found", "false", "", ""},
		"nobody's wallet": {domain.Errorf(domain.CodeWalletNotFound, "m"), 403, "wallet_not_found", "false", "", ""},
		"caller's fault":  {domain.Errorf(domain.CodeInvalid, "m").Wrap(errors.New("not logged")), 400, "invalid_request", "false", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(gatewaytest.Log)
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(zerolog.New(log).WithContext(t.Context()), http.MethodPost, "/", nil)
			inference.WriteError(w, r, row.err)
			require.Equal(t, row.status, w.Code)
			require.Equal(t, row.retry, w.Header().Get("X-Should-Retry"))
			require.Equal(t, row.after, w.Header().Get("Retry-After"))
			var body struct {
				Error struct {
					Code     int               `json:"code"`
					Param    *string           `json:"param"`
					Metadata map[string]string `json:"metadata"`
				} `json:"error"`
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			require.Equal(t, row.status, body.Error.Code)
			require.Equal(t, map[string]string{"error_type": row.code}, body.Error.Metadata)
			require.NotContains(t, w.Body.String(), "password")
			require.NotContains(t, w.Body.String(), "detail")
			if row.logged == "" {
				require.Empty(t, log.String())
			} else {
				require.Contains(t, log.String(), row.logged)
			}
		})
	}
}

func TestOnlyOurOwnLimitsHaveRateLimitHeaders(t *testing.T) {
	t.Parallel()
	names := []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "Retry-After-Ms", "X-Should-Retry"}
	limiter, err := limit.New(limit.Options{Now: func() time.Time { return time.UnixMilli(1_700_000_000_000) }})
	require.NoError(t, err)
	scope := limit.Scope{Kind: "key", ID: "k", Limits: limit.Limits{Requests: 1}}
	_, err = limiter.Take(t.Context(), 0, scope)
	require.NoError(t, err)
	_, full := limiter.Take(t.Context(), 0, scope)
	scope.Limits = limit.Limits{Tokens: 10}
	_, never := limiter.Take(t.Context(), 11, scope)
	vendors := domain.Errorf(gateway.CodeVendorOverloaded, "m").With("retry_after", "3")
	for name, row := range map[string]struct {
		err      error
		status   int
		headers  []string
		metadata map[string]string
	}{
		"full": {full, 429, []string{"1", "0", "1700000060000", "60", "60000", "true"}, map[string]string{
			"error_type": "rate_limited", "limited_by": "requests_per_minute", "scope": "key", "limit": "1", "remaining": "0", "reset": "1700000060000",
		}},
		"never": {never, 429, []string{"10", "10", "1700000000000", "", "", "false"}, map[string]string{
			"error_type": "rate_limited", "limited_by": "tokens_per_minute", "scope": "key", "limit": "10", "remaining": "10", "reset": "1700000000000",
		}},
		"a vendor's": {vendors, 503, []string{"", "", "", "3", "", "false"}, map[string]string{"error_type": string(gateway.CodeVendorOverloaded)}},
		"another's limit": {domain.Errorf(domain.CodeInvalid, "m").With("limit", "5"), 400, []string{"", "", "", "", "", "false"}, map[string]string{
			"error_type": "invalid_request", "limit": "5",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			inference.WriteError(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil), row.err)
			require.Equal(t, row.status, w.Code)
			got := make([]string, len(names))
			for i, name := range names {
				got[i] = w.Header().Get(name)
			}
			require.Equal(t, row.headers, got)
			var body struct {
				Error struct {
					Type     string            `json:"type"`
					Metadata map[string]string `json:"metadata"`
				} `json:"error"`
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			require.Equal(t, row.metadata, body.Error.Metadata)
			if row.status == http.StatusTooManyRequests {
				require.Equal(t, "rate_limit_error", body.Error.Type)
			}
		})
	}
}
