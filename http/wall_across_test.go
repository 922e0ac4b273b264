package http_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/oauth/sso"
	tenants "github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/live"
	"github.com/massrouter/massrouter/projections/usage"
)

// byOthers are tables that tell of a wallet by another row's id only, and how the owner sees whose a row is.
func byOthers() map[string]string {
	return map[string]string{
		"views.keys_spend_v1":       `SELECT count(*) FROM views.keys_spend_v1 JOIN views.keys_v1 USING (key_id) WHERE wallet_id = $1`,
		"views.generations_ends_v1": `SELECT count(*) FROM views.generations_ends_v1 JOIN views.generations_v1 USING (generation_id) WHERE wallet_id = $1`,
		"views.generations_corrections_v1": `SELECT count(*) FROM views.generations_corrections_v1 JOIN views.generations_v1 USING (generation_id)
			WHERE wallet_id = $1`,
	}
}

// TestRowsByAnotherRowsIDAreSeenWithThatRow: what keys have spent, how calls ended; asked for plainly, by a join that leaves out the owner, and by a function.
func TestRowsByAnotherRowsIDAreSeenWithThatRow(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine, theirs := b.tenant(), b.tenant()
	call, err := domain.ParseGenerationID(theirs.ids["generation_id"])
	require.NoError(t, err)
	_, err = b.pool.Exec(t.Context(), `INSERT INTO views.generations_corrections_v1
		SELECT generation_id, 1, now(), 1, 0, 0, 0, '', '', '', false, '', '' FROM views.generations_v1`)
	require.NoError(t, err)
	for table, owned := range byOthers() {
		var own, all int
		require.NoError(t, b.pool.QueryRow(t.Context(), owned, mine.ids["wallet_id"]).Scan(&own))
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&all))
		require.Positive(t, own, table)
		require.Less(t, own, all, table)
		seen := func(wallets, sql string, args ...any) (n int) {
			b.behind(wallets, func(tx pgx.Tx) { require.NoError(t, tx.QueryRow(t.Context(), sql, args...).Scan(&n), sql) })
			return n
		}
		require.Equal(t, own, seen(mine.ids["wallet_id"], `SELECT count(*) FROM `+table), table)
		require.Equal(t, all, seen(mine.ids["wallet_id"]+","+theirs.ids["wallet_id"], `SELECT count(*) FROM `+table), table)
		require.Zero(t, seen("", `SELECT count(*) FROM `+table), table)
		require.Zero(t, seen(mine.ids["wallet_id"], owned, theirs.ids["wallet_id"]), table)
		column, id := "generation_id", call.String()
		if table == "views.keys_spend_v1" {
			column, id = "key_id", theirs.ids["key_id"]
		}
		require.Zero(t, seen(mine.ids["wallet_id"], `SELECT count(*) FROM (VALUES ($1::uuid)) AS v(id) JOIN `+table+` s ON s.`+column+` = v.id`, id), table)
		require.Zero(t, seen(mine.ids["wallet_id"], `SELECT count(*) FROM unnest(xpath('//row', query_to_xml('SELECT * FROM `+table+` WHERE `+column+` = ''`+id+`''', true, false, '')))`), table)
	}
}

// TestPartitionsAreNoWayRound: nor is a name of the table's copy beside the live build.
func TestPartitionsAreNoWayRound(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine := b.tenant()
	b.get("/console/v1/usage/aggregate?wallet_id=" + mine.ids["wallet_id"] + "&metric=calls").is(200)
	tried := 0
	for _, r := range b.relations() {
		if !r.Part {
			continue
		}
		tried++
		b.behind(mine.ids["wallet_id"], func(tx pgx.Tx) {
			_, err := tx.Exec(t.Context(), `SELECT count(*) FROM `+r.Name)
			require.ErrorContains(t, err, "permission denied", r.Name)
		})
	}
	require.Positive(t, tried)
}

// TestAnApplicationThatAsksForOthersGetsNothing: every query is asked as a handler would after a mistake of the first wall: in the name of one tenant, about
// another one, or about nobody in particular. Answers that are kept for callers who ask the same stay with those whose they are.
func TestAnApplicationThatAsksForOthersGetsNothing(t *testing.T) {
	t.Parallel()
	c := consume(t)
	c.get(usagePath + "aggregate?metric=calls&dimension=wallet" + c.after).is(200)
	ctx := checkpoint.ForTenants(t.Context(), c.ids[:1])
	mine, theirs := c.ids[0], c.ids[1]
	statistics := c.api.Inference.Usage
	for range 3 { // the second time of what was kept
		for who, want := range map[uuid.UUID]int64{mine: 2, theirs: 0} {
			table, err := statistics.Aggregate(ctx, usage.Request{Filter: usage.Filter{Wallets: []uuid.UUID{who}}, Metrics: []usage.Metric{usage.Calls}})
			require.NoError(t, err)
			require.Equal(t, want, table.Total.Sums.Calls)
		}
		whole, err := statistics.Aggregate(t.Context(), usage.Request{Filter: usage.Filter{Wallets: []uuid.UUID{theirs}}, Metrics: []usage.Metric{usage.Calls}})
		require.NoError(t, err)
		require.EqualValues(t, 2, whole.Total.Sums.Calls, "an operator sees all, whatever a tenant was told before")
		by := usage.Request{Metrics: []usage.Metric{usage.Calls}, Dimensions: []usage.Dimension{usage.ByWallet}}
		table, err := statistics.Aggregate(ctx, by)
		require.NoError(t, err)
		require.Len(t, table.Rows, 1, "no filter at all")
		by.AsOfPosition = c.charges[2]
		table, err = statistics.Aggregate(ctx, by)
		require.NoError(t, err)
		require.Len(t, table.Rows, 1, "the minute that is read from the log")
		require.Equal(t, []string{mine.String()}, table.Rows[0].Keys)
		everybody, err := statistics.Aggregate(t.Context(), by)
		require.NoError(t, err)
		require.Len(t, everybody.Rows, 2)
	}
	updates := live.New(c.pool, c.store, nil, projections.All())
	_, _, err := updates.Balances(ctx, []uuid.UUID{theirs}, 0)
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
	charges, err := updates.Charges(ctx, []uuid.UUID{mine, theirs}, 0, c.charges[2], 10)
	require.NoError(t, err)
	require.Len(t, charges, 2)
	for _, charge := range charges {
		require.Equal(t, mine, charge.WalletID)
	}
	day, err := statistics.Activity(ctx, usage.ActivityRequest{WalletID: theirs, Currency: money.USD}, time.Now().AddDate(0, 0, 1))
	require.NoError(t, err)
	require.Empty(t, day.Rows)
	day, err = statistics.Activity(t.Context(), usage.ActivityRequest{WalletID: theirs, Currency: money.USD}, time.Now().AddDate(0, 0, 1))
	require.NoError(t, err)
	require.NotEmpty(t, day.Rows)
}

// TestPeopleAreReadBehindTheWall: members, invitations, and how an organisation signs in, asked for in the name of another one.
func TestPeopleAreReadBehindTheWall(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	var ids, wallets []uuid.UUID
	for _, name := range []string{"ann", "bob"} {
		who := b.person(name)
		made := b.post("/console/v1/organisations", map[string]any{"name": name}, who.header).is(201)
		b.post("/console/v1/organisations/"+made.text("id")+"/invitations", map[string]any{"email": "x@example.com", "role": "viewer"}, who.header).is(201)
		ids, wallets = append(ids, uuid.MustParse(made.text("id"))), append(wallets, uuid.MustParse(made.text("wallet_id")))
		_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.sso_domains (organisation_id, domain, token, created_at) VALUES ($1, $2, 't', now())`, ids[len(ids)-1], name+".example")
		require.NoError(t, err)
		_, err = b.pool.Exec(t.Context(), `INSERT INTO identity.sso_connections VALUES (gen_random_uuid(), $1, 'https://issuer.example', 'c', '\x00', 'viewer', false, now(), now())`, ids[len(ids)-1])
		require.NoError(t, err)
	}
	service, issuers := tenants.New(b.pool, opener{b.app}, time.Now), sso.New(b.pool, nil, nil, nil, time.Now)
	ctx := checkpoint.ForTenants(t.Context(), wallets[:1])
	for i, id := range ids {
		want := 1 - i
		members, err := service.Members(ctx, id, "", 0)
		require.NoError(t, err)
		require.Len(t, members.Items, want)
		invited, err := service.Invitations(ctx, id, "", 0)
		require.NoError(t, err)
		require.Len(t, invited.Items, want)
		signs, err := issuers.Get(ctx, id)
		require.NoError(t, err)
		require.Len(t, signs.Domains, want)
		require.Equal(t, want == 1, signs.Connection != nil)
		_, err = service.Find(ctx, uuid.New(), id)
		require.Equal(t, want == 1, err == nil)
		members, err = service.Members(t.Context(), id, "", 0)
		require.NoError(t, err)
		require.Len(t, members.Items, 1, "who may see all does")
	}
}

// TestHandlersAskBehindTheWall: a right that only the role has lost is missed by every surface that answers tenants, and by nobody else.
func TestHandlersAskBehindTheWall(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine, who := b.tenant(), b.person("ann")
	_, secret := b.key(mine.wallet, map[string]any{"name": "asks"})
	made := b.post("/console/v1/organisations", map[string]any{"name": "ann"}, who.header).is(201)
	wallet, members := "?wallet_id="+mine.ids["wallet_id"], "/console/v1/organisations/"+made.text("id")+"/members"
	asked := func(status int) {
		b.get(usagePath+"aggregate"+wallet+"&metric=calls", mine.as(tenants.Viewer)).is(status)
		b.get("/console/v1/stream"+wallet, mine.as(tenants.Viewer)).is(status)
		b.get(members, who.header).is(status)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/api/v1/credits", nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+secret)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode)
	}
	b.get(usagePath+"aggregate"+wallet+"&metric=calls", mine.as(tenants.Viewer)).is(200)
	b.get(members, who.header).is(200)
	b.asOpenRouter("/api/v1/credits", bearer(secret)).is(200)
	_, err := b.pool.Exec(t.Context(), `REVOKE SELECT ON views.usage_open_v3, views.balance_v1, identity.members FROM massrouter_tenant`)
	require.NoError(t, err)
	asked(500)
	b.get(usagePath + "aggregate" + wallet + "&metric=calls").is(200)
	b.get(mine.wallet).is(200)
	b.get(members).is(200)
}

// TestEntriesAreReadBehindTheWall: the audit trail, asked for in the name of one organisation about another, or about everybody.
func TestEntriesAreReadBehindTheWall(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine, theirs := b.tenant(), b.tenant()
	log := auditlog.New(b.pool)
	_, err := log.Seal(t.Context())
	require.NoError(t, err)
	me, them := uuid.MustParse(mine.ids["wallet_id"]), uuid.MustParse(theirs.ids["wallet_id"])
	ctx := checkpoint.ForTenants(t.Context(), []uuid.UUID{me})
	whole, err := log.List(ctx, auditlog.Filter{}, "", 200)
	require.NoError(t, err)
	require.NotEmpty(t, whole.Entries)
	for _, e := range whole.Entries {
		require.Equal(t, me, e.Wallet, "no filter at all")
		require.NotNil(t, e.Hash)
	}
	others, err := log.List(ctx, auditlog.Filter{Wallet: them}, "", 200)
	require.NoError(t, err)
	require.Empty(t, others.Entries)
	operator, err := log.List(t.Context(), auditlog.Filter{Wallet: them}, "", 200)
	require.NoError(t, err)
	require.NotEmpty(t, operator.Entries)
	var entries, links int
	b.behind(mine.ids["wallet_id"], func(tx pgx.Tx) {
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM audit.entries), (SELECT count(*) FROM audit.seals)`).Scan(&entries, &links))
	})
	require.Equal(t, []int{len(whole.Entries), len(whole.Entries)}, []int{entries, links})
	b.behind("", func(tx pgx.Tx) {
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT count(*) FROM audit.entries`).Scan(&entries))
	})
	require.Zero(t, entries)
}
