package sim

import (
	"bytes"
	"net/http"
	"slices"
)

// anthropicReader gathers what a request says until all of it is known.
type anthropicReader struct {
	p *parser
	q *request

	hasMax       bool
	temperature  float64 // 1 if not given
	thinking     string  // its type, or empty
	budget       int64
	choice       string
	breakpoints  int // of the cache
	systemHash   uint64
	systemPrompt int64
	dialogue     anthropicDialogue
}

const (
	maxBreakpoints = 4
	leastBudget    = 1024
	maxStopTexts   = 8191
)

func (anthropic) parse(c *call, r *http.Request) error { return c.anthropicParse(r, false) }

func (c *call) anthropicParse(r *http.Request, counting bool) error {
	switch version := r.Header.Get("Anthropic-Version"); version {
	case "2023-06-01", "2023-01-01":
	case "":
		return invalid(codeMissing, "anthropic-version", "anthropic-version: header is required")
	default:
		return invalid(codeValue, "anthropic-version", "anthropic-version: %q is not a valid version", clip(version))
	}
	return c.parser.anthropic(&c.body, c, counting)
}

// anthropic reads a body into the call's request.
func (p *parser) anthropic(body *bytes.Buffer, c *call, counting bool) error {
	p.begin(body, c.server.decode, anthropicManner)
	a := anthropicReader{p: p, q: &c.req, temperature: 1}
	a.q.counting = counting
	if err := p.members(func(name []byte) error { return a.member(name) }); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	return a.check()
}

// member reads the value of one top-level member.
func (a *anthropicReader) member(name []byte) (err error) {
	p, q := a.p, a.q
	if q.counting {
		switch string(name) {
		case "max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata", "service_tier":
			return p.unknown()
		}
	}
	switch string(name) {
	case "anthropic_version":
		if !q.versioned {
			return p.unknown()
		}
		return a.version()
	case "model":
		if q.versioned {
			return p.unknown()
		}
		text, err := p.word()
		if err != nil {
			return err
		}
		return q.setModel(string(text))
	case "max_tokens":
		a.hasMax = true
		q.outputCap, err = p.whole(1, maxCap)
	case "messages":
		return a.messages()
	case "system":
		return a.system()
	case "tools":
		return a.tools()
	case "tool_choice":
		return a.toolChoice()
	case "thinking":
		return a.thought()
	case "stream":
		q.stream, err = p.truth()
	case "temperature":
		a.temperature, err = p.decimal(0, 1)
	case "top_p":
		_, err = p.decimal(0, 1)
	case "top_k":
		_, err = p.whole(0, maxCap)
	case "stop_sequences":
		return a.stopSequences()
	default:
		return a.other(name)
	}
	return err
}

// other checks the members that change nothing here.
func (a *anthropicReader) other(name []byte) error {
	p := a.p
	switch string(name) {
	case "metadata":
		return p.members(func(name []byte) error {
			if string(name) != "user_id" {
				return p.unknown()
			}
			if isNull, err := p.null(); isNull || err != nil {
				return err
			}
			_, err := p.word()
			return err
		})
	case "service_tier":
		return a.oneOf("auto", "standard_only")
	case "speed":
		return a.oneOf("standard", "fast")
	case "cache_control":
		return a.cacheControl()
	case "output_config":
		_, err := p.raw('{', "an object")
		return err
	case "inference_geo", "container", "context_management", "mcp_servers", "output_format", "betas":
		return p.pass()
	}
	return p.unknown()
}

// oneOf reads a string that must be one of a few.
func (a *anthropicReader) oneOf(known ...string) error {
	text, err := a.p.word()
	if err != nil {
		return err
	}
	if !slices.Contains(known, string(text)) {
		return a.p.bad("Input should be one of %q", known)
	}
	return nil
}

func (a *anthropicReader) stopSequences() error {
	p := a.p
	_, err := p.items(func(i int) error {
		text, err := p.word()
		switch {
		case err != nil:
			return err
		case i >= maxStopTexts:
			return p.bad("there are too many stop sequences")
		case len(bytes.TrimSpace(text)) == 0:
			return p.bad("each stop sequence must contain non-whitespace")
		case i == 0:
			a.q.stopSequence = string(text)
		}
		return nil
	})
	return err
}

// cacheControl reads {type: ephemeral, ttl: 5m or 1h}, or null.
func (a *anthropicReader) cacheControl() error {
	p := a.p
	if isNull, err := p.null(); isNull || err != nil {
		return err
	}
	a.breakpoints++
	typed := false
	err := p.members(func(name []byte) error {
		switch string(name) {
		case "type":
			typed = true
			return a.oneOf("ephemeral")
		case "ttl":
			return a.oneOf("5m", "1h")
		}
		return p.unknown()
	})
	if err == nil && !typed {
		return p.lacks("type")
	}
	return err
}

// thought reads how much the model shall think.
func (a *anthropicReader) thought() error {
	p, budgeted := a.p, false
	a.thinking, a.q.hideThoughts = "", false
	err := p.members(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			text, err := p.word()
			a.thinking = string(text)
			return err
		case "budget_tokens":
			budgeted = true
			a.budget, err = p.whole(leastBudget, maxCap)
			return err
		case "display":
			if isNull, err := p.null(); isNull || err != nil {
				return err
			}
			text, err := p.word()
			a.q.hideThoughts = string(text) == "omitted"
			if err == nil && string(text) != "summarized" && !a.q.hideThoughts {
				return p.bad("Input should be 'summarized' or 'omitted'")
			}
			return err
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case a.thinking == "enabled" && !budgeted:
		return p.lacks("enabled.budget_tokens")
	case a.thinking == "enabled", a.thinking == "adaptive", a.thinking == "disabled":
		return nil
	}
	return p.bad("Input tag %q does not match any of the expected tags: 'disabled', 'enabled', 'adaptive'", clip(a.thinking))
}

// check holds the members against each other.
func (a *anthropicReader) check() error {
	q := a.q
	thinks := a.thinking == "enabled" || a.thinking == "adaptive"
	switch {
	case q.given == "":
		return a.p.lacks("model")
	case !a.hasMax && !q.counting:
		return a.p.lacks("max_tokens")
	case !q.hasMessages:
		return a.p.lacks("messages")
	case a.breakpoints > maxBreakpoints:
		return invalid(codeTooLarge, "cache_control", "A maximum of %d blocks with cache_control may be provided. Found %d.", maxBreakpoints, a.breakpoints)
	case a.thinking == "enabled" && !q.counting && a.budget >= q.outputCap:
		return invalid(codeValue, "max_tokens", "`max_tokens` must be greater than `thinking.budget_tokens`")
	case thinks && a.temperature != 1:
		return invalid(codeValue, "temperature", "`temperature` may only be set to 1 when thinking is enabled")
	case thinks && (a.choice == "any" || a.choice == "tool"):
		return invalid(codeValue, "tool_choice", "Thinking may not be enabled when tool_choice forces tool use.")
	}
	q.showThoughts = thinks
	q.prompt = q.messagePrompt + a.systemPrompt + q.toolPrompt
	if a.systemHash != 0 {
		q.hash = mix(q.hash ^ a.systemHash)
	}
	if err := a.dialogue.check(a.thinking == "enabled"); err != nil {
		return err
	}
	return a.checkTools()
}
