package auditdb_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/auditdb"
)

// TestEachViewIsComparedAsOfItsCheckpoint stops the read models at different places of the log.
func TestEachViewIsComparedAsOfItsCheckpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	positions := map[string]int64{}
	for _, name := range []string{"generations", "statement", "keys", "catalog", "balance"} {
		b.calls(t, 3)
		b.project(t, name)
		positions[name] = b.clean(t).Log.Position
	}
	b.ledger.Place(t.Context(), b.story.Rich, "acme/small", 1, 1, time.Minute)
	r := b.clean(t)
	for _, table := range r.Tables {
		for name, position := range positions {
			if table.Name == "views."+name+"_v1" {
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
	b.tamper(t, `INSERT INTO views.statement_minutes_v1 VALUES (now(), 1)`)
	require.True(t, found(b.verify(t), auditdb.RowExtra, "views.statement_minutes_v1"))
}

func TestUnknownReadModelIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tamper(t, `INSERT INTO views.checkpoints (name, version, position) VALUES ('rankings', 3, 5)`)
	tables := b.clean(t).Tables
	require.Equal(t, auditdb.Table{Name: "views: rankings v3", Position: 5, Note: "unknown to this program: not compared"}, tables[len(tables)-1])
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
