package openai

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
)

// The names of the output cap; vendors differ in which one they obey.
const (
	MaxTokens           = "max_tokens"
	MaxCompletionTokens = "max_completion_tokens"
)

// Bounds of what a request may ask for.
const (
	MaxMessages = 10_000
	MaxChoices  = 128
	MaxCap      = 10_000_000
	maxModel    = 256 // bytes of a model's name
)

// Request is what the gateway has to know of a chat completion. It refers to the body, which must not change.
type Request struct {
	Model   string
	Stream  bool
	Choices int64 // n
	Cap     int64 // output tokens of one choice; 0 when the caller gave none

	// Provider, Models and Route are the members with which callers steer the routing, as they stand in the body; nil without them. They
	// are for the gateway, and no vendor gets them.
	Provider, Models, Route jsontext.Value
	// Opening is the conversation up to its first message that is not the system's: it stays the same from turn to turn.
	Opening []byte

	body    []byte
	own     []span // members that no vendor gets, names and values
	model   span
	stream  option
	caps    [2]option // max_tokens, max_completion_tokens
	include span      // the value of include_usage
	close   int       // where the body's last brace stands

	images   int64 // parts that are images
	inline   int64 // bytes of images that stand in the body
	opaque   bool  // something whose tokens the body's bytes do not bound
	messages int
}

// option is a member that may be missing, null or there.
type option struct {
	name, value span
	there       bool // and not null
}

// Request reads a body. Errors are invalid_request, with the detail "param" when one parameter is to blame.
func (r *Reader) Request(body []byte) (*Request, error) {
	r.strict(body)
	defer r.drop()
	q := &Request{body: body, Choices: 1}
	if kind := r.dec.PeekKind(); kind != '{' && kind != 0 {
		return nil, domain.Errorf(domain.CodeInvalid, "the body is not a JSON object")
	}
	if err := r.step(); err != nil {
		return nil, err
	}
	for {
		name, at, more, err := r.member()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if err := r.parameter(q, name, at); err != nil {
			return nil, err
		}
	}
	q.close = int(r.dec.InputOffset()) - 1
	if err := r.only(); err != nil {
		return nil, err
	}
	return q, q.check()
}

// parameter reads the value of one top-level member.
func (r *Reader) parameter(q *Request, name []byte, at span) (err error) {
	switch string(name) {
	case "model":
		return r.model(q)
	case "messages":
		return r.messages(q)
	case "stream":
		q.Stream, err = r.boolean("stream")
	case "stream_options":
		q.stream, err = r.streamOptions(q, at)
	case "n":
		_, _, err = r.whole("n", MaxChoices, &q.Choices)
	case MaxTokens:
		q.caps[0], err = r.outputCap(q, MaxTokens, at)
	case MaxCompletionTokens:
		q.caps[1], err = r.outputCap(q, MaxCompletionTokens, at)
	case "tools":
		return r.tools(q)
	case "provider":
		q.Provider, err = r.ours(q, at)
	case "models":
		q.Models, err = r.ours(q, at)
	case "route":
		q.Route, err = r.ours(q, at)
	case "web_search_options":
		q.opaque = q.opaque || r.dec.PeekKind() != 'n' // what is found becomes a part of the prompt
		return r.skip()
	default:
		if err := lookalike(name, "model", "models", "provider", "route", "messages", "stream", "stream_options", "n", MaxTokens, MaxCompletionTokens, "tools", "web_search_options"); err != nil {
			return err
		}
		return r.skip()
	}
	return err
}

// ours is the value of a member that is taken out. Null is nothing.
func (r *Reader) ours(q *Request, name span) (jsontext.Value, error) {
	raw, at, err := r.value()
	if err != nil {
		return nil, err
	}
	q.own = append(q.own, span{name.from, at.to})
	if raw.Kind() == 'n' {
		return nil, nil
	}
	return jsontext.Value(at.of(q.body)), nil
}

// check holds the parameters against each other.
func (q *Request) check() error {
	switch {
	case q.Model == "":
		return refuse("model", "model is required")
	case q.messages == 0:
		return refuse("messages", "messages is required and not empty")
	}
	return nil
}

// PromptBound is the most tokens that the prompt can have for a model with such a context length: one for each byte of
// the body, because a token of a byte-level vocabulary stands for at least one byte, and what a chat template adds for a
// message is less than the JSON around it. Images count perImage each, whether they stand in the body or are fetched.
// Files, sound and whatever else hides its size can fill the context.
func (q *Request) PromptBound(context, perImage int64) int64 {
	if q.opaque {
		return context
	}
	return min(int64(len(q.body))-q.inline+q.images*perImage, context)
}

// CapName is the name by which the caller gave the output cap.
func (q *Request) CapName() string {
	if q.caps[1].there {
		return MaxCompletionTokens
	}
	return MaxTokens
}
