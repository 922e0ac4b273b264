package remote

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// kind is what a medium has to be.
type kind uint8

const (
	image    kind = iota + 1
	document      // PDF
	anything      // image, PDF or plain text: the dialect does not say which
)

// reference is a medium that a body names by its address.
type reference struct {
	address string
	kind    kind
	param   string        // where it stands, as callers read it: messages.0.content.1
	at      jsonscan.Span // what is replaced
	// write appends what takes the place: the medium itself.
	write func(dst []byte, m medium) []byte
}

// finder gathers the references of a body.
type finder struct {
	found []reference
}

// find lists the media that a conversation of a dialect names by http and https addresses, in their order. Whatever else a body has is not
// looked at: it was read before. Errors are invalid_request: the body is no JSON.
func find(dialect chat.Dialect, body []byte) ([]reference, error) {
	if !bytes.Contains(body, []byte("http")) && !bytes.Contains(body, []byte(`\u00`)) {
		return nil, nil // an address has these letters, plainly or escaped
	}
	f := new(finder)
	var err error
	switch dialect {
	case chat.OpenAI:
		err = f.walk(body, 0, "", f.openAI, "messages", each, "content", each)
	case chat.Responses:
		if err = f.walk(body, 0, "", f.responses, "input", each, "content", each); err == nil {
			err = f.walk(body, 0, "", f.responses, "input", each, "output", each)
		}
	case chat.Anthropic:
		err = f.walk(body, 0, "", f.anthropic, "messages", each, "content", each)
	case chat.Gemini:
		err = f.walk(body, 0, "", f.gemini, "contents", each, "parts", each)
	case chat.Bedrock: // nobody calls us in it
	}
	return f.found, err
}

// each stands for all elements of a list, in a path.
const each = "*"

// walk goes along a path of members through a text that begins at an offset of the body, and calls at for each object at its end. What is not
// along the path is gone over.
func (f *finder) walk(text []byte, offset int, param string, at func(object []byte, offset int, param string) error, path ...string) error {
	var s jsonscan.Scanner
	s.Strict(text)
	defer s.Drop()
	var descend func(param string, path []string) error
	descend = func(param string, path []string) error {
		switch {
		case len(path) == 0:
			is := s.Kind() == '{'
			object, span, err := s.Value()
			if err != nil || !is {
				return err
			}
			return at(object, offset+span.From, param)
		case path[0] == each:
			is, err := s.Enter('[')
			if err != nil || !is {
				return err
			}
			for n := 0; ; n++ {
				more, err := s.Element()
				if err != nil || !more {
					return err
				}
				if err := descend(join(param, n), path[1:]); err != nil {
					return err
				}
			}
		}
		_, err := s.Object(func(name []byte) error {
			if string(name) != path[0] {
				return s.Skip()
			}
			return descend(join(param, path[0]), path[1:])
		})
		return err
	}
	return descend(param, path)
}

// members are the values of an object's members by their names, and where they stand in the body. A name that is not asked for is left out.
func members(object []byte, offset int, names ...string) (map[string]value, error) {
	var s jsonscan.Scanner
	s.Strict(object)
	defer s.Drop()
	found := make(map[string]value, len(names))
	_, err := s.Object(func(name []byte) error {
		for _, n := range names {
			if string(name) != n {
				continue
			}
			named := s.Named()
			raw, at, err := s.Value()
			if err == nil {
				found[n] = value{raw: raw, at: shift(at, offset), member: shift(jsonscan.Span{From: named.From, To: at.To}, offset)}
			}
			return err
		}
		return s.Skip()
	})
	return found, err
}

// value is the value of a member.
type value struct {
	raw    jsontext.Value
	at     jsonscan.Span // of the value
	member jsonscan.Span // with its name
}

func shift(s jsonscan.Span, by int) jsonscan.Span {
	return jsonscan.Span{From: s.From + by, To: s.To + by}
}

// text is the value as a string; "" for anything else.
func (v value) text() string {
	if v.raw.Kind() != '"' {
		return ""
	}
	text, err := jsontext.AppendUnquote(nil, v.raw)
	if err != nil {
		return ""
	}
	return string(text)
}

// address is the value as an http or https address; "" for anything else.
func (v value) address() string {
	text := v.text()
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || rest == "" || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return ""
	}
	return text
}

// add notes a reference, if the value is an address.
func (f *finder) add(v value, at jsonscan.Span, k kind, param string, write func([]byte, medium) []byte) {
	if address := v.address(); address != "" {
		f.found = append(f.found, reference{address: address, kind: k, param: param, at: at, write: write})
	}
}

// openAI reads a part of a message of Chat Completions: image_url with an address, plainly or in an object; file with one in file_data.
func (f *finder) openAI(part []byte, offset int, param string) error {
	m, err := members(part, offset, "type", "image_url", "file")
	if err != nil {
		return err
	}
	switch m["type"].text() {
	case "image_url":
		v := m["image_url"]
		if v.raw.Kind() == '{' {
			inner, err := members(v.raw, v.at.From, "url")
			if err != nil {
				return err
			}
			v = inner["url"]
		}
		f.add(v, v.at, image, param, appendDataURL)
	case "file":
		if v := m["file"]; v.raw.Kind() == '{' {
			inner, err := members(v.raw, v.at.From, "file_data")
			if err != nil {
				return err
			}
			f.add(inner["file_data"], inner["file_data"].at, anything, param, appendDataURL)
		}
	}
	return nil
}

// responses reads a part of an item of Responses: input_image with image_url, input_file with file_url.
func (f *finder) responses(part []byte, offset int, param string) error {
	m, err := members(part, offset, "type", "image_url", "file_url")
	if err != nil {
		return err
	}
	switch m["type"].text() {
	case "input_image":
		f.add(m["image_url"], m["image_url"].at, image, param, appendDataURL)
	case "input_file":
		f.add(m["file_url"], m["file_url"].member, anything, param, func(dst []byte, x medium) []byte {
			return appendDataURL(append(dst, `"file_data":`...), x)
		})
	}
	return nil
}

// anthropic reads a block of Messages: image and document with a source of the type url, and what stands in a tool_result.
func (f *finder) anthropic(block []byte, offset int, param string) error {
	m, err := members(block, offset, "type", "source", "content")
	if err != nil {
		return err
	}
	k := image
	switch m["type"].text() {
	case "tool_result":
		if m["content"].raw.Kind() != '[' {
			return nil
		}
		return f.walk(m["content"].raw, m["content"].at.From, join(param, "content"), f.anthropic, each)
	case "image":
	case "document":
		k = document
	default:
		return nil
	}
	source := m["source"]
	if source.raw.Kind() != '{' {
		return nil
	}
	inner, err := members(source.raw, source.at.From, "type", "url")
	if err != nil || inner["type"].text() != "url" {
		return err
	}
	f.add(inner["url"], source.at, k, param, appendSource)
	return nil
}

// gemini reads a part of a turn: fileData with an address.
func (f *finder) gemini(part []byte, offset int, param string) error {
	m, err := members(part, offset, "fileData")
	file := m["fileData"]
	if err != nil || file.raw.Kind() != '{' {
		return err
	}
	inner, err := members(file.raw, file.at.From, "fileUri")
	if err != nil {
		return err
	}
	f.add(inner["fileUri"], file.member, anything, param, appendInlineData)
	return nil
}

// join is the name of a member or an element of what has a name.
func join(param string, next any) string {
	if param == "" {
		return fmt.Sprint(next)
	}
	return fmt.Sprint(param, ".", next)
}
