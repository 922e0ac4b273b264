package sim

import (
	"bytes"
	"encoding/base64"
	"regexp"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json/jsontext"
)

// messages reads all messages, each held against the one before.
func (a *bedrockReader) messages() error {
	p, q := a.p, a.q
	p.digest.Reset()
	q.messagePrompt, q.hasMessages = 0, true
	a.dialogue, a.called, a.documents = anthropicDialogue{unthought: -1}, false, nil
	n, err := p.items(a.message)
	if err != nil {
		return err
	}
	if n == 0 {
		return invalid(codeEmpty, "messages", "A conversation must start with a user message. Try again with a conversation that starts with a user message.")
	}
	q.hash = p.digest.Sum64()
	return nil
}

func (a *bedrockReader) message(index int) error {
	p, t, filled, texts, documents := a.p, anthropicTurn{index: index}, false, 0, 0
	err := p.members(func(name []byte) error {
		switch string(name) {
		case "role":
			text, err := p.word()
			if t.role = roleOf(text); err == nil && t.role != roleUser && t.role != roleAssistant {
				return p.bad("Member must satisfy enum value set: [user, assistant]")
			}
			return err
		case "content":
			filled = true
			_, err := p.items(func(int) error {
				kind, err := a.block(&t, false)
				switch kind {
				case "text":
					texts++
				case "document":
					documents++
				}
				return err
			})
			return err
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case t.role == 0:
		return p.lacks("role")
	case !filled:
		return p.lacks("content")
	case index > 0 && a.dialogue.last.role == t.role:
		return invalid(codeOrder, "messages", "A conversation must alternate between user and assistant roles.")
	case t.blocks == 0:
		return invalid(codeValue, "messages", "The content field in the Message object at messages.%d is empty. Add a ContentBlock object to the content field and try again.", index)
	case t.role == roleAssistant && len(t.results) > 0, t.role == roleUser && len(t.uses) > 0:
		return invalid(codeOrder, "messages", "messages.%d: toolUse blocks stand in messages of the assistant, toolResult blocks in those of the user", index)
	case documents > 0 && texts == 0:
		return invalid(codeValue, "messages", "messages.%d: include a ContentBlock object with a text field when you include a document", index)
	}
	p.scratch = append(p.scratch[:0], t.role, 0xFF)
	_, _ = p.digest.Write(p.scratch)
	a.q.messagePrompt += messageTokens + wordTokens(t.bytes) + partTokens*t.parts
	a.called = a.called || len(t.uses)+len(t.results) > 0
	return a.dialogue.add(&t)
}

// block reads one block of a content, or of a tool's result, and says what it is.
func (a *bedrockReader) block(t *anthropicTurn, within bool) (kind string, err error) {
	p := a.p
	t.trailing = false
	err = p.members(func(name []byte) error {
		if kind != "" {
			return p.bad("a ContentBlock has one member")
		}
		kind = internBlockKind(name)
		return a.content(t, kind, within)
	})
	switch {
	case err != nil:
		return kind, err
	case kind == "":
		return kind, p.bad("a ContentBlock has one member")
	case kind == "cachePoint":
		return kind, nil
	}
	if t.blocks++; t.blocks == 1 {
		if t.first = kind; kind == "reasoningContent" {
			t.first = "thinking"
		}
	}
	t.late = t.late || kind == "toolResult" && len(t.results) != t.blocks
	return kind, nil
}

func (a *bedrockReader) content(t *anthropicTurn, kind string, within bool) error {
	p := a.p
	switch {
	case kind == "text":
		text, err := p.word()
		if err != nil {
			return err
		}
		t.bytes += int64(len(text))
		t.trailing = len(text) > 0 && bytes.IndexByte([]byte(" \t\r\n"), text[len(text)-1]) >= 0
		_, _ = p.digest.Write(text)
		if len(bytes.TrimSpace(text)) == 0 {
			return invalid(codeValue, p.here(), "The text field in the ContentBlock object at %s is blank. Add text to the text field, and try again.", p.here())
		}
		return nil
	case kind == "image", kind == "document", kind == "audio" && !within:
		t.parts++
		return a.media(kind)
	case kind == "json" && within:
		value, err := p.raw('{', "an object")
		t.bytes += int64(len(value))
		return err
	case within:
	case kind == "toolUse":
		return a.toolUse(t)
	case kind == "toolResult":
		return a.toolResult(t)
	case kind == "reasoningContent":
		return a.reasoning(t)
	case kind == "cachePoint":
		if t.blocks == 0 {
			return p.bad("a cachePoint follows another block")
		}
		return a.cachePoint()
	case kind == "guardContent", kind == "video", kind == "citationsContent", kind == "searchResult":
		t.parts++
		return p.pass()
	}
	return p.unknown()
}

// id reads the id of a call.
func (a *bedrockReader) id() (string, error) {
	text, err := a.p.word()
	id := string(text)
	if err == nil && !callableIn(id, longestBedrockName) {
		return "", a.p.bad("Member must satisfy regular expression pattern: [a-zA-Z0-9_-]{1,64}")
	}
	return id, err
}

func (a *bedrockReader) toolUse(t *anthropicTurn) error {
	p, id, name, input := a.p, "", "", false
	err := p.members(func(member []byte) (err error) {
		switch string(member) {
		case "toolUseId":
			id, err = a.id()
			return err
		case "name":
			text, err := p.word()
			name, t.bytes = string(text), t.bytes+int64(len(text))
			return err
		case "input":
			input = true
			value, err := p.raw('{', "an object")
			t.bytes += int64(len(value))
			return err
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case id == "" || name == "" || !input:
		return p.lacks("toolUseId, name and input")
	}
	t.uses = append(t.uses, id)
	return nil
}

func (a *bedrockReader) toolResult(t *anthropicTurn) error {
	p, id, content := a.p, "", false
	err := p.members(func(member []byte) (err error) {
		switch string(member) {
		case "toolUseId":
			id, err = a.id()
			return err
		case "content":
			content = true
			inner := anthropicTurn{}
			_, err := p.items(func(int) error {
				_, err := a.block(&inner, true)
				return err
			})
			t.bytes, t.parts = t.bytes+inner.bytes, t.parts+inner.parts
			return err
		case "status":
			return a.oneOf("success", "error")
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case id == "" || !content:
		return p.lacks("toolUseId and content")
	}
	t.results = append(t.results, id)
	return nil
}

// reasoning reads what came back of it; whoever changed it is found out.
func (a *bedrockReader) reasoning(t *anthropicTurn) error {
	p := a.p
	return p.members(func(member []byte) error {
		switch string(member) {
		case "redactedContent":
			return a.blob()
		case "reasoningText":
			var hash uint64
			var signature string
			err := p.members(func(member []byte) error {
				text, err := p.word()
				switch string(member) {
				case "text":
					hash = xxhash.Sum64(text)
					t.bytes += int64(len(text))
				case "signature":
					signature = string(text)
				default:
					return p.unknown()
				}
				return err
			})
			if err == nil && !signed([]byte(signature), hash) && !signed([]byte(signature), xxhash.Sum64(nil)) {
				return invalid("invalid_signature", p.here(), "%s: Invalid `signature` in `thinking` block", p.here())
			}
			return err
		}
		return p.unknown()
	})
}

// blob reads bytes, which JSON has as base64.
func (a *bedrockReader) blob() error {
	text, err := a.p.word()
	if err != nil {
		return err
	}
	if _, err := base64.StdEncoding.AppendDecode(nil, text); err != nil || len(text) == 0 {
		return a.p.bad("it is no base64, or empty")
	}
	return nil
}

// bedrockName is what the name of a document may be.
var bedrockName = regexp.MustCompile(`^[a-zA-Z0-9()\[\]-]+( [a-zA-Z0-9()\[\]-]+)*$`)

// media reads an image, a document or a sound.
func (a *bedrockReader) media(kind string) error {
	p, format, name, source := a.p, false, "", false
	err := p.members(func(member []byte) error {
		switch string(member) {
		case "format":
			format = true
			switch kind {
			case "image":
				return a.oneOf("png", "jpeg", "gif", "webp")
			case "audio":
				return a.oneOf("mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "webm", "m4a")
			}
			return a.oneOf("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md")
		case "name":
			text, err := p.word()
			if name = string(text); err == nil && !bedrockName.MatchString(name) {
				return p.bad("The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets.")
			}
			return err
		case "source":
			source = true
			return p.members(func(member []byte) error {
				if string(member) != "bytes" {
					return p.unknown()
				}
				return a.blob()
			})
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case !format || !source:
		return p.lacks("format and source")
	case kind != "document":
		return nil
	case name == "":
		return p.lacks("name")
	case a.documents[name]:
		return invalid(codeValue, "messages", "The document names are not unique: %s", clip(name))
	}
	if a.documents == nil {
		a.documents = make(map[string]bool)
	}
	a.documents[name] = true
	return nil
}

// system reads the system prompt, which counts as a message.
func (a *bedrockReader) system() error {
	p := a.p
	before := p.digest
	p.digest.Reset()
	t := anthropicTurn{}
	_, err := p.items(func(int) error {
		kind, err := a.block(&t, false)
		if err == nil && kind != "text" && kind != "cachePoint" && kind != "guardContent" {
			return p.unknown()
		}
		return err
	})
	a.systemPrompt = messageTokens + wordTokens(t.bytes)
	a.systemHash = p.digest.Sum64()
	p.digest = before
	return err
}

func isJSONObject(text []byte) bool {
	v := jsontext.Value(text)
	return v.Kind() == '{' && v.IsValid()
}
