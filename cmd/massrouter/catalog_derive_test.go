package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func doDerive(t *testing.T, environ []string, args ...string) deriveReport {
	t.Helper()
	return decoded[deriveReport](t, do(t, environ, append([]string{"catalog", "derive", "partners", "--json"}, args...)...))
}

// groupPrices are the input rates of the group's versions of the small list's first endpoint, in the order of publication.
func (s *service) groupPrices() (rates []string) {
	s.t.Helper()
	var m client.ModelAnswer
	s.models() // at the end of the log
	s.ask(http.MethodGet, "/console/v1/models/acme/one", operatorToken, nil).decode(s.t, &m)
	for _, v := range *m.Model.Endpoints[0].Prices {
		if v.PriceGroup != nil {
			require.Equal(s.t, "partners", *v.PriceGroup)
			rates = append(rates, v.Price.Base["input"].String())
		}
	}
	return rates
}

func TestPricesOfAGroupFollowTheList(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	list := []string{"--format", "genai-prices", "--base-url", "acme=https://api.acme.example/v1"}
	doImport(t, environ, append(list, small(t, "1"))...)

	dry := doDerive(t, environ, "--factor", "0.9", "--dry-run")
	require.NotEmpty(t, dry.Changes)
	require.Contains(t, strings.Join(dry.Changes[0].Changes, ", "), "input 1/M → 0.9/M")
	require.Empty(t, s.groupPrices(), "a dry run changes nothing")

	first := doDerive(t, environ, "--factor", "0.9")
	require.Equal(t, len(dry.Changes), first.Published)
	require.Equal(t, []string{"0.0000009"}, s.groupPrices())
	again := doDerive(t, environ, "--factor", "0.9")
	require.Empty(t, again.Changes)
	require.Zero(t, again.Published)
	require.Equal(t, len(dry.Changes), again.Unchanged)

	// The list changes, and is scheduled to change: only that endpoint is derived anew, for both times.
	doImport(t, environ, append(list, small(t, "1.5"))...)
	doImport(t, environ, append(list, small(t, "9"), "--from", "2031-01-01")...)
	moved := doDerive(t, environ, "--factor", "0.9")
	require.Equal(t, 2, moved.Published)
	require.Equal(t, time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), moved.Changes[1].EffectiveFrom.UTC())
	require.Equal(t, []string{"0.0000009", "0.00000135", "0.0000081"}, s.groupPrices())
	require.Empty(t, doDerive(t, environ, "--factor", "0.9").Changes)

	// Back and forth: each is a change of its own, though it has been before.
	require.Equal(t, first.Published+1, doDerive(t, environ, "--factor", "1.15").Published)
	require.Equal(t, first.Published+1, doDerive(t, environ, "--factor", "0.9").Published)
	require.Equal(t, []string{"0.0000009", "0.00000135", "0.0000081", "0.000001725", "0.00001035", "0.00000135", "0.0000081"}, s.groupPrices())

	// An import neither sees nor touches them.
	require.Empty(t, doImport(t, environ, append(list, small(t, "9"), "--from", "2031-01-01")...).Changes)
	require.Empty(t, doDerive(t, environ, "--factor", "2", "--only", "acme", "--endpoint", "acme/one@acme", "--dry-run").Refused)
	refused := doDerive(t, environ, "--factor", "0.000000001", "--dry-run")
	require.NotEmpty(t, refused.Refused)
}

func TestDeriveMistakesAreExplained(t *testing.T) {
	t.Parallel()
	for _, row := range [][]string{
		{"catalog", "derive", "Partners", "--factor", "1"},
		{"catalog", "derive", "partners"},
		{"catalog", "derive", "partners", "--factor", "-1"},
		{"catalog", "derive", "partners", "--factor", "0.1e1"},
		{"catalog", "derive", "partners", "--factor", "1", "--parallel", "0"},
		{"wallet", "price-group", "018f0000-0000-7000-8000-000000000000"},
		{"wallet", "price-group", "018f0000-0000-7000-8000-000000000000", "a", "--none"},
		{"wallet", "price-group", "018f0000-0000-7000-8000-000000000000", "A"},
	} {
		got := call(t.Context(), []string{"MASSROUTER_OPERATOR_TOKEN=" + operatorToken}, row...)
		require.Equal(t, exitUsage, got.code, "%v: %s", row, got.err)
	}
}

func TestAWalletIsPutIntoAGroup(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	const wallet = "018f0000-0000-7000-8000-000000000001"
	do(t, environ, "wallet", "open", "--owner", "customer-1", "--id", wallet)
	do(t, environ, "wallet", "price-group", wallet, "partners")
	shows := func(text string) func() bool {
		return func() bool { return strings.Contains(call(t.Context(), environ, "wallet", "terms", wallet).out, text) }
	}
	await(t, shows("partners"))
	do(t, environ, "wallet", "price-group", wallet, "--none")
	await(t, shows("the list's"))
}
