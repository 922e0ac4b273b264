package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/eventstore/translog"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// What a command does to what is audited.
const (
	reads    = "reads, or writes files and to others only"
	runs     = "runs the service, or a service of its own to try it"
	asks     = "reads through the API"
	operates = "changes through the API, which leaves the entry"
	imports  = "changes many things through the API, which leaves an entry of each"
)

// classes says of every command what it does to what is audited; of one that changes the database by itself, the action of the entry that it leaves.
func classes() map[string]string {
	return map[string]string{
		"dev": runs, "serve": runs, "work": runs, "sim": runs,
		"bench auth": runs, "bench gateway": runs, "bench ledger": runs, "bench proxy": runs, "bench queries": runs, "bench replay": runs,

		"wallet open": operates, "wallet credit": operates, "wallet show": asks, "wallet limits": operates, "wallet price-group": operates, "wallet terms": asks,
		"wallet cache-hits":   asks,
		"charges review list": asks, "charges review accept": operates, "charges review correct": operates,
		"key issue": operates, "key list": asks, "key show": asks, "key update": operates, "key rotate": operates, "key disable": operates, "key enable": operates,
		"key bind-app": operates, "key member": operates, "key revoke": operates,
		"app register": operates, "app update": operates, "app archive": operates, "app list": asks, "app show": asks,
		"preset create": operates, "preset list": asks, "preset show": asks, "preset archive": operates, "preset erase": operates,
		"content settings": operates, "content show": asks, "content erase": operates, "content erase-all": operates,
		"vendor-key add": operates, "vendor-key list": asks, "vendor-key show": asks, "vendor-key update": operates, "vendor-key remove": operates,
		"webhook add": operates, "webhook update": operates, "webhook rotate": operates, "webhook remove": operates, "webhook keygen": reads, "webhook list": asks,
		"webhook show": asks, "webhook deliveries": asks, "webhook ping": operates, "webhook replay": operates,
		"vendor publish": operates, "model publish": operates, "model offer": operates, "price publish": operates, "catalog import": imports, "catalog derive": imports,
		"people grant": operates, "people list": asks, "people revoke": operates,

		"migrate up": "migrate.up", "migrate down": "migrate.down", "migrate status": reads,
		"secrets init": reads, "secrets status": reads, "secrets rotate": "secrets.rotate", "secrets prune": "secrets.prune",
		"tokens keys": reads, "tokens rotate": "tokens.rotate",
		"mail failed": reads, "mail retry": "mail.retry",
		"events tail":      reads,
		"projections list": reads, "projections digest": reads, "projections verify": reads, "projections rebuild": "projections.rebuild",
		"projections switch": "projections.switch", "projections rollback": "projections.rollback", "projections drop": "projections.drop",
		"audit verify": reads, "audit keygen": reads, "audit verify-receipt": reads, "audit verify-tiles": reads, "audit witness": reads,
		"audit checkpoint": "audit.checkpoint", "audit prove": "audit.checkpoint",
		"audit trail list": asks, "audit trail export": asks, "audit trail verify": reads,
		"export events": reads, "export journal": reads, "export kafka": reads,
		"relay status": reads, "relay tail": reads, "relay seek": "relay.seek",
		"docs config": reads,
	}
}

// TestEveryCommandIsKnownToTheTrail: a new command has to be in the table, and what it says has to fit the command's flags: what changes through the API sends an
// idempotency key, and what changes the database by itself asks why.
func TestEveryCommandIsKnownToTheTrail(t *testing.T) {
	t.Parallel()
	known := classes()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if subs := c.Commands(); len(subs) > 0 {
			for _, sub := range subs {
				walk(sub)
			}
			return
		}
		path := strings.TrimPrefix(c.CommandPath(), "massrouter ")
		class, ok := known[path]
		delete(known, path)
		has := func(flag string) bool { return c.Flags().Lookup(flag) != nil }
		switch {
		case !ok:
			t.Errorf("%q is in no class: does it change anything?", path)
		case class == asks || class == operates:
			require.True(t, has("server"), path)
			require.Equal(t, class == operates, has("idempotency-key"), path)
		case class == imports:
			require.True(t, has("server") && has("dry-run"), path)
		case class == reads || class == runs:
			require.False(t, has("server"), path)
			require.NotContains(t, c.Long, deedHelp, path)
		case class != "audit.checkpoint": // what the service signs every second is signed once more
			require.False(t, has("server"), path)
			require.True(t, has("reason"), path)
			require.Contains(t, c.Long, deedHelp, path)
		}
	}
	walk(newRootCommand(shell{}))
	require.Empty(t, known, "there are no such commands")
}

// entriesOf are the entries of what commands have done to a database, the oldest first.
func entriesOf(t *testing.T, url string) (all []auditlog.Entry) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	rows, err := conn.Query(t.Context(), `SELECT body::text, personal FROM audit.entries WHERE actor = $1 ORDER BY entry_id`, commandActor)
	require.NoError(t, err)
	all, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (e auditlog.Entry, err error) {
		var body, personal string
		if err := r.Scan(&body, &personal); err != nil {
			return e, err
		}
		if err := json.Unmarshal([]byte(body), &e.Body); err != nil {
			return e, err
		}
		e.Personal = &trail.Personal{}
		return e, json.Unmarshal([]byte(personal), e.Personal)
	})
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	return all
}

// TestWhatCommandsDoToTheDatabaseIsInTheTrail runs every command that changes it by itself: who, as what, why, what, and how it ended. The trail verifies.
func TestWhatCommandsDoToTheDatabaseIsInTheTrail(t *testing.T) {
	t.Parallel()
	url, dir := pgtest.URL(t), t.TempDir()
	keyset := filepath.Join(dir, "keyset.json")
	do(t, nil, "secrets", "init", keyset)
	private, _, err := translog.GenerateKey("ledger.example/commands")
	require.NoError(t, err)
	environ := []string{"DATABASE_URL=" + url, "MASSROUTER_SECRETS_KEYSET_FILE=" + keyset, "MASSROUTER_LOG_KEY=" + private}
	s := serve(t, url, func(c *config.Config) { c.Bus.BusURL = config.NewSecret("memory:") })
	s.open("1")
	const relay = "memory:massrouter.events"
	require.Eventually(t, func() bool {
		return strings.Contains(call(t.Context(), environ, "relay", "status").out, relay+" ")
	}, patience, tick)
	done := map[string]bool{}
	check := func(code int, target string, results []string, args ...string) {
		t.Helper()
		before := len(entriesOf(t, url))
		class := classes()[strings.Join(args[:2], " ")]
		c := call(t.Context(), environ, append(args, "--reason", "ticket 4711")...)
		require.Equal(t, code, c.code, "%v\n%s%s", args, c.out, c.err)
		var told []string
		for _, e := range entriesOf(t, url)[before:] {
			require.Equal(t, []string{commandActor, "operator", "ticket 4711"}, []string{e.Actor, e.Role, e.Reason})
			require.Contains(t, e.Target, target)
			require.Contains(t, e.Personal.UserAgent, " as "+commander())
			told = append(told, strings.TrimPrefix(e.Action, class)+" "+string(e.Result))
		}
		require.Equal(t, results, told, "%v", args)
		done[class] = true
	}
	both := []string{".begun done", " done"}
	check(exitOK, "signing-key:", []string{" done"}, "tokens", "rotate")
	check(exitFailure, "", nil, "tokens", "rotate") // one waits already: nothing was changed
	check(exitOK, keysetTarget, both, "secrets", "rotate")
	check(exitOK, keysetTarget, both, "secrets", "rotate", "--resume")
	check(exitOK, "", nil, "secrets", "rotate", "--dry-run")
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(keyset, old, old))
	check(exitOK, keysetTarget, both, "secrets", "prune")
	check(exitOK, relay, both, "relay", "seek", relay, "1")
	check(exitFailure, relay, []string{".begun done", " refused"}, "relay", "seek", relay, "99")
	check(exitOK, "projection:balance", both, "projections", "rebuild", "balance")
	check(exitOK, "projection:balance", both, "projections", "rollback", "balance")
	check(exitOK, "projection:balance", both, "projections", "drop", "balance")
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `UPDATE views.balance_v1 SET credited_total = credited_total + 1`)
	require.NoError(t, err)
	var mails [3]string
	for i := range mails {
		err = conn.QueryRow(t.Context(), `INSERT INTO identity.mails (mail_id, recipient, kind, language, details, created_at, due_at, attempts, failed_at, error)
			VALUES (gen_random_uuid(), $1, 'password_changed', 'en', '{}', now(), now(), 9, now(), 'mailbox full') RETURNING mail_id`, fmt.Sprintf("m%d@example.com", i)).Scan(&mails[i])
		require.NoError(t, err)
	}
	require.Regexp(t, mails[2]+` +password_changed .* 9 +m2@example\.com +mailbox full`, do(t, environ, "mail", "failed"))
	check(exitOK, "mail:"+mails[0], []string{" done"}, "mail", "retry", mails[0])
	check(exitFailure, "", nil, "mail", "retry", mails[0])
	check(exitOK, "", []string{" done"}, "mail", "retry", "--all")
	check(exitOK, "", nil, "mail", "retry", "--all")
	require.NotContains(t, do(t, environ, "mail", "failed", "--json"), "example.com")
	for _, wrong := range [][]string{{"retry"}, {"retry", "x"}, {"retry", mails[0], "--all"}, {"failed", "--limit", "0"}} {
		require.Equal(t, exitUsage, call(t.Context(), environ, append([]string{"mail"}, wrong...)...).code, "%v", wrong)
	}
	require.NoError(t, conn.Close(t.Context()))
	check(exitFailure, "projection:balance", []string{".begun done", " failed"}, "projections", "rebuild", "balance")
	check(exitOK, "projection:balance", both, "projections", "switch", "balance")
	require.Contains(t, do(t, environ, "audit", "checkpoint"), "ledger.example/commands")
	last := entriesOf(t, url)
	require.Equal(t, []string{"audit.checkpoint", "log:ledger.example/commands"}, []string{last[len(last)-1].Action, last[len(last)-1].Target})
	do(t, environ, "audit", "checkpoint")
	require.Len(t, entriesOf(t, url), len(last), "there is nothing to sign")
	done["audit.checkpoint"] = true
	require.NoError(t, s.stop())

	check(exitOK, "", nil, "migrate", "up")
	check(exitOK, schemaTarget, both, "migrate", "down", "--yes-lose-data")
	check(exitOK, schemaTarget, both, "migrate", "up")
	for path, class := range classes() {
		require.True(t, done[class] || slices.Contains([]string{reads, runs, asks, operates, imports}, class), path)
	}
	for _, reason := range []string{strings.Repeat("x", 501), "a\tb"} {
		require.Equal(t, exitUsage, call(t.Context(), environ, "projections", "drop", "balance", "--reason", reason).code)
	}
	require.Contains(t, do(t, environ, "audit", "trail", "verify"), "the audit trail verifies")
}

// TestADatabaseIsMadeWithItsFirstEntry: the trail begins with a migration, and the command that makes it is in it.
func TestADatabaseIsMadeWithItsFirstEntry(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=" + pgtest.Empty(t)}
	do(t, environ, "migrate", "up", "--steps", "1")
	do(t, environ, "migrate", "up", "--reason", "a new region")
	all := entriesOf(t, strings.TrimPrefix(environ[0], "DATABASE_URL="))
	require.Len(t, all, 1)
	require.Equal(t, []string{"migrate.up", "a new region"}, []string{all[0].Action, all[0].Reason})
	require.Contains(t, string(all[0].After), `"version"`)
	do(t, environ, "migrate", "down", "--steps", "0", "--yes-lose-data", "--drop-audit-trail")
}
