package http_test

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/http/audited"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// notesIn writes the entries of a log in memory to the database, as the log in Postgres does in the transaction of its events.
func notesIn(t *testing.T, pool *pgxpool.Pool) func([]eventstore.Note) error {
	t.Helper()
	return func(notes []eventstore.Note) error {
		bodies, personals := make([]string, len(notes)), make([]string, len(notes))
		for i, n := range notes {
			bodies[i], personals[i] = string(n.Body), string(n.Personal)
		}
		_, err := pool.Exec(context.WithoutCancel(t.Context()), `SELECT audit.record($1, $2)`, bodies, personals)
		return err
	}
}

// trailed says that every operation that changes something has left the entry of a change, which is in the transaction of the change: what a room forgets
// to tell would only be an entry of something that changed nothing. And the chain holds.
func (b *bundle) trailed() {
	t := b.t
	t.Helper()
	rows, err := b.pool.Query(t.Context(), `SELECT DISTINCT action, result FROM audit.entries`)
	require.NoError(t, err)
	type left struct{ Action, Result string }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[left])
	require.NoError(t, err)
	changing, silent := 0, []string{}
	for _, o := range auth.Operations() {
		if !audited.Mutates(o) || audited.Routine(o.ID) {
			continue
		}
		changing++
		if o.ID == "FinishOAuthByForm" {
			continue // is FinishOAuth, for services that send forms
		}
		if !slices.Contains(all, left{o.ID, string(trail.Done)}) {
			silent = append(silent, o.ID)
		}
	}
	require.Empty(t, silent, "these change something and tell nobody: call auditlog.Record in their transactions")
	require.Greater(t, changing, 40)
	log := auditlog.New(b.pool)
	_, err = log.Seal(t.Context())
	require.NoError(t, err)
	_, err = auditlog.Verify(t.Context(), b.pool, nil, func(f auditlog.Finding) { t.Errorf("%s: %s", f.Code, f.Message) })
	require.NoError(t, err)
}
