package sim

import (
	"net/http"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// completions is OpenAI's legacy POST /v1/completions. Its choices are the completions of each prompt, prompt by prompt; of what
// best_of makes beyond them, the tokens are in the usage.
type completions struct{ chat }

const (
	maxPrompts = 20
	maxBest    = 20
)

func (completions) name() string { return "completions" }

func (completions) label(b []byte, serial uint64) []byte {
	return strconv.AppendUint(append(b, "cmpl-sim-"...), serial, 16)
}

func (completions) begun(c *call) {
	c.used.CacheWrite1h = 0
	c.used.Reasoning, c.used.Completion = 0, c.plan.tokens*c.req.unseen
}

func (completions) parse(c *call, _ *http.Request) error {
	p, q := &c.parser, &c.req
	p.begin(&c.body, c.server.decode, openaiManner)
	q.controls.reasoning = 0
	best, each := int64(0), int64(1)
	prompts := 0
	err := p.members(func(name []byte) (err error) {
		switch string(name) {
		case "prompt":
			prompts, err = p.completionPrompts(q)
		case "n":
			each, err = p.whole(1, maxBest)
		case "best_of":
			best, err = p.whole(1, maxBest)
		default:
			err = p.completionMember(q, name)
		}
		return err
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
	case prompts == 0:
		return p.lacks("prompt")
	case best > 0 && best < each:
		return invalid(codeValue, "best_of", "best_of must be greater than or equal to n.")
	case best > 1 && q.stream:
		return invalid(codeValue, "best_of", "Cannot stream with best_of greater than 1.")
	}
	q.choices, q.unseen = prompts*int(each), int64(prompts)*max(best-each, 0)
	return nil
}

func (p *parser) completionMember(q *request, name []byte) (err error) {
	switch string(name) {
	case "model":
		text, err := p.word()
		if err != nil {
			return err
		}
		return q.setModel(string(text))
	case "stream":
		q.stream, err = p.truth()
	case "stream_options":
		if isNull, err := p.null(); isNull || err != nil {
			return err
		}
		return p.members(func(name []byte) (err error) {
			if string(name) != "include_usage" {
				return p.unknown()
			}
			q.includeUsage, err = p.truth()
			return err
		})
	case "max_tokens":
		q.outputCap, err = p.whole(1, maxCap)
	case "echo":
		q.echo, err = p.truth()
	case "logprobs":
		_, err = p.whole(0, 5)
	case "seed":
		q.seed, err = p.whole(-1<<62, 1<<62)
	case "temperature", "top_p", "presence_penalty", "frequency_penalty":
		_, err = p.decimal(-2, 2)
	case "stop", "logit_bias":
		err = p.pass()
	case "suffix", "user":
		_, err = p.word()
	default:
		return p.unknown()
	}
	return err
}

// completionPrompts reads a text, texts, tokens, or lists of tokens, and returns how many prompts they are.
func (p *parser) completionPrompts(q *request) (int, error) {
	if p.dec.PeekKind() == '"' {
		return 1, p.completionText(q)
	}
	tokens := 0
	n, err := p.items(func(int) error {
		switch p.dec.PeekKind() {
		case '"':
			return p.completionText(q)
		case '[':
			n, err := p.items(func(int) error { return p.embeddingToken() })
			q.prompt += int64(n)
			return err
		default:
			tokens++
			return p.embeddingToken()
		}
	})
	switch {
	case err != nil:
		return 0, err
	case tokens > 0 && tokens != n:
		return 0, p.bad("texts and tokens cannot be mixed")
	case tokens > 0:
		q.prompt, n = int64(tokens), 1
	}
	if n > maxPrompts {
		return 0, p.bad("at most %d prompts are allowed", maxPrompts)
	}
	q.hash = mix(q.hash ^ p.digest.Sum64())
	return n, nil
}

func (p *parser) completionText(q *request) error {
	text, err := p.word()
	q.prompt += wordTokens(int64(len(text)))
	q.hash = mix(q.hash ^ xxhash.Sum64(text))
	q.echoes = append(q.echoes, string(text))
	return err
}

// echo is the prompt of a choice, if it shall be said back.
func (c *call) echo(choice int) string {
	q := &c.req
	if !q.echo || len(q.echoes) == 0 {
		return ""
	}
	return q.echoes[choice*len(q.echoes)/q.choices]
}

func (c *call) completionHead(b []byte) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, c.id...)
	b = append(b, `","object":"text_completion","created":`...)
	b = strconv.AppendInt(b, c.created, 10)
	b = append(b, `,"model":"`...)
	b = append(b, c.req.model...)
	return append(b, `","choices":[`...)
}

func completionTail(b []byte, choice int, f finish) []byte {
	b = append(b, `,"index":`...)
	b = strconv.AppendInt(b, int64(choice), 10)
	b = append(b, `,"logprobs":null,"finish_reason":`...)
	return append(appendNullable(b, chatFinish(f)), '}')
}

func (completions) whole(c *call) {
	b := c.completionHead(c.out)
	for i := range c.texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"text":`...), c.echo(i))
		b = b[:len(b)-1] // the text goes on
		for range c.plan.text {
			b = c.texts[i].appendNext(b, c.server.words)
		}
		b = completionTail(append(b, '"'), i, c.plan.finish)
	}
	b = append(b, ']')
	if c.req.controls.fault != FaultNoUsage {
		b = c.chatUsage(append(b, `,"usage":`...))
	}
	c.out = append(b, "}\n"...)
}

func (completions) open(c *call) {
	c.prefix = c.completionHead(append(c.prefix[:0], "data: "...))
	for i := range c.texts {
		if text := c.echo(i); text != "" {
			b := appendText(append(append(c.out, c.prefix...), `{"text":`...), text)
			c.out = c.chatNoUsage(append(completionTail(b, i, ""), ']'))
		}
	}
}

func (completions) token(c *call, choice int, _ int64) {
	b := append(append(c.out, c.prefix...), `{"text":"`...)
	b = c.texts[choice].appendNext(b, c.server.words)
	c.out = c.chatNoUsage(append(completionTail(append(b, '"'), choice, ""), ']'))
}

func (completions) close(c *call) (reported bool) {
	for i := range c.texts {
		b := append(append(c.out, c.prefix...), `{"text":""`...)
		c.out = c.chatNoUsage(append(completionTail(b, i, c.plan.finish), ']'))
	}
	fault := c.req.controls.fault
	if c.req.includeUsage && fault != FaultNoUsage {
		b := c.chatUsage(append(append(c.out, c.prefix...), `],"usage":`...))
		c.out = append(b, "}\n\n"...)
		reported = fault != FaultAbsurdUsage
	}
	c.out = append(c.out, "data: [DONE]\n\n"...)
	return reported
}

func (completions) half(c *call, ended bool) {
	c.out = append(append(c.out, c.prefix...), `{"text":`...)
	if ended {
		c.out = append(c.out, "\n\n"...)
	}
}
