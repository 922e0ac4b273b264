package http_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/generations"
)

// behind runs queries as the database shows things to tenants.
func (b *bundle) behind(tenants string, ask func(pgx.Tx)) {
	b.t.Helper()
	tx, err := b.pool.Begin(b.t.Context())
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, tx.Rollback(context.WithoutCancel(b.t.Context()))) }()
	if tenants != "" {
		_, err = tx.Exec(b.t.Context(), `SELECT set_config('massrouter.tenant', $1, true)`, tenants)
		require.NoError(b.t, err)
	}
	_, err = tx.Exec(b.t.Context(), `SET LOCAL ROLE massrouter_tenant`)
	require.NoError(b.t, err)
	ask(tx)
}

// ownedTables are all tables of the read side that have a wallet's rows and are asked for tenants, but for partitions.
func (b *bundle) ownedTables() []string {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'wallet_id'
		WHERE c.relnamespace = 'views'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND has_table_privilege('massrouter_tenant', c.oid, 'SELECT') ORDER BY 1`)
	require.NoError(b.t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.t, err)
	return all
}

// TestTheDatabaseKeepsTenantsApart: SQL that reads across the wall gets nothing.
func TestTheDatabaseKeepsTenantsApart(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine, theirs := b.tenant(), b.tenant()
	one := func(tx pgx.Tx, sql string, args ...any) (n int) {
		require.NoError(t, tx.QueryRow(t.Context(), sql, args...).Scan(&n), sql)
		return n
	}
	tables := b.ownedTables()
	require.Greater(t, len(tables), 15)
	seen := 0
	for _, table := range tables {
		b.behind(mine.ids["wallet_id"], func(tx pgx.Tx) {
			require.Zero(t, one(tx, `SELECT count(*) FROM `+table+` WHERE wallet_id <> $1`, mine.ids["wallet_id"]), table)
			require.Zero(t, one(tx, `SELECT count(*) FROM `+table+` WHERE wallet_id = $1`, theirs.ids["wallet_id"]), table)
			seen += one(tx, `SELECT count(*) FROM `+table)
		})
		b.behind("", func(tx pgx.Tx) { require.Zero(t, one(tx, `SELECT count(*) FROM `+table), table) })
		b.behind(mine.ids["wallet_id"]+","+theirs.ids["wallet_id"], func(tx pgx.Tx) {
			var all int
			require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE wallet_id IN ($1, $2)`, mine.ids["wallet_id"], theirs.ids["wallet_id"]).Scan(&all))
			require.Equal(t, all, one(tx, `SELECT count(*) FROM `+table), table)
		})
	}
	require.Greater(t, seen, 5)
	b.behind(mine.ids["wallet_id"], func(tx pgx.Tx) {
		for _, sql := range []string{
			`SELECT count(*) FROM ledger.events`, `SELECT count(*) FROM identity.sessions`, `SELECT count(*) FROM identity.platform_grants`,
			`SELECT count(password) FROM identity.users`, `SELECT count(client_secret) FROM identity.sso_connections`, `SELECT sum(balance) FROM views.journal_stretches_v2`,
			`SELECT count(*) FROM views.rankings_all_v1`, `SELECT count(*) FROM audit.head`, `UPDATE audit.entries SET personal = NULL`, `SELECT count(*) FROM identity.approvals`, `UPDATE views.balance_v1 SET posted = 0`, `INSERT INTO identity.members DEFAULT VALUES`,
		} {
			nested, err := tx.Begin(t.Context())
			require.NoError(t, err)
			_, err = nested.Exec(t.Context(), sql)
			require.ErrorContains(t, err, "permission denied", sql)
			require.NoError(t, nested.Rollback(t.Context()))
		}
	})
}

// TestPeopleOfOtherOrganisationsAreHidden: members, their names and invitations.
func TestPeopleOfOtherOrganisationsAreHidden(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	var wallets []string
	for _, name := range []string{"ann", "bob"} {
		who := b.person(name)
		made := b.post("/console/v1/organisations", map[string]any{"name": name}, who.header).is(201)
		b.post("/console/v1/organisations/"+made.text("id")+"/invitations", map[string]any{"email": "x@example.com", "role": "viewer"}, who.header).is(201)
		wallets = append(wallets, made.text("wallet_id"))
	}
	for _, table := range []string{"organisations", "members", "invitations", "users"} {
		b.behind(wallets[0], func(tx pgx.Tx) {
			var n int
			column := map[string]string{"users": "user_id"}[table]
			if column == "" {
				column = "organisation_id"
			}
			require.NoError(t, tx.QueryRow(t.Context(), `SELECT count(`+column+`) FROM identity.`+table).Scan(&n))
			require.Equal(t, 1, n, table)
		})
		b.behind("", func(tx pgx.Tx) {
			var n int
			require.NoError(t, tx.QueryRow(t.Context(), `SELECT count(*) FROM (SELECT `+map[bool]string{true: "user_id", false: "organisation_id"}[table == "users"]+` FROM identity.`+table+`) x`).Scan(&n))
			require.Zero(t, n, table)
		})
	}
}

// TestQueriesOfTenantsAreBehindTheWall: even a query that forgets whose it is sees nothing else, and the connection that it ran on is as before.
func TestQueriesOfTenantsAreBehindTheWall(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine, theirs := b.tenant(), b.tenant()
	ctx := checkpoint.ForTenants(t.Context(), []uuid.UUID{uuid.MustParse(mine.ids["wallet_id"])})
	calls, balances := generations.NewQuery(b.pool), balance.NewQuery(b.pool)
	for range 20 { // on every connection of the pool
		all, err := calls.List(ctx, generations.Request{})
		require.NoError(t, err)
		require.Len(t, all.Generations, 2)
		_, err = balances.Wallet(ctx, uuid.MustParse(theirs.ids["wallet_id"]), 0)
		require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
		everything, err := calls.List(t.Context(), generations.Request{})
		require.NoError(t, err)
		require.Len(t, everything.Generations, 4)
	}
	// The handlers' own requests are made so.
	b.get("/console/v1/generations?wallet_id="+mine.ids["wallet_id"], mine.as(organisation.Viewer)).is(200)
	_, err := b.pool.Exec(t.Context(), `REVOKE SELECT ON views.generations_v1 FROM massrouter_tenant`)
	require.NoError(t, err)
	b.get("/console/v1/generations?wallet_id="+mine.ids["wallet_id"], mine.as(organisation.Viewer)).is(500)
	b.get("/console/v1/generations?wallet_id=" + mine.ids["wallet_id"]).is(200)
}
