package auditdb_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/auditdb"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/runner"
)

// TestEachViewIsComparedAsOfItsCheckpoint stops the read models at different places of the log.
func TestEachViewIsComparedAsOfItsCheckpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	positions := map[string]int64{}
	for _, name := range []string{"generations", "keys", "catalog", "balance", "journal"} {
		b.calls(t, 3)
		b.project(t, name)
		positions[name] = b.clean(t).Log.Position
	}
	b.ledger.Place(t.Context(), b.story.Rich, "acme/small", 1, 1, time.Minute)
	r := b.clean(t)
	for _, table := range r.Tables {
		for name, position := range positions {
			if strings.HasPrefix(table.Name, "views."+name+"_") {
				require.Equal(t, position, table.Position)
				require.Less(t, position, r.Log.Position)
			}
		}
	}
	b.tamper(t, `UPDATE views.generations_ends_v1 SET charge = charge + 1 WHERE position = (SELECT max(position) FROM views.generations_ends_v1)`)
	require.True(t, found(b.verify(t), auditdb.RowDiffers, "views.generations_ends_v1"))
}

// TestOpenCallsAreComparedAtTheCheckpoint: the row of a call that expired after the checkpoint says that it runs.
func TestOpenCallsAreComparedAtTheCheckpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ledger.Clock.Step(2 * time.Hour)
	require.Equal(t, 1, b.ledger.Sweep(t.Context(), b.story.Rich).Suspected)
	b.clean(t)
	b.tamper(t, `UPDATE views.generations_v1 SET state = 'suspect' WHERE generation_id = $1`, b.story.Running)
	require.True(t, found(b.verify(t), auditdb.RowDiffers, "views.generations_v1 "+b.story.Running.String()))
}

// TestExpiredCallThatIsSettledLater: a checkpoint past the settlement promises the row of its charge.
func TestExpiredCallThatIsSettledLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ledger.Settle(t.Context(), b.story.Rich, b.story.Expired, "acme/large", nil)
	b.clean(t)
	b.tamper(t, `UPDATE views.checkpoints SET position = position + 1, recorded_at = (SELECT recorded_at FROM ledger.log_heads) WHERE name = 'generations'`)
	require.True(t, found(b.verify(t), auditdb.RowMissing, "views.generations_ends_v1 "+b.story.Expired.String()))
}

func TestEmptyDatabase(t *testing.T) {
	t.Parallel()
	b := empty(t)
	r := b.clean(t)
	require.Zero(t, r.Log.Position)
	b.tamper(t, `INSERT INTO views.journal_balances_v2 VALUES ('promo', 'USD', 0, 1, 1)`)
	require.True(t, found(b.verify(t), auditdb.RowExtra, "views.journal_balances_v2"))
}

func TestUnknownReadModelIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tamper(t, `INSERT INTO views.checkpoints (name, version, position) VALUES ('rankings', 3, 5)`)
	require.Contains(t, b.clean(t).Tables, auditdb.Table{Name: "views: rankings v3", Position: 5, Note: "unknown to this program: not compared"})
}

// TestRollupsAreLeftToAReplay: the audit says what it does not compare, and by what it is.
func TestRollupsAreLeftToAReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tables := b.clean(t).Tables
	for _, name := range []string{"usage", "rankings"} {
		at := slices.IndexFunc(tables, func(table auditdb.Table) bool { return table.Name == "views."+name })
		require.GreaterOrEqual(t, at, 0, name)
		table := tables[at]
		require.Positive(t, table.Position)
		require.Contains(t, table.Note, "massrouter projections verify")
		b.tamper(t, `UPDATE views.checkpoints SET position = position + 10 WHERE name = $1`, name)
		require.True(t, found(b.verify(t), auditdb.ViewAhead, "views.checkpoints "+name))
	}
}

func TestViewAheadOfTheLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tamper(t, `UPDATE views.checkpoints SET position = position + 10 WHERE name = 'balance'`)
	require.True(t, found(b.verify(t), auditdb.ViewAhead, "views.checkpoints balance"))
}

// TestAuditWhileTheLedgerIsWritten: everything is read as of one moment.
func TestAuditWhileTheLedgerIsWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var stopped atomic.Bool
	var writing sync.WaitGroup
	writing.Go(func() {
		for !stopped.Load() {
			b.calls(t, 1)
			b.project(t)
		}
	})
	last := int64(0)
	for range 10 {
		position := b.clean(t).Log.Position
		require.GreaterOrEqual(t, position, last)
		last = position
	}
	stopped.Store(true)
	writing.Wait()
}

// TestAuditWhileReadModelsAreRebuilt: an audit reads the build that serves, whole, whatever is switched meanwhile; and a build
// that is made beside it is none of its business.
func TestAuditWhileReadModelsAreRebuilt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.calls(t, 20)
	b.project(t)
	r := runner.New(b.store, b.pool, b.registry, projections.All(), runner.Options{BatchSize: 7})
	var rebuilding sync.WaitGroup
	rebuilding.Go(func() {
		for _, name := range []string{"generations", "journal", "balance"} {
			assert.NoError(t, r.Rebuild(t.Context(), name))
			assert.NoError(t, r.Rollback(t.Context(), name))
		}
	})
	for range 10 {
		b.clean(t)
	}
	rebuilding.Wait()
	b.tamper(t, `UPDATE views_kept.balance_v1 SET held = held + 1 WHERE wallet_id = $1`, b.story.Rich.Wallet)
	b.clean(t)
	require.NoError(t, r.Rollback(t.Context(), "balance"))
	require.True(t, found(b.verify(t), auditdb.RowDiffers, "views.balance_v1"))
}
