package http_test

import (
	"maps"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/problem"
)

const unknownID = "01890000-0000-7000-8000-000000000000"

// badInput is a request that has to be refused, and has to leave nothing in the log.
type badInput struct {
	name    string
	method  string // POST when empty
	path    string // {wallet} and {key} are filled in
	body    any
	headers []header
	status  int
	code    domain.Code
}

func once() []header { return []header{idempotent("once")} }

// with is a valid body with one member changed; nil takes it out.
func with(body map[string]any, name string, value any) map[string]any {
	changed := maps.Clone(body)
	changed[name] = value
	if value == nil {
		delete(changed, name)
	}
	return changed
}

func badAmounts() []badInput {
	var rows []badInput
	for _, c := range []struct {
		name   string
		amount any
		code   domain.Code
	}{
		{"13 decimals", "1.1234567890123", domain.CodeAmountOutOfRange},
		{"19 digits before the point", "1234567890123456789", domain.CodeAmountOutOfRange},
		{"40 digits", strings.Repeat("9", 40), domain.CodeAmountOutOfRange},
		{"a million digits", strings.Repeat("9", 100_000), domain.CodeAmountOutOfRange},
		{"negative", "-5", domain.CodeAmountInvalid},
		{"zero", "0", domain.CodeAmountInvalid},
		{"negative zero", "-0", domain.CodeAmountInvalid},
		{"exponent", "1e3", domain.CodeAmountInvalid},
		{"plus sign", "+5", domain.CodeAmountInvalid},
		{"space", " 5", domain.CodeAmountInvalid},
		{"comma", "1,000", domain.CodeAmountInvalid},
		{"no digit before the point", ".5", domain.CodeAmountInvalid},
		{"no digit after the point", "5.", domain.CodeAmountInvalid},
		{"not a number", "NaN", domain.CodeAmountInvalid},
		{"infinity", "Infinity", domain.CodeAmountInvalid},
		{"hexadecimal", "0x10", domain.CodeAmountInvalid},
		{"foreign digits", "１２", domain.CodeAmountInvalid},
		{"empty", "", domain.CodeAmountInvalid},
		{"JSON number", 5, domain.CodeAmountInvalid},
		{"JSON boolean", true, domain.CodeAmountInvalid},
		{"JSON object", map[string]any{}, domain.CodeAmountInvalid},
		{"missing", nil, domain.CodeInvalid},
	} {
		rows = append(rows, badInput{
			name: "amount: " + c.name, path: "{wallet}/top-ups", body: with(credit("1"), "amount", c.amount), headers: once(),
			status: 400, code: c.code,
		})
	}
	return rows
}

func badBodies() []badInput {
	const valid = `{"amount":"1","currency":"USD","reason":"r"`
	json := func(name, body string) badInput {
		return badInput{name: "body: " + name, path: "{wallet}/grants", body: body, headers: once(), status: 400, code: domain.CodeInvalid}
	}
	rows := []badInput{
		json("empty", ""), json("null", "null"), json("array", "[]"), json("string", `"x"`), json("not JSON", "{"),
		json("bytes after", valid+`}{}`), json("unknown member", valid+`,"note":"x"}`), json("other case", strings.Replace(valid, "amount", "Amount", 1)+"}"),
		json("duplicate member", valid+`,"amount":"2"}`), json("wrong type", `{"amount":"1","currency":"USD","reason":7}`),
		json("null member", `{"amount":"1","currency":"USD","reason":null}`), json("null optional member", valid+`,"reference":null}`),
		json("broken UTF-8", "{\"amount\":\"1\",\"currency\":\"USD\",\"reason\":\"\xff\xfe\"}"),
		json("lone surrogate", `{"amount":"1","currency":"USD","reason":"\ud800"}`),
		json("control character", `{"amount":"1","currency":"USD","reason":"a\u0000b"}`),
		json("empty reason", `{"amount":"1","currency":"USD","reason":""}`),
		json("long reason", `{"amount":"1","currency":"USD","reason":"`+strings.Repeat("r", 501)+`"}`),
		json("deep nesting", valid+`,"x":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+"}"),
		json("NaN literal", `{"amount":NaN}`), json("comment", valid+`/* */}`),
	}
	huge := json("huge", valid+strings.Repeat(" ", 300_000)+"}")
	huge.status, huge.code = 413, problem.CodeTooLarge
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/json; charset"} {
		row := json("media type "+media, valid+"}")
		row.headers = append(row.headers, header{"Content-Type", media})
		row.status, row.code = 415, problem.CodeUnsupportedMediaType
		rows = append(rows, row)
	}
	return append(rows, huge,
		badInput{name: "body where there is none", path: "{key}/enable", body: `{}`, status: 400, code: domain.CodeInvalid})
}

func badParameters() []badInput {
	get := func(path string) badInput {
		return badInput{name: "GET " + path, method: nethttp.MethodGet, path: path, status: 400, code: domain.CodeInvalid}
	}
	rows := []badInput{
		get("/console/v1/wallets/nothing"), get("/console/v1/wallets/" + unknownID + "0"), get("/console/v1/keys/%00"),
		get("/console/v1/wallets?limit=0"), get("/console/v1/wallets?limit=-1"), get("/console/v1/wallets?limit=201"),
		get("/console/v1/wallets?limit=ten"), get("/console/v1/wallets?limit=1.5"), get("/console/v1/wallets?limit=99999999999999999999"),
		get("/console/v1/wallets?limit=1&limit=2"), get("/console/v1/wallets?limt=1"), get("/console/v1/wallets?%zz"),
		get("/console/v1/wallets?cursor=x"), get("/console/v1/wallets?cursor=" + strings.Repeat("A", 400)),
		get("/console/v1/wallets?owner=%ff"), get("/console/v1/wallets?owner=%00"),
		get("/console/v1/wallets?min_position=-1"), get("/console/v1/wallets?min_position=1.0"), get("/console/v1/wallets?min_position=+1"),
		get("/console/v1/wallets?min_position=99999999999999999999"), get("/console/v1/wallets?min_position=9999999999999999999"),
		get("{wallet}/statement?kind=gift"), get("{wallet}/statement?from=yesterday"), get("{wallet}/statement?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"),
		get("{wallet}/statement?cursor=YmFsYW5jZS4x"), get("/console/v1/generations?wallet_id=x"), get("/console/v1/generations?model=%ff"),
		get("/console/v1/generations?to=0000-00-00"), get("/console/v1/generations/" + unknownID), get("/console/v1/generations/gen-x"),
		get("/console/v1/events?after=x"), get("/console/v1/events?limit=1001"), get("/console/v1/ledger/head?after=1"),
	}
	for name, key := range map[string]string{"missing": "", "space": "a b", "long": strings.Repeat("k", 201), "not ASCII": "schlüssel"} {
		rows = append(rows, badInput{
			name: "Idempotency-Key: " + name, path: "{wallet}/top-ups", body: credit("1"), headers: []header{idempotent(key)},
			status: 400, code: domain.CodeInvalid,
		})
	}
	return append(rows, badInput{
		name: "query of a command", path: "{wallet}/top-ups?amount=2", body: credit("1"), headers: once(), status: 400, code: domain.CodeInvalid,
	})
}

func badRules() []badInput {
	name := map[string]any{"name": "k"}
	update := map[string]any{"name": "k", "caps": nil, "models": nil, "expires_at": nil, "rate_limits": nil, "networks": nil}
	put := func(what, path string, body map[string]any) badInput {
		return badInput{name: what, method: nethttp.MethodPut, path: path, body: body, status: 400, code: domain.CodeInvalid}
	}
	post := func(what, path string, body any, status int, code domain.Code) badInput {
		return badInput{name: what, path: path, body: body, status: status, code: code, headers: once()}
	}
	price := func(what string, schedule map[string]any, code domain.Code) badInput {
		return post("price: "+what, endpointPath+"/prices", with(priceSpec(), "price", schedule), 400, code)
	}
	base := map[string]any{"input": "0.1", "output": "0.1"}
	return []badInput{
		post("currency: lower case", "/console/v1/wallets", map[string]any{"owner": "o", "currency": "usd"}, 400, domain.CodeAmountInvalid),
		post("currency: another", "{wallet}/top-ups", with(credit("1"), "currency", "EUR"), 422, domain.CodeCurrencyMismatch),
		post("wallet id: broken", "/console/v1/wallets", map[string]any{"owner": "o", "currency": "USD", "wallet_id": "x"}, 400, domain.CodeInvalid),
		post("wallet id: nil", "/console/v1/wallets", map[string]any{"owner": "o", "currency": "USD", "wallet_id": "00000000-0000-0000-0000-000000000000"}, 400, domain.CodeInvalid),
		post("owner: long", "/console/v1/wallets", map[string]any{"owner": strings.Repeat("o", 201), "currency": "USD"}, 400, domain.CodeInvalid),
		post("wallet: unknown", "/console/v1/wallets/"+unknownID+"/top-ups", credit("1"), 404, domain.CodeWalletNotFound),
		post("adjustment: more than there is", "{wallet}/adjustments", credit("-1000"), 402, domain.CodeInsufficientCredits),
		post("adjustment: zero", "{wallet}/adjustments", credit("0"), 400, domain.CodeAmountInvalid),
		post("hold: unknown", "{wallet}/holds/"+unknownID+"/release", map[string]any{"reason": "r"}, 404, domain.CodeHoldNotFound),
		post("key: name missing", "{wallet}/keys", map[string]any{}, 400, domain.CodeInvalid),
		post("key: negative cap", "{wallet}/keys", with(name, "caps", map[string]string{"day": "-1"}), 400, domain.CodeAmountInvalid),
		post("key: null cap", "{wallet}/keys", with(name, "caps", map[string]any{"day": nil}), 400, domain.CodeInvalid),
		post("key: unknown cap", "{wallet}/keys", with(name, "caps", map[string]string{"hour": "1"}), 400, domain.CodeInvalid),
		post("key: bad model", "{wallet}/keys", with(name, "models", []string{"no slash"}), 400, domain.CodeInvalid),
		post("key: expired from the start", "{wallet}/keys", with(name, "expires_at", "2020-01-01T00:00:00Z"), 400, domain.CodeInvalid),
		post("key: negative rate", "{wallet}/keys", with(name, "rate_limits", map[string]any{"requests_per_minute": -1}), 400, domain.CodeInvalid),
		post("key: huge rate", "{wallet}/keys", with(name, "rate_limits", map[string]any{"tokens_per_minute": 1_000_000_001}), 400, domain.CodeInvalid),
		post("key: fractional parallel calls", "{wallet}/keys", with(name, "rate_limits", map[string]any{"parallel": 1.5}), 400, domain.CodeInvalid),
		post("key: unknown rate", "{wallet}/keys", with(name, "rate_limits", map[string]any{"requests_per_hour": 1}), 400, domain.CodeInvalid),
		post("key: null rate", "{wallet}/keys", with(name, "rate_limits", map[string]any{"parallel": nil}), 400, domain.CodeInvalid),
		post("key: no time", "{wallet}/keys", with(name, "expires_at", "tomorrow"), 400, domain.CodeInvalid),
		post("key: negative grace", "{key}/rotate", map[string]any{"grace_seconds": -1}, 400, domain.CodeInvalid),
		post("key: long grace", "{key}/rotate", map[string]any{"grace_seconds": int64(1) << 62}, 400, domain.CodeInvalid),
		post("key: fractional grace", "{key}/rotate", map[string]any{"grace_seconds": 1.5}, 400, domain.CodeInvalid),
		post("key: unknown", "/console/v1/keys/"+unknownID+"/disable", map[string]any{"reason": ""}, 404, domain.CodeKeyNotFound),
		{name: "key: update in part", method: nethttp.MethodPatch, path: "{key}", body: with(update, "caps", nil), status: 400, code: domain.CodeInvalid},
		put("vendor: bad id", "/console/v1/vendors/North", vendorSpec()),
		put("vendor: NUL in the id", "/console/v1/vendors/a%00b", vendorSpec()),
		put("vendor: user in the URL", "/console/v1/vendors/north", with(vendorSpec(), "base_url", "https://user:pass@north.example")),
		put("vendor: unknown dialect", "/console/v1/vendors/north", with(vendorSpec(), "dialect", "klingon")),
		put("vendor: unknown status", "/console/v1/vendors/north", with(vendorSpec(), "status", "asleep")),
		put("model: escaped slash in the author", "/console/v1/models/a%2Fb/c", modelSpec()),
		put("model: negative context", modelPath, with(modelSpec(), "context_length", -1)),
		put("model: huge context", modelPath, with(modelSpec(), "context_length", int64(1)<<40)),
		put("model: fractional context", modelPath, with(modelSpec(), "context_length", 1.5)),
		put("model: context as a string", modelPath, with(modelSpec(), "context_length", "128000")),
		put("model: null modalities", modelPath, map[string]any{"name": "m", "context_length": 1, "max_completion_tokens": 1, "input_modalities": nil, "output_modalities": []string{"text"}, "released_at": "2026-01-01T00:00:00Z", "status": "active"}),
		price("no output", map[string]any{"base": map[string]any{"input": "0.1"}}, domain.CodeInvalid),
		price("negative", map[string]any{"base": with(base, "input", "-0.1")}, domain.CodeAmountInvalid),
		price("null", map[string]any{"base": map[string]any{"input": nil, "output": "0.1"}}, domain.CodeAmountInvalid),
		price("number", map[string]any{"base": with(base, "input", 0.1)}, domain.CodeAmountInvalid),
		price("unknown class", map[string]any{"base": with(base, "smell", "0.1")}, domain.CodeInvalid),
		price("no base", map[string]any{}, domain.CodeInvalid),
		price("override without a condition", map[string]any{"base": base, "overrides": []any{map[string]any{"rates": base}}}, domain.CodeInvalid),
		price("override without rates", map[string]any{"base": base, "overrides": []any{map[string]any{"min_prompt_tokens": 1}}}, domain.CodeInvalid),
		price("null override", map[string]any{"base": base, "overrides": []any{nil}}, domain.CodeInvalid),
		post("price: in the past", endpointPath+"/prices", with(priceSpec(), "effective_from", "2020-01-01T00:00:00Z"), 400, domain.CodeInvalid),
		post("price: unknown endpoint", modelPath+"/endpoints/south/prices", priceSpec(), 404, domain.CodeEndpointNotFound),
		{name: "endpoint: unknown vendor", method: nethttp.MethodPut, path: modelPath + "/endpoints/south", body: endpointSpec(), status: 404, code: domain.CodeVendorNotFound},
	}
}

func TestBadInputIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	wallet := b.wallet("10")
	key, _ := b.key(wallet, map[string]any{"name": "k"})
	before := b.position()
	fill := strings.NewReplacer("{wallet}", wallet, "{key}", key)
	rows := append(append(append(badAmounts(), badBodies()...), badParameters()...), badRules()...)
	t.Cleanup(func() { require.Equal(t, before, b.position()) }) // after all rows
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			method := row.method
			if method == "" {
				method = nethttp.MethodPost
			}
			// Each row has a key of its own, so that none is answered from the memory of another.
			for i, h := range row.headers {
				if h == idempotent("once") {
					row.headers[i] = idempotent("row-" + strings.Map(printable, row.name))
				}
			}
			b.on(t).send(method, fill.Replace(row.path), row.body, row.headers...).refused(row.status, row.code)
		})
	}
}

func printable(r rune) rune {
	if r <= ' ' || r > '~' {
		return '_'
	}
	return r
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/", "/console/v1", "/console/v1/nothing", "/console/v1/wallets/", "/v1", "/v1/nothing", "/api/v1/nothing", "/healthz", "/metrics", "/v1/models/a/b/c"} {
		b.get(path).is(404)
	}
	b.get("/console/v1/nothing").refused(404, domain.CodeNotFound)
	require.Equal(t, "not_found", b.get("/v1/nothing").text("error", "metadata", "error_type"))
	for path, allowed := range map[string]string{
		"/console/v1/wallets": "GET, POST", "/console/v1/events": "GET", "/v1/chat/completions": "POST", "/v1/models": "GET",
		"/console/v1/models/a/b": "GET, PUT", "/console/v1/keys/" + unknownID: "GET, PATCH", "/v1/models/a%2Fb": "GET",
	} {
		refusal := b.send(nethttp.MethodDelete, path, nil).is(405)
		require.Equal(t, allowed, refusal.header.Get("Allow"), path)
	}
	b.send("BREW", "/console/v1/wallets", nil).is(405)
}
