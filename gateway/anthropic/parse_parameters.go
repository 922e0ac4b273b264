package anthropic

import (
	"slices"

	"github.com/massrouter/massrouter/gateway/chat"
)

func parameters() []string {
	return []string{
		"model", "messages", "system", "max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "tools", "tool_choice",
		"thinking", "output_config", "metadata", "service_tier", "cache_control",
	}
}

// parameter reads the value of one top-level member.
func (p *parser) parameter(name []byte) (err error) {
	r := p.request
	switch string(name) {
	case "model":
		r.Model, _, err = p.modelName()
	case "messages":
		return p.messages()
	case "system":
		return p.system()
	case "max_tokens":
		_, _, err = p.wholeNumber("max_tokens", MaxCap, &r.MaxTokens)
	case "stream":
		r.Stream, _, err = p.boolean("stream")
	case "temperature":
		return p.number("temperature", &r.Temperature)
	case "top_p":
		return p.number("top_p", &r.TopP)
	case "top_k":
		return p.number("top_k", &r.TopK)
	case "stop_sequences":
		return p.stopSequences()
	case "tools":
		return p.tools()
	case "tool_choice":
		return p.toolChoice()
	case "thinking":
		return p.thinking()
	case "output_config":
		return p.outputConfig()
	case "metadata":
		return p.members("metadata", p.metadata)
	case "service_tier":
		return p.serviceTier()
	case "cache_control":
		p.ttl, err = p.cacheControl()
	default:
		if chat.Steers(name) {
			written := string(name)
			raw, _, err := p.Value()
			if err != nil {
				return err
			}
			return new(chat.Steering).Take(written, raw) // what it says was heard before
		}
		return p.unknown("", name, parameters()...)
	}
	return err
}

// number reads one with all its digits; null is none.
func (p *parser) number(param string, to *chat.Number) error {
	kind := p.Kind()
	raw, _, err := p.Value()
	switch {
	case err != nil || kind == 'n':
		return err
	case kind != '0' || len(raw) > maxNumber:
		return refuse(param, "%s is a number", param)
	}
	*to = chat.Number(raw)
	return nil
}

func (p *parser) stopSequences() error {
	const param = "stop_sequences"
	kind := p.Kind()
	is, err := p.Array(func(i int) error {
		var one string
		if i == maxStops {
			return refuse(param, "%s has more than %d elements", param, maxStops)
		}
		if err := p.need(param, &one); err != nil {
			return err
		}
		p.request.Stop = append(p.request.Stop, one)
		return nil
	})
	if err == nil && !is && kind != 'n' {
		err = refuse(param, "%s is an array of strings", param)
	}
	return err
}

func (p *parser) metadata(name []byte) error {
	if string(name) == "user_id" {
		return p.may("metadata.user_id", &p.request.User)
	}
	return p.unknown("metadata.", name, "user_id")
}

func (p *parser) serviceTier() error {
	var tier string
	there, err := p.optional("service_tier", &tier)
	switch {
	case err != nil || !there:
		return err
	case tier == "standard_only":
		tier = "default"
	case tier != "auto":
		return refuse("service_tier", "service_tier is auto or standard_only")
	}
	p.request.ServiceTier = tier
	return nil
}

// thinking reads how much the model may think.
func (p *parser) thinking() error {
	const param = "thinking"
	var kind, display string
	r := &p.request.Reasoning
	there := p.Kind() != 'n'
	err := p.members(param, func(name []byte) error {
		switch string(name) {
		case "type":
			return p.need("thinking.type", &kind)
		case "budget_tokens":
			_, _, err := p.wholeNumber("thinking.budget_tokens", MaxCap, &r.Budget)
			return err
		case "display":
			return p.may("thinking.display", &display)
		}
		return p.unknown("thinking.", name, "type", "budget_tokens", "display")
	})
	if err != nil || !there {
		return err
	}
	switch {
	case kind == "enabled" && r.Budget == 0:
		return refuse("thinking.budget_tokens", "thinking.budget_tokens is required for thinking that is enabled")
	case kind == "enabled":
	case r.Budget != 0:
		return refuse("thinking.budget_tokens", "thinking.budget_tokens is for thinking that is enabled")
	case kind == "adaptive":
		r.Effort = "high" // what the vendor takes when output_config does not say
	case kind == "disabled":
		r.Off = true
	default:
		return refuse("thinking.type", "thinking.type is enabled, adaptive or disabled")
	}
	show := display == "summarized"
	switch {
	case display == "":
		return nil
	case !show && display != "omitted":
		return refuse("thinking.display", "thinking.display is summarized or omitted")
	}
	r.Show = &show
	return nil
}

func (p *parser) outputConfig() error {
	return p.members("output_config", func(name []byte) error {
		switch string(name) {
		case "effort":
			there, err := p.optional("output_config.effort", &p.effort)
			if _, ok := effortOf(p.effort); there && err == nil && !ok {
				err = refuse("output_config.effort", "output_config.effort is low, medium, high, xhigh or max")
			}
			return err
		case "format":
			return p.format()
		}
		return p.unknown("output_config.", name, "effort", "format")
	})
}

// settleReasoning takes the effort in. Beside a budget, or thinking that is switched off, the canonical form has no place for it.
func (p *parser) settleReasoning() error {
	r := &p.request.Reasoning
	switch {
	case p.effort == "":
		return nil
	case r.Off || r.Budget > 0:
		return p.note("output_config.effort")
	}
	r.Effort = p.effort
	return nil
}

// format reads the schema of an answer. Other dialects want a name for one.
func (p *parser) format() error {
	const param = "output_config.format"
	var kind string
	f := chat.Format{Kind: chat.JSONSchema, Name: "response"}
	there := p.Kind() != 'n'
	err := p.members(param, func(name []byte) (err error) {
		switch string(name) {
		case "type":
			return p.need(param+".type", &kind)
		case "schema":
			raw, _, err := p.Value()
			f.Schema = slices.Clone(raw)
			return err
		}
		return p.unknown(param+".", name, "type", "schema")
	})
	switch {
	case err != nil || !there:
		return err
	case kind != "json_schema" || f.Schema.Kind() != '{':
		return refuse(param, "%s has the type json_schema and a schema", param)
	}
	p.request.Format = f
	return nil
}

// cacheControl reads how long a prompt may be kept, "" for not at all.
func (p *parser) cacheControl() (ttl string, err error) {
	const param = "cache_control"
	var kind string
	there := p.Kind() != 'n'
	err = p.members(param, func(name []byte) error {
		switch string(name) {
		case "type":
			return p.need(param+".type", &kind)
		case "ttl":
			return p.may(param+".ttl", &ttl)
		}
		return p.unknown(param+".", name, "type", "ttl")
	})
	switch {
	case err != nil || !there:
		return "", err
	case kind != "ephemeral":
		return "", refuse(p.path(param), "the type of %s is ephemeral", param)
	case ttl == "":
		return "5m", nil
	case ttl != "5m" && ttl != "1h":
		return "", refuse(p.path(param), "the ttl of %s is 5m or 1h", param)
	}
	return ttl, nil
}

// cacheAll marks the last part that can be marked, if the whole request is to be kept.
func (p *parser) cacheAll() {
	if p.ttl == "" {
		return
	}
	for _, m := range slices.Backward(p.request.Messages) {
		for i := range slices.Backward(m.Parts) {
			if part := &m.Parts[i]; part.Kind != chat.Thinking && part.Kind != chat.Redacted {
				if part.CacheTTL == "" {
					part.CacheTTL = p.ttl
				}
				return
			}
		}
	}
}
