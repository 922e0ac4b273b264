package sdktest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The outcomes of a feature.
const (
	yes     = "yes"
	refused = "refused" // with status 400 and the name of what cannot be said
	noWord  = "–"       // the client cannot say it
	byID    = "by id"   // the client shows no fields that it does not know: GET /api/v1/generation tells
)

// probe is one client against one vendor.
type probe struct {
	*testing.T
	client client
	wire   *wire
	vendor *vendor
	sdk    sdk
}

// feature finds out whether something works. What neither works nor is refused clearly fails the test.
type feature struct {
	name string
	run  func(p *probe) string
}

// features are the rows of the tables. The clients in node have the same ones.
var features = []feature{
	{"chat", chat},
	{"streaming", streaming},
	{"cost in the usage", costs},
	{"tool call", toolCall},
	{"tool call, streamed", toolCallStreamed},
	{"parallel tool calls", parallel},
	{"parallel tool calls, streamed", parallelStreamed},
	{"tool result", toolResult},
	{"image as data", image},
	{"JSON schema", jsonSchema},
	{"system prompt", systemPrompt},
	{"reasoning", reasoning},
	{"several completions", several},
	{"Responses API", responsesAPI},
	{"embeddings", embeddings},
	{"images", images},
	{"speech", speech},
	{"transcriptions", transcriptions},
	{"errors, typed and final", failures},
	{"abort of a stream", abort},
}

// mark is a word that no other test sends.
func (p *probe) mark(what string) string {
	return strings.NewReplacer("-", "_", ".", "_", "@", "", "/", "_").Replace(what + "_" + p.sdk.name + "_" + p.vendor.ID)
}

func (p *probe) whole(q question) *answer {
	p.Helper()
	a, err := p.client.whole(p.Context(), q)
	require.NoError(p, err)
	return a
}

func (p *probe) stream(q question) *answer {
	p.Helper()
	a, err := p.client.stream(p.Context(), q, func() {})
	require.NoError(p, err)
	return a
}

// maybe asks; no answer means that it was refused as it should be.
func (p *probe) maybe(q question) *answer {
	p.Helper()
	a, err := p.client.whole(p.Context(), q)
	if err == nil {
		return a
	}
	status, message := p.client.refused(err)
	require.Equal(p, http.StatusBadRequest, status, "%v", err)
	require.Contains(p, message, "cannot be used with this model")
	return nil
}

// sent is the body that the vendor was sent with a mark in it.
func (p *probe) sent(mark string) string {
	p.Helper()
	body := p.vendor.front.seen(mark)
	require.NotNil(p, body, "%s was not sent %s", p.vendor.ID, mark)
	return string(body)
}

func chat(p *probe) string {
	a := p.whole(question{model: p.vendor.Model, text: "Say hello to the ledger."})
	require.Greater(p, len(strings.Fields(a.text)), 10)
	require.Empty(p, a.calls)
	require.Positive(p, a.prompt)
	require.Greater(p, a.completion, int64(10))
	require.Regexp(p, `^gen-[0-9a-f-]{36}$`, a.id)
	return yes
}

// streaming: the simulator answers the same question with the same words.
func streaming(p *probe) string {
	q := question{model: p.vendor.Model, text: "Stream to the ledger."}
	whole, streamed := p.whole(q), p.stream(q)
	require.Equal(p, whole.text, streamed.text)
	require.Greater(p, streamed.pieces, 3)
	require.Equal(p, [2]int64{whole.prompt, whole.completion}, [2]int64{streamed.prompt, streamed.completion})
	require.Regexp(p, `^gen-[0-9a-f-]{36}$`, streamed.id)
	return yes
}

// generation is what the ledger says of an answer.
type generation struct {
	TotalCost  json.Number `json:"total_cost"`
	Cancelled  bool        `json:"cancelled"`
	Streamed   bool        `json:"streamed"`
	Prompt     int64       `json:"native_tokens_prompt"`
	Completion int64       `json:"native_tokens_completion"`
}

func generationOf(id string) (generation, error) {
	var g struct {
		Data generation `json:"data"`
	}
	err := get("/api/v1/generation?id="+id, shared.APIKey, &g)
	return g.Data, err
}

func costs(p *probe) string {
	outcome := yes
	q := question{model: p.vendor.Model, text: "What does a hello cost?"}
	for _, a := range []*answer{p.whole(q), p.stream(q)} {
		g, err := generationOf(a.id)
		require.NoError(p, err)
		require.Regexp(p, `^0\.0*[1-9]`, g.TotalCost.String())
		if p.sdk.closed {
			require.Empty(p, a.cost)
			outcome = byID
			continue
		}
		require.Equal(p, g.TotalCost.String(), a.cost)
	}
	return outcome
}

var tools = []string{"find_book", "open_ledger"}

// checkCalls: each call has a name, and an object as arguments.
func (p *probe) checkCalls(a *answer, names ...string) {
	p.Helper()
	var called []string
	ids := map[string]bool{}
	for _, c := range a.calls {
		called = append(called, c.name)
		require.NotEmpty(p, c.id)
		ids[c.id] = true
		var arguments map[string]any
		require.NoError(p, json.Unmarshal([]byte(c.arguments), &arguments), c.arguments)
	}
	require.Equal(p, names, called)
	require.Len(p, ids, len(names), "each call has an id of its own")
}

func toolCall(p *probe) string {
	p.checkCalls(p.whole(question{model: p.vendor.Model, text: "Find the book.", tools: tools[:1]}), tools[0])
	return yes
}

func toolCallStreamed(p *probe) string {
	p.checkCalls(p.stream(question{model: p.vendor.Model, text: "Find the book.", tools: tools[:1]}), tools[0])
	return yes
}

// checkPair: the model was told to call both tools, with words in the arguments.
func (p *probe) checkPair(a *answer) {
	p.Helper()
	p.checkCalls(a, tools...)
	for _, c := range a.calls {
		var arguments struct{ Text string }
		require.NoError(p, json.Unmarshal([]byte(c.arguments), &arguments))
		require.Len(p, strings.Fields(arguments.Text), 3, c.arguments)
	}
}

func (p *probe) pair() question {
	return question{model: p.vendor.ID + "/" + pair, text: "Find the book and open it.", tools: tools}
}

func parallel(p *probe) string {
	p.checkPair(p.whole(p.pair()))
	return yes
}

func parallelStreamed(p *probe) string {
	p.checkPair(p.stream(p.pair()))
	return yes
}

// toolResult sends the answer back as the client has it, whole and streamed, and the model goes on with what it was told.
func toolResult(p *probe) string {
	q := question{model: p.vendor.Model, text: "Find the book.", tools: tools[:1]}
	texts := map[string]bool{}
	for i, a := range []*answer{p.whole(q), p.stream(q)} {
		result := p.mark(fmt.Sprintf("the_book_is_on_shelf_%d", i))
		next, err := a.resume(p.Context(), result)
		require.NoError(p, err)
		require.NotEmpty(p, next.text)
		require.Empty(p, next.calls)
		require.Contains(p, p.sent(result), tools[0])
		texts[next.text] = true
	}
	require.Len(p, texts, 2, "the model reads the result")
	return yes
}

// picture is a PNG of one pixel with a comment that makes it unlike others.
func picture(comment string) []byte {
	pixel, err := base64.StdEncoding.DecodeString(
		"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	if err != nil {
		panic(err) // it is a constant
	}
	return append(pixel, comment...)
}

func image(p *probe) string {
	picture := picture(p.mark("picture"))
	q := question{model: p.vendor.ID + "/" + seeing, text: "What is this?", image: picture}
	a := p.maybe(q)
	if a == nil {
		return refused
	}
	require.NotEmpty(p, a.text)
	require.Contains(p, p.sent(base64.StdEncoding.EncodeToString(picture)), p.vendor.Image)
	q.image = nil
	without := p.whole(q)
	require.Greater(p, a.prompt, without.prompt)
	return yes
}

// jsonSchema: the simulator's words are no JSON; what counts is that the vendor was given the schema in its own way.
func jsonSchema(p *probe) string {
	member := p.mark("shelf")
	a := p.maybe(question{model: p.vendor.Model, text: "Where is it?", schema: member})
	if a == nil {
		return refused
	}
	require.NotEmpty(p, a.text)
	require.Contains(p, p.sent(member), p.vendor.Schema)
	return yes
}

func systemPrompt(p *probe) string {
	mark := p.mark("Be brief")
	q := question{model: p.vendor.Model, text: "Who are you?", system: mark}
	a := p.maybe(q)
	if a == nil {
		return refused
	}
	require.Contains(p, p.sent(mark), p.vendor.System)
	q.system = ""
	require.NotEqual(p, p.whole(q).text, a.text, "the model reads the system prompt")
	return yes
}

// reasoning: OpenAI's chat completions have no place for what the model thought, its vendors show none of it.
func reasoning(p *probe) string {
	q := question{model: p.vendor.ID + "/" + thinking, text: p.mark("Think first"), think: true}
	a := p.maybe(q)
	if a == nil {
		return refused
	}
	require.NotEmpty(p, a.text)
	if p.vendor.Dialect != "bedrock" { // it does not tell how many of the tokens are reasoning
		require.EqualValues(p, thoughtWords, a.reasoning)
	}
	require.Contains(p, p.sent(q.text), p.vendor.Think)
	if p.vendor.Dialect != "openai" && !p.sdk.mute {
		require.Len(p, strings.Fields(a.thought), thoughtWords)
	}
	streamed := p.stream(q)
	require.Equal(p, [2]string{a.text, a.thought}, [2]string{streamed.text, streamed.thought})
	return yes
}

func several(p *probe) string {
	if p.sdk.single {
		return noWord
	}
	a := p.maybe(question{model: p.vendor.Model, text: "Say it in two ways.", several: 2})
	if a == nil {
		return refused
	}
	require.Equal(p, 2, a.texts)
	return yes
}

// failures: the client's own error with the status, and no second attempt.
func failures(p *probe) string {
	for _, c := range []struct {
		name, key, model string
		status           int
	}{
		{"unknown model", shared.APIKey, p.vendor.ID + "/nothing", http.StatusNotFound},
		{"wrong key", "sk-wrong", p.vendor.Model, http.StatusUnauthorized},
		{"overloaded vendor", shared.APIKey, p.vendor.ID + "/" + down, http.StatusServiceUnavailable},
	} {
		for _, streamed := range []bool{false, true} {
			w := new(wire)
			client, err := p.sdk.make(c.key, w)
			require.NoError(p, err)
			q := question{model: c.model, text: "Hello?"}
			if streamed {
				_, err = client.stream(p.Context(), q, func() {})
			} else {
				_, err = client.whole(p.Context(), q)
			}
			status, message := client.refused(err)
			require.Equal(p, c.status, status, "%s: %v", c.name, err)
			require.NotEmpty(p, message)
			require.Equal(p, 1, w.sent(), "%s: the client tried again", c.name)
		}
	}
	return yes
}

// abort: the caller leaves after the first words, and the ledger knows it.
func abort(p *probe) string {
	ctx, leave := context.WithCancel(p.Context())
	defer leave()
	_, err := p.client.stream(ctx, question{model: p.vendor.ID + "/" + long, text: "Go on and on."}, leave)
	require.ErrorIs(p, err, context.Canceled)
	id := p.wire.last()
	require.NotEmpty(p, id)
	var g generation
	require.Eventually(p, func() bool {
		g, err = generationOf(id)
		var missing *refusal
		if errors.As(err, &missing) && missing.status == http.StatusNotFound {
			return false
		}
		require.NoError(p, err)
		return true
	}, time.Minute, 100*time.Millisecond)
	require.True(p, g.Cancelled)
	require.True(p, g.Streamed)
	require.Positive(p, g.Completion)
	require.Equal(p, p.vendor.Cancels, g.Completion < allWords, "%d tokens", g.Completion)
	return yes
}
