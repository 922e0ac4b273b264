package anthropic

import (
	"slices"
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// ParseRequest reads a caller's body into the canonical form. Errors are invalid_request, with the detail "param" when one member is
// to blame.
//
// The system prompt becomes the first message. A mark of the cache on the whole request becomes one on its last part that can have
// one. Members that have no place in the canonical form are listed as Unsupported, without their indexes (messages.content.citations);
// blocks and tools that have none are refused with chat.Unsupported.
func ParseRequest(body []byte) (*chat.Request, error) {
	p := parser{request: &chat.Request{Choices: 1}, tool: -1, message: -1, block: -1}
	p.Strict(body)
	if err := p.Whole(p.parameter); err != nil {
		return nil, err
	}
	r := p.request
	switch {
	case r.Model == "":
		return nil, refuse("model", "model is required")
	case !p.turns:
		return nil, refuse("messages", "messages is required and not empty")
	}
	if p.systemPrompt != nil {
		r.Messages = slices.Insert(r.Messages, 0, chat.Message{Role: chat.System, Parts: p.systemPrompt})
	}
	p.cacheAll()
	return r, p.settleReasoning()
}

// parser reads one request.
type parser struct {
	scanner
	request      *chat.Request
	systemPrompt []chat.Part
	turns        bool // there are messages
	blocks       int  // of the system and all messages
	ttl          string
	effort       string

	// Where it reads, -1 for nowhere.
	tool, message, block int
	result               bool // within the result of a tool
	top                  bool // in the system prompt
}

// path is the name of a member where the parser reads.
func (p *parser) path(name string) string {
	switch {
	case p.tool >= 0:
		return "tools[" + strconv.Itoa(p.tool) + "]." + name
	case p.top:
		return "system." + name
	case p.message < 0:
		return name
	}
	s := "messages[" + strconv.Itoa(p.message) + "]."
	if p.block >= 0 {
		s += "content[" + strconv.Itoa(p.block) + "]."
	}
	if p.result {
		s += "content."
	}
	return s + name
}

// unknown notes a member that has no place in the canonical form. null says nothing.
func (p *parser) unknown(under string, name []byte, known ...string) error {
	if err := lookalike(name, known...); err != nil {
		return err
	}
	kind, full := p.Kind(), under+string(name) // the name is good until the value is read
	if err := p.Skip(); err != nil || kind == 'n' {
		return err
	}
	return p.note(full)
}

func (p *parser) note(full string) error {
	list := &p.request.Unsupported
	switch {
	case slices.Contains(*list, full):
		return nil
	case len(*list) == maxUnknown, len(full) > 2*maxUnknown:
		return refuse("", "the body has too many members, or too long names of such, that are not known")
	}
	*list = append(*list, full)
	return nil
}

// optional reads a text that may be missing or null; there says whether it is not.
func (p *parser) optional(name string, to *string) (there bool, err error) {
	kind := p.Kind()
	raw, _, err := p.Value()
	switch {
	case err != nil || kind == 'n':
		return false, err
	case kind != '"':
		return false, refuse(p.path(name), "%s is a string", name)
	}
	*to = jsonscan.Unquoted(raw)
	return true, nil
}

// need reads a text that is not null.
func (p *parser) need(name string, to *string) error {
	there, err := p.optional(name, to)
	if err == nil && !there {
		err = refuse(p.path(name), "%s is a string", name)
	}
	return err
}

// may reads a text that may be null.
func (p *parser) may(name string, to *string) error {
	_, err := p.optional(name, to)
	return err
}

// members walks through an object that must be one.
func (p *parser) members(what string, member func(name []byte) error) error {
	kind := p.Kind()
	is, err := p.Object(member)
	if err == nil && !is && kind != 'n' {
		err = refuse(p.path(what), "%s is an object", what)
	}
	return err
}
