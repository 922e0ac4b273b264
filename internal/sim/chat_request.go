package sim

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxChoices = 128
	maxStops   = 4
)

// chat reads a body into q, whose controls hold the defaults. Of a field that comes twice the last one counts, as with
// most vendors.
func (p *parser) chat(body *bytes.Buffer, options jsontext.Options, q *request) error {
	p.reset(body, options)
	q.choices = 1
	if got := p.dec.PeekKind(); got != '{' && got != 0 {
		return invalid(codeType, "", "The body must be an object, but it is %s.", kindName(got))
	}
	if err := p.enter('{', path{}, ""); err != nil {
		return err
	}
	for {
		name, more, err := p.field()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := p.parameter(name, q); err != nil {
			return err
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	return q.checkChat()
}

// parameter reads the value of one top-level field.
func (p *parser) parameter(name []byte, q *request) (err error) {
	switch string(name) {
	case "model":
		return p.model(q)
	case "messages":
		return p.messages(q)
	case "stream":
		q.stream, err = p.boolean(top("stream"))
	case "stream_options":
		return p.streamOptions(q)
	case "max_tokens":
		q.capOld, _, err = p.integer(top("max_tokens"), 1, maxCap)
	case "max_completion_tokens":
		q.capNew, _, err = p.integer(top("max_completion_tokens"), 1, maxCap)
	case "n":
		return p.count(q)
	case "seed":
		q.seed, _, err = p.integer(top("seed"), -1<<63, 1<<63-1)
	case "tools":
		return p.tools(q)
	case "tool_choice":
		return p.toolChoice(q)
	case "parallel_tool_calls":
		var parallel bool
		parallel, err = p.optional(top("parallel_tool_calls"), true)
		q.oneCall = !parallel
	default:
		return p.other(name, q)
	}
	return err
}

// other checks the parameters that change nothing here, and counts the unknown ones.
func (p *parser) other(name []byte, q *request) error {
	switch string(name) {
	case "temperature":
		return p.number(top("temperature"), 0, 2)
	case "top_p":
		return p.number(top("top_p"), 0, 1)
	case "presence_penalty":
		return p.number(top("presence_penalty"), -2, 2)
	case "frequency_penalty":
		return p.number(top("frequency_penalty"), -2, 2)
	case "stop":
		return p.stop()
	}
	known := defined(name)
	value, err := p.skip()
	if err == nil && !known {
		q.unknown[0]++
		q.unknown[1] += int64(len(value))
	}
	return err
}

// defined says whether OpenAI defines a parameter that is taken as it is.
func defined(name []byte) bool {
	switch string(name) {
	case "audio", "function_call", "functions", "logit_bias", "logprobs", "metadata", "modalities", "moderation",
		"prediction", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
		"reasoning_effort", "response_format", "safety_identifier", "service_tier", "store", "top_logprobs", "user",
		"verbosity", "web_search_options":
		return true
	}
	return false
}

func (p *parser) model(q *request) error {
	text, err := p.text(top("model"))
	if err != nil {
		return err
	}
	return q.setModel(string(text))
}

func (p *parser) count(q *request) error {
	n, given, err := p.integer(top("n"), 1, maxChoices)
	q.choices = 1
	if given {
		q.choices = int(n)
	}
	return err
}

func (p *parser) streamOptions(q *request) error {
	q.includeUsage, q.hasOptions = false, false
	if isNull, err := p.null(); isNull || err != nil {
		return err
	}
	at := top("stream_options")
	if err := p.enter('{', at, "an object"); err != nil {
		return err
	}
	q.hasOptions = true
	for {
		name, more, err := p.field()
		if err != nil || !more {
			return err
		}
		switch string(name) {
		case "include_usage":
			q.includeUsage, err = p.boolean(at.at("include_usage"))
		case "include_obfuscation":
			_, err = p.boolean(at.at("include_obfuscation"))
		default:
			_, err = p.skip()
		}
		if err != nil {
			return err
		}
	}
}

func (p *parser) stop() error {
	at := top("stop")
	if kind := p.dec.PeekKind(); kind == 'n' || kind == '"' {
		return p.step()
	}
	if err := p.enter('[', at, "a string or an array of strings"); err != nil {
		return err
	}
	for at.index = 0; ; at.index++ {
		more, err := p.element()
		if err != nil || !more {
			return err
		}
		if at.index == maxStops {
			return invalid("array_above_max_length", "stop", "Invalid 'stop': array too long. Expected at most %d elements.", maxStops)
		}
		if _, err := p.text(at); err != nil {
			return err
		}
	}
}

// checkChat holds the parameters against each other.
func (q *request) checkChat() error {
	switch {
	case q.given == "":
		return missing(top("model"))
	case !q.hasMessages:
		return missing(top("messages"))
	case q.hasOptions && !q.stream:
		return invalid(codeValue, "stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	case q.capOld > 0 && q.capNew > 0:
		return invalid("invalid_parameter_combination", "max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
	}
	q.outputCap = max(q.capOld, q.capNew)
	q.prompt = q.messagePrompt + q.toolPrompt
	return q.checkChatTools()
}
