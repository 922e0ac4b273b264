package main

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pquerna/otp/totp"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// scanned is a whole product of somebody who develops, with everything logged, and the secrets that were used in it.
type scanned struct {
	*service
	t       *testing.T
	dev     *devRun
	dir     string
	secrets map[string]string // by what they are
	answers strings.Builder   // to requests that failed
}

// used notes a secret.
func (s *scanned) used(what, secret string) string {
	s.t.Helper()
	require.Greater(s.t, len(secret), 7, what)
	s.secrets[what] = secret
	return secret
}

// fails makes a request that is refused, and keeps its answer.
func (s *scanned) fails(method, path, secret string, body any) {
	s.t.Helper()
	got := s.ask(method, path, secret, body)
	require.GreaterOrEqual(s.t, got.status, 400, "%s %s: %s", method, path, got.body)
	s.answers.Write(got.body)
	for name, values := range got.header {
		s.answers.WriteString(name + ": " + strings.Join(values, ", ") + "\n")
	}
}

// TestNoSecretIsLeftBehind uses every kind of secret, rightly and wrongly, and looks for them in the log at its finest level, in errors,
// metrics, Redis, and all tables, which have the events.
func TestNoSecretIsLeftBehind(t *testing.T) {
	t.Parallel()
	database := pgtest.Empty(t)
	const vendorSecret = "vendor-secret-7f3a9c5e1b"
	dir := filepath.Join(t.TempDir(), "dev")
	d := startDev(t, []string{
		"DATABASE_URL=" + database, "MASSROUTER_LISTEN=127.0.0.1:0", "MASSROUTER_LOG_LEVEL=debug", "MASSROUTER_LOG_FORMAT=json",
		"MASSROUTER_VENDOR_KEY_CHATTY=" + vendorSecret,
	}, "--data", dir)
	s := &scanned{t: t, dev: d, dir: dir, secrets: map[string]string{}, service: &service{
		t: t, base: d.info.BaseURL, client: &http.Client{Timeout: patience, Transport: &http.Transport{}},
	}}
	t.Cleanup(s.client.CloseIdleConnections)
	s.used("the platform's key at a vendor", vendorSecret)
	s.used("the operator's token", d.info.OperatorToken)
	s.ofTheFolder()
	key := s.ofKeys()
	s.ofVendors(key)
	s.ofHooks()
	s.ofPeople()

	metrics := s.metrics()
	stored := inRedis(s.t, s.dev.info.RedisURL)
	require.Equal(t, exitOK, d.stop().code)
	log := d.stop().err
	require.Contains(t, log, `"level":"debug"`, "there is a log to look into")
	require.Greater(t, strings.Count(log, `"request"`), 20)
	pool, err := pgxpool.New(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	for what, secret := range s.secrets {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)), url.QueryEscape(secret)} {
			require.NotContains(t, log, form, "%s is in the log", what)
			require.NotContains(t, metrics, form, "%s is in the metrics", what)
			require.NotContains(t, s.answers.String(), form, "%s is in an error", what)
			require.NotContains(t, stored, form, "%s is in Redis", what)
			require.Empty(t, tablesWith(t, pool, form), "%s is in a table", what)
		}
	}
	require.NotEmpty(t, tablesWith(t, pool, "dev-person@example.com"), "the search finds what is there")
}

// ofTheFolder are what dev has made for itself.
func (s *scanned) ofTheFolder() {
	raw, err := os.ReadFile(filepath.Join(s.dir, "state.json"))
	require.NoError(s.t, err)
	var state struct {
		VendorKey string `json:"vendor_key"`
		LogKey    string `json:"log_key"`
	}
	require.NoError(s.t, json.Unmarshal(raw, &state))
	s.used("the key at the simulated vendor", state.VendorKey)
	s.used("the signing key of the log", state.LogKey)
	s.used("the API key of the folder", s.dev.info.APIKey)
}

// ofKeys uses API keys, rightly and wrongly.
func (s *scanned) ofKeys() string {
	t, operator := s.t, s.dev.info.OperatorToken
	wallet := "/console/v1/wallets/" + s.dev.info.WalletID.String()
	issue := func(name string, scope any) (id, secret string) {
		body := map[string]any{"name": name}
		if scope != nil {
			body["scope"] = scope
		}
		got := s.ask(http.MethodPost, wallet+"/keys", operator, body)
		require.Equal(t, http.StatusCreated, got.status, "%s", got.body)
		return member(t, got.body, "key_id"), s.used("the secret of the key "+name, member(t, got.body, "secret"))
	}
	id, first := issue("first", nil)
	_, manager := issue("manager", "management")
	for _, secret := range []string{first, manager} {
		require.Eventually(t, func() bool { return s.try("/api/v1/key", secret) == http.StatusOK }, patience, tick)
	}
	require.Equal(t, http.StatusOK, s.ask(http.MethodPost, "/v1/chat/completions", first, chat("aurora/polaris-mini", false)).status)
	require.Equal(t, http.StatusOK, s.ask(http.MethodPost, "/v1/chat/completions", first, chat("aurora/polaris-mini", true)).status)
	made := s.ask(http.MethodPost, "/api/v1/keys", manager, map[string]any{"name": "managed"})
	require.Equal(t, http.StatusCreated, made.status, "%s", made.body)
	s.used("the secret of a managed key", member(t, made.body, "key"))

	rotated := s.ask(http.MethodPost, "/console/v1/keys/"+id+"/rotate", operator, map[string]any{"grace_seconds": 60})
	require.Equal(t, http.StatusOK, rotated.status)
	second := s.used("the secret after a rotation", member(t, rotated.body, "secret"))
	for _, wrong := range []string{first[:len(first)-1], first + "0", strings.ToUpper(first), "x" + second} {
		s.fails(http.MethodPost, "/v1/chat/completions", wrong, chat("aurora/polaris-mini", false))
		s.fails(http.MethodGet, "/console/v1/vendors", wrong, nil)
	}
	s.fails(http.MethodPost, "/v1/chat/completions", second, map[string]any{"model": second, "messages": []any{}})
	s.fails(http.MethodPost, "/v1/chat/completions", second, json.RawMessage(`{"key":"`+first+`"}`))
	s.fails(http.MethodGet, "/v1/"+second, second, nil)
	s.fails(http.MethodGet, "/console/v1/keys/"+second+"?"+first+"="+second, operator, nil)
	s.fails(http.MethodPost, "/v1beta/models/a/b:generateContent?key="+second, "", map[string]any{})
	s.fails(http.MethodPost, wallet+"/keys", operator, map[string]any{"name": "n", "caps": map[string]string{"day": operator}})
	require.Equal(t, http.StatusAccepted, s.ask(http.MethodPost, "/api/v1/leaked-keys", "", map[string]any{"token": apikey.Secret([16]byte{1}, [32]byte{}), "url": "https://x.example/" + second}).status)
	s.fails(http.MethodPost, "/api/v1/leaked-keys", "", []any{second})
	return second
}

// chattyVendor says the key back that it refuses.
type chattyVendor struct {
	*httptest.Server
	mu   sync.Mutex
	told map[string]int // by key, how often it came
}

func newChattyVendor(t *testing.T) *chattyVendor {
	t.Helper()
	v := &chattyVendor{told: map[string]int{}}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

// ServeHTTP refuses.
func (v *chattyVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	v.mu.Lock()
	v.told[key]++
	v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, `{"error":{"message":"Incorrect API key provided: `+key+`","code":"invalid_api_key"}}`) //nolint:gosec // JSON, to the gateway
}

func (v *chattyVendor) knows(key string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.told[key] > 0
}

// ofVendors calls it with the platform's key and with a customer's own. What the gateway knows of vendors and of keys is younger or older than what the
// console shows: only the vendor can say that a key was used.
func (s *scanned) ofVendors(key string) {
	t, operator, chatty := s.t, s.dev.info.OperatorToken, newChattyVendor(s.t)
	reaches := func(secret string, stream bool) {
		t.Helper()
		await(t, func() bool {
			s.fails(http.MethodPost, "/v1/chat/completions", key, chat("chatty/one", stream))
			return chatty.knows(secret)
		})
	}
	put := func(path string, body any) {
		got := s.ask(http.MethodPut, path, operator, body)
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	}
	put("/console/v1/vendors/chatty", map[string]any{
		"name": "Chatty", "base_url": chatty.URL + "/v1", "dialect": "openai", "cancel_policy": "drain", "max_tokens_field": "max_tokens", "status": "active",
	})
	put("/console/v1/models/chatty/one", map[string]any{
		"name": "One", "description": "A model.", "context_length": 128000, "max_completion_tokens": 16000, "input_modalities": []string{"text"},
		"output_modalities": []string{"text"}, "supported_parameters": []string{"temperature"}, "tokenizer": "o200k_base", "released_at": "2026-05-01T00:00:00Z", "status": "active",
	})
	put("/console/v1/models/chatty/one/endpoints/chatty", map[string]any{"upstream_model": "one", "context_length": 128000, "max_completion_tokens": 16000, "status": "active"})
	priced := s.ask(http.MethodPost, "/console/v1/models/chatty/one/endpoints/chatty/prices", operator, map[string]any{
		"currency": "USD", "price": map[string]any{"base": map[string]string{"input": "0.000002", "output": "0.000008"}},
	})
	require.Equal(t, http.StatusCreated, priced.status, "%s", priced.body)
	reaches(s.secrets["the platform's key at a vendor"], false)
	s.fails(http.MethodPost, "/v1/chat/completions", key, chat("chatty/one", true))
	own, second := s.used("a customer's own key at a vendor", "own-vendor-secret-3b9d5f7a1c"), s.used("another own key", "own-vendor-secret-8e2c6a4d0f")
	wallet := "/console/v1/wallets/" + s.dev.info.WalletID.String()
	s.fails(http.MethodPost, wallet+"/vendor-keys", operator, map[string]any{"vendor": "nobody", "secret": own, "label": "ours"})
	for i, secret := range []string{own, second} { // the gateway knows the vendor: it has called it
		stored := s.ask(http.MethodPost, wallet+"/vendor-keys", operator, map[string]any{"vendor": "chatty", "secret": secret, "label": "ours"})
		require.Equal(t, http.StatusCreated, stored.status, "%s", stored.body)
		require.NotContains(t, string(stored.body), secret)
		reaches(secret, i == 1)
	}
}

// ofHooks sends webhooks to somebody who does not take them.
func (s *scanned) ofHooks() {
	t := s.t
	var came atomic.Int64
	deaf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { came.Add(1); w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(deaf.Close)
	made := decoded[client.WebhookSecret](t, do(t, nil, "webhook", "add", s.dev.info.WalletID.String(), "--url", deaf.URL+"/hook", "--data", s.dir, "--json"))
	s.used("the secret of a webhook", made.Secret)
	do(t, nil, "webhook", "ping", made.WebhookID.String(), "--data", s.dir, "--json")
	await(t, func() bool { return came.Load() > 0 }) // signed
	rotated := decoded[client.WebhookSecret](t, do(t, nil, "webhook", "rotate", made.WebhookID.String(), "--data", s.dir, "--json"))
	s.used("the secret of a webhook after a rotation", rotated.Secret)
}

// ofPeople signs up, in, and out, with mistakes.
func (s *scanned) ofPeople() {
	t := s.t
	const email = "dev-person@example.com"
	word := s.used("a password", "correct horse battery")
	wrong := s.used("a wrong password", "incorrect donkey capacitor")
	post := func(path, token string, body any, status int) []byte {
		t.Helper()
		answer := s.ask(http.MethodPost, "/console/v1/"+path, token, body)
		require.Equal(t, status, answer.status, "%s: %s", path, answer.body)
		return answer.body
	}
	post("auth/sign-up", "", map[string]any{"email": email, "password": word}, http.StatusAccepted)
	var link string
	require.Eventually(t, func() bool {
		if found := mailedLink.FindStringSubmatch(s.page("/dev/mail")); found != nil {
			link = found[1]
		}
		return link != ""
	}, patience, tick)
	s.used("a mailed link", link)
	s.fails(http.MethodPost, "/console/v1/auth/verify-email", "", map[string]any{"token": link + "x", "password": word})
	post("auth/verify-email", "", map[string]any{"token": link, "password": word}, http.StatusOK)
	s.fails(http.MethodPost, "/console/v1/auth/sign-in", "", map[string]any{"email": email, "password": wrong})
	s.fails(http.MethodPost, "/console/v1/auth/sign-in", "", map[string]any{"email": word, "password": word, "more": wrong})
	in := post("auth/sign-in", "", map[string]any{"email": email, "password": word, "delivery": "body"}, http.StatusOK)
	access := s.used("an access token", member(t, in, "access_token"))
	refresh := s.used("a refresh token", member(t, in, "refresh_token"))
	s.fails(http.MethodGet, "/console/v1/me", access+"x", nil)
	s.fails(http.MethodPost, "/console/v1/auth/refresh", "", map[string]any{"refresh_token": refresh + "x"})
	again := post("auth/refresh", "", map[string]any{"refresh_token": refresh}, http.StatusOK)
	access = s.used("an access token after a refresh", member(t, again, "access_token"))
	s.used("a refresh token after a refresh", member(t, again, "refresh_token"))

	enrolment := post("me/totp", access, nil, http.StatusOK)
	secret := s.used("the secret of an authenticator app", member(t, enrolment, "secret"))
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	require.NoError(t, err)
	s.used("the bytes of that secret", hex.EncodeToString(raw))
	s.fails(http.MethodPost, "/console/v1/me/totp/confirm", access, map[string]any{"code": "12345"})
	code, err := totp.GenerateCode(secret, time.Now())
	require.NoError(t, err)
	var codes struct {
		Codes []string `json:"codes"`
	}
	require.NoError(t, json.Unmarshal(post("me/totp/confirm", access, map[string]any{"code": code}, http.StatusOK), &codes))
	require.NotEmpty(t, codes.Codes)
	s.used("a recovery code", codes.Codes[0])
}

// page is what an address answers, "" for nothing.
func (s *scanned) page(path string) string {
	address := s.base + path
	if strings.HasPrefix(path, "http") {
		address = path
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		return ""
	}
	res, err := s.client.Do(r)
	if err != nil {
		return ""
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil {
		return ""
	}
	return string(body)
}

func (s *scanned) metrics() string {
	text := s.page(s.dev.info.OpsURL + "/metrics")
	require.Contains(s.t, text, "massrouter_http_requests_total")
	return text
}

// inRedis is all that is in a Redis.
func inRedis(t *testing.T, url string) string {
	t.Helper()
	o, err := redis.ParseURL(url)
	require.NoError(t, err)
	c := redis.NewClient(o)
	defer func() { require.NoError(t, c.Close()) }()
	names, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.NotEmpty(t, names)
	var all strings.Builder
	for _, name := range names {
		all.WriteString(name + "\n")
		kind, err := c.Type(t.Context(), name).Result()
		require.NoError(t, err)
		var values any
		switch kind {
		case "string":
			values, err = c.Get(t.Context(), name).Result()
		case "hash":
			values, err = c.HGetAll(t.Context(), name).Result()
		case "set":
			values, err = c.SMembers(t.Context(), name).Result()
		case "zset":
			values, err = c.ZRange(t.Context(), name, 0, -1).Result()
		case "stream":
			values, err = c.XRange(t.Context(), name, "-", "+").Result()
		case "list":
			values, err = c.LRange(t.Context(), name, 0, -1).Result()
		}
		if err != nil {
			require.ErrorIs(t, err, redis.Nil, "it ended meanwhile")
		}
		text, err := json.Marshal(values)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}
