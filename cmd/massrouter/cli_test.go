package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// decoded reads a command's --json output.
func decoded[T any](t *testing.T, out string) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(out), &v), out)
	return v
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

const priceFile = `
currency: USD
price:
  base: {input: "0.000003", cache_read: 0.0000003, output: "0.000015"}
  overrides:
    - min_prompt_tokens: 200000
      rates: {input: "0.000006", output: 0.0000225}
`

// An operator sets up a vendor, a model, its price, a wallet and a key; the key then calls the model.
func TestOperatorCommandsMakeACallPossible(t *testing.T) {
	t.Parallel()
	vendor := vendorServer(t)
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}

	do(t, environ, "vendor", "publish", "sim", "--name", "Simulated", "--base-url", vendor.URL()+"/v1")
	do(t, environ, "model", "publish", "acme/large", "--name", "Large", "--context", "100000", "--max-output", "8000", "--parameter", "seed")
	do(t, environ, "model", "offer", "acme/large@sim", "--upstream", "large", "--context", "100000", "--max-output", "8000")
	price := decoded[client.PriceReceipt](t, do(t, environ, "price", "publish", "acme/large@sim", "-f", write(t, "price.yaml", priceFile), "--json"))
	require.Equal(t, "acme/large@sim", price.Endpoint)

	opened := decoded[client.BalanceReceipt](t, do(t, environ, "wallet", "open", "--owner", "customer-17", "--json"))
	wallet := opened.WalletID.String()
	credited := do(t, environ, "wallet", "credit", wallet, "12.50", "--reason", "bank transfer", "--reference", "no. 17")
	require.Regexp(t, `available +12\.5\n`, credited)
	do(t, environ, "wallet", "credit", wallet, "0.5", "--grant", "--reason", "welcome")
	key := decoded[client.SecretReceipt](t, do(t, environ, "key", "issue", wallet, "--name", "laptop", "--cap-day", "5", "--model", "acme/large",
		"--requests-per-minute", "600", "--tokens-per-minute", "1000000", "--parallel", "20", "--json"))
	require.NoError(t, s.WaitFor(t.Context(), int64(key.Position)))
	limits := s.ask(http.MethodGet, "/console/v1/keys/"+key.KeyID.String(), operatorToken, nil)
	require.Contains(t, string(limits.body), `"rate_limits":{"requests_per_minute":600,"tokens_per_minute":1000000,"parallel":20}`)

	answer := s.ask(http.MethodPost, "/v1/chat/completions", key.Secret, chat("acme/large", false))
	require.Equal(t, http.StatusOK, answer.status, "%s", answer.body)
	spent := s.wallet(account{wallet: opened.WalletID})
	shown := do(t, environ, "wallet", "show", wallet, "--statement", "10")
	require.Regexp(t, `posted +`+spent.Posted.String()+`\n`, shown)
	require.Regexp(t, `(?m)^\S+ \S+ UTC +charge +-\S+ +13 +`+spent.Posted.String()+` +acme/large gen-`, shown)
	require.Regexp(t, `(?m)top_up +12\.5 +0 +12\.5 +bank transfer no\. 17$`, shown)

	revoked := decoded[client.Receipt](t, do(t, environ, "key", "revoke", key.KeyID.String(), "--reason", "leaked", "--json"))
	require.NoError(t, s.WaitFor(t.Context(), int64(revoked.Position)))
	gone := s.ask(http.MethodPost, "/v1/chat/completions", key.Secret, chat("acme/large", false))
	require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, gone.status, "%s", gone.body)
}

func TestPresetFromCreationToErasure(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	wallet := decoded[client.BalanceReceipt](t, do(t, environ, "wallet", "open", "--json")).WalletID.String()
	for _, version := range []string{"1", "2"} {
		made := do(t, environ, "preset", "create", wallet, "--slug", "pirate", "--system-prompt", "Louder "+version, "--parameters", `{"seed": 7}`)
		require.Regexp(t, `slug +pirate\nversion +`+version, made)
	}
	preset := decoded[client.PresetList](t, do(t, environ, "preset", "list", wallet, "--json")).Items[0].ID.String()
	require.Regexp(t, preset+` +pirate +2 +.* +false\n`, do(t, environ, "preset", "list", wallet))
	require.Regexp(t, `(?s)version +2\n.*system prompt +Louder 2\nparameters +\{"seed": ?7\}`, do(t, environ, "preset", "show", preset))
	require.Regexp(t, `system prompt +Louder 1`, do(t, environ, "preset", "show", preset, "--version", "1"))
	require.Regexp(t, `archived +`+preset, do(t, environ, "preset", "archive", preset))
	require.Regexp(t, `erased +`+preset, do(t, environ, "preset", "erase", preset))
}

func TestAppFromRegistrationToArchive(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	wallet := decoded[client.BalanceReceipt](t, do(t, environ, "wallet", "open", "--json")).WalletID.String()
	key := decoded[client.SecretReceipt](t, do(t, environ, "key", "issue", wallet, "--json")).KeyID.String()
	app := decoded[client.AppReceipt](t, do(t, environ, "app", "register", wallet, "--name", "Notes", "--url", "https://notes.example", "--json")).AppID.String()
	require.Regexp(t, "^bound +"+key, do(t, environ, "key", "bind-app", key, app))
	require.Regexp(t, "^freed +"+key, do(t, environ, "key", "bind-app", key, "--none"))
	do(t, environ, "app", "update", app, "--name", "Notes 2", "--url", "https://notes.example/2", "--hidden")
	archived := decoded[client.Receipt](t, do(t, environ, "app", "archive", app, "--reason", "shut down", "--json"))
	require.NoError(t, s.WaitFor(t.Context(), int64(archived.Position)))
	require.Regexp(t, app+` +Notes 2 +https://notes.example/2 +true +true\n`, do(t, environ, "app", "list", wallet))
	require.Regexp(t, `(?s)name +Notes 2\n.*hidden +true\narchived +true`, do(t, environ, "app", "show", app))
	for _, args := range [][]string{{"key", "bind-app", key}, {"key", "bind-app", key, app, "--none"}, {"app", "register", wallet, "--name", "x"}, {"app", "show", "7"}} {
		require.Equal(t, exitUsage, call(t.Context(), environ, args...).code, "%v", args)
	}
	require.Contains(t, call(t.Context(), environ, "key", "bind-app", key, app).err, "app_archived")
}

func TestCommandSentTwiceHappensOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	wallet := decoded[client.BalanceReceipt](t, do(t, environ, "wallet", "open", "--json")).WalletID.String()
	for _, replayed := range []bool{false, true} {
		r := decoded[client.BalanceReceipt](t, do(t, environ, "wallet", "credit", wallet, "3", "--reason", "x", "--idempotency-key", "once", "--json"))
		require.Equal(t, "3", r.Posted.String())
		require.Equal(t, replayed, r.Replayed)
	}
	other := call(t.Context(), environ, "wallet", "credit", wallet, "4", "--reason", "x", "--idempotency-key", "once")
	require.Equal(t, exitFailure, other.code)
	require.Contains(t, other.err, "idempotency_conflict")
}

func TestProblemsOfTheServiceAreShown(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	const nobody = "018f0000-0000-7000-8000-000000000000"
	server := "--server=" + s.BaseURL()
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown wallet":   {[]string{"wallet", "show", nobody, server, "--token", operatorToken}, exitFailure, "wallet_not_found"},
		"wrong token":      {[]string{"wallet", "show", nobody, server, "--token", "this-is-not-the-right-token"}, exitFailure, "unauthenticated"},
		"unknown model":    {[]string{"model", "offer", "a/b@sim", "--upstream", "x", "--context", "9", "--max-output", "9", server, "--token", operatorToken}, exitFailure, "not_found"},
		"nobody there":     {[]string{"wallet", "open", "--server", "http://127.0.0.1:1", "--token", operatorToken}, exitFailure, "--idempotency-key"},
		"no server":        {[]string{"wallet", "open", "--token", operatorToken}, exitUsage, "MASSROUTER_SERVER"},
		"no token":         {[]string{"wallet", "open", server}, exitUsage, "MASSROUTER_OPERATOR_TOKEN"},
		"no such folder":   {[]string{"wallet", "open", "--data", "/does/not/exist"}, exitFailure, "massrouter dev"},
		"no id":            {[]string{"wallet", "show", "7"}, exitUsage, "no wallet id"},
		"no amount":        {[]string{"wallet", "credit", nobody, "1e3", "--reason", "x"}, exitUsage, "plain decimal"},
		"no reason":        {[]string{"wallet", "credit", nobody, "1"}, exitUsage, "--reason"},
		"no model":         {[]string{"model", "publish", "large"}, exitUsage, "author/slug"},
		"no endpoint":      {[]string{"price", "publish", "acme/large", "--rate", "input=1"}, exitUsage, "author/slug@vendor"},
		"no class":         {[]string{"price", "publish", "a/b@c", "--rate", "words=1"}, exitUsage, "CLASS=MONEY"},
		"too fine a price": {[]string{"price", "publish", "a/b@c", "--per-million", "--rate", "input=0.0000001"}, exitUsage, "more than six decimals"},
		"file and flags":   {[]string{"price", "publish", "a/b@c", "--rate", "input=1", "-f", "x"}, exitUsage, "stands in the file"},
		"file is missing":  {[]string{"price", "publish", "a/b@c", "-f", "/does/not/exist"}, exitUsage, "no such file"},
		"flag is unknown":  {[]string{"serve", "--port", "80"}, exitUsage, "unknown flag"},
		"too many words":   {[]string{"serve", "now"}, exitUsage, "takes 0 arguments"},
		"unknown command":  {[]string{"sell"}, exitUsage, "unknown command"},
		"unknown below":    {[]string{"wallet", "burn"}, exitUsage, "unknown command"},
		"no subcommand":    {[]string{"wallet"}, exitUsage, "a subcommand is needed"},
		"settings missing": {[]string{"serve"}, exitFailure, "DATABASE_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t.Context(), nil, c.args...)
			require.Equal(t, c.code, got.code, got.err)
			require.Contains(t, got.err, c.want)
			require.NotContains(t, got.err, operatorToken)
		})
	}
}

func TestSpecificationFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, want string }{
		"unknown field":   {"currency: USD\nprize: {}\n", `unknown field "prize"`},
		"number as price": {"currency: USD\nprice: {base: {input: 3, output: 4}}\n", "in quotes"},
		"exponent":        {"currency: USD\nprice: {base: {input: 1e-6, output: 4e-6}}\n", "plain decimal"},
		"alias":           {"currency: &c USD\nprice: {base: *c}\n", "aliases"},
		"empty":           {"", "empty"},
		"two tabs":        {"\tcurrency", "yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t.Context(), nil, "price", "publish", "a/b@c", "-f", write(t, "price.yaml", c.content))
			require.Equal(t, exitUsage, got.code)
			require.Contains(t, got.err, c.want)
		})
	}
}

func TestMigrationsGoUpDownAndUp(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=" + pgtest.Empty(t)}
	before := do(t, environ, "migrate", "status")
	require.Regexp(t, `(?m)^0001 +ledger +missing$`, before)
	require.Contains(t, before, "The database is at version 0 of ")

	require.Equal(t, exitUsage, call(t.Context(), environ, "migrate", "down").code, "losing data is not the default")
	one := do(t, environ, "migrate", "up", "--steps", "1")
	require.Regexp(t, `(?m)^0001 +ledger +applied$`, one)
	require.Contains(t, one, "at version 1 of ")

	up := do(t, environ, "migrate", "up")
	require.NotContains(t, up, "missing")
	require.Equal(t, up, do(t, environ, "migrate", "up"), "again changes nothing")
	require.Equal(t, up, do(t, environ, "migrate", "status"))

	down := do(t, environ, "migrate", "down", "--steps", "0", "--yes-lose-data", "--drop-audit-trail")
	require.Equal(t, before, down, "no event would be lost")
	require.Equal(t, up, do(t, environ, "migrate", "up"))
}

func TestServiceRefusesAnotherSchema(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=" + pgtest.Empty(t), "MASSROUTER_OPS_LISTEN=127.0.0.1:0"}
	got := call(t.Context(), environ, "work")
	require.Equal(t, exitFailure, got.code)
	require.Contains(t, got.err, "massrouter migrate up")
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	seen := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() == "help" || c.Name() == "completion" {
			return
		}
		path := c.CommandPath()
		require.NotEmpty(t, c.Short, path)
		require.NotEmpty(t, c.Long, path)
		if !c.HasSubCommands() {
			seen++
			require.Contains(t, c.Example, path, "the example shows the command itself")
		}
		got := call(t.Context(), nil, append(strings.Fields(path)[1:], "--help")...)
		require.Equal(t, exitOK, got.code, path)
		require.Contains(t, got.out, c.Long, path)
		for _, line := range strings.Split(c.Long, "\n") {
			require.LessOrEqual(t, len(line), 600, path)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRootCommand(shell{}))
	require.Greater(t, seen, 15)
}
