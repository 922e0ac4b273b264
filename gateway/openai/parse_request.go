package openai

import (
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
	p := &parser{Parser: scan.Parser{Request: &chat.Request{Model: q.Model, Stream: q.Stream, Choices: q.Choices, MaxTokens: q.Cap}}}
	p.Request.IncludeUsage = q.include.Given() && string(q.include.Of(q.body)) == "true"
	p.Strict(q.body)
	defer p.Drop()
	if err := p.Object(p.parameter); err != nil {
		return nil, err
	}
	p.finish()
	return p.Request, nil
}

// parser reads one request.
type parser struct {
	scan.Parser
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
	r := p.Request
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
		return p.RefuseGiven("functions were replaced by tools")
	default:
		if is, err := p.Number(name); is || err != nil {
			return err
		}
		return p.other(name)
	}
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
	return p.Other(name, usual)
}

func (p *parser) stop() error {
	if p.Kind() == '[' {
		return p.Array(func(int) error {
			s, err := p.String()
			p.Request.Stop = append(p.Request.Stop, s)
			return err
		})
	}
	s, err := p.String()
	if s != "" {
		p.Request.Stop = []string{s}
	}
	return err
}

// finish puts together what stood in several places.
func (p *parser) finish() {
	r := p.Request
	p.level()
	if p.cache == "" || len(r.Messages) == 0 {
		return
	}
	if parts := r.Messages[len(r.Messages)-1].Parts; len(parts) > 0 && parts[len(parts)-1].CacheTTL == "" {
		parts[len(parts)-1].CacheTTL = p.cache
	}
}
