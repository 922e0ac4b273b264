package openai

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// content is a text, null, or a list of parts.
func (p *parser) content() (parts []chat.Part, err error) {
	if p.Kind() != '[' {
		text, err := p.String()
		if text != "" {
			parts = []chat.Part{{Kind: chat.Text, Text: text}}
		}
		return parts, err
	}
	err = p.Array(func(int) error {
		part, err := p.part()
		if err == nil {
			parts = append(parts, part)
		}
		return err
	})
	return parts, err
}

// part reads one part. Which members count is said by its type, wherever that stands.
func (p *parser) part() (chat.Part, error) {
	var kind, text, refusal, cache string
	var media, file, sound *chat.Media
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			kind, err = p.String()
		case "text":
			text, err = p.String()
		case "refusal":
			refusal, err = p.String()
		case "image_url":
			media, err = p.imageURL()
		case "file":
			file, err = p.file()
		case "input_audio":
			sound, err = p.audio()
		case "cache_control":
			cache, err = p.cacheControl()
		case "prompt_cache_breakpoint":
			raw, readErr := p.Raw()
			if err = readErr; raw != nil && string(raw) != "false" {
				cache = ttlShort
			}
		case "annotations":
			err = p.Skip()
		default:
			err = p.Inner("messages.content", name)
		}
		return err
	})
	if err != nil {
		return chat.Part{}, err
	}
	part := chat.Part{CacheTTL: cache}
	switch kind {
	case "text":
		part.Kind, part.Text = chat.Text, text
	case "refusal":
		part.Kind, part.Text = chat.Refusal, refusal
	case "image_url":
		part.Kind, part.Media = chat.Image, media
		if media != nil && media.MIME != "" && !strings.HasPrefix(media.MIME, "image/") {
			part.Kind = chat.File
		}
	case "file":
		part.Kind, part.Media = chat.File, file
	case "input_audio":
		part.Kind, part.Media = chat.Audio, sound
	case "":
		return part, p.Refuse("a part of a content needs a type")
	default:
		return part, p.Cannot("a part of a content is a text, refusal, image_url, file or input_audio")
	}
	if part.Media == nil && part.Kind != chat.Text && part.Kind != chat.Refusal {
		return part, p.Refuse("a part of type %s needs its %s", kind, kind)
	}
	return part, nil
}

func (p *parser) imageURL() (*chat.Media, error) {
	if p.Kind() == 'n' {
		return nil, p.Skip()
	}
	url, detail, err := "", "", error(nil)
	if p.Kind() == '{' {
		err = p.Object(func(name []byte) (err error) {
			switch string(name) {
			case "url":
				url, err = p.String()
			case "detail":
				detail, err = p.String()
			default:
				err = p.Inner("messages.content.image_url", name)
			}
			return err
		})
	} else {
		url, err = p.String()
	}
	if err != nil {
		return nil, err
	}
	m, ok := MediaOf(url)
	if !ok {
		return nil, p.Refuse("the url of an image is an http or https address, or a data URL in base64")
	}
	m.Detail = detail
	return m, nil
}

// file reads a document: its data, or as OpenRouter has it, its address.
func (p *parser) file() (*chat.Media, error) {
	var data, name string
	err := p.Object(func(member []byte) (err error) {
		switch string(member) {
		case "file_data":
			data, err = p.String()
		case "filename":
			name, err = p.String()
		case "file_id":
			err = p.RefuseGiven("an uploaded file is known to its vendor only; send its data")
		default:
			err = p.Inner("messages.content.file", member)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	m, ok := MediaOf(data)
	if !ok {
		return nil, p.Refuse("file_data is a data URL in base64, or an http or https address")
	}
	m.Name = name
	return m, nil
}

func (p *parser) audio() (*chat.Media, error) {
	m := new(chat.Media)
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "data":
			m.Data, err = p.String()
		case "format":
			var format string
			format, err = p.String()
			m.MIME = AudioType(format)
		default:
			err = p.Inner("messages.content.input_audio", name)
		}
		return err
	})
	if err == nil && m.Data == "" {
		return nil, p.Refuse("input_audio needs its data")
	}
	return m, err
}

// How long a prompt may be kept: see chat.Part.
const ttlShort, ttlLong = "5m", "1h"

// cacheControl reads Anthropic's mark, which OpenRouter accepts in this dialect.
func (p *parser) cacheControl() (string, error) {
	if p.Kind() == 'n' {
		return "", p.Skip()
	}
	kind, ttl := "", ttlShort
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			kind, err = p.String()
		case "ttl":
			if text, readErr := p.String(); readErr != nil || text != "" {
				ttl, err = text, readErr
			}
		default:
			err = p.Inner("cache_control", name)
		}
		return err
	})
	switch {
	case err != nil:
		return "", err
	case kind != "ephemeral":
		return "", p.Refuse("the type of cache_control is ephemeral")
	case ttl != ttlShort && ttl != ttlLong:
		return "", p.Refuse("the ttl of cache_control is 5m or 1h")
	}
	return ttl, nil
}
