package responses

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// maxModel is how long a model's name may be.
const maxModel = 256

// ParseRequest reads a caller's request into the canonical form. See Read.
func ParseRequest(body []byte) (*chat.Request, error) {
	r, _, err := Read(body)
	return r, err
}

// Read reads a caller's request into the canonical form, and what it says to the gateway. Errors are invalid_request, with the detail "param" when one
// parameter is to blame: what is not well-formed, and what the canonical form has no place for and that cannot be left out, which
// is content, tools, and everything that lives at a vendor. The result refers to the body, which must not change.
func Read(body []byte) (*chat.Request, *chat.Steering, error) {
	p := &parser{Parser: scan.Parser{Request: &chat.Request{Choices: 1}}}
	p.Strict(body)
	defer p.Drop()
	if kind := p.Kind(); kind != '{' && kind != 0 {
		return nil, nil, domain.Errorf(domain.CodeInvalid, "the body is not a JSON object")
	}
	if err := p.Object(p.parameter); err != nil {
		return nil, nil, err
	}
	if err := p.End(); err != nil {
		return nil, nil, err
	}
	err := p.finish()
	if p.steering.Opening == nil {
		p.steering.Opening = chat.Opening(p.Request.Messages)
	}
	return p.Request, &p.steering, err
}

// parser reads one request.
type parser struct {
	scan.Parser
	steering     chat.Steering
	instructions []chat.Message
	items        int
	names        map[string]string    // of the tools that were called, by the calls' ids
	signatures   map[string]chat.Part // of calls, by their ids
	enabled      bool                 // reasoning was asked for, and no more said of it
}

// passed are the members that are for vendors' books, or for tools that vendors run.
func passed(name []byte) bool {
	switch string(name) {
	case "metadata", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "max_tool_calls", "stream_options":
		return true
	}
	return false
}

func (p *parser) parameter(name []byte) (err error) {
	r := p.Request
	switch string(name) {
	case "model":
		return p.model()
	case "input":
		return p.input()
	case "instructions":
		text, err := p.String()
		if text != "" {
			p.instructions = []chat.Message{{Role: chat.System, Parts: []chat.Part{{Kind: chat.Text, Text: text}}}}
		}
		return err
	case "stream":
		stream, readErr := p.Bool()
		err, r.Stream = readErr, stream != nil && *stream
	case "tools":
		return p.Array(p.tool)
	case "tool_choice":
		return p.toolChoice()
	case "parallel_tool_calls":
		r.ParallelTools, err = p.Bool()
	case "text":
		return p.Object(p.text)
	case "reasoning":
		return p.reasoning()
	case "max_output_tokens":
		r.MaxTokens, _, err = p.Whole(1, openai.MaxCap)
	case "service_tier":
		r.ServiceTier, err = p.String()
	case "user":
		r.User, err = p.String()
	case "safety_identifier":
		id, readErr := p.String()
		if err = readErr; r.User == "" {
			r.User = id
		}
	default:
		return p.state(name)
	}
	return err
}

func (p *parser) model() error {
	if p.Kind() == 'n' {
		return p.Skip()
	}
	model, err := p.String()
	if err == nil && len(model) > maxModel {
		return p.Refuse("model is longer than any model's name")
	}
	p.Request.Model = model
	return err
}

// state refuses what a vendor would have to remember.
func (p *parser) state(name []byte) error {
	switch string(name) {
	case "previous_response_id", "conversation":
		return p.RefuseGiven("earlier turns are not stored here: send them in input")
	case "prompt":
		return p.RefuseGiven("stored prompts are known to their vendor only")
	case "background":
		return p.refuseTrue("answers are not stored here, so that nobody could fetch one later")
	case "store":
		return p.refuseTrue("answers are not stored here")
	}
	if is, err := p.Number(name); is || err != nil {
		return err
	}
	return p.member(name)
}

func (p *parser) refuseTrue(why string) error {
	yes, err := p.Bool()
	if err == nil && yes != nil && *yes {
		return p.Cannot(why)
	}
	return err
}

// member lists what has no place, unless it says what would be so without it.
func (p *parser) member(name []byte) error {
	if passed(name) {
		return p.Skip()
	}
	if chat.Steers(name) {
		written := string(name)
		raw, _, err := p.Value()
		if err != nil {
			return err
		}
		return p.steering.Take(written, raw)
	}
	usual := ""
	switch string(name) {
	case "truncation":
		usual = `"disabled"`
	case "top_logprobs":
		usual = "0"
	case "modalities":
		usual = `["text"]`
	case "include":
		return p.include()
	}
	return p.Other(name, usual)
}

// include asks for more in the answer. Encrypted reasoning is always there; what concerns tools that vendors run never is.
func (p *parser) include() error {
	return p.Array(func(int) error {
		what, err := p.String()
		if err == nil && what == "message.output_text.logprobs" {
			p.Unsupported("include")
		}
		return err
	})
}

// finish puts together what stood in several places.
func (p *parser) finish() error {
	r := p.Request
	switch {
	case r.Model == "":
		return domain.Errorf(domain.CodeInvalid, "model is required").With("param", "model")
	case p.items == 0:
		return domain.Errorf(domain.CodeInvalid, "input is required and not empty").With("param", "input")
	}
	p.bind()
	r.Messages = append(p.instructions, r.Messages...)
	if p.enabled && r.Reasoning.Effort == "" {
		r.Reasoning.Effort = "medium" // what OpenRouter takes it for
	}
	return nil
}
