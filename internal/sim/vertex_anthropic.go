package sim

import (
	"net/http"
	"strings"
)

// vertexAnthropic is Messages at Vertex AI's addresses: the address names the model and whether the answer is a stream, the body the version.
type vertexAnthropic struct {
	anthropic
	model  string
	stream bool
}

// vertexVersion is the only version of Messages there.
const vertexVersion = "vertex-2023-10-16"

// vertexAnthropicOf finds the dialect of an address of Vertex AI for Anthropic's models, or nil.
func vertexAnthropicOf(path string) dialect {
	before, rest, ok := strings.Cut(path, "/publishers/anthropic/models/")
	if !ok || !strings.HasPrefix(before, "/v1/projects/") {
		return nil
	}
	colon := strings.LastIndexByte(rest, ':')
	if colon < 0 {
		return nil
	}
	switch d := (vertexAnthropic{model: rest[:colon]}); rest[colon+1:] {
	case "rawPredict":
		return d
	case "streamRawPredict":
		d.stream = true
		return d
	}
	return nil
}

func (vertexAnthropic) name() string { return "vertex-messages" }

func (d vertexAnthropic) parse(c *call, _ *http.Request) error {
	if err := c.req.setModel(d.model); err != nil {
		return err
	}
	c.req.versioned = true
	if err := c.parser.anthropic(&c.body, c, false); err != nil {
		return err
	}
	switch {
	case !c.req.hasVersion:
		return invalid(codeMissing, "anthropic_version", "anthropic_version: Field required")
	case c.req.stream != d.stream:
		return invalid(codeValue, "stream", "stream: the body and the address say different things")
	}
	return nil
}

// version reads the version that stands in the body.
func (a *anthropicReader) version() error {
	text, err := a.p.word()
	if err != nil {
		return err
	}
	if string(text) != vertexVersion {
		return invalid(codeValue, "anthropic_version", "anthropic_version: Input should be %q", vertexVersion)
	}
	a.q.hasVersion = true
	return nil
}
