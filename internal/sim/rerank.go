package sim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// rerank is POST /v1/rerank as Jina and Cohere have it: usage counts a quarter of the bytes of the documents and, with each of them, of
// the query; meta counts a search for each hundred documents.
type rerank struct{ embeddings }

const (
	maxDocuments       = 1000
	documentsPerSearch = 100
)

func (rerank) name() string { return "rerank" }

func (rerank) parse(c *call, _ *http.Request) error {
	p, q := &c.parser, &c.req
	p.begin(&c.body, c.server.decode, openaiManner)
	q.embedding, q.vectors = true, q.vectors[:0]
	query := int64(0)
	err := p.members(func(name []byte) error {
		switch string(name) {
		case "model":
			text, err := p.word()
			if err != nil {
				return err
			}
			return q.setModel(string(text))
		case "query":
			text, err := p.word()
			query, q.hash = wordTokens(int64(len(text))), xxhash.Sum64(text)
			return err
		case "documents":
			n, err := p.items(func(int) error { return p.rerankDocument(q) })
			if err == nil && n > maxDocuments {
				return p.bad("at most %d documents are allowed", maxDocuments)
			}
			return err
		case "top_n":
			n, err := p.whole(1, maxCap)
			q.dimensions = int(n)
			return err
		case "return_documents":
			yes, err := p.truth()
			q.echo = yes
			return err
		}
		return p.unknown()
	})
	if err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	switch {
	case q.given == "":
		return p.lacks("model")
	case query == 0:
		return p.lacks("query")
	case len(q.vectors) == 0:
		return p.lacks("documents")
	}
	q.prompt += query * int64(len(q.vectors))
	return nil
}

// rerankDocument reads a text, or an object with one.
func (p *parser) rerankDocument(q *request) error {
	if p.dec.PeekKind() == '{' {
		return p.members(func(name []byte) error {
			if string(name) != "text" {
				return p.unknown()
			}
			return p.rerankText(q)
		})
	}
	return p.rerankText(q)
}

func (p *parser) rerankText(q *request) error {
	text, err := p.word()
	q.prompt += wordTokens(int64(len(text)))
	q.vectors = append(q.vectors, xxhash.Sum64(text))
	q.echoes = append(q.echoes, string(text))
	return err
}

// whole appends the results, the best first. Scores follow from the model's name, the query and the document.
func (rerank) whole(c *call) {
	q := &c.req
	fault := q.controls.fault
	order := make([]int, len(q.vectors))
	scores := make([]uint64, len(q.vectors))
	for i, document := range q.vectors {
		order[i], scores[i] = i, mix(xxhash.Sum64String(q.model)^mix(q.hash^mix(document)))>>11
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	if q.dimensions > 0 && q.dimensions < len(order) {
		order = order[:q.dimensions]
	}
	if fault == FaultEmpty {
		order = nil
	}
	b := append(append(append(c.out, `{"id":"`...), c.id...), `","model":"`...)
	b = append(append(b, q.model...), `","results":[`...)
	for i, at := range order {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"index":`...), int64(at), 10)
		b = strconv.AppendFloat(append(b, `,"relevance_score":`...), float64(scores[at])/(1<<53), 'g', -1, 64)
		if q.echo {
			b = append(appendText(append(b, `,"document":{"text":`...), q.echoes[at]), '}')
		}
		b = append(b, '}')
	}
	b = append(b, ']')
	if fault != FaultNoUsage {
		u := wireUsage{Usage: Usage{Completion: c.used.Prompt}, total: c.used.Prompt}
		if fault == FaultAbsurdUsage {
			u = absurd(u, q.controls.variant)
		}
		b = u.completion(append(b, `,"usage":{"total_tokens":`...), u.Completion)
		searches := int64(len(q.vectors)+documentsPerSearch-1) / documentsPerSearch
		b = strconv.AppendInt(append(b, `},"meta":{"billed_units":{"search_units":`...), searches, 10)
		b = append(b, `}}`...)
	}
	c.out = append(b, "}\n"...)
}
