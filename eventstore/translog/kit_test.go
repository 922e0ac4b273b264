package translog

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// bench is a log of events with a transparency log beside it.
type bench struct {
	pool    *pgxpool.Pool
	store   *postgres.Store
	options Options
	dir     string
}

func setup(tb testing.TB) *bench {
	tb.Helper()
	b := &bench{pool: pgtest.New(tb), dir: filepath.Join(tb.TempDir(), "log")}
	var err error
	b.store, err = postgres.Open(tb.Context(), b.pool, postgres.Options{})
	require.NoError(tb, err)
	tb.Cleanup(b.store.Close)
	b.options = Options{Dir: b.dir}
	b.options.Signer, b.options.Verifier = keys(tb)
	return b
}

func keys(tb testing.TB) (note.Signer, note.Verifier) {
	tb.Helper()
	private, public, err := GenerateKey("massrouter.test/ledger")
	require.NoError(tb, err)
	signer, derived, verifier, err := ParseKey(private)
	require.NoError(tb, err)
	require.Equal(tb, public, derived)
	return signer, verifier
}

func (b *bench) log(tb testing.TB) *Log {
	tb.Helper()
	l, err := New(b.pool, b.store, b.options)
	require.NoError(tb, err)
	return l
}

// checkpoint makes one and checks that it covers the whole log.
func (b *bench) checkpoint(tb testing.TB) Signed {
	tb.Helper()
	signed, err := b.log(tb).Checkpoint(tb.Context())
	require.NoError(tb, err)
	return signed
}

// grow appends n events to the log, in a new stream.
func (b *bench) grow(tb testing.TB, n int) {
	tb.Helper()
	id := domain.NewStreamID("test", uuid.NewString())
	const most = 5000
	for from := 0; from < n; from += most {
		tx, err := b.store.Begin(tb.Context(), 0, 1)
		require.NoError(tb, err)
		to := min(n, from+most)
		batch := &eventstore.Batch{Streams: []eventstore.StreamWrite{{ID: id, From: int64(from), To: int64(to)}}}
		for v := from + 1; v <= to; v++ {
			batch.Events = append(batch.Events, eventstore.Event{
				StreamID: id, StreamVersion: int64(v), Type: "test.stepped.v1", SchemaVersion: 1, Actor: "test:kit",
				CorrelationID: uuid.New(), CausationID: uuid.New(), CommandID: uuid.New(), Body: fmt.Appendf(nil, `{"n": "%d",  "of": "<ä&\u2028>"}`, v),
			})
		}
		require.NoError(tb, tx.Commit(tb.Context(), batch))
	}
}

// restore takes the database back to the state in which it had so many events, as a backup from then would.
func (b *bench) restore(tb testing.TB, size int64) {
	tb.Helper()
	conn, err := b.pool.Acquire(tb.Context())
	require.NoError(tb, err)
	defer conn.Release()
	for _, sql := range []string{
		`SET session_replication_role = replica`,
		`DELETE FROM ledger.events WHERE position > $1`,
		`DELETE FROM ledger.log_tiles WHERE (index + 1) << (8 * (level + 1)) > $1::bigint`,
		`DELETE FROM ledger.log_checkpoints WHERE size > $1`,
		`UPDATE ledger.log_heads SET position = $1`,
		`RESET session_replication_role`,
	} {
		args := []any{size}
		if sql[0] == 'S' || sql[0] == 'R' {
			args = nil
		}
		_, err := conn.Exec(tb.Context(), sql, args...)
		require.NoError(tb, err, sql)
	}
}

// published is the folder's checkpoint.
func (b *bench) published(tb testing.TB) audit.Checkpoint {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join(b.dir, audit.CheckpointPath))
	require.NoError(tb, err)
	c, err := audit.OpenCheckpoint(raw, b.options.Verifier)
	require.NoError(tb, err)
	return c
}

// sound checks the folder as an outsider does, and that it has the events that the database has.
func (b *bench) sound(tb testing.TB, size int64) {
	tb.Helper()
	report, err := audit.VerifyTiles(tb.Context(), audit.Folder(b.dir), b.options.Verifier)
	require.NoError(tb, err)
	require.Empty(tb, report.Wrong)
	require.Equal(tb, size, report.Checkpoint.Size)
	require.NoError(tb, Guard(tb.Context(), b.pool, b.store, 0, audit.Folder(b.dir), b.options.Verifier))
	var leaves [][32]byte
	for after := int64(0); after < size; {
		events, err := eventstore.ReadDense(tb.Context(), b.store, after, 5000)
		require.NoError(tb, err)
		for i := range events {
			leaves = append(leaves, events[i].LeafHash)
		}
		after = events[len(events)-1].Position
	}
	require.Equal(tb, plainRoot(leaves[:size]), report.Checkpoint.Root)
}
