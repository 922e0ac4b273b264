package openai

import (
	"slices"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// ParseRequest reads a caller's chat completion into the canonical form. It accepts and refuses what Reader.Request does, and
// refuses what the canonical form has no place for and that cannot be left out: content, tools, and what they refer to. The
// result refers to the body, which must not change.
//
// Members that only tell a gateway where to send the call (provider, models, route, transforms, plugins, …), or a vendor how to
// keep or label it (metadata, prompt_cache_key, …), do not change what is asked and are passed over.
func ParseRequest(body []byte) (*chat.Request, error) {
	q, err := new(Reader).Request(body)
	if err != nil {
		return nil, err
	}
	return q.Canonical()
}

// Canonical reads the whole request: see ParseRequest.
func (q *Request) Canonical() (*chat.Request, error) {
	p := &parser{request: &chat.Request{Model: q.Model, Stream: q.Stream, Choices: q.Choices, MaxTokens: q.Cap}}
	p.request.IncludeUsage = q.include.given() && string(q.include.of(q.body)) == "true"
	p.Strict(q.body)
	defer p.Drop()
	if err := p.Object(p.parameter); err != nil {
		return nil, err
	}
	p.finish()
	return p.request, nil
}

// parser reads one request.
type parser struct {
	scan.Scanner
	request *chat.Request
	names   map[string]string // of the tools that were called, by the calls' ids
	cache   string            // a cache mark of the whole request
	effort  string            // of reasoning_effort
	enabled bool              // reasoning was asked for, and no more said of it
}

// passed are the members that are for gateways and for vendors' books.
func passed(name []byte) bool {
	switch string(name) {
	case "model", "messages", "n", MaxTokens, MaxCompletionTokens, "stream", "stream_options": // read before
		return true
	case "provider", "models", "route", "transforms", "plugins", "usage", "session_id", "trace", "debug", "preset", "drop_unsupported":
		return true
	case "metadata", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "stop_server_tools_when":
		return true
	}
	return false
}

func (p *parser) parameter(name []byte) (err error) {
	r := p.request
	switch string(name) {
	case "messages":
		return p.Array(p.message)
	case "tools":
		return p.Array(p.tool)
	case "tool_choice":
		return p.toolChoice()
	case "parallel_tool_calls":
		r.ParallelTools, err = p.Bool()
	case "response_format":
		return p.format(name)
	case "stop":
		return p.stop()
	case "reasoning_effort":
		p.effort, err = p.reasoningEffort()
	case "reasoning":
		return p.reasoning()
	case "include_reasoning":
		if show, readErr := p.Bool(); readErr != nil || r.Reasoning.Show == nil {
			r.Reasoning.Show, err = show, readErr
		}
	case "service_tier":
		r.ServiceTier, err = p.String()
	case "user":
		r.User, err = p.String()
	case "safety_identifier":
		id, readErr := p.String()
		if err = readErr; r.User == "" {
			r.User = id
		}
	case "cache_control":
		p.cache, err = p.cacheControl()
	case "functions", "function_call":
		return p.refuseGiven("functions were replaced by tools")
	default:
		return p.number(name)
	}
	return err
}

// number reads the parameters that are numbers, and whatever is none of this dialect's parameters.
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
		return p.other(name)
	}
	text, err := p.Number()
	*to = chat.Number(text)
	return err
}

// other lists a member that has no place, unless it says what would be so without it.
func (p *parser) other(name []byte) error {
	if passed(name) {
		return p.Skip()
	}
	usual := ""
	switch string(name) {
	case "store", "logprobs":
		usual = "false"
	case "verbosity":
		usual = `"medium"`
	case "modalities":
		usual = `["text"]`
	case "logit_bias":
		usual = "{}"
	}
	field := string(name)
	raw, err := p.Raw()
	if err != nil || raw == nil || string(raw) == usual {
		return err
	}
	p.unsupported(field)
	return nil
}

// maxUnsupported is how many members are listed: the first one is refused, or all are left out.
const maxUnsupported = 64

// unsupported lists a member once.
func (p *parser) unsupported(field string) {
	if len(p.request.Unsupported) < maxUnsupported && !slices.Contains(p.request.Unsupported, field) {
		p.request.Unsupported = append(p.request.Unsupported, field)
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

func (p *parser) stop() error {
	if p.Kind() == '[' {
		return p.Array(func(int) error {
			s, err := p.String()
			p.request.Stop = append(p.request.Stop, s)
			return err
		})
	}
	s, err := p.String()
	if s != "" {
		p.request.Stop = []string{s}
	}
	return err
}

// finish puts together what stood in several places.
func (p *parser) finish() {
	r := p.request
	p.level()
	if p.cache == "" || len(r.Messages) == 0 {
		return
	}
	if parts := r.Messages[len(r.Messages)-1].Parts; len(parts) > 0 && parts[len(parts)-1].CacheTTL == "" {
		parts[len(parts)-1].CacheTTL = p.cache
	}
}
