package sim

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// embeddings is OpenAI's POST /v1/embeddings. Its usage is the prompt's alone: a quarter of a text's bytes, or the tokens that
// are given as such.
type embeddings struct{}

const (
	maxInputs         = 2048
	maxDimensions     = 4096
	defaultDimensions = 1536
	maxNumbers        = 1 << 22 // in one answer
)

func (embeddings) name() string               { return "embeddings" }
func (embeddings) method() string             { return http.MethodPost }
func (embeddings) key(r *http.Request) string { return bearer(r) }

func (embeddings) label(b []byte, serial uint64) []byte { return requestID(b, serial) }

func (embeddings) headers(h http.Header, a *about) { chat{}.headers(h, a) }

func (embeddings) failure(b []byte, f *failure, _ *about) []byte { return appendOpenAIFailure(b, f) }

func (embeddings) begun(c *call) {
	c.used = Usage{Prompt: c.used.Prompt}
}

func (embeddings) parse(c *call, _ *http.Request) error {
	p, q := &c.parser, &c.req
	p.begin(&c.body, c.server.decode, openaiManner)
	q.embedding = true
	q.dimensions = defaultDimensions
	q.vectors = q.vectors[:0]
	if err := p.members(func(name []byte) error { return p.embedding(q, name) }); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	switch {
	case q.given == "":
		return p.lacks("model")
	case !q.hasMessages:
		return p.lacks("input")
	case len(q.vectors)*q.dimensions > maxNumbers:
		return invalid(codeTooLarge, "input", "The vectors have more than %d numbers together.", maxNumbers)
	}
	return nil
}

func (p *parser) embedding(q *request, name []byte) error {
	switch string(name) {
	case "model":
		text, err := p.word()
		if err != nil {
			return err
		}
		return q.setModel(string(text))
	case "input":
		return p.embeddingInput(q)
	case "dimensions":
		n, err := p.whole(1, maxDimensions)
		q.dimensions = int(n)
		return err
	case "encoding_format":
		text, err := p.word()
		switch string(text) {
		case "float", "base64":
			q.base64 = string(text) == "base64"
			return err
		}
		if err == nil {
			err = p.bad("supported values are: 'float' and 'base64'")
		}
		return err
	case "user":
		_, err := p.word()
		return err
	}
	return p.unknown()
}

// embeddingInput reads a text, a list of texts, a list of tokens, or a list of such lists.
func (p *parser) embeddingInput(q *request) error {
	q.hasMessages, q.prompt, q.vectors = true, 0, q.vectors[:0]
	if p.dec.PeekKind() == '"' {
		return p.embeddingText(q)
	}
	tokens := int64(0)
	p.digest.Reset()
	n, err := p.items(func(int) error {
		switch p.dec.PeekKind() {
		case '"':
			return p.embeddingText(q)
		case '0':
			tokens++
			return p.embeddingToken()
		case '[':
			p.digest.Reset()
			n, err := p.items(func(int) error { return p.embeddingToken() })
			if err == nil && n == 0 {
				return p.bad("a list of tokens cannot be empty")
			}
			q.prompt += int64(n)
			q.vectors = append(q.vectors, p.digest.Sum64())
			return err
		default:
			return p.expect('"', "a string or an array")
		}
	})
	switch {
	case err != nil:
		return err
	case n == 0:
		return p.bad("it cannot be an empty array")
	case tokens > 0 && tokens != int64(n):
		return p.bad("texts and tokens cannot be mixed")
	case tokens > 0:
		q.prompt, q.vectors = tokens, append(q.vectors, p.digest.Sum64())
	}
	if len(q.vectors) > maxInputs {
		return p.bad("at most %d inputs are allowed", maxInputs)
	}
	return nil
}

func (p *parser) embeddingText(q *request) error {
	text, err := p.word()
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return p.bad("input cannot be an empty string")
	}
	q.prompt += wordTokens(int64(len(text)))
	q.vectors = append(q.vectors, xxhash.Sum64(text))
	return nil
}

func (p *parser) embeddingToken() error {
	n, err := p.whole(0, 1<<31)
	p.scratch = strconv.AppendInt(p.scratch[:0], n, 10)
	p.scratch = append(p.scratch, 0xFF)
	_, _ = p.digest.Write(p.scratch)
	return err
}

// whole appends the vectors, each a function of the model's name and the input, of length 1.
func (embeddings) whole(c *call) {
	q := &c.req
	fault, dimensions := q.controls.fault, q.dimensions
	if fault == FaultLong {
		dimensions = int(min(q.controls.tokens, maxNumbers/int64(len(q.vectors))))
	}
	b := append(c.out, `{"object":"list","data":[`...)
	model := xxhash.Sum64String(q.model)
	vector := make([]float32, dimensions)
	for i, input := range q.vectors {
		if fault == FaultEmpty {
			break
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":`...)
		fill(vector, mix(model^mix(input)))
		b = appendVector(b, vector, q.base64)
		b = append(b, '}')
	}
	b = append(b, `],"model":"`...)
	b = append(b, q.model...)
	b = append(b, '"')
	if fault != FaultNoUsage {
		// There is one count here: what distorts the completion tokens elsewhere, distorts it.
		u := wireUsage{Usage: Usage{Completion: c.used.Prompt}, total: c.used.Prompt}
		if fault == FaultAbsurdUsage {
			switch q.controls.variant {
			case "cached", "reasoning":
				u.total += absurdlyFar
			default:
				u = absurd(u, q.controls.variant)
			}
		}
		b = append(b, `,"usage":{"prompt_tokens":`...)
		b = u.completion(b, u.Completion)
		b = append(b, `,"total_tokens":`...)
		b = strconv.AppendInt(b, u.total, 10)
		b = append(b, '}')
	}
	c.out = append(b, "}\n"...)
}

// fill makes a vector of length 1.
func fill(vector []float32, state uint64) {
	sum := 0.0
	for i := range vector {
		state += 0x9e3779b97f4a7c15
		x := float64(int64(mix(state))>>11) / (1 << 52) //nolint:gosec // the sign is a bit like any other
		vector[i] = float32(x)
		sum += x * x
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range vector {
		vector[i] *= scale
	}
}

func appendVector(b []byte, vector []float32, inBase64 bool) []byte {
	if inBase64 {
		raw := make([]byte, 0, 4*len(vector))
		for _, x := range vector {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, raw)
		return append(b, '"')
	}
	b = append(b, '[')
	for i, x := range vector {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(x), 'g', -1, 32)
	}
	return append(b, ']')
}

// There are no streams of vectors: these are never called.

func (embeddings) open(*call)              {}
func (embeddings) token(*call, int, int64) {}
func (embeddings) close(*call) bool        { return false }
func (embeddings) half(*call, bool)        {}
func (embeddings) failed(*call)            {}
