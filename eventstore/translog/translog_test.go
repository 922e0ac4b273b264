package translog

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
)

// However a log grows, each checkpoint continues all before it, and every event can be proved in the newest.
func TestEveryCheckpointContinuesTheOnesBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var all []audit.Checkpoint
	size := int64(0)
	random := rand.New(rand.NewPCG(rand.Uint64(), 7))
	for _, most := range []int{1, 1, 300, 2, 700, 256, 300, 3} {
		n := 1 + random.IntN(most)
		b.grow(t, n)
		size += int64(n)
		signed := b.checkpoint(t)
		require.Equal(t, size, signed.Size)
		require.Equal(t, signed.Checkpoint, b.published(t))
		all = append(all, signed.Checkpoint)
		b.sound(t, size)
		for _, from := range []audit.Tiles{audit.Folder(b.dir), NewReader(b.pool, 0, signed.Origin)} {
			for _, old := range all {
				require.NoError(t, audit.CheckConsistency(t.Context(), from, old, signed.Checkpoint))
				other := old
				other.Root[random.IntN(32)] ^= 1
				var fork *audit.ForkError
				require.ErrorAs(t, audit.CheckConsistency(t.Context(), from, other, signed.Checkpoint), &fork)
			}
		}
		again := b.checkpoint(t)
		require.Equal(t, signed.Note, again.Note, "nothing new, nothing signed")
	}
	prover := NewProver(NewReader(b.pool, 0, all[0].Origin), b.store)
	for position := int64(1); position <= size; position += 1 + random.Int64N(20) {
		receipt, err := prover.Prove(t.Context(), position)
		require.NoError(t, err)
		event, c, err := audit.VerifyReceipt(receipt, b.options.Verifier)
		require.NoError(t, err)
		require.Equal(t, position, event.Position)
		require.Equal(t, all[len(all)-1], c)
	}
}

func TestProveSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	prover := NewProver(b.log(t).Reader, b.store)
	_, err := prover.Prove(t.Context(), 1)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
	_, err = prover.Prove(t.Context(), 0)
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	b.grow(t, 2)
	_, err = prover.Prove(t.Context(), 2)
	require.ErrorIs(t, err, ErrNotCovered)
	b.checkpoint(t)
	_, err = prover.Prove(t.Context(), 2)
	require.NoError(t, err)

	b.superuser(t, `UPDATE ledger.events SET leaf_hash = sha256('x') WHERE position = 2`)
	_, err = prover.Prove(t.Context(), 2)
	require.ErrorContains(t, err, "inconsistent", "the tile of the changed hash does not lead to the signed root")
	_, err = prover.Prove(t.Context(), 1)
	require.Error(t, err)
}

func (b *bench) superuser(tb testing.TB, sql string, args ...any) {
	tb.Helper()
	conn, err := b.pool.Acquire(tb.Context())
	require.NoError(tb, err)
	defer conn.Release()
	_, err = conn.Exec(tb.Context(), `SET session_replication_role = replica`)
	require.NoError(tb, err)
	tag, err := conn.Exec(tb.Context(), sql, args...)
	require.NoError(tb, err)
	require.Positive(tb, tag.RowsAffected())
	_, err = conn.Exec(tb.Context(), `RESET session_replication_role`)
	require.NoError(tb, err)
}

var errDied = errors.New("died here")

// A process that dies after any step leaves what the next one continues from.
func TestRestartAfterEachStep(t *testing.T) {
	t.Parallel()
	for _, at := range []step{stepTiles, stepRecorded, stepWritten, stepPublished} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.grow(t, 300)
			b.checkpoint(t)
			const enough = flushTiles*audit.TileWidth + 500
			n := 700
			if at == stepTiles {
				n = enough
			}
			b.grow(t, n)
			dying := b.options
			died := false
			dying.after = func(s step) error {
				if s == at {
					died = true
					return errDied
				}
				return nil
			}
			l, err := New(b.pool, b.store, dying)
			require.NoError(t, err)
			_, err = l.Checkpoint(t.Context())
			require.ErrorIs(t, err, errDied)
			require.True(t, died)
			b.awaitUnowned(t)
			if at == stepRecorded || at == stepWritten {
				require.EqualValues(t, 300, b.published(t).Size, "what is recorded is not out yet")
			}
			b.grow(t, 5)
			require.EqualValues(t, 300+n+5, b.checkpoint(t).Size)
			b.sound(t, int64(300+n+5))
		})
	}
}

// awaitUnowned waits until the server has noticed that the last owner is gone.
func (b *bench) awaitUnowned(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		var held bool
		err := b.pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&held)
		return err == nil && !held
	}, time.Minute, 5*time.Millisecond)
}

// run runs a log until stop is called.
func run(t *testing.T, l *Log) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		require.NoError(t, <-ended)
	}
	t.Cleanup(stop)
	return stop
}

// Several processes run one log; when the owner goes, another takes over.
func TestOneOwnerAndTakeover(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.options.Every, b.options.Takeover = 5*time.Millisecond, 5*time.Millisecond
	b.options.OnError = func(err error) { t.Errorf("a log failed: %v", err) }
	stopFirst := run(t, b.log(t))
	run(t, b.log(t))
	run(t, b.log(t))
	covered := func(size int64) {
		require.Eventually(t, func() bool {
			c, err := outside(t.Context(), audit.Folder(b.dir), b.options.Verifier)
			return err == nil && c != nil && c.Size == size
		}, time.Minute, 5*time.Millisecond)
	}
	for i := range 10 {
		b.grow(t, 60)
		covered(int64(60 * (i + 1)))
		if i == 4 {
			stopFirst()
		}
	}
	b.sound(t, 600)
}

// A demand does not wait for the second.
func TestCheckpointOnDemand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.options.Every = time.Hour
	l := b.log(t)
	run(t, l)
	for i := range int64(5) {
		b.grow(t, 10)
		signed, err := l.Checkpoint(t.Context())
		require.NoError(t, err)
		require.GreaterOrEqual(t, signed.Size, 10*(i+1))
	}
}

// A backup that is brought back loses what was published: the log is behind, and later, with other events, a fork.
func TestRestoredBackupIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.grow(t, 200)
	b.checkpoint(t)
	b.grow(t, 200)
	published := b.checkpoint(t).Checkpoint

	b.restore(t, 200)
	b.refused(t, published, 200)
	b.grow(t, 100)
	b.refused(t, published, 300)
	b.grow(t, 100)
	b.refused(t, published, 400)
	b.grow(t, 500)
	b.refused(t, published, 400) // the roots are compared where the published one ends
	require.Equal(t, published, b.published(t))
}

func (b *bench) refused(t *testing.T, published audit.Checkpoint, size int64) {
	t.Helper()
	var fork *audit.ForkError
	require.ErrorAs(t, Guard(t.Context(), b.pool, b.store, 0, audit.Folder(b.dir), b.options.Verifier), &fork)
	require.Equal(t, published, fork.Known)
	require.Equal(t, size, fork.Other.Size)
	require.NotEqual(t, published.Root, fork.Other.Root)
	require.Contains(t, fork.Error(), published.RootText())
	require.Contains(t, fork.Error(), fork.Other.RootText())
	_, err := b.log(t).Checkpoint(t.Context())
	require.ErrorAs(t, err, &fork)
	newest, err := b.log(t).Newest(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 200, newest.Size, "nothing was signed")
	b.awaitUnowned(t)
}

// A row of another history, put in by somebody who may do anything, is not signed either: the tiles prove it.
func TestForkInsideTheDatabaseIsNotSigned(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.options.Dir = ""
	b.grow(t, 300)
	b.checkpoint(t)
	b.superuser(t, `UPDATE ledger.events SET leaf_hash = sha256('x') WHERE position = 290`)
	b.grow(t, 1)
	_, err := b.log(t).Checkpoint(t.Context())
	var fork *audit.ForkError
	require.ErrorAs(t, err, &fork)
}

// Somebody empties the folder: it is written again, from the first tile.
func TestEmptiedFolderIsFilledAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.grow(t, 600)
	b.checkpoint(t)
	require.NoError(t, os.RemoveAll(b.dir))
	b.grow(t, 10)
	b.checkpoint(t)
	b.sound(t, 610)
	_, err := os.Stat(filepath.Join(b.dir, "tile", "0", "000"))
	require.NoError(t, err)
}

// Partial tiles go when the full one is there, and readers of the old checkpoint then find the full one.
func TestPartialTilesGiveWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.grow(t, 200)
	old := b.checkpoint(t).Checkpoint
	partial := filepath.Join(b.dir, filepath.FromSlash(audit.TilePath(0, 0, 200)))
	require.FileExists(t, partial)
	b.grow(t, 100)
	b.checkpoint(t)
	require.NoFileExists(t, partial)
	require.FileExists(t, filepath.Join(b.dir, "tile", "0", "000"))
	require.FileExists(t, filepath.Join(b.dir, "tile", "0", "001.p", "44"))
	require.FileExists(t, filepath.Join(b.dir, "tile", "1", "000.p", "1"))
	data, err := audit.Folder(b.dir).Tile(t.Context(), 0, 0, 200)
	require.NoError(t, err)
	require.Len(t, data, 200*hashSize)
	_, err = audit.ProveInclusion(t.Context(), audit.Folder(b.dir), old, 7, [32]byte(data[7*hashSize:]))
	require.NoError(t, err)
}

// A tile that was published is never overwritten by another one.
func TestPublishedTileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.grow(t, 300)
	b.checkpoint(t)
	path := filepath.Join(b.dir, "tile", "0", "001.p", "50")
	require.NoError(t, os.WriteFile(path, make([]byte, 50*hashSize), 0o600))
	b.grow(t, 6)
	_, err := b.log(t).Checkpoint(t.Context())
	require.ErrorContains(t, err, path)
	require.EqualValues(t, 300, b.published(t).Size)
}

func TestTablesAreAppendOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.grow(t, 300)
	b.checkpoint(t)
	for _, sql := range []string{
		`UPDATE ledger.log_tiles SET root = root`, `DELETE FROM ledger.log_tiles`, `TRUNCATE ledger.log_tiles`,
		`UPDATE ledger.log_checkpoints SET note = note`, `DELETE FROM ledger.log_checkpoints`, `TRUNCATE ledger.log_checkpoints`,
	} {
		_, err := b.pool.Exec(t.Context(), sql)
		require.ErrorContains(t, err, "append-only", sql)
	}
}

func BenchmarkProve(bb *testing.B) {
	b := setup(bb)
	const size = 200_000
	b.grow(bb, size)
	b.checkpoint(bb)
	prover := NewProver(NewReader(b.pool, 0, b.options.Signer.Name()), b.store)
	at := int64(0)
	for bb.Loop() {
		at = (at*7919 + 104_729) % size
		if _, err := prover.Prove(bb.Context(), at+1); err != nil {
			bb.Fatal(err)
		}
	}
}
