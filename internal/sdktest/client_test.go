package sdktest

import (
	"context"
	"net/http"
	"sync"
)

// question is what a test asks, whatever the client.
type question struct {
	model   string
	system  string
	text    string
	image   []byte   // a PNG
	tools   []string // functions of which at least one must be called
	schema  string   // the answer is a JSON object with this one member
	think   bool     // the model shall reason, and show it
	several int64    // completions at once; 0 is the usual one
}

// call is a function that the model wants to have called.
type call struct{ id, name, arguments string }

// answer is what a client made of an answer.
type answer struct {
	id    string
	text  string
	calls []call
	// prompt and completion are the client's tokens; completion includes reasoning.
	prompt, completion int64
	// cost is what the client shows of usage.cost, "" if it has no place for fields that it does not know.
	cost string
	// thought is the reasoning that the client shows, reasoning its tokens.
	thought   string
	reasoning int64
	pieces    int // of text, in a stream
	texts     int // completions that have text
	// resume sends the client's own form of the answer back with a result for each of its calls.
	resume func(ctx context.Context, result string) (*answer, error)
}

// client is an official client, used as its documentation shows.
type client interface {
	whole(ctx context.Context, q question) (*answer, error)
	// stream calls piece at each piece of text.
	stream(ctx context.Context, q question, piece func()) (*answer, error)
	// refused is the status and the text of an error of the client's own class; 0 of any other.
	refused(err error) (status int, message string)
}

// wire counts the requests of one client, and remembers the generation that the last answer was.
type wire struct {
	mu         sync.Mutex
	requests   int
	generation string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
	if err == nil {
		w.generation = res.Header.Get("X-Generation-Id")
	}
	return res, err
}

func (w *wire) sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests
}

func (w *wire) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.generation
}

// schemaOf is a JSON Schema of an object with one text.
func schemaOf(member string) map[string]any {
	return map[string]any{
		"type": "object", "properties": map[string]any{member: map[string]any{"type": "string"}},
		"required": []string{member}, "additionalProperties": false,
	}
}

// The most that an answer and its reasoning may have, where a client has to say.
const answerTokens, thinkTokens = 1500, 1024
