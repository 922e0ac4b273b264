package meter

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/usage"
)

// What an estimate takes a prompt's parts to cost beyond their text, and a text of which nothing was kept.
const (
	tokensPerMessage = 4
	tokensPerImage   = 1000
	bytesPerToken    = 4
)

// Prompt is what is known of a request for an estimate.
type Prompt struct {
	Text     string
	Messages int64
	Images   int64
	Tokens   int64 // that the caller gave as such
	Searches int64 // that the call surely is
}

// Estimate counts what a call used when the vendor does not say it, or says what cannot be. It is never above the bounds
// that the hold was made for.
func (c *Counter) Estimate(prompt Prompt, p *Produced, b Bounds) (usage.Usage, error) {
	n, err := c.Prompt(prompt)
	if err != nil {
		return nil, err
	}
	visible, reasoning, err := c.produced(p)
	if err != nil {
		return nil, err
	}
	u := make(usage.Usage, 4)
	set(u, usage.Input, min(n, b.Prompt, b.Context))
	reasoning = min(reasoning, b.Completion)
	set(u, usage.Reasoning, reasoning)
	set(u, usage.Output, min(visible, b.Completion-reasoning))
	set(u, usage.Search, prompt.Searches)
	for class, n := range p.units {
		n = min(n, b.Extra[class])
		if class == usage.AudioInput {
			n = min(n, b.Prompt-u.Prompt())
		}
		if class == usage.ImageOutput || class == usage.AudioOutput {
			n = min(n, b.Completion-u.Completion())
		}
		set(u, class, n)
	}
	set(u, usage.Request, 1)
	return u, nil
}

// Prompt estimates the tokens of a prompt.
func (c *Counter) Prompt(p Prompt) (int64, error) {
	n, err := c.Count(p.Text)
	return n + tokensPerMessage*p.Messages + tokensPerImage*p.Images + p.Tokens, err
}

// produced counts the texts of an answer.
func (c *Counter) produced(p *Produced) (visible, reasoning int64, err error) {
	var kept, counted int64
	for i := range p.list {
		s := &p.list[i]
		text := textOf(s.raw)
		n, err := c.Count(text)
		if err != nil {
			return 0, 0, err
		}
		kept, counted = kept+int64(len(text)), counted+n
		n += extrapolate(n, int64(len(text)), s.lost)
		if s.kind == Reasoning {
			reasoning += n
		} else {
			visible += n
		}
	}
	return visible + extrapolate(counted, kept, p.lost), reasoning, nil
}

// extrapolate is how many tokens lost bytes have when the kept ones have so many, rounded up.
func extrapolate(tokens, kept, lost int64) int64 {
	switch {
	case lost == 0:
		return 0
	case kept == 0:
		return (lost + bytesPerToken - 1) / bytesPerToken
	}
	return (tokens*lost + kept - 1) / kept
}

// textOf joins JSON strings that stand one after another.
func textOf(raw []byte) string {
	text := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		end := stringEnd(raw)
		// Broken UTF-8 comes out replaced, with an error that adds nothing.
		text, _ = jsontext.AppendUnquote(text, raw[:end])
		raw = raw[end:]
	}
	return string(text)
}

// stringEnd is where the JSON string ends with which raw begins.
func stringEnd(raw []byte) int {
	for i := 1; i < len(raw); i++ {
		j := bytes.IndexAny(raw[i:], `"\`)
		if j < 0 {
			break
		}
		if i += j; raw[i] == '"' {
			return i + 1
		}
		i++ // what a backslash is followed by
	}
	return len(raw)
}
