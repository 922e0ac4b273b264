package responses

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
)

// content is a text or a list of parts. What reasoning says in full is put into the item.
func (p *parser) content(to *[]chat.Part, it *item) error {
	if p.Kind() != '[' {
		text, err := p.String()
		if text != "" {
			*to = append(*to, chat.Part{Kind: chat.Text, Text: text})
		}
		return err
	}
	return p.Array(func(int) error {
		var c piece
		if err := p.Object(func(name []byte) error { return p.pieceMember(&c, name) }); err != nil {
			return err
		}
		if c.kind == "reasoning_text" {
			it.phrased = append(it.phrased, c.text)
			return nil
		}
		part, err := p.part(&c)
		if err == nil {
			*to = append(*to, part)
		}
		return err
	})
}

// piece is a part of a content, before its type says what it means.
type piece struct {
	kind, text, refusal, detail string
	image, data, url, name      string
	cache                       string
	sound                       *chat.Media
}

func (p *parser) pieceMember(c *piece, name []byte) (err error) {
	switch string(name) {
	case "type":
		c.kind, err = p.String()
	case "text":
		c.text, err = p.String()
	case "refusal":
		c.refusal, err = p.String()
	case "image_url":
		c.image, err = p.String()
	case "detail":
		c.detail, err = p.String()
	case "file_data":
		c.data, err = p.String()
	case "file_url":
		c.url, err = p.String()
	case "filename":
		c.name, err = p.String()
	case "file_id":
		err = p.RefuseGiven("an uploaded file is known to its vendor only; send its data")
	case "input_audio":
		c.sound, err = p.audio()
	case "cache_control":
		c.cache, err = p.cacheControl()
	case "prompt_cache_breakpoint":
		raw, readErr := p.Raw()
		if err = readErr; raw != nil && string(raw) != "false" {
			c.cache = ttlShort
		}
	case "annotations", "logprobs": // of an answer that is sent back
		err = p.Skip()
	default:
		err = p.Inner("input.content", name)
	}
	return err
}

func (p *parser) part(c *piece) (chat.Part, error) {
	part := chat.Part{CacheTTL: c.cache}
	switch c.kind {
	case "input_text", "output_text", "text":
		part.Kind, part.Text = chat.Text, c.text
	case "refusal":
		part.Kind, part.Text = chat.Refusal, c.refusal
	case "input_image":
		m, ok := openai.MediaOf(c.image)
		if !ok {
			return part, p.Refuse("image_url is an http or https address, or a data URL in base64")
		}
		m.Detail = c.detail
		part.Kind, part.Media = chat.Image, m
		if m.MIME != "" && !strings.HasPrefix(m.MIME, "image/") {
			part.Kind = chat.File
		}
	case "input_file":
		address := c.data
		if address == "" {
			address = c.url
		}
		m, ok := openai.MediaOf(address)
		if !ok {
			return part, p.Refuse("an input_file needs file_data, a data URL in base64, or file_url, an http or https address")
		}
		m.Name = c.name
		part.Kind, part.Media = chat.File, m
	case "input_audio":
		if c.sound == nil {
			return part, p.Refuse("input_audio needs its data")
		}
		part.Kind, part.Media = chat.Audio, c.sound
	default:
		return part, p.Cannot("a part of a content is an input_text, input_image, input_file, input_audio, output_text or refusal")
	}
	return part, nil
}

// audio reads {"data", "format"}, which OpenRouter accepts here.
func (p *parser) audio() (*chat.Media, error) {
	m := new(chat.Media)
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "data":
			m.Data, err = p.String()
		case "format":
			var format string
			format, err = p.String()
			m.MIME = openai.AudioType(format)
		default:
			err = p.Inner("input.content.input_audio", name)
		}
		return err
	})
	if m.Data == "" {
		return nil, err
	}
	return m, err
}

// How long a prompt may be kept: see chat.Part.
const ttlShort, ttlLong = "5m", "1h"

// cacheControl reads Anthropic's mark, which OpenRouter accepts in this dialect.
func (p *parser) cacheControl() (ttl string, err error) {
	if p.Kind() == 'n' {
		return "", p.Skip()
	}
	ttl = ttlShort
	err = p.Object(func(name []byte) error {
		if string(name) != "ttl" {
			return p.Skip()
		}
		text, err := p.String()
		if text != "" {
			ttl = text
		}
		return err
	})
	if err == nil && ttl != ttlShort && ttl != ttlLong {
		err = p.Refuse("the ttl of cache_control is 5m or 1h")
	}
	return ttl, err
}
