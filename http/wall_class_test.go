package http_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// classes says of every table what a query of a tenant sees of it. A new table fails the test until somebody has decided.
func classes() map[string][]string {
	return map[string][]string{
		// The rows of the wallets named in the transaction.
		"tenant": {
			"views.balance_v1", "views.journal_entries_v2", "views.apps_v1",
			"views.keys_v1", "views.keys_spend_v1", "views.keys_wallets_v1", "views.keys_members_v1",
			"views.generations_v1", "views.generations_ends_v1", "views.generations_corrections_v1",
			"views.usage_open_v3", "views.usage_minute_v3", "views.usage_quarter_hour_v3", "views.usage_day_v3", "views.usage_month_v3",
			"views.usage_errors_minute_v3", "views.usage_errors_quarter_hour_v3", "views.usage_errors_day_v3", "views.usage_errors_month_v3",
			"views.usage_keys_day_v3", "views.usage_keys_month_v3",
			"identity.organisations", "identity.members", "identity.invitations", "identity.users", "identity.sso_connections", "identity.sso_domains",
			"webhooks.webhooks", "webhooks.secrets", "webhooks.queues", "webhooks.deliveries", "webhooks.attempts", "webhooks.replays",
			"audit.entries", "audit.seals", "gateway.presets", "gateway.preset_versions", "gateway.vendor_keys", "gateway.contents", "gateway.content_erasures", "gateway.cache_hits", "gateway.cache_hit_days",
		},
		// Everything, and nothing in it is anybody's: positions and times.
		"public": {"views.checkpoints", "views.usage_minutes_v3", "views.journal_stretches_v2"},
		// Nothing: what is one person's is read by that person's id, in a room of its own.
		"personal": {
			"identity.sessions", "identity.refresh_tokens", "identity.mails", "identity.links", "identity.sign_ups", "identity.sign_up_links", "identity.totp", "identity.recovery_codes", "identity.challenges",
			"identity.passkeys", "identity.ceremonies", "identity.external_identities", "identity.former_emails", "identity.oauth_flows", "identity.oauth_pending", "identity.app_codes",
			"identity.approvals", "identity.moved_alone", "identity.phones", "identity.phone_codes", "identity.messages", "identity.message_counts", "identity.factor_networks",
		},
		// Nothing: the platform's own, or what is shown to everybody by queries that run for nobody.
		"platform": {
			"public.schema_migrations", "identity.signing_keys", "identity.platform_grants", "identity.logout_tokens", "identity.sso_removed", "identity.departures", "identity.mail_follower", "identity.mail_keys",
			"ledger.*", "relay.*", "audit.unsealed", "audit.head", "audit.signed_heads", "once.*", "views_building.*", "views_kept.*", "gateway.answers", "gateway.vendor_key_head",
			"webhooks.follower", "webhooks.keys", "webhooks.removed", "views.catalog_publications_v1", "views.reviews_v1", "views.journal_balances_v2",
			"views.rankings_hour_v1", "views.rankings_day_v1", "views.rankings_month_v1", "views.rankings_all_v1", "views.rankings_rows_v1",
			"views.rankings_wallets_v1", "views.rankings_apps_v1", "views.rankings_hours_v1", "views.rankings_clock_v1",
		},
	}
}

// relation is a table, as its policies and rights are.
type relation struct {
	Name     string
	Kind     string // r, p; v and m are views, which have no policies of their own
	Part     bool   // a partition: nobody behind the wall asks it
	Secured  bool
	Policies int  // permissive ones for tenants
	Reads    bool // some column at least
	Writes   bool
}

func (b *bundle) relations() []relation {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `SELECT format('%s.%s', n.nspname, c.relname), c.relkind::text, c.relispartition, c.relrowsecurity,
		(SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive)::int,
		has_any_column_privilege('massrouter_tenant', c.oid, 'SELECT'),
		has_any_column_privilege('massrouter_tenant', c.oid, 'INSERT, UPDATE') OR has_table_privilege('massrouter_tenant', c.oid, 'DELETE, TRUNCATE, TRIGGER')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_t%' ORDER BY 1`)
	require.NoError(b.t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[relation])
	require.NoError(b.t, err)
	return all
}

func classOf(name string) (found []string) {
	schema, _, _ := strings.Cut(name, ".")
	for class, tables := range classes() {
		for _, t := range tables {
			if t == name || t == schema+".*" {
				found = append(found, class)
			}
		}
	}
	return found
}

// TestEveryTableHasItsPlaceBeforeOrBehindTheWall: and its policies and rights are those of its class.
func TestEveryTableHasItsPlaceBeforeOrBehindTheWall(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	b.tenant() // makes partitions
	known, parts := map[string]bool{}, 0
	for _, r := range b.relations() {
		require.False(t, r.Writes, "%s: the role only reads", r.Name)
		if r.Part {
			parts++
			require.False(t, r.Reads, "%s: a partition is asked by its table, whose policy holds", r.Name)
			continue
		}
		known[r.Name] = true
		require.Contains(t, []string{"r", "p"}, r.Kind, "%s: a view reads as its owner, round every policy", r.Name)
		class := classOf(r.Name)
		require.Len(t, class, 1, "%s needs one class: say in classes what a query of a tenant sees of it", r.Name)
		switch class[0] {
		case "tenant":
			require.True(t, r.Secured && r.Policies == 1 && r.Reads, "%+v", r)
		case "public":
			require.True(t, r.Reads, "%+v", r)
		default:
			require.False(t, r.Reads, "%+v", r)
		}
	}
	require.Positive(t, parts)
	for class, tables := range classes() {
		for _, table := range tables {
			require.True(t, strings.HasSuffix(table, "*") || known[table], "%s (%s) is no table any more", table, class)
		}
	}
	var definers []string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT coalesce(array_agg(p.oid::regprocedure::text), '{}') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')`).Scan(&definers))
	require.Empty(t, definers, "a function that runs as its owner leads round the wall")
}
