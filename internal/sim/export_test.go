package sim

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Controls is what a test sees of the controls that a text asks for.
type Controls struct {
	Fault, Variant        string
	Tokens, Prompt, Piece int64
}

// ParseControls reads, checks and resolves controls as a call does.
func ParseControls(text string) (Controls, error) {
	o := Options{Tokens: defaultTokens}
	c := o.defaults()
	if err := c.read(text, "model"); err != nil {
		return Controls{}, err
	}
	if err := c.check("model"); err != nil {
		return Controls{}, err
	}
	c.resolve(&o, true)
	return Controls{string(c.fault), c.variant, c.tokens, c.prompt, c.piece}, nil
}

// ParseRequest reads a body and returns its prompt tokens.
func ParseRequest(body []byte) (int64, error) {
	var p parser
	q := request{}
	err := p.chat(bytes.NewBuffer(bytes.Clone(body)), jsontext.AllowDuplicateNames(true), &q)
	return q.prompt, err
}

// FailureBody is the answer to an error of ParseControls or ParseRequest.
func FailureBody(err error) (status int, body []byte) {
	f := failureOf(err)
	return f.status, appendOpenAIFailure(nil, f)
}

// Words returns the vocabulary as it stands in JSON strings.
func Words() []string { return newVocabulary(1)[:] }

// Text returns n tokens of a choice as they stand in a JSON string.
func Text(model string, messages uint64, seed int64, choice, n int) string {
	s, v := newSequence(model, messages, seed, choice), newVocabulary(1)
	var b []byte
	for range n {
		b = s.appendNext(b, v)
	}
	return string(b)
}
