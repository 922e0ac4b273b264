package auditdb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/projections"
)

func TestCleanLedgerHasNoFindings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.calls(t, 130)
	b.project(t)
	b.sign(t)
	require.Positive(t, ask[int](t, b, "SELECT audit.seal(100000)"))
	r := b.clean(t)
	rows := map[string]int64{}
	for _, table := range r.Tables {
		require.Equal(t, r.Log.Position, table.Position, table.Name)
		if table.Name == "views.usage" || table.Name == "views.rankings" { // see TestRollupsAreLeftToAReplay
			continue
		}
		require.Empty(t, table.Note, table.Name)
		rows[table.Name] = table.Rows
	}
	for name, n := range rows {
		require.Equal(t, ask[int64](t, b, "SELECT count(*) FROM "+name), n, name)
		require.Positive(t, n, name)
	}
	for _, p := range projections.All() {
		if p.Name() == "usage" || p.Name() == "rankings" {
			continue
		}
		for _, table := range p.Tables() {
			require.Contains(t, rows, table, "the auditor compares no such table")
		}
	}
	require.Positive(t, r.PerSecond)
}
