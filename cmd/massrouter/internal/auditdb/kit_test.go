package auditdb_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/auditdb"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/eventstore/translog"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/runner"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// bundle is a ledger in a database of its own, with all read models at its end.
type bundle struct {
	pool     *pgxpool.Pool
	store    *postgres.Store
	ledger   *ledgertest.Ledger
	story    ledgertest.Story
	registry *domain.Registry
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := empty(t)
	b.story = b.ledger.Tell(t.Context())
	b.ledger.TellCorrections(t.Context(), b.story)
	b.ledger.TellOwnKeys(t.Context())
	b.project(t)
	return b
}

func empty(t *testing.T) *bundle {
	t.Helper()
	config, err := pgxpool.ParseConfig(pgtest.URL(t))
	require.NoError(t, err)
	config.MaxConns = 2 * auditdb.Connections // a service may run beside the audit
	b := &bundle{}
	b.pool, err = pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(b.pool.Close)
	clock := ledgertest.NewClock()
	b.store, err = postgres.Open(t.Context(), b.pool, postgres.Options{Clock: clock.At})
	require.NoError(t, err)
	t.Cleanup(b.store.Close)
	b.registry, err = commands.Registry()
	require.NoError(t, err)
	b.ledger = ledgertest.New(t, b.store, clock)
	return b
}

// project runs the read models with these names, or all, to the end of the log.
func (b *bundle) project(t *testing.T, names ...string) {
	t.Helper()
	r := runner.New(b.store, b.pool, b.registry, projections.All(), runner.Options{BatchSize: 7})
	require.NoError(t, r.ToEnd(t.Context(), names...))
}

// sign makes a checkpoint of the transparency log.
func (b *bundle) sign(t *testing.T) {
	t.Helper()
	private, _, err := translog.GenerateKey("auditdb.test/log")
	require.NoError(t, err)
	signer, _, verifier, err := translog.ParseKey(private)
	require.NoError(t, err)
	log, err := translog.New(b.pool, b.store, translog.Options{Signer: signer, Verifier: verifier})
	require.NoError(t, err)
	_, err = log.Checkpoint(t.Context())
	require.NoError(t, err)
}

// calls places and settles so many holds, some of them at the same time.
func (b *bundle) calls(t *testing.T, n int) {
	t.Helper()
	var all errgroup.Group
	all.SetLimit(16)
	for range n {
		all.Go(func() error {
			hold := b.ledger.Place(t.Context(), b.story.Rich, ledgertest.Small, 10, 10, time.Minute)
			b.ledger.Settle(t.Context(), b.story.Rich, hold, ledgertest.Small, usage.Usage{usage.Input: 1})
			return nil
		})
	}
	require.NoError(t, all.Wait())
}

func (b *bundle) verify(t *testing.T) *auditdb.Result {
	t.Helper()
	r, err := auditdb.Verify(t.Context(), b.pool, auditdb.Options{Registry: b.registry})
	require.NoError(t, err)
	require.Equal(t, r.Log.FindingCount == 0, r.OK)
	require.True(t, r.OK || r.Passes == 2)
	return r
}

// clean wants no finding.
func (b *bundle) clean(t *testing.T) *auditdb.Result {
	t.Helper()
	r := b.verify(t)
	require.Empty(t, r.Log.Findings)
	require.True(t, r.OK)
	require.Equal(t, 1, r.Passes, "the large tables agree as a whole")
	return r
}

// tamper changes one row as a superuser who stops the triggers.
func (b *bundle) tamper(t *testing.T, statement string, args ...any) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		tag, err := tx.Exec(t.Context(), statement, args...)
		require.EqualValues(t, 1, tag.RowsAffected(), "%s: %v", statement, err)
		return err
	})
	require.NoError(t, err, statement)
}

// ask reads one value.
func ask[T any](t *testing.T, b *bundle, query string, args ...any) T {
	t.Helper()
	var v T
	require.NoError(t, b.pool.QueryRow(context.WithoutCancel(t.Context()), query, args...).Scan(&v))
	return v
}

// found says whether there is a finding of a code about a place.
func found(r *auditdb.Result, code audit.Code, where string) bool {
	for _, f := range r.Log.Findings {
		if f.Code == code && strings.HasPrefix(f.Where, where) {
			return true
		}
	}
	return false
}
