package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/redistest"
)

// cached makes a call that the cache may answer.
func (s *service) cached(a account, model string) (status string, answer answered) {
	s.t.Helper()
	raw, err := json.Marshal(chat(model, false))
	require.NoError(s.t, err)
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+"/v1/chat/completions", bytes.NewReader(raw))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+a.secret)
	r.Header.Set("X-Massrouter-Cache", "true")
	response, err := s.client.Do(r)
	require.NoError(s.t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, response.Body.Close())
	require.Equal(s.t, http.StatusOK, response.StatusCode, "%s", body)
	return response.Header.Get("X-Massrouter-Cache-Status"), answered{status: response.StatusCode, header: response.Header, body: body}
}

// TestHitsAreShownToTheirOwner: each by its id, at once and after a restart, with the call that was paid; all of them with what they saved; and none
// in the statistics or to others.
func TestHitsAreShownToTheirOwner(t *testing.T) {
	t.Parallel()
	database, vendor, redis := pgtest.URL(t), vendorServer(t), redistest.Start(t)
	start := func() *service {
		return serve(t, database, func(c *config.Config) { c.Store.RedisURL = config.NewSecret(redis.URL()) })
	}
	s := start()
	s.publish(vendor, "test/echo", "echo", tokenRates())
	a, other := s.open("10.00"), s.open("10.00")
	type metadata struct {
		Data struct {
			ID, Model string
			TotalCost json.Number `json:"total_cost"`
			Tokens    int64       `json:"tokens_completion"`
			Source    *string     `json:"response_cache_source_id"`
		}
	}
	lookUp := func(id string) (m metadata) {
		t.Helper()
		answer := s.ask(http.MethodGet, "/api/v1/generation?id="+id, a.secret, nil)
		require.Equal(t, http.StatusOK, answer.status, "%s", answer.body)
		answer.decode(t, &m)
		return m
	}
	var paid []string
	var last answered
	status := ""
	hits := 0
	await(t, func() bool { // the answer is put into the cache beside the call
		status, last = s.cached(a, "test/echo")
		if status == "MISS" {
			paid = append(paid, last.header.Get("X-Generation-Id"))
		}
		return status == "HIT"
	})
	for hits = 1; hits < 3; hits++ {
		status, last = s.cached(a, "test/echo")
		require.Equal(t, "HIT", status)
	}
	id := last.header.Get("X-Generation-Id")
	charged := lookUp(paid[0])
	require.Nil(t, charged.Data.Source)
	check := func() {
		t.Helper()
		m := lookUp(id)
		require.Equal(t, []string{id, "test/echo", "0"}, []string{m.Data.ID, m.Data.Model, m.Data.TotalCost.String()})
		require.Contains(t, paid, *m.Data.Source)
		require.Zero(t, m.Data.Tokens)
		require.Equal(t, http.StatusNotFound, s.ask(http.MethodGet, "/api/v1/generation?id="+id, other.secret, nil).status)
	}
	check()
	require.NoError(t, s.stop())
	s = start()
	check()

	var shown client.CacheHits
	answer := s.ask(http.MethodGet, "/console/v1/wallets/"+a.wallet.String()+"/cache-hits", operatorToken, nil)
	require.Equal(t, http.StatusOK, answer.status, "%s", answer.body)
	answer.decode(t, &shown)
	require.EqualValues(t, hits, shown.Hits)
	var each jsonDecimal
	require.NoError(t, each.UnmarshalJSON([]byte(charged.Data.TotalCost)))
	require.Equal(t, each.amount(t).Add(each.amount(t)).Add(each.amount(t)).String(), shown.Saved.String())
	require.Equal(t, a.key, shown.Items[0].KeyID)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	require.Regexp(t, `(?s)`+a.key.String()+` +test/echo +3 +`+regexp.QuoteMeta(shown.Saved.String())+`\n.*hits in all +3\n`, do(t, environ, "wallet", "cache-hits", a.wallet.String()))
	s.ask(http.MethodGet, "/console/v1/wallets/"+other.wallet.String()+"/cache-hits", operatorToken, nil).decode(t, &shown)
	require.Zero(t, shown.Hits)
}
