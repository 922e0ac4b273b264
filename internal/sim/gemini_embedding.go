package sim

import (
	"net/http"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// geminiEmbedding is Google's models/{model}:embedContent and :batchEmbedContents. Its answers have no usage: what is booked is a
// quarter of the texts' bytes, and never as reported.
type geminiEmbedding struct{ gemini }

const maxBatch = 100 // requests of a batchEmbedContents

func (geminiEmbedding) name() string { return "gemini-embeddings" }

func (geminiEmbedding) begun(c *call) { c.used = Usage{Prompt: c.used.Prompt} }

func (geminiEmbedding) parse(c *call, r *http.Request) error {
	model, verb, _ := geminiPath(r.URL.Path)
	q, p := &c.req, &c.parser
	if err := q.setModel(model); err != nil {
		return err
	}
	p.begin(&c.body, c.server.decode, geminiManner)
	q.embedding, q.untold, q.array = true, true, verb == "batchEmbedContents"
	q.dimensions, q.vectors = 0, q.vectors[:0]
	var err error
	if q.array {
		err = p.members(func(name []byte) error {
			if camel(name) != "requests" {
				return p.unknown()
			}
			_, err := p.items(func(i int) error {
				if i == maxBatch {
					return p.bad("at most %d requests can be in one batch", maxBatch)
				}
				return p.embedRequest(q, true)
			})
			return err
		})
	} else {
		err = p.embedRequest(q, false)
	}
	if err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	if len(q.vectors) == 0 {
		return p.lacks("requests")
	}
	if q.dimensions == 0 {
		q.dimensions = defaultDimensions
	}
	return nil
}

// embedRequest reads an EmbedContentRequest. In a batch each names the model of the address.
func (p *parser) embedRequest(q *request, batch bool) error {
	model, content := false, false
	err := p.members(func(name []byte) error {
		switch camel(name) {
		case "model":
			text, err := p.word()
			if err == nil && string(text) != "models/"+q.given {
				return p.bad("the model does not match the one in the address")
			}
			model = true
			return err
		case "content":
			content = true
			return p.embedContent(q)
		case "taskType":
			text, err := p.word()
			if err == nil && !oneOf(string(text), "TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION",
				"CLUSTERING", "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY") {
				return p.bad("%q is no task type", clip(string(text)))
			}
			return err
		case "title":
			_, err := p.word()
			return err
		case "outputDimensionality":
			n, err := p.whole(1, maxDimensions)
			q.dimensions = int(n)
			return err
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case batch && !model:
		return p.lacks("model")
	case !content:
		return p.lacks("content")
	}
	return nil
}

// embedContent reads a Content of texts.
func (p *parser) embedContent(q *request) error {
	p.digest.Reset()
	parts, size := 0, int64(0)
	err := p.members(func(name []byte) error {
		switch camel(name) {
		case "role":
			_, err := p.word()
			return err
		case "parts":
			n, err := p.items(func(int) error {
				return p.members(func(name []byte) error {
					if camel(name) != "text" {
						return p.unknown()
					}
					text, err := p.word()
					size += int64(len(text))
					_, _ = p.digest.Write(text)
					return err
				})
			})
			parts += n
			return err
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case parts == 0 || size == 0:
		return p.bad("content is empty")
	}
	q.prompt += wordTokens(size)
	q.vectors = append(q.vectors, p.digest.Sum64())
	return nil
}

// whole appends the same vectors that OpenAI's form has for the same texts.
func (geminiEmbedding) whole(c *call) {
	q := &c.req
	dimensions := q.dimensions
	if q.controls.fault == FaultLong {
		dimensions = int(min(q.controls.tokens, maxNumbers/int64(len(q.vectors))))
	}
	model := xxhash.Sum64String(q.model)
	vector := make([]float32, dimensions)
	b := append(c.out, '{')
	switch {
	case q.controls.fault == FaultEmpty:
	case q.array:
		b = append(b, `"embeddings":[`...)
		for i, input := range q.vectors {
			if i > 0 {
				b = append(b, ',')
			}
			fill(vector, mix(model^mix(input)))
			b = append(appendSpaced(append(b, `{"values":`...), vector), '}')
		}
		b = append(b, ']')
	default:
		fill(vector, mix(model^mix(q.vectors[0])))
		b = append(appendSpaced(append(b, `"embedding":{"values":`...), vector), '}')
	}
	c.out = append(b, "}\n"...)
}

// appendSpaced appends a vector as Google does, each number on a line of its own.
func appendSpaced(b []byte, vector []float32) []byte {
	b = append(b, '[')
	for i, x := range vector {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(append(b, "\n  "...), float64(x), 'g', -1, 32)
	}
	return append(b, "\n]"...)
}
