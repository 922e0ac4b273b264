package auditlog_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// bench is a trail in a database of its own.
type bench struct {
	*auditlog.Log
	pool *pgxpool.Pool
}

func setup(t *testing.T) *bench {
	t.Helper()
	pool := pgtest.New(t)
	return &bench{Log: auditlog.New(pool), pool: pool}
}

// by is a context of a request by somebody.
func by(ctx context.Context, person uuid.UUID, address string) context.Context {
	return trail.With(ctx, trail.NewScope(trail.Who{
		Actor: trail.Of("user", person), Role: "owner", Person: person, Operation: "SetMemberRole", Request: uuid.New(), Address: address, UserAgent: "a browser",
	}))
}

// fill writes so many entries, each in a transaction of its own, and chains them.
func (b *bench) fill(t *testing.T, n int) (people []uuid.UUID) {
	t.Helper()
	for i := range n {
		person := uuid.New()
		people = append(people, person)
		err := pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
			return auditlog.Record(by(t.Context(), person, fmt.Sprintf("192.0.2.%d", i)), tx, trail.Change{
				Target: trail.Of("member", uuid.New()), Wallet: uuid.New(), Organisation: uuid.New(), Command: uuid.New(),
				Before: map[string]string{"role": "viewer"}, After: map[string]string{"role": "admin"},
			})
		})
		require.NoError(t, err)
	}
	made, err := b.Seal(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, n, made)
	return people
}

// verify is what is wrong.
func (b *bench) verify(t *testing.T) (auditlog.Summary, []auditlog.Finding) {
	t.Helper()
	var all []auditlog.Finding
	summary, err := auditlog.Verify(t.Context(), b.pool, nil, func(f auditlog.Finding) { all = append(all, f) })
	require.NoError(t, err)
	return summary, all
}

// tamper changes rows as somebody does who may do everything.
func (b *bench) tamper(t *testing.T, sql string, args ...any) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		tag, err := tx.Exec(t.Context(), sql, args...)
		require.NoError(t, err, sql)
		require.Positive(t, tag.RowsAffected(), sql)
		return err
	})
	require.NoError(t, err, sql)
}
