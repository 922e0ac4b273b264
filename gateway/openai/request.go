package openai

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
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

	chat.Steering
	// Uses is what the call asks of a model.
	Uses chat.Uses
	// Hide: the caller does not want to see the thoughts of the model.
	Hide bool

	body    []byte
	own     []jsonscan.Span // members that no vendor gets, names and values
	model   jsonscan.Span
	stream  option
	caps    [2]option     // max_tokens, max_completion_tokens
	include jsonscan.Span // the value of include_usage
	close   int           // where the body's last brace stands

	images   int64 // parts that are images
	inline   int64 // bytes of images that stand in the body
	opaque   bool  // something whose tokens the body's bytes do not bound
	messages int
	searches bool   // the vendor searches the web
	tier     string // service_tier

	hideSaid bool // reasoning.exclude, which counts more than include_reasoning
}

// option is a member that may be missing, null or there.
type option struct {
	name, value jsonscan.Span
	there       bool // and not null
}

// Request reads a body. Errors are invalid_request, with the detail "param" when one parameter is to blame.
func (r *Reader) Request(body []byte) (*Request, error) {
	r.Strict(body)
	defer r.Drop()
	q := &Request{body: body, Choices: 1}
	if kind := r.Kind(); kind != '{' && kind != 0 {
		return nil, domain.Errorf(domain.CodeInvalid, "the body is not a JSON object")
	}
	if err := r.Step(); err != nil {
		return nil, err
	}
	for {
		name, at, more, err := r.Member()
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
	q.close = r.At() - 1
	if err := r.End(); err != nil {
		return nil, err
	}
	return q, q.check()
}

// parameter reads the value of one top-level member.
func (r *Reader) parameter(q *Request, name []byte, at jsonscan.Span) (err error) {
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
	case "reasoning":
		return r.reasoning(q)
	case "include_reasoning":
		return r.includeReasoning(q)
	case "response_format":
		return r.format(q)
	case "web_search_options":
		q.searches = r.Kind() != 'n'
		q.opaque = q.opaque || q.searches // what is found becomes a part of the prompt
		return r.used(q, chat.UsesWebSearch)
	case "service_tier":
		return r.serviceTier(q)
	default:
		if chat.Steers(name) {
			return r.ours(q, string(name), at)
		}
		if use := chat.UseOf(name); use != 0 {
			return r.used(q, use)
		}
		if err := lookalike(name, "model", "models", "provider", "route", "messages", "stream", "stream_options", "n", MaxTokens, MaxCompletionTokens, "tools", "web_search_options",
			"service_tier"); err != nil {
			return err
		}
		return r.Skip()
	}
	return err
}

// ours reads a member that is for the gateway, and is taken out.
func (r *Reader) ours(q *Request, name string, from jsonscan.Span) error {
	_, at, err := r.Value()
	if err != nil {
		return err
	}
	q.own = append(q.own, jsonscan.Span{From: from.From, To: at.To})
	return q.Take(name, at.Of(q.body))
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
