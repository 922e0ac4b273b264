package http_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/identity/access"
)

// staff is a person with roles on the platform, which the operator token granted.
func (b *bundle) staff(name string, roles ...access.PlatformRole) person {
	b.t.Helper()
	who := b.person(name)
	b.strong(who)
	for _, role := range roles {
		b.post("/console/v1/grants", map[string]any{"email": who.email, "role": role, "reason": "test", "days": 1}).is(201)
	}
	return who
}

// strong gives somebody a second factor, without which nobody gets a role.
func (b *bundle) strong(who person) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), `INSERT INTO identity.totp (user_id, secret, created_at, confirmed_at) VALUES ($1, '', now(), now())`, who.id)
	require.NoError(b.t, err)
}

// grants walks a role through its life: one owner asks, another approves.
func (b *bundle) grants() {
	t := b.t
	t.Helper()
	one, two, fresh := b.staff("one", access.PlatformOwner), b.staff("two", access.PlatformOwner), b.person("fresh")
	wish := map[string]any{"email": strings.ToUpper(fresh.email[:1]) + fresh.email[1:], "role": "support", "reason": "helps", "days": 30}
	b.get("/console/v1/wallets", fresh.header).refused(403, domain.CodeForbidden)
	b.post("/console/v1/grants", wish).refused(409, domain.CodeConflict) // without a second factor
	b.strong(fresh)
	asked := b.post("/console/v1/grants", wish, one.header, idempotent("fresh")).is(202)
	require.Equal(t, asked.text("id"), b.post("/console/v1/grants", wish, one.header, idempotent("fresh")).is(202).text("id"))
	path := "/console/v1/approvals/" + asked.text("id")
	b.get("/console/v1/wallets", fresh.header).refused(403, domain.CodeForbidden)
	b.post(path+"/approve", nil, one.header).refused(403, domain.CodeForbidden)
	b.post(path+"/approve", nil).refused(403, domain.CodeForbidden) // the operator token is nobody
	done := b.post(path+"/approve", nil, two.header).is(200)
	require.Equal(t, "approved", done.text("state"))
	require.Equal(t, "201", string(done.at("status")), "%s", done.body)
	b.get("/console/v1/wallets", fresh.header).is(200)
	require.Equal(t, done.text("answer"), b.post(path+"/approve", nil, two.header).is(200).text("answer"), "done once")
	b.post(path+"/refuse", nil, two.header).refused(409, domain.CodeConflict)
	b.post("/console/v1/grants", wish).refused(409, domain.CodeConflict) // it is there already
	same := map[string]any{"email": one.email, "role": "auditor", "reason": "r", "days": 1}
	given := b.post("/console/v1/grants", same, idempotent("same")).is(201).text("id")
	require.Equal(t, given, b.post("/console/v1/grants", same, idempotent("same")).is(201).text("id"))
	same["days"] = 2
	b.post("/console/v1/grants", same, idempotent("same")).refused(409, domain.CodeIdempotencyConflict)
	b.send("DELETE", "/console/v1/grants/"+given, nil).is(204)
	all := b.get("/console/v1/grants", one.header).is(200)
	require.Equal(t, "support", all.text("items", 0, "role"))
	require.Equal(t, "user:"+one.id.String(), all.text("items", 0, "granted_by"))
	require.Equal(t, "user:"+two.id.String(), all.text("items", 0, "approved_by"))
	b.send("DELETE", "/console/v1/grants/"+all.text("items", 0, "id"), nil, one.header).is(204)
	b.get("/console/v1/wallets", fresh.header).refused(403, domain.CodeForbidden)
	require.Equal(t, all.count("items")-1, b.get("/console/v1/grants", one.header).is(200).count("items"))
	require.Equal(t, all.count("items")+1, b.get("/console/v1/grants?past=true", one.header).is(200).count("items"))
	b.send("DELETE", "/console/v1/grants/"+unknownID, nil).refused(404, domain.CodeNotFound)

	refused := b.post("/console/v1/grants", wish, one.header).is(202).text("id")
	withdrawn := b.post("/console/v1/grants", wish, one.header).is(202).text("id")
	require.Equal(t, 2, b.get("/console/v1/approvals", two.header).is(200).count("items"))
	b.get("/console/v1/approvals/"+refused, two.header).is(200)
	require.Equal(t, "refused", b.post("/console/v1/approvals/"+refused+"/refuse", nil, two.header).is(200).text("state"))
	b.post("/console/v1/approvals/"+withdrawn+"/withdraw", nil, two.header).refused(403, domain.CodeForbidden)
	require.Equal(t, "withdrawn", b.post("/console/v1/approvals/"+withdrawn+"/withdraw", nil, one.header).is(200).text("state"))
	b.post("/console/v1/approvals/"+withdrawn+"/approve", nil, two.header).refused(409, domain.CodeConflict)
	require.Zero(t, b.get("/console/v1/approvals", two.header).is(200).count("items"))
	require.Equal(t, 3, b.get("/console/v1/approvals?past=true", two.header).is(200).count("items"))
	b.post("/console/v1/grants", map[string]any{"email": "nobody@example.com", "role": "support", "reason": "r", "days": 1}).refused(404, domain.CodeNotFound)
	b.post("/console/v1/grants", map[string]any{"email": fresh.email, "role": "king", "reason": "r", "days": 1}).refused(400, domain.CodeInvalid)
	b.post("/console/v1/grants", map[string]any{"email": fresh.email, "role": "support", "reason": "r", "days": 366}).refused(400, domain.CodeInvalid)
	b.post("/console/v1/grants", map[string]any{"email": fresh.email, "role": "support", "reason": " ", "days": 1}).refused(400, domain.CodeInvalid)
}

func TestRolesAreGrantedByTwo(t *testing.T) {
	t.Parallel()
	withPeople(t).grants()
}

// TestMoneyIsMovedByTwo: a person moves up to the amount alone, and no more.
func TestMoneyIsMovedByTwo(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	w := b.wallet("0")
	one, two, support := b.staff("one", access.PlatformFinance), b.staff("two", access.PlatformFinance), b.staff("eve", access.PlatformSupport)
	b.post(w+"/adjustments", credit("100"), one.header, idempotent("a")).is(200)
	b.post(w+"/top-ups", credit("1000000")).is(400) // the operator token does it at once, but says how it is repeated
	for n, path := range []string{"/adjustments", "/top-ups", "/grants"} {
		asked := b.post(w+path, credit("100.000000000001"), one.header, idempotent("large")).is(202)
		b.post(w+path, credit("500"), one.header, idempotent("large")).refused(409, domain.CodeIdempotencyConflict)
		require.Equal(t, "open", asked.text("state"))
		approve := "/console/v1/approvals/" + asked.text("id") + "/approve"
		b.post(approve, nil, support.header).refused(403, domain.CodeForbidden)
		var all sync.WaitGroup
		for range 4 { // however often it is approved at the same time
			all.Go(func() {
				if _, err := b.try("POST", approve, nil, two.header); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		done := b.post(approve, nil, two.header).is(200)
		require.Equal(t, "200", string(done.at("status")), "%s", done.body)
		seen := b.get(w + "?min_position=" + count(b.position())).is(200)
		require.Equal(t, []string{"200.000000000001", "300.000000000002", "400.000000000003"}[n], seen.text("wallet", "posted"))
	}
	b.post(w+"/adjustments", credit("-100.5"), one.header, idempotent("less")).is(202)
	require.Equal(t, "400.000000000003", b.get(w+"?min_position="+count(b.position())).is(200).text("wallet", "posted"))
	page := b.get("/console/v1/events?limit=1000").is(200)
	require.Equal(t, "user:"+one.id.String(), page.text("items", page.count("items")-1, "actor"), "it is done in the name of who asked")
}

// TestManySmallAmountsAreALargeOne: what a person has moved alone within a day is added up, over all wallets, however it is sent.
func TestManySmallAmountsAreALargeOne(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	wallets := []string{b.wallet("0"), b.wallet("0")}
	one, two := b.staff("one", access.PlatformFinance), b.staff("two", access.PlatformFinance)
	var alone, asked atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			path := []string{"/adjustments", "/top-ups", "/grants"}[i%3]
			got, err := b.try("POST", wallets[i%2]+path, credit("30"), one.header, idempotent("n"+strconv.Itoa(i)))
			switch {
			case err != nil:
				t.Error(err)
			case got.status == 200:
				alone.Add(1)
			case got.status == 202:
				asked.Add(1)
			default:
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	all.Wait()
	require.Equal(t, int32(3), alone.Load())
	require.Equal(t, int32(5), asked.Load())

	// What is sent again counts once; what is refused does not count; who has moved nothing yet may; and a day later so may the first again.
	b.post(wallets[0]+"/adjustments", credit("10"), one.header, idempotent("again")).is(200)
	b.post(wallets[0]+"/adjustments", credit("10"), one.header, idempotent("again")).is(200)
	b.post(wallets[0]+"/adjustments", credit("0.01"), one.header, idempotent("more")).is(202)
	b.post(wallets[0]+"/adjustments", credit("-0.01"), one.header, idempotent("less")).is(202)
	euros := map[string]any{"amount": "60", "currency": "EUR", "reason": "r"}
	for i := range 3 {
		b.post(wallets[0]+"/adjustments", euros, two.header, idempotent("euros"+strconv.Itoa(i))).refused(422, domain.CodeCurrencyMismatch)
	}
	b.post(wallets[0]+"/adjustments", credit("100"), two.header, idempotent("two")).is(200)
	_, err := b.pool.Exec(t.Context(), `UPDATE identity.moved_alone SET moved_at = moved_at - interval '24 hours'`)
	require.NoError(t, err)
	b.post(wallets[0]+"/adjustments", credit("90"), one.header, idempotent("tomorrow")).is(200)
	n, err := access.New(b.pool, time.Now).Prune(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(5), n)
}

// TestNobodyIsAskedAboutWhatNoOperationTakes, and what has failed is made again in its time only.
func TestNobodyIsAskedAboutWhatNoOperationTakes(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	w := b.wallet("0")
	one, two := b.staff("one", access.PlatformFinance), b.staff("two", access.PlatformFinance)
	for n, raw := range []string{
		`{"Amount":"1","amount":"5000","currency":"USD","reason":"r"}`, `{"amount":"5000","amount":"1","currency":"USD","reason":"r"}`, `{"amount":5000,"currency":"USD","reason":"r"}`,
		`{"amount":"5000"}`, "{\"amount\":\"5000\",\"currency\":\"USD\",\"reason\":\"\xff\"}",
	} {
		b.post(w+"/adjustments", json.RawMessage(raw), one.header, idempotent("bad"+strconv.Itoa(n))).is(400)
	}
	require.Zero(t, b.get("/console/v1/approvals", two.header).is(200).count("items"))

	asked := b.post(w+"/adjustments", credit("500"), one.header, idempotent("x")).is(202)
	_, err := b.pool.Exec(t.Context(), `UPDATE identity.approvals SET decision = 'approved', decided_by = $2, decided_at = now(), status = 503, expires_at = now() - interval '1 second' WHERE approval_id = $1`,
		asked.text("id"), two.id)
	require.NoError(t, err)
	b.post("/console/v1/approvals/"+asked.text("id")+"/approve", nil, two.header).refused(409, domain.CodeConflict)
	require.Equal(t, "0", b.get(w+"?min_position="+count(b.position())).is(200).text("wallet", "posted"))
}

// TestAnApprovalIsNoMoreThanWhoAskedMay: rights are those of the moment when it is done.
func TestAnApprovalIsNoMoreThanWhoAskedMay(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	w := b.wallet("0")
	one, two := b.staff("one", access.PlatformFinance), b.staff("two", access.PlatformFinance)
	asked := b.post(w+"/top-ups", credit("101"), one.header, idempotent("x")).is(202)
	_, err := b.pool.Exec(t.Context(), `UPDATE identity.platform_grants SET ended_at = now() WHERE user_id = $1`, one.id)
	require.NoError(t, err)
	done := b.post("/console/v1/approvals/"+asked.text("id")+"/approve", nil, two.header).is(200)
	require.Equal(t, "404", string(done.at("status")), "who has no role left does not even see the wallet")
	late := b.post(w+"/top-ups", credit("101"), two.header, idempotent("y")).is(202)
	_, err = b.pool.Exec(t.Context(), `UPDATE identity.approvals SET expires_at = created_at WHERE approval_id = $1`, late.text("id"))
	require.NoError(t, err)
	three := b.staff("three", access.PlatformFinance)
	b.post("/console/v1/approvals/"+late.text("id")+"/approve", nil, three.header).refused(409, domain.CodeConflict)
	require.Equal(t, "expired", b.get("/console/v1/approvals/"+late.text("id"), three.header).is(200).text("state"))
	require.Equal(t, "0", b.get(w+"?min_position="+count(b.position())).is(200).text("wallet", "posted"))
}

// TestListedOperationsExist: the closed list names operations, all of which change something.
func TestListedOperationsExist(t *testing.T) {
	t.Parallel()
	known := map[string]string{}
	for _, op := range auth.Operations() {
		known[op.ID] = op.Method
	}
	for id := range access.Listed() {
		require.Contains(t, known, id)
		require.NotEqual(t, "GET", known[id])
	}
}
