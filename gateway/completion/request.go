package completion

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// DefaultCap is OpenAI's output cap for callers who give none.
const DefaultCap = 16

const (
	maxPrompts = 128
)

// Request is a completion. It refers to the body, which must not change.
type Request struct {
	Model  string
	Stream bool
	Each   int64 // completions that are made of one prompt, of which the caller may get fewer
	Cap    int64 // output tokens of each
	chat.Steering

	body    []byte
	own     []jsonscan.Span // members that no vendor gets, names and values
	model   jsonscan.Span
	limit   jsonscan.Span // the value of max_tokens
	options jsonscan.Span // the value of stream_options, if it is an object
	include jsonscan.Span // the value of include_usage
	nothing jsonscan.Span // the value of stream_options, if it is null
	close   int           // where the body's last brace stands

	prompts     []prompt
	choices     int64 // n
	best        int64 // best_of
	echo        bool
	canonical   chat.Request
	unsupported []string
}

// prompt is a text or, without one, so many tokens.
type prompt struct {
	text   jsontext.Value
	tokens int64
}

// Read reads a request. Errors are invalid_request, with the detail "param" when one parameter is to blame. Members that nobody here has
// heard of are the vendor's to judge.
func Read(body []byte) (*Request, error) {
	q := &Request{body: body, choices: 1, Cap: DefaultCap}
	var s scan.Scanner
	s.Strict(body)
	defer s.Drop()
	if err := s.Object(func(name []byte) error { return q.member(&s, name) }); err != nil {
		return nil, err
	}
	q.close = s.At() - 1
	if err := s.End(); err != nil {
		return nil, err
	}
	q.Each = max(q.choices, q.best)
	switch {
	case q.Model == "":
		return nil, scan.Refuse("model", "model is required")
	case len(q.prompts) == 0:
		return nil, scan.Refuse("prompt", "prompt is required and not empty")
	case q.best > 0 && q.best < q.choices:
		return nil, scan.Refuse("best_of", "best_of is not below n")
	case q.best > 1 && q.Stream:
		return nil, scan.Refuse("best_of", "the best completion cannot be streamed")
	}
	return q, nil
}

// Prompts is how many prompts there are.
func (q *Request) Prompts() int64 { return int64(len(q.prompts)) }

// member reads one member.
func (q *Request) member(s *scan.Scanner, name []byte) (err error) {
	c := &q.canonical
	switch string(name) {
	case "model":
		var err error
		q.Model, q.model, err = s.Model()
		return err
	case "prompt":
		return q.readPrompt(s)
	case "stream":
		var yes *bool
		yes, err = s.Bool()
		q.Stream = yes != nil && *yes
	case "stream_options":
		return q.readOptions(s)
	case "max_tokens":
		return q.readCap(s)
	case "n":
		q.choices, err = wholeOr(s, q.choices)
	case "best_of":
		if q.best, err = wholeOr(s, 0); q.best > 1 {
			q.without("best_of")
		}
	case "echo":
		var yes *bool
		if yes, err = s.Bool(); yes != nil && *yes {
			q.echo = true
			q.without("echo")
		}
	case "temperature":
		c.Temperature, err = number(s)
	case "top_p":
		c.TopP, err = number(s)
	case "frequency_penalty":
		c.FrequencyPenalty, err = number(s)
	case "presence_penalty":
		c.PresencePenalty, err = number(s)
	case "seed":
		c.Seed, err = number(s)
	case "user":
		c.User, err = s.String()
	case "stop":
		return q.readStop(s)
	default:
		return q.otherMember(s, name)
	}
	return err
}

// otherMember is one that a conversation has no word for, or that is for the gateway.
func (q *Request) otherMember(s *scan.Scanner, name []byte) error {
	if chat.Steers(name) {
		from, text := s.Named(), string(name)
		value, at, err := s.Value()
		if err != nil {
			return err
		}
		q.own = append(q.own, jsonscan.Span{From: from.From, To: at.To})
		return q.Take(text, value)
	}
	if err := s.Lookalike(name, "model", "prompt", "stream", "stream_options", "max_tokens", "n", "best_of", "echo", "stop"); err != nil {
		return err
	}
	text := string(name)
	raw, err := s.Raw()
	if raw != nil && string(raw) != `""` {
		q.without(text)
	}
	return err
}

func (q *Request) without(name string) { q.unsupported = append(q.unsupported, name) }

func wholeOr(s *scan.Scanner, otherwise int64) (int64, error) {
	n, given, err := s.Whole(1, openai.MaxChoices)
	if !given {
		n = otherwise
	}
	return n, err
}

func number(s *scan.Scanner) (chat.Number, error) {
	n, err := s.Number()
	return chat.Number(n), err
}

func (q *Request) readCap(s *scan.Scanner) error {
	null := s.Kind() == 'n'
	if null {
		_, at, err := s.Value()
		q.limit = at
		return err
	}
	n, given, err := s.Whole(0, openai.MaxCap)
	if err != nil {
		return err
	}
	if given && n == 0 {
		return scan.Refuse("max_tokens", "max_tokens is at least 1 here")
	}
	digits := len(strconv.FormatInt(n, 10))
	q.Cap, q.limit = n, jsonscan.Span{From: s.At() - digits, To: s.At()}
	return nil
}

// readOptions finds include_usage.
func (q *Request) readOptions(s *scan.Scanner) error {
	raw, at, err := s.Value()
	switch {
	case err != nil:
		return err
	case raw.Kind() == 'n':
		q.nothing = at
		return nil
	case raw.Kind() != '{':
		return scan.Refuse("stream_options", "stream_options is an object")
	}
	q.options = at
	var inner scan.Scanner
	inner.Strict(raw)
	defer inner.Drop()
	return inner.Object(func(name []byte) error {
		if string(name) != "include_usage" {
			return inner.Skip()
		}
		value, in, err := inner.Value()
		q.include = jsonscan.Span{From: at.From + in.From, To: at.From + in.To}
		if kind := value.Kind(); err == nil && kind != 't' && kind != 'f' && kind != 'n' {
			err = scan.Refuse("stream_options.include_usage", "include_usage is true or false")
		}
		return err
	})
}

func (q *Request) readStop(s *scan.Scanner) error {
	one := func() error {
		text, err := s.String()
		if err == nil && text != "" {
			q.canonical.Stop = append(q.canonical.Stop, text)
		}
		return err
	}
	if s.Kind() != '[' {
		return one()
	}
	return s.Array(func(i int) error {
		if i == maxPrompts {
			return scan.Refuse("stop", "stop has at most %d elements", maxPrompts)
		}
		return one()
	})
}

// readPrompt reads a text, texts, the tokens of a text, or a list of such lists.
func (q *Request) readPrompt(s *scan.Scanner) error {
	if s.Kind() != '[' {
		return q.onePrompt(s)
	}
	tokens := int64(0)
	err := s.Array(func(i int) error {
		if s.Kind() == '0' {
			tokens++
			return token(s)
		}
		if i >= maxPrompts {
			return scan.Refuse("prompt", "prompt has at most %d elements", maxPrompts)
		}
		return q.onePrompt(s)
	})
	switch {
	case err != nil:
		return err
	case tokens > 0 && len(q.prompts) > 0:
		return scan.Refuse("prompt", "prompt has either tokens or texts")
	case tokens > 0:
		q.prompts = append(q.prompts, prompt{tokens: tokens})
	}
	return nil
}

func (q *Request) onePrompt(s *scan.Scanner) error {
	switch s.Kind() {
	case '"':
		raw, err := s.Raw()
		q.prompts = append(q.prompts, prompt{text: raw})
		return err
	case '[':
		tokens := int64(0)
		err := s.Array(func(int) error {
			tokens++
			return token(s)
		})
		if err == nil && tokens == 0 {
			err = scan.Refuse("prompt", "a prompt of tokens is not empty")
		}
		q.prompts = append(q.prompts, prompt{tokens: tokens})
		return err
	default:
		if err := s.Skip(); err != nil {
			return err
		}
		return scan.Refuse("prompt", "a prompt is a text or a list of tokens")
	}
}

func token(s *scan.Scanner) error {
	kind := s.Kind()
	raw, err := s.Raw()
	if err == nil && (kind != '0' || bytes.ContainsAny(raw, ".eE-")) {
		err = scan.Refuse("prompt", "a prompt of tokens has nothing but tokens")
	}
	return err
}

// PromptBound is the most tokens that the prompts can have together; see openai.Request.
func (q *Request) PromptBound(context int64) int64 {
	return min(int64(len(q.body)), context*q.Prompts())
}

// Prompt gathers what an estimate of the tokens needs.
func (q *Request) Prompt() meter.Prompt {
	var p meter.Prompt
	var text strings.Builder
	for i := range q.prompts {
		p.Tokens += q.prompts[i].tokens
		if q.prompts[i].text != nil {
			text.WriteString(jsonscan.Unquoted(q.prompts[i].text))
		}
	}
	p.Text = text.String()
	return p
}

// Splice appends the body for a vendor of OpenAI's dialect: the caller's bytes with the vendor's name of the model, the output cap,
// and, for streams, the wish for usage.
func (q *Request) Splice(dst []byte, model string, limit int64, usage bool) []byte {
	var e jsonscan.Edits
	e.Replace(q.model, jsonscan.AppendString(nil, model))
	var more [][]byte
	switch text := strconv.AppendInt(nil, limit, 10); {
	case !q.limit.Given():
		more = append(more, append([]byte(`"max_tokens":`), text...))
	case limit != q.Cap || q.body[q.limit.From] == 'n':
		e.Replace(q.limit, text)
	}
	if q.Stream && usage {
		const wanted = `{"include_usage":true}`
		switch {
		case q.include.Given():
			e.Replace(q.include, []byte("true"))
		case q.options.Given() && !jsonscan.Blank(q.body, q.options):
			e.Insert(q.options.From+1, []byte(`"include_usage":true,`))
		case q.options.Given():
			e.Replace(q.options, []byte(wanted))
		case q.nothing.Given():
			e.Replace(q.nothing, []byte(wanted))
		default:
			more = append(more, []byte(`"stream_options":`+wanted))
		}
	}
	e.Add(q.body, q.close, more...)
	e.Remove(q.body, q.own)
	return e.Append(dst, q.body)
}

// Canonical is the completion as a conversation. Errors are invalid_request: it has several prompts, or one of tokens.
func (q *Request) Canonical() (*chat.Request, error) {
	if len(q.prompts) > 1 || q.prompts[0].text == nil {
		return nil, chat.Unsupported("prompt", "its vendor takes one text")
	}
	c := q.canonical
	c.Model, c.Stream, c.Choices, c.MaxTokens, c.Unsupported = q.Model, q.Stream, q.choices, q.Cap, q.unsupported
	c.Messages = []chat.Message{{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Text: jsonscan.Unquoted(q.prompts[0].text)}}}}
	return &c, nil
}
