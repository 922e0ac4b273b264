package bundle_test

import (
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/audit/bundle"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/export"
)

const benchCalls = 40_000

// processor is the processor time of this process, which says more than the clock does on a busy machine.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func report(b *testing.B, events int, before time.Duration) {
	b.Helper()
	n := float64(events * b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((processor(b)-before).Nanoseconds())/n/1000, "cpu-µs/event")
}

// BenchmarkVerify verifies a generated history from memory and from files.
func BenchmarkVerify(b *testing.B) {
	log := history(b, 1, benchCalls)
	events := all(b, log)
	rate := func(b *testing.B, before time.Duration) {
		b.Helper()
		report(b, len(events), before)
	}
	b.Run("events", func(b *testing.B) {
		before := processor(b)
		for b.Loop() {
			report, err := audit.Verify(b.Context(), func(yield func([]eventstore.Event, error) bool) {
				for part := range slices.Chunk(events, 2000) {
					if !yield(slices.Clone(part), nil) {
						return
					}
				}
			}, audit.Options{Registry: registry(b)})
			require.NoError(b, err)
			require.Zero(b, report.FindingCount)
		}
		rate(b, before)
	})
	for _, format := range formats() {
		b.Run(string(format), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "bundle")
			_, err := export.Run(b.Context(), log, export.Options{
				Kind: export.Events, Format: format, Range: export.Range{First: 1, Last: int64(len(events))}, Dir: dir, Registry: registry(b),
			})
			require.NoError(b, err)
			before := processor(b)
			for b.Loop() {
				require.True(b, verified(b, bundle.Options{Dirs: []string{dir}}).OK)
			}
			rate(b, before)
		})
	}
}
