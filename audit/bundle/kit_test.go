package bundle_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/audit/bundle"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/projections/export"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func registry(tb testing.TB) *domain.Registry {
	tb.Helper()
	r, err := commands.Registry()
	require.NoError(tb, err)
	return r
}

// history is the whole story, and then random calls of random customers, by the real use cases.
func history(tb testing.TB, seed uint64, calls int) eventstore.Reader {
	tb.Helper()
	clock := ledgertest.NewClock()
	store := memory.New(memory.Options{Clock: clock.Now})
	l := ledgertest.New(tb, store, clock)
	l.Tell(tb.Context())
	random := rand.New(rand.NewPCG(seed, 1))
	customers := []ledgertest.Customer{l.Open(tb.Context(), "50000", apikey.Limits{Name: "one"}), l.Open(tb.Context(), "70000", apikey.Limits{})}
	for range calls {
		c := customers[random.IntN(len(customers))]
		model := []string{ledgertest.Small, ledgertest.Large}[random.IntN(2)]
		prompt, completion := random.Int64N(5000), random.Int64N(900)
		hold := l.Place(tb.Context(), c, model, prompt+10, 1000, time.Hour)
		clock.Step(time.Duration(random.IntN(3_000_000)) * time.Microsecond)
		if random.IntN(5) == 0 {
			l.Release(tb.Context(), c, hold)
		} else {
			l.Settle(tb.Context(), c, hold, model, usage.Usage{usage.Input: prompt, usage.Output: completion, usage.Request: 1})
		}
	}
	return store
}

func all(tb testing.TB, log eventstore.Reader) []eventstore.Event {
	tb.Helper()
	events, err := log.Read(tb.Context(), 0, 1<<20)
	require.NoError(tb, err)
	return events
}

// exported writes a range to a folder.
func exported(tb testing.TB, log eventstore.Reader, format export.Format, first, last int64) (dir string, m *export.Manifest) {
	tb.Helper()
	dir = filepath.Join(tb.TempDir(), "bundle")
	m, err := export.Run(tb.Context(), log, export.Options{
		Kind: export.Events, Format: format, Range: export.Range{First: first, Last: last}, Dir: dir, Registry: registry(tb), PartEvents: 37,
	})
	require.NoError(tb, err)
	return dir, m
}

func verified(tb testing.TB, o bundle.Options) *bundle.Report {
	tb.Helper()
	o.Registry = registry(tb)
	report, err := bundle.Verify(tb.Context(), o)
	require.NoError(tb, err)
	return report
}

func codes(r *bundle.Report) []audit.Code {
	var found []audit.Code
	for code := range r.Log.FindingCodes {
		found = append(found, code)
	}
	slices.Sort(found)
	return found
}

func formats() []export.Format { return []export.Format{export.NDJSON, export.CSV, export.Parquet} }

// sealed writes a manifest anew after a change to it, as a forger would, with its digest and the files' hashes.
func sealed(tb testing.TB, dir string, change func(m *export.Manifest)) {
	tb.Helper()
	name := filepath.Join(dir, export.ManifestName)
	b, err := os.ReadFile(name)
	require.NoError(tb, err)
	var m export.Manifest
	require.NoError(tb, json.Unmarshal(b, &m))
	for i := range m.Files {
		content, err := os.ReadFile(filepath.Join(dir, m.Files[i].Name))
		require.NoError(tb, err)
		sum := sha256.Sum256(content)
		m.Files[i].SHA256, m.Files[i].Bytes = hex.EncodeToString(sum[:]), int64(len(content))
	}
	if change != nil {
		change(&m)
	}
	for _, digest := range []bool{false, true} {
		if m.Digest = ""; digest {
			sum := sha256.Sum256(b)
			m.Digest = hex.EncodeToString(sum[:])
		}
		b, err = json.MarshalIndent(m, "", "  ")
		require.NoError(tb, err)
		b = append(b, '\n')
	}
	require.NoError(tb, os.WriteFile(name, b, 0o600))
}

// list is a log of given events.
type list []eventstore.Event

func (l list) Head(context.Context) (eventstore.Head, error) {
	return eventstore.Head{Position: int64(len(l))}, nil
}

func (l list) Read(_ context.Context, after int64, limit int) ([]eventstore.Event, error) {
	rest := l[after:]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func (list) Wait(context.Context, int64) error { return nil }

func (list) At(context.Context, time.Time) (int64, error) { return 0, nil }
