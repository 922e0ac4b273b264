package auditdb_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
)

// TestNoValueIsNotAnotherColumns: a column that is sent as NULL when it repeats another one is not taken for that one when it has no
// value, which only somebody who changes the table can bring about.
func TestNoValueIsNotAnotherColumns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	position := ask[int64](t, b, `SELECT max(position) FROM ledger.events WHERE type = 'wallet.usage_charged.v1'`)
	for _, c := range []struct{ column, kind string }{
		{"schema_version", "smallint"}, {"effective_at", "timestamptz"}, {"correlation_id", "uuid"}, {"causation_id", "uuid"},
	} {
		_, err := b.pool.Exec(t.Context(), fmt.Sprintf(`ALTER TABLE ledger.events ALTER %s DROP NOT NULL`, c.column))
		require.NoError(t, err)
		old := ask[string](t, b, fmt.Sprintf(`SELECT %s::text FROM ledger.events WHERE position = $1`, c.column), position)
		b.tamper(t, fmt.Sprintf(`UPDATE ledger.events SET %s = NULL WHERE position = $1`, c.column), position)
		r := b.verify(t)
		require.True(t, slices.ContainsFunc(r.Log.Findings, func(f audit.Finding) bool {
			return f.Position == position && f.Code == audit.LeafMismatch
		}), "%s: %v", c.column, r.Log.Findings)
		b.tamper(t, fmt.Sprintf(`UPDATE ledger.events SET %s = $1::text::%s WHERE position = $2`, c.column, c.kind), old, position)
	}
	b.clean(t)
}
