package responses

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
)

// input is a text or a list of items.
func (p *parser) input() error {
	if p.Kind() != '[' {
		text, err := p.String()
		if text != "" {
			p.items++
			p.add(chat.User, chat.Part{Kind: chat.Text, Text: text})
		}
		return err
	}
	return p.Array(func(int) error {
		if p.items++; p.items > openai.MaxMessages {
			return p.Refuse("input has more than %d items", openai.MaxMessages)
		}
		return p.item()
	})
}

// item is an element of the input, before its type says what it means.
type item struct {
	kind, role        string
	callID, name      string
	arguments, result string
	content, output   []chat.Part
	summary           []string
	encrypted, format string
	signature         string
	phrased           []string // what reasoning says in full
}

func (p *parser) item() error {
	if p.Kind() == 'n' {
		return p.refuseNull()
	}
	it := new(item)
	if err := p.Object(func(name []byte) error { return p.itemMember(it, name) }); err != nil {
		return err
	}
	switch it.kind {
	case "message", "":
		return p.message(it)
	case "function_call":
		return p.call(it)
	case "function_call_output":
		return p.result(it)
	case "reasoning":
		p.thought(it)
		return nil
	case "image_generation_call":
		if it.result == "" {
			return p.Refuse("an image_generation_call needs its result")
		}
		p.assistant(chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: it.result}})
		return nil
	case "item_reference":
		return p.Cannot("earlier items are not stored here: send them whole")
	}
	return p.Cannot("an item is a message, function_call, function_call_output or reasoning")
}

func (p *parser) refuseNull() error {
	if err := p.Skip(); err != nil {
		return err
	}
	return p.Refuse("an item is an object")
}

func (p *parser) itemMember(it *item, name []byte) (err error) {
	switch string(name) {
	case "type":
		it.kind, err = p.String()
	case "role":
		it.role, err = p.String()
	case "content":
		err = p.content(&it.content, it)
	case "call_id":
		it.callID, err = p.String()
	case "name":
		it.name, err = p.String()
	case "arguments":
		it.arguments, err = p.String()
	case "output":
		err = p.content(&it.output, it)
	case "result":
		it.result, err = p.String()
	case "summary":
		err = p.Array(func(int) error { return p.summary(it) })
	case "encrypted_content":
		it.encrypted, err = p.String()
	case "signature":
		it.signature, err = p.String()
	case "format":
		it.format, err = p.String()
	case "id", "status", "phase", "object", "output_format", "quality", "size", "background", "revised_prompt", "action": // of an answer that is sent back
		err = p.Skip()
	default:
		err = p.Inner("input", name)
	}
	return err
}

func (p *parser) summary(it *item) error {
	return p.Object(func(name []byte) error {
		switch string(name) {
		case "type":
			return p.Skip()
		case "text":
			text, err := p.String()
			it.summary = append(it.summary, text)
			return err
		}
		return p.Inner("input.summary", name)
	})
}

// add begins a message.
func (p *parser) add(role chat.Role, parts ...chat.Part) {
	p.Request.Messages = append(p.Request.Messages, chat.Message{Role: role, Parts: parts})
}

// assistant adds to the model's turn: its items that follow one another are one message.
func (p *parser) assistant(parts ...chat.Part) {
	m := p.Request.Messages
	if n := len(m) - 1; n >= 0 && m[n].Role == chat.Assistant {
		m[n].Parts = append(m[n].Parts, parts...)
		return
	}
	p.add(chat.Assistant, parts...)
}

func (p *parser) message(it *item) error {
	switch it.role {
	case "user":
		p.add(chat.User, it.content...)
	case "system", "developer":
		p.add(chat.System, it.content...)
	case "assistant":
		p.assistant(it.content...)
	default:
		return p.Refuse("the role of a message is user, assistant, system or developer")
	}
	return nil
}

func (p *parser) call(it *item) error {
	if it.callID == "" || it.name == "" {
		return p.Refuse("a function_call needs a call_id and a name")
	}
	p.assistant(chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: it.callID, Name: it.name, Arguments: it.arguments}})
	if p.names == nil {
		p.names = make(map[string]string)
	}
	p.names[it.callID] = it.name
	return nil
}

// result adds what a tool gave: results that follow one another are one message.
func (p *parser) result(it *item) error {
	if it.callID == "" {
		return p.Refuse("a function_call_output needs a call_id")
	}
	for i := range it.output {
		if kind := it.output[i].Kind; kind != chat.Text && kind != chat.Image && kind != chat.File {
			return p.Cannot("a tool gives text, images and files")
		}
	}
	part := chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: it.callID, Name: p.names[it.callID], Parts: it.output}}
	m := p.Request.Messages
	if n := len(m) - 1; n >= 0 && m[n].Role == chat.User && len(m[n].Parts) > 0 && m[n].Parts[0].Kind == chat.ToolResult {
		m[n].Parts = append(m[n].Parts, part)
		return nil
	}
	p.add(chat.User, part)
	return nil
}

// thought adds reasoning that is sent back: text, a signature, or both; the signature of a call is kept for the call.
func (p *parser) thought(it *item) {
	part := chat.Part{Kind: chat.Thinking, Text: strings.Join(it.summary, "\n\n")}
	if len(it.summary) == 0 {
		part.Text = strings.Join(it.phrased, "")
	}
	encrypted := it.encrypted
	if encrypted == "" {
		encrypted = it.signature
	}
	if encrypted != "" {
		if call := open(&part, encrypted, it.format); call != "" {
			if p.signatures == nil {
				p.signatures = make(map[string]chat.Part)
			}
			p.signatures[call] = part
			return
		}
		if len(it.summary) == 0 && len(it.phrased) == 0 {
			part.Kind = chat.Redacted
		}
	}
	if part.Text != "" || part.Signature != "" {
		p.assistant(part)
	}
}

// bind gives calls their signatures.
func (p *parser) bind() {
	if len(p.signatures) == 0 {
		return
	}
	for m := range p.Request.Messages {
		parts := p.Request.Messages[m].Parts
		for i := range parts {
			if parts[i].Kind != chat.ToolCall {
				continue
			}
			if signed, ok := p.signatures[parts[i].Call.ID]; ok {
				parts[i].Signature, parts[i].Origin = signed.Signature, signed.Origin
			}
		}
	}
}
