package http_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/http/audited"
	"github.com/massrouter/massrouter/identity/organisation"
)

const trailPath = "/console/v1/audit/entries"

// entry is an entry as the list shows it.
type entry struct {
	ID, Actor, Role, Action, Target, Result, Code, Reason string

	WalletID  string `json:"wallet_id"`
	RequestID string `json:"request_id"`
	Personal  *struct{ Address string }
	Events    []string
	After     map[string]json.RawMessage
}

// entries are the newest ones that a filter means; the look itself adds one.
func (b *bundle) entries(filter string, headers ...header) []entry {
	b.t.Helper()
	var all []entry
	require.NoError(b.t, json.Unmarshal(b.get(trailPath+"?"+filter, headers...).is(200).at("items"), &all))
	return all
}

// last is the newest entry of an action.
func (b *bundle) last(action string) entry {
	b.t.Helper()
	all := b.entries("limit=1&action=" + action)
	require.NotEmpty(b.t, all, action)
	return all[0]
}

// TestWhatLeavesAnEntry asks for things that are done, refused, done before, read, and not worth an entry.
func TestWhatLeavesAnEntry(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine := b.tenant()
	why := header{audited.ReasonHeader, "ticket 4711"}
	done := b.post(mine.wallet+"/top-ups", credit("1"), idempotent("once"), why).is(200)
	got := b.last("TopUpWallet")
	require.Equal(t, []string{"operator:token", "operator", "wallet:" + mine.ids["wallet_id"], "done", mine.ids["wallet_id"], done.header.Get("X-Request-Id")},
		[]string{got.Actor, got.Role, got.Target, got.Result, got.WalletID, got.RequestID})
	require.Equal(t, "test", got.Reason, "the body's reason is before the header's")
	require.Equal(t, []string{"wallet.topped_up.v1"}, got.Events)
	require.Equal(t, "127.0.0.1", got.Personal.Address)
	b.post(mine.wallet+"/top-ups", credit("1"), idempotent("once")).is(200)
	require.Equal(t, "unchanged", b.last("TopUpWallet").Result)
	b.post(mine.wallet+"/top-ups", credit("1"), idempotent("mine"), mine.as(organisation.Owner)).refused(403, domain.CodeForbidden)
	got = b.last("TopUpWallet")
	require.Equal(t, []string{"refused", "forbidden", trail.Of("user", testUser)}, []string{got.Result, got.Code, got.Actor})
	b.post(mine.wallet+"/top-ups", credit("-1"), idempotent("wrong"), why).refused(400, domain.CodeAmountInvalid)
	got = b.last("TopUpWallet")
	require.Equal(t, []string{"refused", string(domain.CodeAmountInvalid), "ticket 4711"}, []string{got.Result, got.Code, got.Reason})

	key := "/console/v1/keys/" + mine.ids["key_id"]
	rotated := b.post(key+"/rotate", map[string]any{"grace_seconds": 0}, mine.as(organisation.Developer)).is(200)
	got = b.last("RotateKey")
	require.Equal(t, []string{"done", "developer", mine.ids["wallet_id"]}, []string{got.Result, got.Role, got.WalletID})
	b.post(key+"/disable", map[string]any{"reason": "r"}).is(200)
	require.Equal(t, mine.ids["wallet_id"], b.last("DisableKey").WalletID, "whoever does it: its owner sees it")
	b.send("PUT", "/console/v1/webhooks/"+mine.ids["webhook_id"], hookSpec()).is(200)
	got = b.last("UpdateWebhook")
	require.Equal(t, []string{"done", "webhook:" + mine.ids["webhook_id"], mine.ids["wallet_id"]}, []string{got.Result, got.Target, got.WalletID})
	require.Contains(t, got.After, "event_types")
	require.NotContains(t, got.After, "host", "what is personal is beside it, and only where a person acts")

	before := b.count()
	b.get(mine.wallet).is(200)
	b.get(mine.wallet, mine.as(organisation.Viewer)).is(200)
	b.get(mine.wallet, header{"Authorization", "Bearer nobody"}).is(401)
	b.post(mine.wallet+"/top-ups", credit("1"), idempotent("x"), header{"Authorization", "Bearer nobody"}).is(401)
	b.get("/console/v1/nothing").is(404)
	require.Equal(t, before, b.count(), "none of these leaves an entry")
	b.get(mine.wallet, header{"X-On", "support"}).is(200)
	got = b.last("GetWallet")
	require.Equal(t, []string{"read", "platform:support", mine.ids["wallet_id"]}, []string{got.Result, got.Role, got.WalletID})
	b.get("/console/v1/usage/aggregate?metric=charge&format=csv&wallet_id="+mine.ids["wallet_id"], mine.as(organisation.Owner)).is(200)
	require.Equal(t, "read", b.last("AggregateUsage").Result)
	b.get("/console/v1/events").is(200)
	require.Equal(t, "read", b.last("ListEvents").Result)

	for _, reason := range []string{strings.Repeat("x", 501), "a\tb", "\xff"} {
		b.get(mine.wallet, header{audited.ReasonHeader, reason}).refused(400, domain.CodeInvalid)
	}
	var whole string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT string_agg(e::text, ' ') FROM audit.entries e`).Scan(&whole))
	require.NotContains(t, whole, rotated.text("secret"))
	require.NotContains(t, whole, operatorToken)
	require.NotContains(t, whole, "all@example.com")
}

func (b *bundle) count() (n int) {
	b.t.Helper()
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM audit.entries`).Scan(&n))
	return n
}

// TestTenantsSeeTheirOwnEntries looks as owners of two organisations, and as roles that may not look.
func TestTenantsSeeTheirOwnEntries(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine, theirs := b.tenant(), b.tenant()
	b.post(mine.wallet+"/keys", map[string]any{"name": "x"}, mine.as(organisation.Admin)).is(201)
	filter := "wallet_id=" + mine.ids["wallet_id"]
	seen := b.entries(filter, mine.as(organisation.Owner))
	require.NotEmpty(t, seen)
	own := 0
	for _, e := range seen {
		require.Equal(t, mine.ids["wallet_id"], e.WalletID)
		require.Equal(t, e.Role != "operator", e.Personal != nil, "%s by %s", e.Action, e.Actor)
		if e.Actor == trail.Of("user", testUser) {
			own++
		}
	}
	require.Positive(t, own)
	b.get(trailPath+"?"+filter, theirs.as(organisation.Owner)).refused(404, domain.CodeNotFound)
	b.get(trailPath, mine.as(organisation.Owner)).refused(400, domain.CodeInvalid)
	b.get(trailPath+"?"+filter, mine.as(organisation.Developer)).refused(403, domain.CodeForbidden)
	b.get(trailPath, header{"X-On", "support"}).refused(403, domain.CodeForbidden)
	b.get(trailPath+"/export?format=jsonl", header{"X-On", "operator"}).refused(403, domain.CodeForbidden)
	b.get(trailPath, header{"X-On", "auditor"}).is(200)
	require.Equal(t, "platform:auditor", b.last("ListAuditEntries").Role, "to look leaves an entry")
	for _, e := range b.entries("role=platform:auditor&limit=1") {
		require.Equal(t, []string{"ListAuditEntries", "read", "platform:auditor"}, []string{e.Action, e.Result, e.Role})
	}
	require.Len(t, b.entries("role=platform:auditor&result=read"), 1)
	require.Len(t, b.entries("role=platform:support"), 1, "what it was refused")
	require.Empty(t, b.entries("role=platform:auditor%2Bowner"))
	admins := b.entries(filter+"&role=admin", mine.as(organisation.Owner))
	require.Len(t, admins, 1)
	require.Equal(t, "IssueKey", admins[0].Action)
	lines := b.get(trailPath + "/export?format=jsonl&role=platform:support").is(200)
	require.Equal(t, 1, strings.Count(string(lines.body), "\n"))
	b.get(trailPath+"?role=platform:").refused(400, domain.CodeInvalid)
	b.get(trailPath+"/export?format=csv&role=Nobody").refused(400, domain.CodeInvalid)
	b.get(trailPath+"?result=maybe").refused(400, domain.CodeInvalid)
	b.get(trailPath+"?cursor=x").refused(400, domain.CodeInvalid)
	b.get(trailPath+"/export?format=pdf").refused(400, domain.CodeInvalid)
}

// TestExportsAreWhole compares both forms with the list.
func TestExportsAreWhole(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine := b.tenant()
	filter := "result=done&wallet_id=" + mine.ids["wallet_id"]
	var listed []string
	for cursor := ""; ; {
		page := b.get(trailPath + "?limit=3&" + filter + "&cursor=" + cursor).is(200)
		var items []entry
		require.NoError(t, json.Unmarshal(page.at("items"), &items))
		for i := range items {
			listed = append(listed, items[i].ID)
		}
		if string(page.at("next_cursor")) == "null" {
			break
		}
		cursor = page.text("next_cursor")
	}
	require.Greater(t, len(listed), 5)
	lines := b.get(trailPath + "/export?format=jsonl&" + filter).is(200)
	require.Equal(t, "application/jsonl", lines.header.Get("Content-Type"))
	var ids []string
	for line := range strings.Lines(string(lines.body)) {
		var e entry
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		ids = append(ids, e.ID)
	}
	require.Equal(t, listed, ids)
	rows, err := csv.NewReader(strings.NewReader(string(b.get(trailPath + "/export?format=csv&" + filter).is(200).body))).ReadAll()
	require.NoError(t, err)
	ids = nil
	for _, row := range rows[1:] {
		ids = append(ids, row[0])
	}
	require.Equal(t, listed, ids)
	got := b.last("ExportAuditEntries")
	require.Equal(t, "read", got.Result)
}

// failing keeps no entry while it is told so.
type failing struct {
	audited.Recorder
	broken atomic.Bool
}

func (f *failing) Record(ctx context.Context, c trail.Change) error {
	if f.broken.Load() {
		return errors.New("the table is away")
	}
	return f.Recorder.Record(ctx, c)
}

// TestNothingSensitiveIsShownUnrecorded breaks the table of entries: what must not go unseen is not shown, the rest goes on, and what is changed in a
// transaction with its entry is tested where the transaction is.
func TestNothingSensitiveIsShownUnrecorded(t *testing.T) {
	t.Parallel()
	broken := &failing{}
	b := withPeople(t, func(p *parts) {
		p.trail = func(r audited.Recorder) audited.Recorder { broken.Recorder = r; return broken }
	})
	b.publish()
	mine := b.tenant()
	broken.broken.Store(true)
	for _, path := range []string{trailPath, trailPath + "/export?format=jsonl", "/console/v1/events"} {
		a := b.get(path)
		a.refused(503, domain.CodeUnavailable)
		require.NotContains(t, string(a.body), mine.ids["wallet_id"])
	}
	b.get(mine.wallet, header{"X-On", "support"}).refused(503, domain.CodeUnavailable)
	b.get(mine.wallet).is(200)
	b.post(mine.wallet+"/top-ups", credit("1"), idempotent("x"), mine.as(organisation.Owner)).refused(403, domain.CodeForbidden)
	b.post(mine.wallet+"/top-ups", credit("1"), idempotent("y")).is(200)
	broken.broken.Store(false)
	require.Equal(t, "done", b.last("TopUpWallet").Result)
	b.get("/console/v1/keys/"+uuid.NewString(), header{"X-On", "support"}).is(404)
}
