package auditdb_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/auditdb"
)

// TestTheSameWrittenOtherwise: values that mean the same are no finding, whatever they look like.
func TestTheSameWrittenOtherwise(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clean(t)
	last := ` WHERE position = (SELECT max(position) FROM views.generations_ends_v1)`
	b.tamper(t, `UPDATE views.generations_ends_v1 SET call = ' ' || call`+last)
	b.tamper(t, `UPDATE views.journal_entries_v2 SET hold_balance = trim_scale(hold_balance), balances = (SELECT array_agg(v + 0.0000000000000) FROM unnest(balances) v)`+last)
	r := b.verify(t)
	require.Empty(t, r.Log.Findings)
	require.Equal(t, 2, r.Passes)
}

// TestValuesThatChangePlaces: sums over a column would stay as they are.
func TestValuesThatChangePlaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.calls(t, 10)
	b.project(t)
	for _, c := range []struct{ table, column, kind, position, rows string }{
		{"ledger.commands", "at", "timestamptz", "position", "NOT refused"},
		{"views.generations_v1", "placed_at", "timestamptz", "hold_position", "true"},
		{"views.generations_ends_v1", "call", "text", "position", "true"},
		{"views.journal_entries_v2", "wallet_balance", "numeric", "position", "true"},
		{"views.journal_stretches_v2", "balance", "numeric", "account", "account IN ('wallet:*', 'hold:*')"},
	} {
		var places, values [2]string
		for i, which := range []string{"min", "max"} {
			places[i] = ask[string](t, b, fmt.Sprintf(`SELECT %s(%s)::text FROM %s WHERE %s`, which, c.position, c.table, c.rows))
			values[i] = ask[string](t, b, fmt.Sprintf(`SELECT %s::text FROM %s WHERE %s::text = $1 AND %s`, c.column, c.table, c.position, c.rows), places[i])
		}
		require.NotEqual(t, values[0], values[1], c.table)
		put := fmt.Sprintf(`UPDATE %s SET %s = $1::text::%s WHERE %s::text = $2 AND %s`, c.table, c.column, c.kind, c.position, c.rows)
		b.tamper(t, put, values[1], places[0])
		b.tamper(t, put, values[0], places[1])
		require.True(t, found(b.verify(t), auditdb.RowDiffers, c.table), c.table)
		b.tamper(t, put, values[0], places[0])
		b.tamper(t, put, values[1], places[1])
		b.clean(t)
	}
}

// TestFindingsComeInTheSameOrder: whatever was read at the same time, and however maps are walked.
func TestFindingsComeInTheSameOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.calls(t, 40)
	b.project(t)
	for _, statement := range []string{
		`DELETE FROM views.balance_v1`, `DELETE FROM views.keys_v1`, `DELETE FROM views.journal_balances_v2`, `DELETE FROM ledger.streams`,
		`UPDATE views.journal_entries_v2 SET reason = 'x'`, `UPDATE views.generations_v1 SET model = 'x', state = 'expired'`,
		`UPDATE views.journal_stretches_v2 SET balance = balance + 1`, `UPDATE ledger.events SET actor = 'x' WHERE position % 7 = 0`,
	} {
		err := pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica; `+statement)
			return err
		})
		require.NoError(t, err, statement)
	}
	first := b.verify(t)
	require.Greater(t, first.Log.FindingCount, int64(100))
	for range 4 {
		again := b.verify(t)
		require.Equal(t, first.Log, again.Log)
		require.Equal(t, first.Tables, again.Tables)
	}
}
