package sim

import (
	"github.com/cespare/xxhash/v2"
)

// geminiDialogue is what of the contents so far decides whether the next one may follow.
type geminiDialogue struct {
	calls   int // function calls in the last content
	plain   bool
	started bool
}

// geminiTurn is what is known of one content.
type geminiTurn struct {
	role      byte
	bytes     int64
	media     int64
	parts     int
	calls     int
	responses int
	unsigned  bool // the first function call has no signature
}

// geminiPart is what is known of one part.
type geminiPart struct {
	data      string // the member that it is made of
	name      string // of a function
	signature string
}

func (g *geminiReader) contents() error {
	p, q := g.p, g.q
	p.digest.Reset()
	q.messagePrompt, q.hasMessages, q.unsigned = 0, true, false
	g.dialogue = geminiDialogue{}
	n, err := p.items(func(int) error {
		t := geminiTurn{}
		if err := g.content(&t, true); err != nil {
			return err
		}
		p.scratch = append(p.scratch[:0], t.role, 0xFF)
		_, _ = p.digest.Write(p.scratch)
		q.messagePrompt += messageTokens + wordTokens(t.bytes) + partTokens*t.media
		q.unsigned = q.unsigned || t.unsigned
		return g.dialogue.add(&t, p.here())
	})
	if err != nil {
		return err
	}
	q.hasMessages = n > 0
	q.hash = p.digest.Sum64()
	return nil
}

// content reads {role, parts}.
func (g *geminiReader) content(t *geminiTurn, roles bool) error {
	p := g.p
	t.role = roleUser
	filled := false
	err := p.members(func(name []byte) error {
		switch camel(name) {
		case "role":
			text, err := p.word()
			if err != nil {
				return err
			}
			switch string(text) {
			case "user", "function", "":
			case "model":
				t.role = roleAssistant
			default:
				if roles {
					return invalid(codeValue, p.here(), "Please use a valid role: user, model.")
				}
			}
			return nil
		case "parts":
			filled = true
			if p.dec.PeekKind() == '{' {
				return g.part(t) // the vendor takes one part for a list of one
			}
			_, err := p.items(func(int) error { return g.part(t) })
			return err
		}
		return p.unknown()
	})
	if err == nil && (!filled || t.parts == 0) {
		return invalid(codeEmpty, p.here(), "* GenerateContentRequest.%s.parts: contents.parts must not be empty.\n", p.here())
	}
	return err
}

// part reads one part: one of several kinds of data, and what is said of it.
func (g *geminiReader) part(t *geminiTurn) error {
	p, part := g.p, geminiPart{}
	if err := p.members(func(name []byte) error { return g.partMember(t, &part, camel(name)) }); err != nil {
		return err
	}
	t.parts++
	if part.data == "" && part.signature != "" {
		part.data = "text" // clients leave out a text that is empty
	}
	switch part.data {
	case "":
		return invalid(codeMissing, p.here(), "* GenerateContentRequest.%s.data: required oneof field 'data' must have one initialized field\n", p.here())
	case "inlineData", "fileData":
		t.media++
	case "functionCall":
		if t.calls++; t.calls == 1 {
			t.unsigned = part.signature == ""
		}
	case "functionResponse":
		t.responses++
	}
	if part.signature != "" && !geminiSigned(&part) {
		return invalid("invalid_signature", p.here(), "Thought signature is not valid.")
	}
	return nil
}

// geminiSigned says whether a part's signature is one of the simulator's for such a part, or one of those that the vendor
// takes for parts that it did not make.
func geminiSigned(part *geminiPart) bool {
	switch part.signature {
	case "skip_thought_signature_validator", "context_engineering_is_the_way_to_go":
		return true
	}
	return signed([]byte(part.signature), geminiHash(part.name))
}

// geminiHash is what the signature of a function call signs, or with an empty name that of a text. Texts are not signed by
// what they say: clients join them.
func geminiHash(name string) uint64 { return xxhash.Sum64String("gemini " + name) }

func (g *geminiReader) partMember(t *geminiTurn, part *geminiPart, name string) (err error) {
	p := g.p
	switch name {
	case "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall", "toolResponse":
		if part.data != "" {
			return invalid(codeValue, p.here(), "Invalid value at '%s' (oneof), oneof field 'data' is already set. Cannot set '%s'", p.here(), name)
		}
		part.data = name
	}
	switch name {
	case "text":
		text, err := p.word()
		if err != nil {
			return err
		}
		t.bytes += int64(len(text))
		_, err = p.digest.Write(text)
		return err
	case "inlineData", "fileData":
		return g.media()
	case "functionCall", "functionResponse":
		return g.function(t, part, name == "functionResponse")
	case "thought":
		_, err = p.truth()
		return err
	case "thoughtSignature":
		text, err := p.word()
		part.signature = string(text)
		return err
	case "executableCode", "codeExecutionResult", "toolCall", "toolResponse", "videoMetadata", "mediaResolution", "partMetadata":
		return p.pass()
	}
	return p.unknown()
}

func (g *geminiReader) media() error {
	p, filled := g.p, false
	err := p.members(func(name []byte) error {
		switch camel(name) {
		case "data", "fileUri":
			filled = true
			_, err := p.word()
			return err
		case "mimeType", "displayName":
			_, err := p.word()
			return err
		}
		return p.unknown()
	})
	if err == nil && !filled {
		return p.lacks("data")
	}
	return err
}

// function reads a call {id, name, args} or a response {id, name, response}.
func (g *geminiReader) function(t *geminiTurn, part *geminiPart, response bool) error {
	p, filled := g.p, false
	err := p.members(func(name []byte) error {
		member := camel(name)
		switch {
		case member == "id":
			_, err := p.word()
			return err
		case member == "name":
			text, err := p.word()
			part.name = string(text)
			t.bytes += int64(len(text))
			return err
		case member == "args" && !response, member == "response" && response:
			filled = true
			value, err := p.raw('{', "an object")
			t.bytes += int64(len(value))
			_, _ = p.digest.Write(value)
			return err
		case response && (member == "parts" || member == "scheduling" || member == "willContinue"):
			return p.pass()
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case part.name == "":
		return invalid(codeMissing, p.here(), "* GenerateContentRequest.%s.name: Name cannot be empty.\n", p.here())
	case response && !filled:
		return p.lacks("response")
	}
	return nil
}

// add holds a content against the one before it.
func (d *geminiDialogue) add(t *geminiTurn, at string) error {
	switch {
	case t.calls > 0 && t.role != roleAssistant:
		return invalid(codeOrder, at, "Please ensure that function call turns are of the model.")
	case t.calls > 0 && (!d.started || d.calls > 0 || !d.plain):
		return invalid(codeOrder, at, "Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
	case t.responses > 0 && d.calls == 0:
		return invalid(codeOrder, at, "Please ensure that function response turn comes immediately after a function call turn.")
	case t.responses != d.calls:
		return invalid(codeOrder, at, unequalResponses)
	}
	d.started, d.calls, d.plain = true, t.calls, t.role != roleAssistant
	return nil
}

const unequalResponses = "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."

// check makes sure that the last content leaves no call open.
func (d *geminiDialogue) check() error {
	if d.calls > 0 {
		return invalid(codeOrder, "contents", unequalResponses)
	}
	return nil
}

// system reads the system instruction, which counts as a message.
func (g *geminiReader) system() error {
	p := g.p
	before := p.digest
	p.digest.Reset()
	t := geminiTurn{}
	if err := g.content(&t, false); err != nil {
		return err
	}
	g.systemPrompt = messageTokens + wordTokens(t.bytes) + partTokens*t.media
	g.systemHash = p.digest.Sum64()
	p.digest = before
	return nil
}
