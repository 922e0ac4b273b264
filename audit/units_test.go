package audit_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/ledgertest"
)

// tellUnits is tell with what comes after the story, and where that begins.
func tellUnits(t *testing.T) (events []eventstore.Event, begin int) {
	t.Helper()
	clock := ledgertest.NewClock()
	store := memory.New(memory.Options{Clock: clock.Now})
	l := ledgertest.New(t, store, clock)
	l.Tell(t.Context())
	before, err := store.Read(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	l.TellUnits(t.Context())
	l.TellOwnKeys(t.Context())
	events, err = store.Read(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	return events, len(before)
}

func TestUnitsAndTiersHaveNoFindings(t *testing.T) {
	t.Parallel()
	events, _ := tellUnits(t)
	report := verify(t, events, audit.Options{})
	require.Empty(t, report.Findings)
	require.Equal(t, []audit.Sum{{Currency: "USD", Amount: "0"}}, report.TrialBalance)
}

// TestForgedUnitsAndTiers changes what holds, charges and releases say of media, tiers and what the platform bears.
func TestForgedUnitsAndTiers(t *testing.T) {
	t.Parallel()
	const placed, charged, released = "wallet.hold_placed.v1", "wallet.usage_charged.v1", "wallet.hold_released.v1"
	for name, row := range map[string]struct {
		event    string
		nth      int // of those after the story
		was, is  string
		findings []audit.Code
	}{
		"a hold for fewer searches":             {placed, 0, `"search":5`, `"search":4`, []audit.Code{audit.HoldAmount}},
		"a hold for less sound":                 {placed, 0, `"audio_input":400`, `"audio_input":399`, []audit.Code{audit.HoldAmount}},
		"a hold for a cheaper tier":             {placed, 2, `"service_tier":"priority"`, `"service_tier":"flex"`, []audit.Code{audit.HoldAmount}},
		"a hold for a tier without a price":     {placed, 1, `"service_tier":"flex"`, `"service_tier":"none"`, []audit.Code{audit.TierUnpriced, audit.TierUnpriced}},
		"a charge at a cheaper tier":            {charged, 3, `"service_tier":"priority"`, `"service_tier":"flex"`, []audit.Code{audit.LineItemMismatch}},
		"a charge at a tier nobody asked for":   {charged, 1, `"service_tier":"flex"`, `"service_tier":"priority"`, []audit.Code{audit.TierUnpriced}},
		"a charge for less sound":               {charged, 0, `"usage":{"audio_cache_read":20`, `"usage":{"audio_cache_read":19`, []audit.Code{audit.LineItemMismatch, audit.VendorCost}},
		"a cost of what the usage does not say": {released, 0, `"usage":{"input":100`, `"usage":{"input":101`, []audit.Code{audit.VendorCost}},
		"a cost that is owed to another":        {released, 0, `"vendor":"acme"`, `"vendor":"ours"`, []audit.Code{audit.EndpointMismatch, audit.EntryMismatch}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, begin := tellUnits(t)
			f := &forgery{t: t, events: events}
			n, at := row.nth, -1
			for i := begin; i < len(events) && at < 0; i++ {
				if events[i].Type != row.event {
					continue
				}
				if n == 0 {
					at = i
				}
				n--
			}
			require.NotEqual(t, -1, at)
			require.Contains(t, string(events[at].Body), row.was)
			events[at].Body = bytes.Replace(events[at].Body, []byte(row.was), []byte(row.is), 1)
			f.seal(at)
			report := verify(t, f.events, audit.Options{})
			var got []audit.Code
			for _, found := range report.Findings {
				got = append(got, found.Code)
			}
			require.ElementsMatch(t, row.findings, got, "%v", report.Findings)
		})
	}
}
