package anthropic

import (
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/massrouter/massrouter/gateway/chat"
)

// given is what a caller's block has; nil and "" for what it has not.
type given struct {
	kind                           string
	text, id, name, thinking, data *string
	callID, signature, title       string
	input                          []byte
	source                         *source
	content                        []chat.Part
	failed                         bool
	ttl                            string
}

// source is where an image or a document comes from.
type source struct{ kind, mime, data, url string }

// readBlock reads one block of a content.
func (p *parser) readBlock() (chat.Part, error) {
	if p.blocks++; p.blocks > MaxBlocks {
		return chat.Part{}, refuse("messages", "a request has at most %d blocks", MaxBlocks)
	}
	var g given
	is, err := p.Object(func(name []byte) error { return p.blockMember(&g, name) })
	switch {
	case err != nil:
		return chat.Part{}, err
	case !is:
		return chat.Part{}, refuse(p.path("content"), "a block is an object")
	}
	part, err := p.part(&g)
	part.CacheTTL = g.ttl
	return part, err
}

func (p *parser) blockMember(g *given, name []byte) (err error) {
	pointed := func(name string, to **string) error {
		var text string
		there, err := p.optional(name, &text)
		if there {
			*to = &text
		}
		return err
	}
	switch string(name) {
	case "type":
		return p.need("type", &g.kind)
	case "text":
		return pointed("text", &g.text)
	case "id":
		return pointed("id", &g.id)
	case "name":
		return pointed("name", &g.name)
	case "thinking":
		return pointed("thinking", &g.thinking)
	case "data":
		return pointed("data", &g.data)
	case "tool_use_id":
		return p.may("tool_use_id", &g.callID)
	case "signature":
		return p.may("signature", &g.signature)
	case "title":
		return p.may("title", &g.title)
	case "input":
		g.input, _, err = p.Value()
		return err
	case "source":
		return p.source(g)
	case "content":
		return p.inner(g)
	case "is_error":
		g.failed, _, err = p.boolean("is_error")
		return err
	case "cache_control":
		g.ttl, err = p.cacheControl()
		return err
	case "citations":
		return p.citations()
	}
	return p.unknown("messages.content.", name, "type", "text", "id", "name", "thinking", "data", "tool_use_id", "signature", "title", "input",
		"source", "content", "is_error", "cache_control", "citations")
}

// inner reads what a tool gave; deeper there is nothing that could be one.
func (p *parser) inner(g *given) (err error) {
	if p.result || p.Kind() == 'n' {
		return p.Skip()
	}
	p.result = true
	g.content, err = p.content()
	p.result = false
	return err
}

// citations are those that an answer had, or {"enabled": …} of a document. Without any they say nothing.
func (p *parser) citations() error {
	raw, _, err := p.Value()
	if err != nil || raw.Kind() == 'n' {
		return err
	}
	raw = slices.Clone(raw)
	if err := raw.Compact(); err != nil {
		return fmt.Errorf("compact a value that was read: %w", err)
	}
	switch string(raw) {
	case `[]`, `{}`, `{"enabled":false}`:
		return nil
	}
	return p.note("messages.content.citations")
}

func (p *parser) source(g *given) error {
	var s source
	if p.Kind() == 'n' {
		return p.Skip()
	}
	g.source = &s
	return p.members("source", func(name []byte) error {
		switch string(name) {
		case "type":
			return p.need("source.type", &s.kind)
		case "media_type":
			return p.need("source.media_type", &s.mime)
		case "data":
			return p.need("source.data", &s.data)
		case "url":
			return p.need("source.url", &s.url)
		}
		return p.unknown("messages.content.source.", name, "type", "media_type", "data", "url")
	})
}

// part is the block in canonical form.
func (p *parser) part(g *given) (chat.Part, error) {
	switch g.kind {
	case "text":
		if g.text == nil {
			return chat.Part{}, refuse(p.path("text"), "text is a string")
		}
		return chat.Part{Kind: chat.Text, Text: *g.text}, nil
	case "image", "document":
		return p.media(g)
	case "tool_use":
		if g.id == nil || g.name == nil || *g.id == "" || len(g.input) == 0 || g.input[0] != '{' {
			return chat.Part{}, refuse(p.path("input"), "a tool_use has an id, a name and an object as input")
		}
		return chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: *g.id, Name: *g.name, Arguments: string(g.input)}}, nil
	case "tool_result":
		if p.result || g.callID == "" {
			return chat.Part{}, refuse(p.path("tool_use_id"), "a tool_result stands in a message and has a tool_use_id")
		}
		return chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: g.callID, Parts: g.content, Error: g.failed}}, nil
	case "thinking":
		if g.thinking == nil {
			return chat.Part{}, refuse(p.path("thinking"), "thinking is a string")
		}
		part := chat.Part{Kind: chat.Thinking, Text: *g.thinking}
		part.Origin, part.Signature = opened(g.signature)
		return part, nil
	case "redacted_thinking":
		if g.data == nil {
			return chat.Part{}, refuse(p.path("data"), "data is a string")
		}
		part := chat.Part{Kind: chat.Redacted}
		part.Origin, part.Signature = opened(*g.data)
		return part, nil
	case "":
		return chat.Part{}, refuse(p.path("type"), "a block has a type")
	}
	return chat.Part{}, chat.Unsupported(p.path("type"), "blocks of this type are known to one vendor only")
}

func (p *parser) media(g *given) (chat.Part, error) {
	part := chat.Part{Kind: chat.Image, Media: &chat.Media{}}
	if g.kind == "document" {
		part.Kind, part.Media.Name = chat.File, g.title
	}
	s := g.source
	switch {
	case s == nil:
		return part, refuse(p.path("source"), "a source is required")
	case s.kind == "base64" && s.mime != "" && s.data != "":
		part.Media.MIME, part.Media.Data = s.mime, s.data
	case s.kind == "url" && s.url != "":
		part.Media.URL = s.url
	case s.kind == "text" && part.Kind == chat.File:
		part.Media.MIME, part.Media.Data = "text/plain", base64.StdEncoding.EncodeToString([]byte(s.data))
	case s.kind == "file", s.kind == "content":
		return part, chat.Unsupported(p.path("source"), "sources of this type are known to one vendor only")
	default:
		return part, refuse(p.path("source"), "a source has a type and what belongs to it")
	}
	return part, nil
}
