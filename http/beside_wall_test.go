package http_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/hits"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/preset"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// beside gives a tenant rows in the tables beside the ledger that a tenant of its own does not fill.
func (b *bundle) beside() tenant {
	b.t.Helper()
	o := b.tenant()
	key := b.post(o.wallet+"/vendor-keys", map[string]any{"vendor": "north", "secret": "sk-own-key-of-a-customer-7788", "label": "Ours"}).is(201) //nolint:gosec // opens nothing
	o.ids["vendor_key_id"], o.ids["content"], o.ids["hit"] = key.text("vendor_key_id"), uuid.NewString(), uuid.NewString()
	wallet := o.ids["wallet_id"]
	for _, row := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO gateway.contents (generation_id, wallet_id, key_id, state, dialect, operation, model, streamed, error, request_media, request_bytes, request_sealed,
			response_media, response_bytes, response_sealed, started_at, expires_at)
			VALUES ($1, $2, $1, 'dropped', 'chat', 'chat', 'a/b', false, '', '', 1, 0, '', 1, 0, now(), now() + interval '1 hour')`, []any{o.ids["content"], wallet}},
		{`INSERT INTO gateway.content_erasures VALUES ($1, now() - interval '1 day')`, []any{wallet}},
		{`INSERT INTO gateway.cache_hits VALUES ($1, $2, $1, $1, 'a/b', 1, false, 1, now())`, []any{o.ids["hit"], wallet}},
		{`INSERT INTO gateway.cache_hit_days VALUES ($1, $1, (now() AT TIME ZONE 'UTC')::date, 'a/b', 1, 1)`, []any{wallet}},
		{`INSERT INTO webhooks.attempts VALUES ($1, 1, now(), 5, 200, '')`, []any{o.ids["delivery_id"]}},
		{`INSERT INTO webhooks.replays (id, webhook_id, since, until, position, include_delivered, requested_at, requested_by, stepped_at)
			VALUES (gen_random_uuid(), $1, 0, 1, 0, false, now(), '', now())`, []any{o.ids["webhook_id"]}},
	} {
		_, err := b.pool.Exec(b.t.Context(), row.sql, row.args...)
		require.NoError(b.t, err, row.sql)
	}
	return o
}

// ownersBeside are the tables beside the ledger that tenants may see rows of, with whose a row t is.
func ownersBeside() map[string]string {
	const ofHook = `(SELECT w.wallet_id FROM webhooks.webhooks w WHERE w.id = t.webhook_id)`
	return map[string]string{
		"webhooks.webhooks": "t.wallet_id", "webhooks.queues": ofHook, "webhooks.secrets": ofHook, "webhooks.deliveries": ofHook, "webhooks.replays": ofHook,
		"webhooks.attempts": `(SELECT w.wallet_id FROM webhooks.deliveries d JOIN webhooks.webhooks w ON w.id = d.webhook_id WHERE d.id = t.delivery_id)`,
		"gateway.presets":   "t.wallet_id", "gateway.preset_versions": `(SELECT p.wallet_id FROM gateway.presets p WHERE p.preset_id = t.preset_id)`,
		"gateway.vendor_keys": "t.wallet_id", "gateway.contents": "t.wallet_id", "gateway.content_erasures": "t.wallet_id",
		"gateway.cache_hits": "t.wallet_id", "gateway.cache_hit_days": "t.wallet_id",
	}
}

// TestTheDatabaseKeepsWhatLiesBesideTheLedgerApart: SQL that reads across the wall gets nothing, whichever table it reads.
func TestTheDatabaseKeepsWhatLiesBesideTheLedgerApart(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine, theirs := b.beside(), b.beside()
	one := func(tx pgx.Tx, sql string, args ...any) (n int) {
		require.NoError(t, tx.QueryRow(t.Context(), sql, args...).Scan(&n), sql)
		return n
	}
	for table, owner := range ownersBeside() {
		rows := map[string]int{}
		for _, o := range []tenant{mine, theirs} {
			var n int
			require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` t WHERE `+owner+` = $1`, o.ids["wallet_id"]).Scan(&n))
			require.Positive(t, n, table)
			rows[o.ids["wallet_id"]] = n
		}
		var all int
		for wallet, n := range rows {
			all += n
			b.behind(wallet, func(tx pgx.Tx) {
				require.Equal(t, n, one(tx, `SELECT count(*) FROM `+table), table)
				require.Equal(t, n, one(tx, `SELECT count(*) FROM `+table+` t WHERE `+owner+` = $1`, wallet), table)
			})
		}
		b.behind(mine.ids["wallet_id"]+","+theirs.ids["wallet_id"], func(tx pgx.Tx) { require.Equal(t, all, one(tx, `SELECT count(*) FROM `+table), table) })
		b.behind("", func(tx pgx.Tx) { require.Zero(t, one(tx, `SELECT count(*) FROM `+table), table) })
		b.behind(uuid.NewString(), func(tx pgx.Tx) { require.Zero(t, one(tx, `SELECT count(*) FROM `+table), table) })
	}
	b.behind(mine.ids["wallet_id"], func(tx pgx.Tx) {
		for _, sql := range []string{
			`SELECT sealed FROM webhooks.secrets`, `SELECT salt FROM webhooks.secrets`, `SELECT * FROM webhooks.secrets`, `SELECT sealed FROM gateway.vendor_keys`, `SELECT v FROM gateway.vendor_keys v`,
			`SELECT count(*) FROM once.requests`, `SELECT count(*) FROM gateway.answers`, `SELECT count(*) FROM gateway.vendor_key_head`, `SELECT count(*) FROM webhooks.keys`,
			`SELECT count(*) FROM webhooks.follower`, `SELECT count(*) FROM webhooks.removed`, `UPDATE webhooks.webhooks SET url = ''`, `DELETE FROM gateway.presets`,
			`UPDATE gateway.vendor_keys SET disabled = true`, `DELETE FROM gateway.contents`, `UPDATE gateway.cache_hit_days SET hits = 0`, `DELETE FROM webhooks.deliveries`,
		} {
			nested, err := tx.Begin(t.Context())
			require.NoError(t, err)
			_, err = nested.Exec(t.Context(), sql)
			require.ErrorContains(t, err, "permission denied", sql)
			require.NoError(t, nested.Rollback(t.Context()))
		}
	})
}

// TestNoTableBesideTheLedgerIsForgotten: what the role may read has policies, and the tests above know it.
func TestNoTableBesideTheLedgerIsForgotten(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	//nolint:rowserrcheck // ForEachRow checks it
	rows, err := b.pool.Query(t.Context(), `SELECT c.oid::regclass::text, c.relrowsecurity FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('gateway', 'webhooks', 'once') AND c.relkind IN ('r', 'p', 'v', 'm')
			AND (has_table_privilege('massrouter_tenant', c.oid, 'SELECT') OR has_any_column_privilege('massrouter_tenant', c.oid, 'SELECT'))`)
	require.NoError(t, err)
	var table string
	var walled bool
	found := 0
	_, err = pgx.ForEachRow(rows, []any{&table, &walled}, func() error {
		found++
		require.True(t, walled, table)
		require.Contains(t, ownersBeside(), table)
		return nil
	})
	require.NoError(t, err)
	require.Len(t, ownersBeside(), found)
}

// TestReadsBesideTheLedgerAreBehindTheWall: even a room that is asked for what is another tenant's has nothing of it, and the connection that it asked
// on is as before.
func TestReadsBesideTheLedgerAreBehindTheWall(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine, theirs := b.beside(), b.beside()
	hooks := newHooks(t, b.pool, b.store, balance.NewQuery(b.pool))
	presets, keys := preset.New(b.pool, nil), ownkey.New(b.pool, nil, nil, nil)
	stored, seen := content.New(b.pool, nil), hits.New(b.pool)
	tenant := checkpoint.ForTenants(t.Context(), []uuid.UUID{uuid.MustParse(mine.ids["wallet_id"])})
	asks := map[string]func(ctx context.Context, of func(string) uuid.UUID) (int, error){
		"a preset": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			_, err := presets.Preset(ctx, of("preset_id"))
			return 1, err
		},
		"a version": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			_, err := presets.Version(ctx, of("preset_id"), 1)
			return 1, err
		},
		"presets": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			all, err := presets.ByWallet(ctx, of("wallet_id"))
			return len(all), err
		},
		"a vendor key": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			_, err := keys.Key(ctx, of("wallet_id"), of("vendor_key_id"))
			return 1, err
		},
		"vendor keys": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			all, err := keys.ByWallet(ctx, of("wallet_id"))
			return len(all), err
		},
		"a content": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			_, err := stored.Get(ctx, of("content"), nil)
			return 1, err
		},
		"a hit": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			_, err := seen.Find(ctx, of("hit"), of("wallet_id"))
			return 1, err
		},
		"hits": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			all, err := seen.Days(ctx, of("wallet_id"), time.Now().AddDate(0, 0, -2), time.Now().AddDate(0, 0, 2))
			return len(all), err
		},
		"a webhook": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			_, err := hooks.Webhook(ctx, of("webhook_id"))
			return 1, err
		},
		"webhooks": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			all, err := hooks.Webhooks(ctx, of("wallet_id"))
			return len(all), err
		},
		"deliveries": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			page, err := hooks.Deliveries(ctx, of("webhook_id"), webhook.DeliveriesRequest{})
			return len(page.Deliveries), err
		},
		"a delivery": func(ctx context.Context, of func(string) uuid.UUID) (int, error) {
			d, err := hooks.Delivery(ctx, of("webhook_id"), of("delivery_id"))
			return len(d.Tried), err
		},
	}
	own := func(name string) uuid.UUID { return uuid.MustParse(mine.ids[name]) }
	foreign := func(name string) uuid.UUID { return uuid.MustParse(theirs.ids[name]) }
	for name, ask := range asks {
		for range 4 { // in turns, on the connections of one pool
			for _, row := range []struct {
				ctx context.Context
				of  func(string) uuid.UUID
			}{{tenant, own}, {t.Context(), own}, {t.Context(), foreign}} {
				found, err := ask(row.ctx, row.of)
				require.NoError(t, err, name)
				require.Equal(t, 1, found, name)
			}
			found, err := ask(tenant, foreign)
			if err == nil {
				require.Zero(t, found, name)
				continue
			}
			require.True(t, problem.Missing(domain.CodeOf(err)), "%s: %v", name, err)
		}
	}
}

// TestTheConsoleReadsBesideTheLedgerBehindTheWall: requests of tenants need the role's rights, those of operators do not.
func TestTheConsoleReadsBesideTheLedgerBehindTheWall(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	o := b.beside()
	hook := "/console/v1/webhooks/" + o.ids["webhook_id"]
	for path, table := range map[string]string{
		o.wallet + "/presets": "gateway.presets", "/console/v1/presets/" + o.ids["preset_id"] + "/versions/1": "gateway.preset_versions",
		o.wallet + "/cache-hits": "gateway.cache_hit_days", o.wallet + "/webhooks": "webhooks.webhooks", hook: "webhooks.queues",
		hook + "/deliveries": "webhooks.deliveries", hook + "/deliveries/" + o.ids["delivery_id"]: "webhooks.attempts",
	} {
		b.get(path, o.as(organisation.Owner)).is(200)
		_, err := b.pool.Exec(t.Context(), `REVOKE SELECT ON `+table+` FROM massrouter_tenant`)
		require.NoError(t, err)
		require.Contains(t, []int{500, 503}, b.get(path, o.as(organisation.Owner)).status, path)
		b.get(path).is(200)
		_, err = b.pool.Exec(t.Context(), `GRANT SELECT ON `+table+` TO massrouter_tenant`)
		require.NoError(t, err)
	}
}
