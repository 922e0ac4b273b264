package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/vendor"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// TestMissingUsageIsLookedUp: a vendor leaves its usage out, or says what cannot be true. The calls are charged by our own count and put on
// the review list; the vendor is asked until it knows, and the charges are corrected: in the end the ledger's sums are the vendor's own, to
// the last digit. What the vendor cannot be asked about is left to an operator.
func TestMissingUsageIsLookedUp(t *testing.T) {
	t.Parallel()
	url, sim := pgtest.URL(t), vendorServer(t)
	s := serve(t, url, nil)
	rates := tokenRates()
	s.publish(sim, "test/quiet", "quiet?fault=no_usage&unready=2&tokens=40&prompt=77&cached=5", rates)
	s.publish(sim, "test/absurd", "absurd?fault=absurd_usage&variant=total&tokens=9&reasoning=3", rates)
	s.publish(sim, "test/silent", "silent?fault=no_usage&unready=1000000", rates)
	position := s.lookupAt(sim, "/generation")
	require.NoError(t, s.WaitFor(t.Context(), position))
	a := s.open("20")
	for _, model := range []string{"test/quiet", "test/absurd"} {
		for _, stream := range []bool{false, true} {
			sent := s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat(model, stream))
			require.Equal(t, http.StatusOK, sent.status, "%s", sent.body)
		}
	}
	var page client.ChargeReviewPage
	await(t, func() bool {
		found := s.ask(http.MethodGet, "/console/v1/charges/reviews", operatorToken, nil)
		require.Equal(t, http.StatusOK, found.status, "%s", found.body)
		page = decoded[client.ChargeReviewPage](t, string(found.body))
		return page.Resolved == 4
	})
	require.Zero(t, page.Open)
	for i := range page.Items {
		require.Equal(t, "estimated", page.Items[i].Provenance)
		require.Equal(t, "system:lookup", *page.Items[i].DecidedBy)
		require.Contains(t, []string{"usage_missing", "usage_total_wrong"}, page.Items[i].Reason)
	}

	served := sim.Totals()
	require.EqualValues(t, 4, served.Completed)
	var truth usage.Usage
	paid, owed := money.Zero(), money.Zero()
	corrected := 0
	for _, e := range events(t, url) {
		switch data := e.event.(type) {
		case wallet.UsageCharged:
			require.Equal(t, usage.Estimated, data.Provenance)
			paid, owed = paid.Add(data.Debited()), owed.Add(data.VendorCost)
		case wallet.ChargeCorrected:
			corrected++
			require.Equal(t, usage.LookedUp, data.Provenance)
			paid, owed = paid.Add(data.Debited()), owed.Add(data.After.VendorCost).Sub(data.Before.VendorCost)
			if truth == nil {
				truth = usage.Usage{}
			}
			for class, n := range data.After.Usage {
				truth[class] += n
			}
		}
	}
	require.Equal(t, 4, corrected)
	all := served.Reported
	all.Prompt, all.Completion = all.Prompt+served.Unreported.Prompt, all.Completion+served.Unreported.Completion
	all.Cached, all.Reasoning = all.Cached+served.Unreported.Cached, all.Reasoning+served.Unreported.Reasoning
	require.Equal(t, []int64{all.Prompt, all.Completion, all.Cached, all.Reasoning}, []int64{truth.Prompt(), truth.Completion(), truth[usage.CacheRead], truth[usage.Reasoning]})
	cost := money.Zero()
	for class, n := range truth {
		price, known := rates[class]
		for parent := class; !known; price, known = rates[parent] {
			var more bool
			if parent, more = parent.Parent(); !more {
				break
			}
		}
		cost = cost.Add(price.Times(n))
	}
	require.Equal(t, cost.String(), paid.String(), "the customer paid what the truth costs")
	require.Equal(t, cost.String(), owed.String(), "and so is what the vendor is owed")
	require.Equal(t, money.MustParse("20").Sub(cost).String(), s.wallet(a).Posted.String())

	s.reviewed(a, page.Items[0].GenerationID)
}

// lookupAt says where the simulated vendor is asked what a call used.
func (s *service) lookupAt(at *vendor.Server, path string) int64 {
	s.t.Helper()
	_, receipt, err := s.App().PublishVendor(s.t.Context(), meta(), commands.PublishVendor{Vendor: catalog.Vendor{
		ID: "sim", Name: "Simulated", BaseURL: at.URL() + "/v1", Dialect: "openai", CancelPolicy: catalog.Drain, MaxTokensField: "max_tokens",
		Status: catalog.Active, Wire: &catalog.Wire{Paths: map[string]string{"usage": path}},
	}})
	require.NoError(s.t, err)
	return receipt.Position
}

// fails runs a command that has to fail, and returns what it said.
func fails(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	c := call(t.Context(), environ, args...)
	require.NotEqual(t, exitOK, c.code, "%v\n%s%s", args, c.out, c.err)
	return c.out + c.err
}

// reviewed decides on charges with the operators' commands: of one that was corrected, and of one that the vendor cannot be asked about.
func (s *service) reviewed(a account, corrected string) {
	s.t.Helper()
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	refused := fails(s.t, environ, "charges", "review", "accept", corrected, "--reason", "fine")
	require.Contains(s.t, refused, string(domain.CodeChargeReviewed))
	sent := s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/silent", false))
	require.Equal(s.t, http.StatusOK, sent.status, "%s", sent.body)
	generation := sent.header.Get("X-Generation-Id")
	await(s.t, func() bool {
		return strings.Contains(do(s.t, environ, "charges", "review", "list", "--state", "open", "--reason", "usage_missing"), generation)
	})
	out := do(s.t, environ, "charges", "review", "correct", generation, "--used", "input=10", "--used", "output=1", "--evidence", "invoice 7", "--reason", "as invoiced")
	require.Contains(s.t, out, "corrected")
	require.Contains(s.t, fails(s.t, environ, "charges", "review", "correct", generation, "--used", "thoughts=1", "--evidence", "x", "--reason", "y"), "CLASS=QUANTITY")
}
