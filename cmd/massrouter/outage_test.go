package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgcluster"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/redistest"
)

// asked is one kind of request.
type asked struct {
	name, method, path, token string
	body                      any
}

// send asks as a person's program does, so that a request may be sent again.
func (s *service) send(a asked) answered {
	t := s.t
	t.Helper()
	var body io.Reader
	if a.body != nil {
		raw, err := json.Marshal(a.body)
		require.NoError(t, err)
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(t.Context(), a.method, s.base+a.path, body)
	require.NoError(t, err)
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	if a.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.method != http.MethodGet {
		r.Header.Set("Idempotency-Key", strings.ReplaceAll(a.name, " ", "-"))
	}
	got, err := s.client.Do(r)
	require.NoError(t, err, a.name)
	defer func() { require.NoError(t, got.Body.Close()) }()
	raw, err := io.ReadAll(got.Body)
	require.NoError(t, err, a.name)
	return answered{status: got.StatusCode, header: got.Header, body: raw}
}

// updates opens a stream of a wallet's updates and reads to its first event.
func (s *service) updates(ctx context.Context, p *person) *bufio.Reader {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/console/v1/stream?wallet_id="+p.wallet.String(), nil)
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+p.access)
	answer, err := s.client.Do(r)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = answer.Body.Close() })
	require.Equal(s.t, http.StatusOK, answer.StatusCode)
	lines := bufio.NewReader(answer.Body)
	for {
		line, err := lines.ReadString('\n')
		require.NoError(s.t, err)
		if strings.Contains(line, "event: reset") {
			return lines
		}
	}
}

// TestPeopleWhileTheDatabaseIsAway: PostgreSQL is killed under people. Whatever they ask is answered with 503 that says nothing of the database and of secrets,
// and nothing is half done; when it is back all goes on without a restart: sessions and tokens are what they were, and what is sent again is done once.
func TestPeopleWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	cluster, err := pgcluster.Start(t.Context(), pgcluster.Options{Durable: true})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, cluster.Stop(ctx))
	})
	database := cluster.URL("postgres")
	do(t, []string{"DATABASE_URL=" + database}, "migrate", "up")
	box, mailServer := openPostbox(t)
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	do(t, nil, "secrets", "init", keyset)
	s, log := servePeople(t, database, redistest.Start(t).URL(), keyset, mailServer)
	ann := s.join(box, "ann@example.com")
	require.Eventually(t, func() bool { return s.try("/api/v1/key", ann.secret) == http.StatusOK }, patience, tick)
	ctx, cancel := context.WithTimeout(t.Context(), 5*patience) // the streams of the whole test
	defer cancel()
	open := s.updates(ctx, ann)
	wallet := "/console/v1/wallets/" + ann.wallet.String()
	keys := func() int {
		var page struct{ Items []any }
		var got answered
		await(t, func() bool {
			got = s.send(asked{"keys", http.MethodGet, wallet + "/keys", ann.access, nil})
			return got.status != http.StatusServiceUnavailable
		})
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
		got.decode(t, &page)
		return len(page.Items)
	}
	await(t, func() bool { return keys() == 1 })

	words := map[string]any{"email": ann.email, "password": personWord, "delivery": "body"}
	issue := asked{"issue a key", http.MethodPost, wallet + "/keys", ann.access, map[string]any{"name": "second"}}
	found := asked{"found an organisation", http.MethodPost, "/console/v1/organisations", ann.access, map[string]any{"name": "Beta"}}
	signIn := asked{"sign in", http.MethodPost, "/console/v1/auth/sign-in", "", words}
	signUp := asked{"sign up", http.MethodPost, "/console/v1/auth/sign-up", "", map[string]any{"email": "bob@example.com", "password": personWord}}
	refresh := asked{"refresh", http.MethodPost, "/console/v1/auth/refresh", "", map[string]any{"refresh_token": ann.refresh}}
	all := []asked{
		signIn, signUp, refresh, issue, found,
		{"sign in with a wrong password", http.MethodPost, "/console/v1/auth/sign-in", "", map[string]any{"email": ann.email, "password": "wrong"}},
		{"forget the password", http.MethodPost, "/console/v1/auth/forgot-password", "", map[string]any{"email": ann.email}},
		{"verify", http.MethodPost, "/console/v1/auth/verify-email", "", map[string]any{"token": strings.Repeat("x", 43), "password": personWord}},
		{"sign out", http.MethodPost, "/console/v1/auth/sign-out", "", map[string]any{"refresh_token": ann.refresh}},
		{"sign out everywhere", http.MethodPost, "/console/v1/auth/sign-out-everywhere", ann.access, nil},
		{"begin a passkey", http.MethodPost, "/console/v1/auth/passkey", "", nil},
		{"read oneself", http.MethodGet, "/console/v1/me", ann.access, nil},
		{"list sessions", http.MethodGet, "/console/v1/me/sessions", ann.access, nil},
		{"change the name", http.MethodPatch, "/console/v1/me", ann.access, map[string]any{"name": "Ann"}},
		{"read a wallet", http.MethodGet, wallet, ann.access, nil},
		{"list keys", http.MethodGet, wallet + "/keys", ann.access, nil},
		{"open a stream", http.MethodGet, "/console/v1/stream?wallet_id=" + ann.wallet.String(), ann.access, nil},
		{"erase oneself", http.MethodDelete, "/console/v1/me", ann.access, map[string]any{"email": ann.email}},
		{"read as the operator", http.MethodGet, wallet, operatorToken, nil},
		{"top up as the operator", http.MethodPost, wallet + "/top-ups", operatorToken, map[string]any{"amount": "2", "currency": "USD", "reason": "test"}},
	}
	at, err := url.Parse(database)
	require.NoError(t, err)
	password, _ := at.User.Password()
	hidden := []string{personWord, ann.refresh, ann.access, ann.secret, password, "postgres", "SQLSTATE", "dial", ".s.PGSQL", "pgx"}
	require.NoError(t, cluster.Kill())
	for range 2 { // of the second one nothing is remembered of what was known
		for _, a := range all {
			got := s.send(a)
			require.Equal(t, http.StatusServiceUnavailable, got.status, "%s: %s", a.name, got.body)
			require.Equal(t, "application/problem+json", got.header.Get("Content-Type"), a.name)
			require.Equal(t, "ledger_unavailable", member(t, got.body, "code"), a.name)
			require.NotEmpty(t, got.header.Get("Retry-After"), a.name)
			require.Empty(t, got.header.Get("Set-Cookie"), a.name)
			for _, one := range hidden {
				require.NotContains(t, string(got.body), one, a.name)
			}
		}
	}
	credits := s.send(asked{"credits", http.MethodGet, "/api/v1/credits", ann.secret, nil})
	require.Equal(t, http.StatusServiceUnavailable, credits.status, "%s", credits.body)
	letters := len(box.letters())
	require.NoError(t, cluster.Restart(t.Context()))

	await(t, func() bool { return s.try("/console/v1/me", ann.access) == http.StatusOK }) // the session is what it was
	require.Len(t, box.letters(), letters, "nobody was written to of what was not done")
	// goesOn asks until the process has noticed that the database is back.
	goesOn := func(a asked, status int) {
		t.Helper()
		var got answered
		await(t, func() bool { got = s.send(a); return got.status != http.StatusServiceUnavailable })
		require.Equal(t, status, got.status, "%s: %s", a.name, got.body)
	}
	goesOn(signIn, http.StatusOK)  // tries that could not be judged do not count
	goesOn(refresh, http.StatusOK) // the token was not used up
	goesOn(all[len(all)-5], http.StatusOK)
	await(t, func() bool { return keys() == 1 }) // the read model has its last moments again from the log
	goesOn(issue, http.StatusCreated)
	goesOn(issue, http.StatusConflict) // a secret is shown once
	for range 2 {
		goesOn(found, http.StatusCreated)
	}
	await(t, func() bool { return keys() == 2 })
	me, err := ann.GetMeWithResponse(t.Context())
	require.NoError(t, err)
	require.NotNil(t, me.JSON200, "%s", me.Body)
	require.Len(t, me.JSON200.Organisations, 3, "one more, and not four")
	goesOn(signUp, http.StatusAccepted)
	await(t, func() bool { return len(box.letters()) == letters+1 })
	again := s.updates(ctx, ann)
	goesOn(all[len(all)-1], http.StatusOK)
	require.NoError(t, told(again))
	// The stream that was open has the update too, or has ended, so that its client comes again.
	if err := told(open); err != nil {
		require.NoError(t, ctx.Err(), "it neither goes on nor ends")
	}
	require.NoError(t, s.stop(), "before its database goes")
	for _, one := range []string{personWord, ann.refresh, ann.access, ann.secret, password} {
		require.NotContains(t, log.String(), one)
	}
}

// told reads a stream until it tells of the money.
func told(lines *bufio.Reader) error {
	for {
		line, err := lines.ReadString('\n')
		if err != nil || strings.Contains(line, `"available":"2"`) {
			return err
		}
	}
}

// TestPeopleWhileRedisIsAway: people sign in and go on, guesses are counted, and what has ended has ended in every process, without Redis.
func TestPeopleWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	box, mailServer := openPostbox(t)
	database, keyset, redis := pgtest.URL(t), filepath.Join(t.TempDir(), "keyset.json"), redistest.Start(t)
	do(t, nil, "secrets", "init", keyset)
	here, _ := servePeople(t, database, redis.URL(), keyset, mailServer)
	there, _ := servePeople(t, database, redis.URL(), keyset, mailServer)
	ann := here.join(box, "ann@example.com")
	redis.Kill(t)

	in := here.ask(http.MethodPost, "/console/v1/auth/sign-in", "", map[string]any{"email": ann.email, "password": personWord, "delivery": "body"})
	require.Equal(t, http.StatusOK, in.status, "%s", in.body)
	second := member(t, in.body, "access_token")
	renewed := there.ask(http.MethodPost, "/console/v1/auth/refresh", "", map[string]any{"refresh_token": member(t, in.body, "refresh_token")})
	require.Equal(t, http.StatusOK, renewed.status, "%s", renewed.body)
	require.Equal(t, http.StatusOK, there.try("/console/v1/me", second))
	require.Eventually(t, func() bool { return there.try("/api/v1/key", ann.secret) == http.StatusOK }, patience, tick)

	require.Equal(t, http.StatusOK, here.ask(http.MethodPost, "/console/v1/auth/sign-out", "", map[string]any{"refresh_token": member(t, renewed.body, "refresh_token")}).status)
	require.Eventually(t, func() bool { return there.try("/console/v1/me", second) == http.StatusUnauthorized }, patience, tick)
	require.Equal(t, http.StatusOK, there.try("/console/v1/me", ann.access), "the other session goes on")
	listed, err := ann.ListKeysWithResponse(t.Context(), ann.wallet, nil)
	require.NoError(t, err)
	require.NotNil(t, listed.JSON200, "%s", listed.Body)
	require.Len(t, listed.JSON200.Items, 1)
	require.Equal(t, http.StatusOK, here.ask(http.MethodPost, "/console/v1/keys/"+listed.JSON200.Items[0].ID.String()+"/revoke", ann.access, map[string]any{"reason": "gone"}).status)
	require.Eventually(t, func() bool { return there.try("/api/v1/key", ann.secret) == http.StatusUnauthorized }, patience, tick)

	statuses := map[int]int{}
	for range 8 {
		statuses[here.ask(http.MethodPost, "/console/v1/auth/sign-in", "", map[string]any{"email": "nobody@example.com", "password": "guess"}).status]++
	}
	require.Equal(t, map[int]int{http.StatusUnauthorized: 5, http.StatusTooManyRequests: 3}, statuses)
}
