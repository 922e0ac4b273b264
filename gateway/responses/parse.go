package responses

import (
	"slices"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// maxModel is how long a model's name may be.
const maxModel = 256

// ParseRequest reads a caller's request into the canonical form. Errors are invalid_request, with the detail "param" when one
// parameter is to blame: what is not well-formed, and what the canonical form has no place for and that cannot be left out, which
// is content, tools, and everything that lives at a vendor. The result refers to the body, which must not change.
func ParseRequest(body []byte) (*chat.Request, error) {
	p := &parser{request: &chat.Request{Choices: 1}}
	p.Strict(body)
	defer p.Drop()
	if kind := p.Kind(); kind != '{' && kind != 0 {
		return nil, domain.Errorf(domain.CodeInvalid, "the body is not a JSON object")
	}
	if err := p.Object(p.parameter); err != nil {
		return nil, err
	}
	if err := p.End(); err != nil {
		return nil, err
	}
	return p.request, p.finish()
}

// parser reads one request.
type parser struct {
	scan.Scanner
	request      *chat.Request
	instructions []chat.Message
	items        int
	names        map[string]string    // of the tools that were called, by the calls' ids
	signatures   map[string]chat.Part // of calls, by their ids
	enabled      bool                 // reasoning was asked for, and no more said of it
}

// passed are the members that are for gateways, for vendors' books, or for tools that vendors run.
func passed(name []byte) bool {
	switch string(name) {
	case "provider", "models", "route", "plugins", "session_id", "trace", "debug", "preset", "drop_unsupported":
		return true
	case "metadata", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "max_tool_calls", "stream_options":
		return true
	}
	return false
}

func (p *parser) parameter(name []byte) (err error) {
	r := p.request
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
	p.request.Model = model
	return err
}

// state refuses what a vendor would have to remember.
func (p *parser) state(name []byte) error {
	switch string(name) {
	case "previous_response_id", "conversation":
		return p.refuseGiven("earlier turns are not stored here: send them in input")
	case "prompt":
		return p.refuseGiven("stored prompts are known to their vendor only")
	case "background":
		return p.refuseTrue("answers are not stored here, so that nobody could fetch one later")
	case "store":
		return p.refuseTrue("answers are not stored here")
	}
	return p.number(name)
}

func (p *parser) refuseTrue(why string) error {
	yes, err := p.Bool()
	if err == nil && yes != nil && *yes {
		return p.cannot(why)
	}
	return err
}

// number reads the parameters that are numbers; OpenRouter has more of them than OpenAI.
func (p *parser) number(name []byte) (err error) {
	r := p.request
	var to *chat.Number
	switch string(name) {
	case "temperature":
		to = &r.Temperature
	case "top_p":
		to = &r.TopP
	case "top_k":
		to = &r.TopK
	case "frequency_penalty":
		to = &r.FrequencyPenalty
	case "presence_penalty":
		to = &r.PresencePenalty
	case "seed":
		to = &r.Seed
	default:
		return p.member(name)
	}
	text, err := p.Number()
	*to = chat.Number(text)
	return err
}

// member lists what has no place, unless it says what would be so without it.
func (p *parser) member(name []byte) error {
	if passed(name) {
		return p.Skip()
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
	field := string(name)
	raw, err := p.Raw()
	if err != nil || raw == nil || string(raw) == usual {
		return err
	}
	p.unsupported(field)
	return nil
}

// include asks for more in the answer. Encrypted reasoning is always there; what concerns tools that vendors run never is.
func (p *parser) include() error {
	return p.Array(func(int) error {
		what, err := p.String()
		if err == nil && what == "message.output_text.logprobs" {
			p.unsupported("include")
		}
		return err
	})
}

// maxUnsupported is how many members are listed: the first one is refused, or all are left out.
const maxUnsupported = 64

// unsupported lists a member once.
func (p *parser) unsupported(field string) {
	if u := p.request.Unsupported; len(u) < maxUnsupported && !slices.Contains(u, field) {
		p.request.Unsupported = append(u, field)
	}
}

// inner lists an unknown member of an object inside, unless it is null.
func (p *parser) inner(of string, name []byte) error {
	field := of + "." + string(name)
	raw, err := p.Raw()
	if err == nil && raw != nil {
		p.unsupported(field)
	}
	return err
}

// refuseGiven refuses what cannot be left out. Null is fine.
func (p *parser) refuseGiven(why string) error {
	raw, err := p.Raw()
	if err != nil || raw == nil {
		return err
	}
	return p.cannot(why)
}

// cannot is the refusal of the value that was read last.
func (p *parser) cannot(why string) *domain.Error { return chat.Unsupported(p.Here(), why) }

// finish puts together what stood in several places.
func (p *parser) finish() error {
	r := p.request
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
