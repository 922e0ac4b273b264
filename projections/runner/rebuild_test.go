package runner_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/runner"
)

// ask counts the rows of a projection: one an event, so that an answer that mixes builds is seen.
func (b *bench) ask(ctx context.Context, name string) (rows int64, at checkpoint.At, err error) {
	view := checkpoint.NewView(b.Pool, name, 1)
	at, err = view.Read(ctx, 0, `SELECT count(*) AS n FROM views.`+name+`_v1`, `r.n`, nil, func(row checkpoint.Row) error { return row(&rows) })
	return rows, at, err
}

// askers ask all the time, until the returned function ends it: no answer fails, mixes builds or goes back.
func (b *bench) askers(t *testing.T, name string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all errgroup.Group
	for range 3 {
		all.Go(func() error {
			for last := int64(0); ctx.Err() == nil; {
				rows, at, err := b.ask(context.WithoutCancel(ctx), name)
				if err != nil {
					return err
				}
				if rows != at.Position || at.Position < last {
					return fmt.Errorf("%d rows at position %d after position %d", rows, at.Position, last)
				}
				last = at.Position
			}
			return nil
		})
	}
	return func() {
		t.Helper()
		cancel()
		require.NoError(t, all.Wait())
	}
}

// spoil writes a row into the live tables that is not of the log.
func (b *bench) spoil(t *testing.T, name string) {
	t.Helper()
	_, err := b.Pool.Exec(t.Context(), `INSERT INTO views.`+name+`_v1 VALUES (1000000)`)
	require.NoError(t, err)
}

func (b *bench) rows(t *testing.T, table string) (n int64) {
	t.Helper()
	require.NoError(t, b.Pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n))
	return n
}

func digest(t *testing.T, r *runner.Runner, name string, position int64) runner.Digest {
	t.Helper()
	d, err := r.Digest(t.Context(), name, position)
	require.NoError(t, err)
	return d
}

// TestBuildsAreSwitchedUnderLoad: two processes follow, events come, queries are asked, and the builds are rebuilt, rolled back and
// rebuilt again by a third process.
func TestBuildsAreSwitchedUnderLoad(t *testing.T) {
	t.Parallel()
	b := setup(t, "one", "two")
	for range 2 {
		r, _ := b.process(t, quick())
		b.start(t, r)
	}
	b.reaches(t, "one", b.grow(t, 300))
	operator, _ := b.process(t, quick())
	stopAsking := b.askers(t, "one")
	var stopped atomic.Bool
	view := checkpoint.NewView(b.Pool, "one", 1, checkpoint.WithMaxWait(patience))
	grown := make(chan struct{})
	go func() {
		defer close(grown)
		for !stopped.Load() {
			at := b.grow(t, 10)
			b.commits.Add(1)
			if !assert.NoError(t, view.WaitFor(context.WithoutCancel(t.Context()), at-50)) { // no faster than it is followed
				return
			}
		}
	}()
	for _, change := range []func(context.Context, string) error{
		operator.Rebuild, operator.Rollback, operator.Rollback, operator.Rollback, operator.Rollback, operator.Rebuild,
	} {
		before := b.commits.Load()
		require.NoError(t, change(t.Context(), "one"))
		require.Eventually(t, func() bool { return b.commits.Load() > before+3 }, patience, tick)
	}
	stopped.Store(true)
	<-grown
	b.reaches(t, "one", b.total)
	b.reaches(t, "two", b.total)
	stopAsking()
	live := b.status(t, operator, "one", runner.StateLive)
	kept := b.status(t, operator, "one", runner.StateKept)
	require.Equal(t, []int{3, 2}, []int{live.Build, kept.Build})
	require.Equal(t, live.Position, live.Rows)
	require.Equal(t, digest(t, operator, "one", 0), digest(t, operator, "one", live.Position))
	require.NoError(t, operator.Drop(t.Context(), "one", runner.Kept))
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(operator.Drop(t.Context(), "one", runner.Kept)))
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(operator.Rollback(t.Context(), "one")))
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(operator.Drop(t.Context(), "one", runner.Live)))
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(operator.Switch(t.Context(), "one")))
}

func TestABuildThatDiffersIsTakenOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	head := b.grow(t, 60)
	r := b.Runner(quick(), b.projections()...)
	require.NoError(t, r.ToEnd(t.Context()))
	clean := digest(t, r, "one", 0)
	b.spoil(t, "one")
	_, err := b.Pool.Exec(t.Context(), `DELETE FROM views.one_v1 WHERE position = 7`)
	require.NoError(t, err)
	require.NotEqual(t, clean.Sum, digest(t, r, "one", 0).Sum)

	var mismatch *runner.MismatchError
	require.ErrorAs(t, r.Rebuild(t.Context(), "one"), &mismatch)
	require.Equal(t, []runner.Difference{
		{Table: "one_v1", Key: "1000000", Kind: runner.OnlyLive}, {Table: "one_v1", Key: "7", Kind: runner.OnlyBuilt},
	}, mismatch.Differences)
	require.Equal(t, clean, mismatch.Built)
	require.ErrorContains(t, mismatch, "row 1000000 of one_v1 is in the live build only")
	require.Equal(t, head, b.rows(t, "views.one_v1"), "the live one is as it was")
	b.status(t, r, "one", runner.StateBuilding)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(r.Rollback(t.Context(), "one")))

	require.NoError(t, r.Switch(t.Context(), "one"))
	require.Equal(t, clean, digest(t, r, "one", 0))
	b.grow(t, 20)
	require.NoError(t, r.ToEnd(t.Context()))
	require.NoError(t, r.Rollback(t.Context(), "one"))
	require.Equal(t, head+20, b.rows(t, "views.one_v1"), "the old one again, with what came since, its spoilt row and its gap")
	_, at, err := b.ask(t.Context(), "one")
	require.NoError(t, err)
	require.Equal(t, head+20, at.Position)
	require.NoError(t, r.Rollback(t.Context(), "one"))
	b.reaches(t, "one", head+20)
}

// revised is a projection of a later revision.
type revised struct{ *seen }

func (revised) Revision() int { return 1 }

func TestARevisionMayDiffer(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	head := b.grow(t, 40)
	r := b.Runner(quick(), b.projections()...)
	require.NoError(t, r.ToEnd(t.Context()))
	b.spoil(t, "one")
	require.ErrorAs(t, r.Rebuild(t.Context(), "one"), new(*runner.MismatchError), "a build of the old revision, which is thrown away")
	next := b.Runner(quick(), revised{b.seen[0]})
	require.NoError(t, next.Rebuild(t.Context(), "one"))
	b.reaches(t, "one", head)
	require.Equal(t, head, b.rows(t, "views.one_v1"))
	require.Equal(t, 1, b.status(t, next, "one", runner.StateLive).Revision)
	b.spoil(t, "one")
	require.ErrorAs(t, next.Rebuild(t.Context(), "one"), new(*runner.MismatchError), "the same revision may not")
}

func TestABuildIsResumedByAnotherProcess(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	head := b.grow(t, 70)
	r, first := b.process(t, quick())
	require.NoError(t, r.ToEnd(t.Context()))
	first[0].hang()
	gate := first[0].gate
	ctx, kill := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Rebuild(ctx, "one") }()
	for range 4 {
		gate <- struct{}{}
	}
	b.advances(t, r, "one", 20)
	require.Equal(t, domain.CodeConflict, domain.CodeOf(b.Runner(quick(), b.projections()...).Drop(t.Context(), "one", runner.Building)))
	kill()
	b.kill(t) // its sessions end
	first[0].wake()
	require.Error(t, <-done)
	require.Equal(t, head, b.rows(t, "views.one_v1"))

	second, seconds := b.process(t, quick()) // the runner of another process goes on to where the build was to stop
	stop := b.start(t, second)
	b.advances(t, second, "one", head)
	require.Less(t, seconds[0].total(), int(head), "not from the beginning")
	stop()
	require.NoError(t, second.Rebuild(t.Context(), "one"))
	require.Less(t, seconds[0].total(), int(head))
	require.Equal(t, 2, b.status(t, second, "one", runner.StateLive).Build)
	b.reaches(t, "one", head)
}

// advances waits until the build that is being made has reached a position.
func (b *bench) advances(t *testing.T, r *runner.Runner, name string, position int64) {
	t.Helper()
	require.Eventually(t, func() bool {
		return b.status(t, r, name, runner.StateBuilding).Position >= position
	}, patience, tick)
}

func TestABuildThatFailsLeavesTheLiveOneAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	head := b.grow(t, 60)
	owner, _ := b.process(t, quick())
	b.start(t, owner)
	b.reaches(t, "one", head)
	stop := b.askers(t, "one")
	r := b.Runner(quick(), revised{b.seen[0]})
	b.seen[0].breaks.Store(30)
	require.ErrorIs(t, r.Rebuild(t.Context(), "one"), errBroken)
	s := b.status(t, r, "one", runner.StateFailed)
	require.Equal(t, runner.Building, s.Slot)
	require.Contains(t, s.Error, "broken on purpose")
	require.Less(t, s.Position, int64(30))
	head = b.grow(t, 20)
	b.reaches(t, "one", head)
	b.status(t, r, "one", runner.StateLive)
	require.ErrorIs(t, r.Switch(t.Context(), "one"), errBroken)
	b.seen[0].breaks.Store(0)
	require.NoError(t, r.Rebuild(t.Context(), "one"))
	stop()
	require.Equal(t, head, b.rows(t, "views.one_v1"))
}

// TestASwitchWaitsForReaders: whoever holds the tables, an audit for example, delays the switch, but nobody else for long.
func TestASwitchWaitsForReaders(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	head := b.grow(t, 30)
	r := b.Runner(quick(), b.projections()...)
	require.NoError(t, r.ToEnd(t.Context()))
	reader, err := b.pool(t).BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(t, err)
	var n int64
	require.NoError(t, reader.QueryRow(t.Context(), `SELECT count(*) FROM views.one_v1`).Scan(&n))
	done := make(chan error, 1)
	go func() { done <- r.Rebuild(t.Context(), "one") }()
	waits := `SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation = 'views.one_v1'::regclass`
	for range 2 { // two tries
		require.Eventually(t, func() bool { return b.total == head && count(t, b, waits) == 1 }, patience, tick)
		_, _, err := b.ask(t.Context(), "one")
		require.NoError(t, err)
		require.Eventually(t, func() bool { return count(t, b, waits) == 0 }, patience, tick)
	}
	require.NoError(t, reader.Commit(t.Context()))
	require.NoError(t, <-done)
	b.reaches(t, "one", head)
}

func count(t *testing.T, b *bench, query string) (n int64) {
	t.Helper()
	require.NoError(t, b.Pool.QueryRow(t.Context(), query).Scan(&n))
	return n
}

func TestVerifyComparesWithAReplay(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	r := b.Runner(quick(), b.projections()...)
	empty, err := r.Verify(t.Context(), "one")
	require.NoError(t, err)
	require.True(t, empty.Equal)
	head := b.grow(t, 50)
	require.NoError(t, r.ToEnd(t.Context()))
	good, err := r.Verify(t.Context(), "one")
	require.NoError(t, err)
	require.True(t, good.Equal)
	require.Equal(t, head, good.Built.Position)
	require.Empty(t, good.Differences)
	b.spoil(t, "one")
	bad, err := r.Verify(t.Context(), "one")
	require.NoError(t, err)
	require.False(t, bad.Equal)
	require.Equal(t, []runner.Difference{{Table: "one_v1", Key: "1000000", Kind: runner.OnlyLive}}, bad.Differences)
	_, err = r.Verify(t.Context(), "three")
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
	for _, position := range []int64{-1, head + 1} {
		_, err = r.Digest(t.Context(), "one", position)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}
	require.Equal(t, int64(20), digest(t, r, "one", 20).Tables[0].Rows)
	all, err := r.Status(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1, "nothing stays behind")
}

// TestAnotherVersionAnswersWhenItIsAsFar: a new version's own tables answer no question before they have what the old ones had.
func TestAnotherVersionAnswersWhenItIsAsFar(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	_, err := b.Pool.Exec(t.Context(), `INSERT INTO views.checkpoints (name, version, position) VALUES ('one', 7, 40)`)
	require.NoError(t, err)
	b.grow(t, 30)
	r := b.Runner(quick(), b.projections()...)
	require.NoError(t, r.ToEnd(t.Context()))
	b.status(t, r, "one", runner.StateBuilding)
	_, _, err = b.ask(t.Context(), "one")
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	b.grow(t, 10)
	require.NoError(t, r.ToEnd(t.Context()))
	rows, _, err := b.ask(t.Context(), "one")
	require.NoError(t, err)
	require.EqualValues(t, 40, rows)
	b.status(t, r, "one", runner.StateLive)
}

func TestPartitionsSettingsAndRightsAreThoseOfTheLiveBuild(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	role := fmt.Sprintf("reader_%s", b.Pool.Config().ConnConfig.Database)
	_, err := b.Pool.Exec(t.Context(), `DROP TABLE views.one_v1;
		CREATE TABLE views.one_v1 (position bigint, double bigint GENERATED ALWAYS AS (position * 2) STORED, PRIMARY KEY (position)) PARTITION BY RANGE (position);
		CREATE INDEX ON views.one_v1 (double) WITH (fillfactor = 60);
		CREATE TABLE views.one_v1_low PARTITION OF views.one_v1 FOR VALUES FROM (MINVALUE) TO (20) WITH (fillfactor = 70);
		CREATE TABLE views.one_v1_high PARTITION OF views.one_v1 DEFAULT PARTITION BY HASH (position);
		CREATE TABLE views.one_v1_all PARTITION OF views.one_v1_high FOR VALUES WITH (MODULUS 1, REMAINDER 0);
		CREATE ROLE `+role+`; GRANT SELECT ON views.one_v1 TO `+role)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := b.Pool.Exec(context.WithoutCancel(t.Context()), `DROP OWNED BY `+role+`; DROP ROLE `+role)
		require.NoError(t, err)
	})
	shape := func() (lines []string) {
		rows, err := b.Pool.Query(t.Context(), `SELECT c.relname || ' ' || c.relkind::text || ' ' || coalesce(c.relacl::text, '') || coalesce(c.reloptions::text, '') ||
			coalesce(pg_get_partkeydef(c.oid), '') || coalesce(pg_get_expr(c.relpartbound, c.oid), '') || CASE c.relkind WHEN 'i' THEN pg_get_indexdef(c.oid) ELSE '' END
			FROM pg_class c WHERE c.relnamespace = 'views'::regnamespace AND c.relname LIKE 'one%' ORDER BY 1`)
		require.NoError(t, err)
		lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return lines
	}
	before := shape()
	require.Len(t, before, 4+4+4)
	head := b.grow(t, 60)
	r := b.Runner(quick(), projected{b.seen[0]})
	require.NoError(t, r.ToEnd(t.Context()))
	old := digest(t, r, "one", 0)
	require.NoError(t, r.Rebuild(t.Context(), "one"))
	require.Equal(t, before, shape())
	require.Equal(t, old, digest(t, r, "one", 0))
	b.reaches(t, "one", head)
	require.NoError(t, r.Rollback(t.Context(), "one"))
	require.Equal(t, before, shape())

	_, err = b.Pool.Exec(t.Context(), `ALTER TABLE views.one_v1 ADD COLUMN more text`)
	require.NoError(t, err)
	require.ErrorContains(t, r.Rollback(t.Context(), "one"), "not like those of the live build any more")
	require.Equal(t, head, b.rows(t, "views.one_v1"))
}

func TestWhatCannotBeBuiltBesideIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	_, err := b.Pool.Exec(t.Context(), `CREATE TABLE views.other (position bigint PRIMARY KEY)`)
	require.NoError(t, err)
	b.grow(t, 5)
	r := b.Runner(quick(), stray{b.seen[0]})
	require.NoError(t, r.ToEnd(t.Context()))
	require.ErrorContains(t, r.Rebuild(t.Context(), "one"), `"views_building.other" does not exist`, "it writes a table that it does not name")
	require.EqualValues(t, 5, b.rows(t, "views.other"))
	require.NoError(t, r.Drop(t.Context(), "one", runner.Building))
	_, err = b.Pool.Exec(t.Context(), `ALTER TABLE views.one_v1 ADD FOREIGN KEY (position) REFERENCES views.other`)
	require.NoError(t, err)
	require.ErrorContains(t, r.Rebuild(t.Context(), "one"), "triggers or foreign keys")
	require.ErrorContains(t, b.Runner(quick(), outside{b.seen[0]}).Rebuild(t.Context(), "one"), "not in schema views")
}
