package exchange

import (
	"strconv"
	"strings"
	"sync"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/media"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/responses"
)

// Incoming is a request as it came. Body must not change while its Request is in use.
type Incoming struct {
	Dialect   chat.Dialect
	Operation Operation
	Body      []byte
	// Model and Stream are what the address says, in dialects where the body does not.
	Model  string
	Stream bool
	// Single is of Gemini's embedContent, whose body is one of the requests of batchEmbedContents.
	Single bool
	// Boundary is of a body that is a form (multipart/form-data).
	Boundary string
}

// Content is all that makes two requests the same: the body and, where it does not say everything, the dialect and what the address says.
func (in *Incoming) Content() []byte {
	if in.Dialect == chat.OpenAI && in.Operation == Chat {
		return in.Body
	}
	head := strings.Join([]string{string(in.Dialect), in.Model, strconv.FormatBool(in.Stream), ""}, "\x00")
	if in.Operation != Chat {
		head = strings.Join([]string{head, string(in.Operation), strconv.FormatBool(in.Single), ""}, "\x00")
	}
	if in.Operation == Transcription {
		return append([]byte(head), media.Same(in.Body, in.Boundary)...)
	}
	return append([]byte(head), in.Body...)
}

// Request is what the gateway has to know of a call, whatever its dialect.
type Request struct {
	Operation Operation
	Model     string
	Stream    bool
	Choices   int64
	// Prompts is how many prompts there are, each of them as long as the model's context at most: 1 but for lists of texts.
	Prompts int64
	Cap     int64  // output tokens of one choice; 0 when the caller gave none
	CapName string // what the caller calls it
	Media   string // the media type of a whole answer; "" for JSON
	chat.Steering
	Uses chat.Uses // what it asks of a model

	in        Incoming
	native    native
	canonical *chat.Request // read when it is needed
	other     other         // in place of both, of what is no conversation
}

// native is a request as its own dialect reads it, for vendors of the same one.
type native interface {
	bound(context, perImage int64) int64
	prompt() (meter.Prompt, error)
	canonical(in *Incoming) (*chat.Request, error)
	// through is nil when the vendor would not understand what is in it.
	through(told *chat.Told) Exchange
	close()
}

// other is a request of another operation than a conversation.
type other interface {
	bound(context, perImage int64) int64
	prompt() (meter.Prompt, error)
	extras() chat.Extras
	// ask is what a vendor of some dialect is asked for, with the exchange that with gives.
	ask(vendor chat.Dialect) Ask
	with(vendor chat.Dialect, told *chat.Told) (Exchange, error)
}

// Set reads requests. It keeps what can be used again, and is safe for concurrent use.
type Set struct{ readers, scanners, walkers sync.Pool }

// Read reads a request. Errors are invalid_request, with the detail "param" when one parameter is to blame. The caller closes it.
func (s *Set) Read(in Incoming) (*Request, error) {
	q := &Request{in: in, Operation: in.Operation, Choices: 1, Prompts: 1}
	switch in.Operation {
	case Embeddings:
		return q, readEmbeddings(q)
	case Completion:
		return q, readCompletion(q)
	case Rerank:
		return q, readRerank(q)
	case Images:
		return q, readImages(q)
	case Speech:
		return q, readSpeech(q)
	case Transcription:
		return q, readTranscription(q)
	case Chat:
	}
	switch in.Dialect {
	case chat.OpenAI:
		return q, s.readOpenAI(q)
	case chat.Anthropic:
		return q, s.readAnthropic(q)
	case chat.Gemini:
		return q, s.readGemini(q)
	case chat.Responses, chat.Bedrock: // nobody calls us in the latter
	}
	c, steering, err := responses.Read(in.Body) // nothing of it passes through
	if err != nil {
		return nil, err
	}
	q.canonical, q.Steering, q.Uses = c, *steering, c.Uses()
	q.Model, q.Stream, q.Choices, q.Cap, q.CapName = c.Model, c.Stream, max(c.Choices, 1), c.MaxTokens, "max_output_tokens"
	return q, nil
}

// canon is the request in the canonical form.
func (q *Request) canon() (*chat.Request, error) {
	if q.canonical == nil {
		c, err := q.native.canonical(&q.in)
		if err != nil {
			return nil, err
		}
		q.canonical = c
	}
	return q.canonical, nil
}

// Close gives back what the request used. Nothing of it and of its exchanges may be used afterwards.
func (q *Request) Close() {
	if q.native != nil {
		q.native.close()
		q.native = nil
	}
}

// With is the exchange with a vendor of some dialect. told is what the caller is told in place of the vendor's own words. Errors
// are invalid_request: a parameter that cannot be read strictly.
func (q *Request) With(vendor chat.Dialect, told *chat.Told) (Exchange, error) {
	if q.other != nil {
		return q.other.with(vendor, told)
	}
	if vendor == q.in.Dialect && q.native != nil {
		if x := q.native.through(told); x != nil {
			return x, nil
		}
	}
	c, err := q.canon()
	if err != nil {
		return nil, err
	}
	x := &translated{request: c, vendor: vendorOf(vendor), writer: callerOf(q.in.Dialect).writer, told: *told}
	if hidden(c) {
		x.veil = new(veil)
	}
	return x, nil
}

// Ask is what a vendor of some dialect is asked for.
func (q *Request) Ask(vendor chat.Dialect) Ask {
	if q.other != nil {
		return q.other.ask(vendor)
	}
	return Ask{Stream: q.Stream}
}

// PromptBound is the most tokens that the prompt can have; see openai.Request. What is said there of bytes holds for all dialects.
func (q *Request) PromptBound(context, perImage int64) int64 {
	if q.other != nil {
		return q.other.bound(context, perImage)
	}
	if q.native != nil {
		return q.native.bound(context, perImage)
	}
	var images, inline int64
	for m := range q.canonical.Messages {
		i, b, bounded := weigh(q.canonical.Messages[m].Parts)
		if !bounded {
			return context
		}
		images, inline = images+i, inline+b
	}
	return min(int64(len(q.in.Body))-inline+images*perImage, context)
}

// weigh counts images and the bytes of those that stand in the body. bounded: the body's bytes bound all other parts.
func weigh(parts []chat.Part) (images, inline int64, bounded bool) {
	for i := range parts {
		switch p := &parts[i]; p.Kind {
		case chat.Image:
			images, inline = images+1, inline+int64(len(p.Media.Data))
		case chat.File, chat.Audio, chat.Redacted:
			return 0, 0, false
		case chat.ToolResult:
			more, bytes, ok := weigh(p.Result.Parts)
			if !ok {
				return 0, 0, false
			}
			images, inline = images+more, inline+bytes
		case chat.Text, chat.Refusal, chat.Thinking, chat.ToolCall:
		}
	}
	return images, inline, true
}

// Prompt gathers what an estimate of the prompt's tokens needs.
func (q *Request) Prompt() (meter.Prompt, error) {
	if q.other != nil {
		return q.other.prompt()
	}
	if q.native != nil {
		return q.native.prompt()
	}
	c, err := q.canon()
	if err != nil {
		return meter.Prompt{}, err
	}
	var text strings.Builder
	p := meter.Prompt{Messages: int64(len(c.Messages))}
	for m := range c.Messages {
		gather(&text, &p.Images, c.Messages[m].Parts)
	}
	for i := range c.Tools {
		t := &c.Tools[i]
		text.WriteString(t.Name + t.Description)
		text.Write(t.Parameters)
	}
	text.Write(c.Format.Schema)
	p.Text = text.String()
	return p, nil
}

func gather(text *strings.Builder, images *int64, parts []chat.Part) {
	for i := range parts {
		p := &parts[i]
		text.WriteString(p.Text)
		switch {
		case p.Kind == chat.Image:
			*images++
		case p.Call != nil:
			text.WriteString(p.Call.Name + p.Call.Arguments)
		case p.Result != nil:
			gather(text, images, p.Result.Parts)
		}
	}
}
