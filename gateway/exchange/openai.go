package exchange

import (
	"bytes"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai"
)

// nativeOpenAI is a request of chat completions.
type nativeOpenAI struct {
	set     *Set
	reader  *openai.Reader
	request *openai.Request
}

func (s *Set) readOpenAI(q *Request) error {
	reader, ok := s.readers.Get().(*openai.Reader)
	if !ok {
		reader = new(openai.Reader)
	}
	n := &nativeOpenAI{set: s, reader: reader}
	r, err := reader.Request(q.in.Body)
	if err != nil {
		n.close()
		return err
	}
	n.request, q.native = r, n
	q.Model, q.Stream, q.Choices, q.Cap, q.CapName = r.Model, r.Stream, r.Choices, r.Cap, r.CapName()
	q.Steering, q.Uses = r.Steering, r.Uses
	return nil
}

func (n *nativeOpenAI) bound(context, perImage int64) int64 {
	return n.request.PromptBound(context, perImage)
}

func (n *nativeOpenAI) prompt() (meter.Prompt, error) { return n.reader.Prompt(n.request) }

func (n *nativeOpenAI) canonical(*Incoming) (*chat.Request, error) { return n.request.Canonical() }

func (n *nativeOpenAI) close() { n.set.readers.Put(n.reader) }

func (n *nativeOpenAI) through(told *chat.Told) Exchange {
	n.reader.Hide(n.request.Hide)
	return &throughOpenAI{reader: n.reader, request: n.request, words: openai.NewRewrite(told.ID, told.Model, told.Provider)}
}

// throughOpenAI hands chat completions on byte by byte.
type throughOpenAI struct {
	reader  *openai.Reader
	request *openai.Request
	words   openai.Rewrite
	created string // of the stream's first chunk
	answer  openai.Answer
	last    []byte // the vendor's chunk with the usage, which is held back
}

func (x *throughOpenAI) Request(dst []byte, o chat.Options) ([]byte, error) {
	field := openai.MaxTokens
	if o.CapField == openai.MaxCompletionTokens {
		field = openai.MaxCompletionTokens
	}
	return x.request.Splice(dst, openai.Upstream{Model: o.Model, CapField: field, Cap: o.MaxTokens, NoStreamUsage: o.NoStreamUsage}), nil
}

func (x *throughOpenAI) Failure(body []byte) *chat.Failure { return failureOf(x.reader.Failure(body)) }

func failureOf(f *openai.Failure) *chat.Failure {
	if f == nil {
		return nil
	}
	return &chat.Failure{Type: f.Type, Code: f.Code, Param: f.Param, Message: f.Message}
}

func (x *throughOpenAI) Whole(body []byte, p *meter.Produced) (Step, error) {
	a, err := x.reader.Answer(body, p)
	if err != nil {
		return Step{}, err
	}
	if a.Failure == nil && !a.Shaped() {
		return Step{}, domain.Errorf(domain.CodeInvalid, "the answer is no chat completion")
	}
	x.answer = a
	s := stepOf(&a)
	s.Final = true
	return s, nil
}

func stepOf(a *openai.Answer) Step {
	return Step{ID: a.ID(), Finish: openAIFinish(a.Finish), Native: a.Finish, Report: a.Report, Failure: failureOf(a.Failure)}
}

func (x *throughOpenAI) AppendWhole(dst []byte, b *chat.Bill) []byte {
	return x.answer.Append(dst, &x.words, openai.AppendUsage(nil, b.Usage, b.Cost))
}

func (x *throughOpenAI) Chunk(dst []byte, _ string, data []byte, p *meter.Produced) ([]byte, Step, error) {
	if bytes.Equal(bytes.TrimSpace(data), []byte("[DONE]")) {
		return dst, Step{Done: true}, nil
	}
	a, err := x.reader.Chunk(data, p)
	if err != nil {
		return dst, Step{}, err
	}
	s := stepOf(&a)
	if s.Failure != nil {
		return dst, s, nil
	}
	if x.created != "" && a.Silent() {
		return dst, s, nil
	}
	if x.created == "" {
		x.created = a.Created()
	}
	if a.Report.Given && a.Choices == 0 {
		s.Final = true
		x.last = append(x.last[:0], data...)
		return dst, s, nil
	}
	dst = append(dst, "data: "...)
	return append(a.AppendChunk(dst, &x.words), "\n\n"...), s, nil
}

// AppendEnd appends the chunk with the usage, the vendor's own if there is one, and the mark of the end.
func (x *throughOpenAI) AppendEnd(dst []byte, b *chat.Bill) []byte {
	used := openai.AppendUsage(nil, b.Usage, b.Cost)
	dst = append(dst, "data: "...)
	if len(x.last) == 0 {
		dst = x.words.AppendLast(dst, x.time(), used)
	} else {
		a, _ := x.reader.Chunk(x.last, new(meter.Produced)) // it was read before
		dst = a.Append(dst, &x.words, used)
	}
	return append(dst, "\n\ndata: [DONE]\n\n"...)
}

func (x *throughOpenAI) AppendFailure(dst, failure []byte, b *chat.Bill) []byte {
	var used []byte
	if b != nil {
		used = openai.AppendUsage(nil, b.Usage, b.Cost)
	}
	dst = append(dst, "data: "...)
	return append(x.words.AppendFailure(dst, x.time(), failure, used), "\n\n"...)
}

func (x *throughOpenAI) time() string {
	if x.created == "" {
		return "0"
	}
	return x.created
}

// openAIFinish is the common name of a reason, of OpenAI's and of those who speak its dialect nearly.
func openAIFinish(native string) chat.Finish {
	switch native {
	case "", "stop", "length", "tool_calls", "content_filter", "error":
		return chat.Finish(native)
	case "function_call":
		return chat.ToolCalls
	case "max_tokens", "model_length":
		return chat.Length
	}
	return chat.Stopped
}
