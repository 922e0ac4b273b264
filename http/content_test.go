package http_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/projections/generations"
)

// contents is what is stored of calls, with its writer.
type contents struct {
	*content.Store
	*content.Writer
}

func newContents(t *testing.T, pool *pgxpool.Pool) contents {
	t.Helper()
	text, err := envelope.NewKeyset()
	require.NoError(t, err)
	keys, err := envelope.Open(text, nil)
	require.NoError(t, err)
	c := contents{Store: content.New(pool, keys)}
	c.Writer = content.NewWriter(c.Store, content.WriterOptions{Flush: time.Minute, Logger: zerolog.Nop()})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return c
}

// owned knows whose calls they are.
type owned struct {
	*content.Store
	calls *generations.Query
}

func (c contents) commands(calls *generations.Query) owned { return owned{c.Store, calls} }

func (o owned) Wallet(ctx context.Context, generation uuid.UUID) (uuid.UUID, error) {
	g, err := o.calls.Generation(ctx, generation, nil, 0)
	return g.WalletID, err
}

const contentMarker = "a question that is nobody's business"

// ask calls the model and returns the generation's id.
func (b *bundle) ask(path, secret string, body map[string]any) string {
	b.t.Helper()
	return b.post(path, body, bearer(secret)).is(200).header.Get("X-Generation-Id")
}

func nosyQuestion(stream bool) map[string]any {
	return map[string]any{"model": "acme/large", "stream": stream, "messages": []map[string]string{{"role": "user", "content": contentMarker}}}
}

// stored waits until the content of a call is there.
func (b *bundle) stored(generation string) answer {
	b.t.Helper()
	path := "/console/v1/generations/" + generation + "/content"
	require.Eventually(b.t, func() bool {
		a, err := b.try("GET", path, nil)
		return err == nil && a.status == 200
	}, time.Minute, 20*time.Millisecond)
	return b.get(path).is(200)
}

// contents walks what is stored of calls through its life.
func (b *bundle) contents(w, secret string) {
	t := b.t
	t.Helper()
	off := b.ask("/v1/chat/completions", secret, nosyQuestion(false))
	b.get("/console/v1/generations/"+off+"/content").refused(404, domain.CodeNotFound)
	b.send("PUT", w+"/content-storage", map[string]any{"retention_hours": 2161}).refused(400, domain.CodeInvalid)
	b.send("PUT", w+"/content-storage", map[string]any{"keys": []string{uuid.NewString()}}).refused(400, domain.CodeInvalid)
	b.send("PUT", "/console/v1/wallets/"+uuid.NewString()+"/content-storage", map[string]any{"retention_hours": 1}).refused(404, domain.CodeWalletNotFound)
	on := b.send("PUT", w+"/content-storage", map[string]any{"retention_hours": 24}).is(200)
	require.Equal(t, "24", string(b.get(w+"/terms"+on.after()).is(200).at("content_storage", "retention_hours")))

	_, manager := b.key(w, map[string]any{"name": "reads", "scope": "management"})
	for _, stream := range []bool{false, true} {
		id := b.ask("/v1/chat/completions", secret, nosyQuestion(stream))
		shown := b.stored(id)
		require.Equal(t, "stored", shown.text("state"))
		require.Contains(t, shown.text("request", "body"), contentMarker)
		require.Equal(t, "false", string(shown.at("response", "truncated")))
		require.Equal(t, stream, strings.HasSuffix(shown.text("response", "body"), "data: [DONE]\n\n"))
		b.get("/console/v1/generations/"+off+"/content").refused(404, domain.CodeNotFound)

		texts := b.sendAsOpenRouter("GET", "/api/v1/generation/content?id="+id, nil, bearer(manager)).is(200)
		require.Equal(t, contentMarker, texts.text("data", "input", "messages", 0, "content"))
		require.NotEmpty(t, texts.text("data", "output", "completion"))
		require.JSONEq(t, "null", string(texts.at("data", "error")))
		b.get("/api/v1/generation/content?id="+id, bearer(secret)).is(401)
		b.get("/api/v1/generation/content?id="+off, bearer(manager)).is(404)

		b.send("DELETE", "/console/v1/generations/"+id+"/content", nil).is(200)
		gone := b.get("/console/v1/generations/" + id + "/content").is(200)
		require.Equal(t, "erased", gone.text("state"))
		require.JSONEq(t, "null", string(gone.at("response")))
		b.get("/api/v1/generation/content?id="+id, bearer(manager)).is(404)
	}
	kept := b.ask("/v1/chat/completions", secret, nosyQuestion(false))
	b.stored(kept)
	b.send("DELETE", w+"/contents", nil).is(200)
	b.get("/console/v1/generations/"+kept+"/content").refused(404, domain.CodeNotFound)
	last := b.ask("/v1/chat/completions", secret, nosyQuestion(false))
	b.stored(last)
	out := b.send("PUT", w+"/content-storage", map[string]any{}).is(200)
	b.get("/console/v1/generations/"+last+"/content").refused(404, domain.CodeNotFound)
	b.get(w + "/terms" + out.after()).is(200)
}

// TestOtherTenantsReadNoContents: a management key sees those of its own wallet.
func TestOtherTenantsReadNoContents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w, other := b.wallet("10"), b.wallet("10")
	_, secret := b.key(w, map[string]any{"name": "calls"})
	_, stranger := b.key(other, map[string]any{"name": "reads", "scope": "management"})
	b.get(w + "/terms" + b.send("PUT", w+"/content-storage", map[string]any{"retention_hours": 1}).is(200).after()).is(200)
	id := b.ask("/v1/chat/completions", secret, nosyQuestion(false))
	b.stored(id)
	b.get("/api/v1/generation/content?id="+id, bearer(stranger)).is(404)
}

// TestTextsOfContents: what a call asked and said, in every dialect, whole and streamed, is OpenRouter's shape of it.
func TestTextsOfContents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w := b.wallet("10")
	_, secret := b.key(w, map[string]any{"name": "calls"})
	_, manager := b.key(w, map[string]any{"name": "reads", "scope": "management"})
	b.get(w + "/terms" + b.send("PUT", w+"/content-storage", map[string]any{"retention_hours": 1}).is(200).after()).is(200)
	said := b.post("/v1/chat/completions", nosyQuestion(false), bearer(secret)).is(200).text("choices", 0, "message", "content")
	require.NotEmpty(t, said)
	turn := []map[string]any{{"role": "user", "parts": []map[string]string{{"text": contentMarker}}}}
	for name, row := range map[string]struct {
		path string
		body map[string]any
	}{
		"messages":              {"/v1/messages", map[string]any{"model": "acme/large", "max_tokens": 500, "messages": nosyQuestion(false)["messages"]}},
		"messages, streamed":    {"/v1/messages", map[string]any{"model": "acme/large", "max_tokens": 500, "stream": true, "messages": nosyQuestion(false)["messages"]}},
		"responses":             {"/v1/responses", map[string]any{"model": "acme/large", "input": contentMarker}},
		"responses, streamed":   {"/v1/responses", map[string]any{"model": "acme/large", "input": contentMarker, "stream": true}},
		"gemini":                {"/v1beta/models/acme/large:generateContent", map[string]any{"contents": turn}},
		"gemini, streamed":      {"/v1beta/models/acme/large:streamGenerateContent?alt=sse", map[string]any{"contents": turn}},
		"completions, streamed": {"/v1/completions", map[string]any{"model": "acme/large", "prompt": contentMarker, "stream": true, "max_tokens": 200}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := b.on(t)
			id := c.ask(row.path, secret, row.body)
			c.stored(id)
			texts := c.sendAsOpenRouter("GET", "/api/v1/generation/content?id="+id, nil, bearer(manager)).is(200)
			require.Contains(t, string(texts.at("data", "input")), contentMarker)
			require.NotEmpty(t, texts.text("data", "output", "completion"))
			require.Equal(t, strings.TrimSpace(texts.text("data", "output", "completion")), texts.text("data", "output", "completion"))
		})
	}
}

// TestContentsThatAreNoText are shown in base64.
func TestContentsThatAreNoText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w := b.wallet("10")
	_, secret := b.key(w, map[string]any{"name": "calls"})
	b.get(w + "/terms" + b.send("PUT", w+"/content-storage", map[string]any{"retention_hours": 1}).is(200).after()).is(200)
	model := modelSpec()
	model["output_modalities"] = []string{"speech"}
	b.send("PUT", "/console/v1/models/acme/muse", model).is(200)
	b.send("PUT", "/console/v1/models/acme/muse/endpoints/north", endpointSpec()).is(200)
	b.get("/console/v1/models" + b.post("/console/v1/models/acme/muse/endpoints/north/prices", priceSpec()).is(201).after()).is(200)
	sound := b.post("/v1/audio/speech", map[string]any{"model": "acme/muse", "input": contentMarker, "voice": "alloy"}, bearer(secret)).is(200)
	shown := b.stored(sound.header.Get("X-Generation-Id"))
	require.Equal(t, "base64", shown.text("response", "encoding"))
	raw, err := base64.StdEncoding.DecodeString(shown.text("response", "body"))
	require.NoError(t, err)
	require.Equal(t, sound.body, raw)
	require.Equal(t, "text", shown.text("request", "encoding"))
}

func TestWithoutAKeysetNothingIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *parts) { p.noHooks = true })
	w := b.wallet("1")
	b.send("PUT", w+"/content-storage", map[string]any{"retention_hours": 1}).refused(501, problem.CodeNotConfigured)
	b.send("DELETE", w+"/contents", nil).refused(501, problem.CodeNotConfigured)
}
