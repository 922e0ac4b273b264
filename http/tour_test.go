package http_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/preset"
	"github.com/massrouter/massrouter/http/openapi"
)

const (
	modelPath    = "/console/v1/models/acme/large"
	endpointPath = modelPath + "/endpoints/north"
	endpointID   = "acme/large@north"
)

func vendorSpec() map[string]any {
	return map[string]any{
		"name": "North", "base_url": "https://north.example/v1", "dialect": "openai", "cancel_policy": "drain",
		"max_tokens_field": "max_tokens", "status": "active",
	}
}

func modelSpec() map[string]any {
	return map[string]any{
		"name": "Acme Large", "description": "A model.", "context_length": 128000, "max_completion_tokens": 16000,
		"input_modalities": []string{"text", "image"}, "output_modalities": []string{"text"},
		"supported_parameters": []string{"temperature", "tools", "n"}, "tokenizer": "o200k_base",
		"released_at": "2026-05-01T00:00:00Z", "status": "active",
	}
}

func endpointSpec() map[string]any {
	return map[string]any{"upstream_model": "large-1", "context_length": 128000, "max_completion_tokens": 16000, "status": "active"}
}

func priceSpec() map[string]any {
	return map[string]any{"currency": "USD", "price": map[string]any{
		"base": map[string]string{
			"input": "0.000002", "cache_read": "0.0000005", "cache_write": "0.0000025", "output": "0.000008",
			"reasoning": "0.000009", "request": "0.001",
		},
		"overrides": []map[string]any{
			{"min_prompt_tokens": 100000, "rates": map[string]string{"input": "0.000004"}},
			{"utc_start": "22:00", "utc_end": "06:30", "rates": map[string]string{"cache_write_1h": "0.000004"}},
		},
	}}
}

// publish puts a model, its vendor, its endpoint and a price into the catalogue.
func (b *bundle) publish() {
	b.t.Helper()
	vendor := vendorSpec()
	vendor["base_url"] = b.sim
	b.send("PUT", "/console/v1/vendors/north", vendor).is(200)
	b.send("PUT", modelPath, modelSpec()).is(200)
	b.send("PUT", endpointPath, endpointSpec()).is(200)
	done := b.post(endpointPath+"/prices", priceSpec()).is(201)
	b.get("/console/v1/models" + done.after()).is(200)
}

// hold places a hold, as the gateway does.
func (b *bundle) hold(walletID, keyID uuid.UUID) uuid.UUID {
	b.t.Helper()
	id, err := uuid.NewV7()
	require.NoError(b.t, err)
	_, _, err = b.app.PlaceHold(b.t.Context(), commands.Meta{CommandID: id, Actor: "key:" + keyID.String()}, commands.PlaceHold{
		HoldID: id, WalletID: walletID, KeyID: keyID, Model: "acme/large", Endpoint: endpointID,
		PromptTokens: 2000, CompletionTokens: 1000, TTL: time.Hour,
	})
	require.NoError(b.t, err)
	return id
}

// charge settles a hold and returns the position of the charge.
func (b *bundle) charge(walletID, hold uuid.UUID) int64 {
	b.t.Helper()
	_, done, err := b.app.SettleHold(b.t.Context(), commands.Meta{CommandID: domain.DeriveID(hold, "settle"), Actor: "system:test"},
		commands.SettleHold{
			HoldID: hold, WalletID: walletID, Endpoint: endpointID, Provenance: usage.Reported,
			Usage: usage.Usage{usage.Input: 1000, usage.CacheRead: 500, usage.Output: 200, usage.Reasoning: 100, usage.Request: 1},
			Call: wallet.Call{
				Streamed: true, FinishReason: "stop", NativeFinishReason: "stop", UpstreamID: "up-1", Attempts: 1,
				StartedAt: time.Now(), FirstTokenMS: 120, DurationMS: 900,
			},
		})
	require.NoError(b.t, err)
	return done.Position
}

// The charge of b.charge: 1000 × 0.000002 + 500 × 0.0000005 + 200 × 0.000008 + 100 × 0.000009 + 0.001.
const chargeOfCall = "0.00575"

func TestEveryOperationAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	b := withPeople(t, firewalled(t), steady)
	b.publish()
	w := b.wallet("10")
	walletID := idOf(t, w)
	b.post(w+"/grants", credit("2.5"), idempotent("grant")).is(200)
	b.post(w+"/adjustments", credit("-0.5"), idempotent("adjust")).is(200)
	k, secret := b.key(w, map[string]any{"name": "first", "caps": map[string]string{"day": "5", "total": "100"}, "models": []string{"acme/large", "acme/vectors", "acme/muse"}})
	keyID := idOf(t, k)

	hold := b.hold(walletID, keyID)
	position := b.charge(walletID, hold)
	stuck := b.hold(walletID, keyID)
	freed := b.post(w+"/holds/"+stuck.String()+"/release", map[string]any{"reason": "stuck"}).is(200)
	require.Equal(t, "0", freed.text("held"))

	b.get(w + freed.after()).is(200)
	b.get("/console/v1/wallets" + freed.after()).is(200)
	b.terms(w, k)
	b.send("PUT", w+"/price-group", map[string]any{"price_group": "partners"}).is(200)
	b.get(w + "/terms" + b.send("DELETE", w+"/price-group", nil).is(200).after()).is(200)
	b.get(w + "/keys" + freed.after()).is(200)
	b.get("/console/v1/vendors").is(200)
	b.get("/console/v1/models").is(200)
	b.get(modelPath).is(200)
	b.get("/console/v1/generations" + freed.after() + "&wallet_id=" + walletID.String() + "&model=acme%2Flarge").is(200)
	b.get("/console/v1/ledger/head").is(200)
	b.get("/console/v1/events").is(200)
	b.get("/console/v1/audit/entries?limit=2").is(200)
	b.get("/console/v1/audit/entries/export?format=jsonl").is(200)

	statement := b.get(w + "/statement" + freed.after()).is(200)
	require.Equal(t, 4, statement.count("items"))
	require.Equal(t, "charge", statement.text("items", 0, "kind"))
	require.Equal(t, "-"+chargeOfCall, statement.text("items", 0, "amount"))
	require.Equal(t, openapi.Count(position).String(), statement.text("items", 0, "position"))

	generation := b.get("/console/v1/generations/" + domain.GenerationID(hold)).is(200)
	require.Equal(t, chargeOfCall, generation.text("generation", "charge"))
	require.Equal(t, "0.000002", generation.text("price", "price", "base", "input"))
	require.Equal(t, 5, generation.count("generation", "line_items"))

	b.apps(w, k)
	b.presets(w)
	b.vendorKeys(w)
	b.contents(w, secret)
	b.get(w + "/cache-hits?from=2026-01-01&to=2026-02-01").is(200)
	b.readSide(w, hold, "&"+freed.after()[1:])
	b.metadata(secret, hold)
	b.chat(secret)
	b.updates(walletID)
	b.reviews(walletID, keyID)
	b.organisations()
	b.people()
	b.grants()
	b.changeKey(k, secret)
	b.hooks(w)
	b.managed(w)

	b.trailed()
	all := b.http.Transport.(*transport)
	for path, item := range all.document.doc.Paths.Map() {
		for _, op := range item.Operations() {
			require.True(t, all.answered[op.OperationID], "%s %s has no answer in this test", op.OperationID, path)
		}
	}
}

// chat calls the model, whole and as a stream, and asks for the receipt as soon as the last byte is there.
func (b *bundle) chat(secret string) {
	b.t.Helper()
	call := map[string]any{"model": "acme/large", "messages": []map[string]string{{"role": "user", "content": "Hello"}}}
	whole := b.post("/v1/chat/completions", call, bearer(secret)).is(200)
	call["stream"] = true
	stream := b.post("/api/v1/chat/completions", call, bearer(secret)).is(200)
	require.Contains(b.t, string(stream.body), "data: [DONE]")
	for _, a := range []answer{whole, stream} {
		receipt := b.get("/api/v1/generation?id="+a.header.Get("X-Generation-Id"), bearer(secret)).is(200)
		require.Equal(b.t, receipt.at("data", "usage"), receipt.at("data", "total_cost"))
	}
	require.JSONEq(b.t, string(whole.at("usage", "cost")),
		string(b.get("/api/v1/generation?id="+whole.header.Get("X-Generation-Id"), bearer(secret)).at("data", "total_cost")))
	b.post("/v1/chat/completions", `{"model":`, bearer(secret)).is(400)
	b.otherDialects(secret)
	b.embeddings(secret)
	b.media(secret)
	for _, root := range []string{"/v1", "/api/v1"} {
		b.post(root+"/completions", map[string]any{"model": "acme/large", "prompt": "Once"}, bearer(secret)).is(200)
		stream := b.post(root+"/completions", map[string]any{"model": "acme/large", "prompt": "Once", "stream": true}, bearer(secret)).is(200)
		require.Contains(b.t, string(stream.body), "data: [DONE]")
	}
	b.post("/v1/completions", map[string]any{"model": "acme/large", "prompt": []int{}}, bearer(secret)).is(400)
}

// embeddings embeds texts with a model that is for that, in either form, and sorts documents with it.
func (b *bundle) embeddings(secret string) {
	b.t.Helper()
	const path = "/console/v1/models/acme/vectors"
	model := modelSpec()
	model["output_modalities"], model["max_completion_tokens"] = []string{"embeddings", "rerank"}, 1
	endpoint := endpointSpec()
	endpoint["max_completion_tokens"] = 1
	b.send("PUT", path, model).is(200)
	b.send("PUT", path+"/endpoints/north", endpoint).is(200)
	done := b.post(path+"/endpoints/north/prices", priceSpec()).is(201)
	b.get("/console/v1/models" + done.after()).is(200)
	for _, root := range []string{"/v1", "/api/v1"} {
		made := b.post(root+"/embeddings", map[string]any{"model": "acme/vectors", "input": []string{"Hello", "you"}}, bearer(secret)).is(200)
		require.Equal(b.t, 2, made.count("data"))
		require.Equal(b.t, made.text("id"), made.header.Get("X-Generation-Id"))
		sorted := b.post(root+"/rerank", map[string]any{"model": "acme/vectors", "query": "Who?", "documents": []string{"Me", "You"}, "top_n": 1}, bearer(secret)).is(200)
		require.Equal(b.t, 1, sorted.count("results"))
	}
	b.post("/v1/embeddings", map[string]any{"model": "acme/large", "input": "Hello"}, bearer(secret)).is(400)
	b.post("/v1/rerank", map[string]any{"model": "acme/large", "query": "Who?", "documents": []string{"Me"}}, bearer(secret)).is(400)
	content := map[string]any{"content": map[string]any{"parts": []map[string]string{{"text": "Hello"}}}}
	b.post("/v1beta/models/acme/vectors:embedContent", content, bearer(secret)).is(200)
	b.post("/v1beta/models/acme/vectors:batchEmbedContents", map[string]any{"requests": []any{content}}, bearer(secret)).is(200)
}

// media draws, speaks and listens with a model that is for that.
func (b *bundle) media(secret string) {
	b.t.Helper()
	const path = "/console/v1/models/acme/muse"
	model := modelSpec()
	model["output_modalities"] = []string{"image", "speech", "transcription"}
	b.send("PUT", path, model).is(200)
	b.send("PUT", path+"/endpoints/north", endpointSpec()).is(200)
	done := b.post(path+"/endpoints/north/prices", priceSpec()).is(201)
	b.get("/console/v1/models" + done.after()).is(200)
	for _, root := range []string{"/v1", "/api/v1"} {
		drawn := b.post(root+"/images/generations", map[string]any{"model": "acme/muse", "prompt": "Me", "n": 2}, bearer(secret)).is(200)
		require.Equal(b.t, 2, drawn.count("data"))
		stream := b.post(root+"/images/generations", map[string]any{"model": "acme/muse", "prompt": "Me", "stream": true}, bearer(secret)).is(200)
		require.Contains(b.t, string(stream.body), "event: image_generation.completed")
	}
	b.post("/v1/images/generations", map[string]any{"model": "acme/large", "prompt": "Me"}, bearer(secret)).is(400)
	for _, root := range []string{"/v1", "/api/v1"} {
		for media, format := range map[string]string{"audio/mpeg": "mp3", "audio/wav": "wav"} {
			speech := map[string]any{"model": "acme/muse", "input": "Me", "voice": "alloy", "response_format": format}
			require.Equal(b.t, media, b.post(root+"/audio/speech", speech, bearer(secret)).is(200).header.Get("Content-Type"))
		}
		file := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n" +
			"--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nacme/muse\r\n--x--\r\n"
		written := b.post(root+"/audio/transcriptions", file, bearer(secret), header{"Content-Type", "multipart/form-data; boundary=x"}).is(200)
		require.NotEmpty(b.t, written.text("text"))
	}
	b.post("/v1/audio/speech", map[string]any{"model": "acme/large", "input": "Me"}, bearer(secret)).is(400)
	b.post("/v1/audio/transcriptions", map[string]any{"model": "acme/large"}, bearer(secret)).is(415)
}

// otherDialects calls the same model as Anthropic's and Google's clients do.
func (b *bundle) otherDialects(secret string) {
	b.t.Helper()
	message := map[string]any{"model": "acme/large", "max_tokens": 9, "messages": []map[string]string{{"role": "user", "content": "Hello"}}}
	content := map[string]any{"contents": []map[string]any{{"role": "user", "parts": []map[string]string{{"text": "Hello"}}}}}
	for _, root := range []string{"/v1", "/api/v1"} {
		b.post(root+"/responses", map[string]any{"model": "acme/large", "input": "Hello"}, bearer(secret)).is(200)
		b.post(root+"/messages", message, header{"X-Api-Key", secret}).is(200)
		b.post(root+"/messages/count_tokens", message, bearer(secret)).is(200)
	}
	for _, root := range []string{"/v1", "/v1beta"} {
		b.post(root+"/models/acme/large:generateContent", content, header{"X-Goog-Api-Key", secret}).is(200)
		b.post(root+"/models/acme/large:countTokens", content, bearer(secret)).is(200)
	}
	b.post("/v1/messages", `{"model":`, bearer(secret)).is(400)
	b.post("/v1beta/models/acme/large:generateContent", `{"contents":`, bearer(secret)).is(400)
}

// readSide asks statistics, the books and the proofs.
func (b *bundle) readSide(wallet string, hold uuid.UUID, after string) {
	b.t.Helper()
	for _, path := range []string{
		"usage/aggregate?metric=charge", "usage/series?metric=charge", "usage/groups?metric=charge&dimension=model", "usage/calls?model=acme%2Flarge",
		"journal/trial-balance?", "journal/entries?", "journal/accounts/revenue:usage?", "journal/accounts/revenue:usage/ledger?currency=USD",
	} {
		b.get("/console/v1/" + path + after).is(200)
	}
	for _, path := range []string{"/closes", "/closes/" + b.month(), "/statements/" + b.month()} {
		b.get(wallet + path + "?" + after[1:]).is(200)
	}
	b.get("/console/v1/charges/" + domain.GenerationID(hold) + "/receipt").is(200)
	b.get("/console/v1/projections").is(200)
}

// presets walks a preset through its life.
func (b *bundle) presets(wallet string) {
	t := b.t
	t.Helper()
	content := map[string]any{"slug": "pirate", "system_prompt": "Speak like a pirate.", "parameters": map[string]any{"model": "acme/large", "temperature": 0.25}}
	first := b.post(wallet+"/presets", content, idempotent("preset")).is(201)
	again := b.post(wallet+"/presets", content, idempotent("preset")).is(201)
	require.Equal(t, first.text("preset_id"), again.text("preset_id"))
	require.Equal(t, "true", string(again.at("replayed")))
	content["description"] = "Louder."
	require.Equal(t, "2", string(b.post(wallet+"/presets", content).is(201).at("version")))
	b.post(wallet+"/presets", content, idempotent("preset")).refused(409, domain.CodeIdempotencyConflict)
	content["parameters"] = map[string]any{"messages": []string{}}
	refused := b.post(wallet+"/presets", content)
	refused.refused(400, domain.CodeInvalid)
	require.Equal(t, "/parameters/messages", refused.text("details", "member"))
	b.post("/console/v1/wallets/"+uuid.NewString()+"/presets", map[string]any{"slug": "x", "system_prompt": "P"}).refused(404, domain.CodeWalletNotFound)

	path := "/console/v1/presets/" + first.text("preset_id")
	require.Equal(t, "pirate", b.get(wallet+"/presets").is(200).text("items", 0, "slug"))
	shown := b.get(path).is(200)
	require.Equal(t, "2", string(shown.at("preset", "versions")))
	require.Equal(t, "Louder.", shown.text("newest", "description"))
	version := b.get(path + "/versions/1").is(200)
	require.Equal(t, "Speak like a pirate.", version.text("version", "system_prompt"))
	require.JSONEq(t, `{"model":"acme/large","temperature":0.25}`, string(version.at("version", "parameters")))
	require.Equal(t, first.text("content_hash"), version.text("version", "content_hash"))
	b.get(path+"/versions/3").refused(404, preset.CodeNotFound)
	b.get("/console/v1/presets/"+uuid.NewString()).refused(404, preset.CodeNotFound)

	require.Equal(t, "false", string(b.post(path+"/archive", nil).is(200).at("replayed")))
	require.Equal(t, "true", string(b.post(path+"/archive", nil).is(200).at("replayed")))
	require.NotEmpty(t, b.get(path).is(200).text("preset", "archived_at"))
	delete(content, "parameters")
	b.post(wallet+"/presets", content).refused(409, preset.CodeArchived)
	b.send("DELETE", path, nil).is(200)
	require.Equal(t, "true", string(b.send("DELETE", path, nil).is(200).at("replayed")))
	b.get(path).refused(404, preset.CodeNotFound)
}

// terms says what the calls of a wallet, and of a member of it, are held to.
func (b *bundle) terms(wallet, key string) {
	b.t.Helper()
	member := "019ced10-4d5e-7f66-87d8-0e1f2a3b4c06"
	rates := map[string]any{"requests_per_minute": 600, "parallel": 20}
	limits := map[string]any{"caps": map[string]any{"day": "5"}, "rate_limits": map[string]any{"parallel": 2}}
	b.send("PUT", wallet+"/rate-limits", map[string]any{"parallel": -1}).refused(400, domain.CodeInvalid)
	set := b.send("PUT", wallet+"/rate-limits", rates).is(200)
	require.JSONEq(b.t, `{"requests_per_minute":600,"parallel":20}`, string(b.get(wallet+"/terms"+set.after()).is(200).at("rate_limits")))
	b.get(wallet+"/members/"+member+"/limits").refused(404, domain.CodeNotFound)
	b.send("PUT", wallet+"/members/"+member+"/limits", map[string]any{"caps": map[string]any{"day": "-5"}}).refused(400, domain.CodeAmountInvalid)
	set = b.send("PUT", wallet+"/members/"+member+"/limits", limits).is(200)
	require.JSONEq(b.t, `{"caps":{"day":"5"},"rate_limits":{"parallel":2}}`, string(b.get(wallet+"/members/"+member+"/limits"+set.after()).is(200).at("limits")))
	set = b.send("PUT", key+"/member", map[string]any{"member_id": member}).is(200)
	b.send("PUT", key+"/member", map[string]any{"member_id": member}).refused(409, domain.CodeConflict)
	require.Equal(b.t, member, b.get(key+set.after()).is(200).text("key", "member_id"))
	b.send("DELETE", key+"/member", nil).is(200)
	b.send("DELETE", key+"/member", nil).refused(409, domain.CodeConflict)
	owned, _ := b.key(wallet, map[string]any{"name": "owned", "member_id": member})
	b.get(owned + "?min_position=" + b.get("/console/v1/ledger/head").is(200).text("position")).is(200)
	require.Equal(b.t, member, b.get(owned).is(200).text("key", "member_id"))
}

// apps walks an app through its life, with a key bound to it, and looks at the rankings.
func (b *bundle) apps(wallet, key string) {
	t := b.t
	t.Helper()
	details := map[string]any{"name": "Notes", "url": "https://notes.example", "description": "Takes notes."}
	b.post(wallet+"/apps", map[string]any{"name": "Notes", "url": "http://notes.example"}).refused(400, domain.CodeInvalid)
	registered := b.post(wallet+"/apps", details, idempotent("app")).is(201)
	require.Equal(t, registered.text("app_id"), b.post(wallet+"/apps", details, idempotent("app")).is(201).text("app_id"))
	app := "/console/v1/apps/" + registered.text("app_id")
	details["hidden"] = true
	updated := b.send("PUT", app, details).is(200)
	require.Equal(t, "true", string(b.get(app+updated.after()).is(200).at("app", "hidden")))
	require.Equal(t, "Notes", b.get(wallet+"/apps"+updated.after()).is(200).text("items", 0, "name"))
	bound := b.send("PUT", key+"/app", map[string]any{"app_id": registered.text("app_id")}).is(200)
	require.Equal(t, registered.text("app_id"), b.get(key+bound.after()).is(200).text("key", "app_id"))
	b.send("PUT", key+"/app", map[string]any{"app_id": uuid.NewString()}).refused(404, domain.CodeAppNotFound)
	b.send("DELETE", key+"/app", nil).is(200)
	b.send("DELETE", key+"/app", nil).refused(409, domain.CodeConflict)
	archived := b.post(app+"/archive", map[string]any{"reason": "done"}).is(200)
	b.send("PUT", key+"/app", map[string]any{"app_id": registered.text("app_id")}).refused(409, domain.CodeAppArchived)

	after := "&" + archived.after()[1:]
	for _, query := range []string{
		"board=models&window=day", "board=models&window=month&trending=true&by=spend", "board=apps&window=all&model=acme%2Flarge&top=5",
		"board=referers&window=week&date=" + b.day(),
	} {
		b.get("/console/v1/rankings?" + query + after).is(200)
	}
	day := b.get("/console/v1/rankings?board=vendors&window=day" + after).is(200)
	require.Zero(t, day.count("rows"), "one wallet is no ranking")
	require.Equal(t, "1800", day.text("total"))
	require.Equal(t, "1800", day.text("other"))
	require.Equal(t, "other", b.get("/console/v1/rankings/daily?"+after[1:]).is(200).text("data", 0, "model_permaslug"))
	for query, parameter := range map[string]string{
		"board=users&window=day": "board", "board=models&window=year": "window", "board=models&window=day&by=margin": "by", "board=models": "window",
		"board=models&window=all&date=2026-01-01": "date", "board=models&window=day&model=a%2Fb": "model", "board=models&window=day&top=101": "top",
		"board=models&window=day&as_of=1": "as_of", "board=models&window=all&trending=true": "trending", "board=models&window=day&limit=5": "limit",
	} {
		if refused := b.get("/console/v1/rankings?" + query); parameter != "as_of" {
			refused.refused(400, domain.CodeInvalid)
			require.Equal(t, parameter, refused.text("details", "parameter"), query)
		}
	}
}

// metadata asks everything that the caller of a key may ask.
func (b *bundle) metadata(secret string, hold uuid.UUID) {
	b.t.Helper()
	b.get("/v1/models").is(200)
	b.get("/v1/models/acme/large").is(200)
	b.get("/v1/models/acme%2Flarge").is(200)
	b.get("/api/v1/models").is(200)
	b.get("/api/v1/models/acme/large/endpoints").is(200)
	b.get("/api/v1/credits", bearer(secret)).is(200)
	b.get("/api/v1/key", bearer(secret)).is(200)
	b.get("/api/v1/generation?id="+domain.GenerationID(hold), bearer(secret)).is(200)
	b.get("/api/v1/activity", bearer(secret)).is(200)
	for _, path := range []string{"models/count", "embeddings/models", "model/acme/large", "endpoints/zdr", "providers"} {
		b.get("/api/v1/" + path).is(200)
	}
	b.get("/api/v1/models/user", bearer(secret)).is(200)
}

// managed walks a key through its life by a management key.
func (b *bundle) managed(wallet string) {
	b.t.Helper()
	_, manager := b.key(wallet, map[string]any{"name": "manager", "scope": "management"})
	b.keysByManagement(manager)
	made := b.post("/api/v1/keys", map[string]any{"name": "made"}, bearer(manager)).is(201)
	path := "/api/v1/keys/" + made.text("data", "hash")
	b.get("/api/v1/keys", bearer(manager)).is(200)
	b.get(path, bearer(manager)).is(200)
	b.send("PATCH", path, map[string]any{"disabled": true}, bearer(manager)).is(200)
	b.send("DELETE", path, nil, bearer(manager)).is(200)
}

// changeKey walks a key through its life and looks at what can be seen of it.
func (b *bundle) changeKey(k, secret string) {
	t := b.t
	t.Helper()
	see := func(a answer) answer { return b.get(k + a.is(200).after()).is(200) }
	limits := map[string]any{
		"name": "second", "caps": nil, "models": nil, "expires_at": nil, "rate_limits": map[string]any{"requests_per_minute": 60, "tokens_per_minute": 5, "parallel": 2},
		"networks": []string{"127.0.0.0/8", "::1/128"},
	}
	seen := see(b.send("PATCH", k, limits))
	require.Equal(t, "second", seen.text("key", "name"))
	require.JSONEq(t, `{}`, string(seen.at("key", "caps")))
	require.JSONEq(t, `{"requests_per_minute":60,"tokens_per_minute":5,"parallel":2}`, string(seen.at("key", "rate_limits")))
	require.JSONEq(t, `["127.0.0.0/8","::1/128"]`, string(seen.at("key", "networks")))
	b.get("/api/v1/key", bearer(secret)).is(200)
	limits["rate_limits"], limits["networks"] = nil, []string{"203.0.113.0/24"}
	see(b.send("PATCH", k, limits))
	b.get("/api/v1/key", bearer(secret)).is(403)
	limits["networks"] = nil
	require.JSONEq(t, `{}`, string(see(b.send("PATCH", k, limits)).at("key", "rate_limits")))

	rotated := b.post(k+"/rotate", map[string]any{"grace_seconds": 60})
	seen = see(rotated)
	fresh := rotated.text("secret")
	require.NotEqual(t, secret, fresh)
	require.Equal(t, apikey.Label(fresh), seen.text("key", "label"))
	b.get("/api/v1/key", bearer(secret)).is(200)
	b.get("/api/v1/key", bearer(fresh)).is(200)

	seen = see(b.post(k+"/disable", map[string]any{"reason": "leaked?"}))
	require.Equal(t, "disabled", seen.text("key", "state"))
	require.Equal(t, "leaked?", seen.text("key", "reason"))
	b.get("/api/v1/key", bearer(fresh)).is(403)
	require.Equal(t, "active", see(b.post(k+"/enable", nil)).text("key", "state"))
	fresh = b.leak(k, fresh)
	require.Equal(t, "revoked", see(b.post(k+"/revoke", map[string]any{"reason": "done"})).text("key", "state"))
	b.get("/api/v1/key", bearer(fresh)).is(401)
	b.post(k+"/enable", nil).refused(409, domain.CodeKeyRevoked)
}

// leak reports a secret, and gives the key another one.
func (b *bundle) leak(k, secret string) (fresh string) {
	t := b.t
	t.Helper()
	report := func(body any) {
		require.JSONEq(t, `{"received":1}`, string(b.post("/api/v1/leaked-keys", body, bearer("")).is(202).body))
	}
	report(map[string]any{"token": apikey.Secret(uuid.New(), [32]byte{1})})
	b.get("/api/v1/key", bearer(secret)).is(200)
	report([]map[string]any{{"token": secret, "type": "massrouter_api_key", "url": "https://github.com/someone/something/blob/main/.env", "source": "content"}})
	head, err := b.store.Head(t.Context())
	require.NoError(t, err)
	seen := b.get(k + "?min_position=" + strconv.FormatInt(head.Position, 10)).is(200)
	b.get("/api/v1/key", bearer(secret)).is(403)
	report(map[string]any{"token": secret})
	require.Equal(t, "disabled", seen.text("key", "state"))
	require.Equal(t, "its secret was found in public: github.com", seen.text("key", "reason"))
	b.post(k+"/enable", nil).refused(409, domain.CodeConflict)
	b.post(k+"/rotate", map[string]any{"grace_seconds": 60}).refused(400, domain.CodeInvalid)
	fresh = b.post(k+"/rotate", map[string]any{"grace_seconds": 0}).is(200).text("secret")
	b.get(k + b.post(k+"/enable", nil).is(200).after()).is(200)
	b.get("/api/v1/key", bearer(fresh)).is(200)
	return fresh
}

func TestEventsAreExactlyTheStoredOnes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	b.wallet("10")
	head := b.get("/console/v1/ledger/head").is(200).text("position")

	stored, err := b.store.Read(t.Context(), 0, 1000)
	require.NoError(t, err)
	require.Equal(t, head, openapi.Count(len(stored)).String())
	page := b.get("/console/v1/events?limit=1000").is(200)
	require.Equal(t, len(stored), page.count("items"))
	for i, e := range stored {
		require.Equal(t, string(e.Body), page.text("items", i, "body"))
		require.Equal(t, e.Type, page.text("items", i, "type"))
		require.Equal(t, openapi.Count(i+1).String(), page.text("items", i, "position"))
	}
	part := b.get("/console/v1/events?after=2&limit=2").is(200)
	require.Equal(t, 2, part.count("items"))
	require.Equal(t, "3", part.text("items", 0, "position"))
	require.Equal(t, head, part.text("position"))
	require.Zero(t, b.get("/console/v1/events?after="+head).is(200).count("items"))

	var secretHash struct{ Hash string }
	_, secret := b.key(b.wallet("0"), map[string]any{"name": "k"})
	events := b.get("/console/v1/events?limit=1000").is(200)
	last := events.text("items", events.count("items")-1, "body")
	require.NoError(t, json.Unmarshal([]byte(last), &secretHash))
	require.Len(t, secretHash.Hash, 64)
	require.Equal(t, apikey.HashSecret(secret).String(), secretHash.Hash)
	require.NotContains(t, string(events.body), secret)
}
