package sim

import (
	"net/http"
	"slices"
	"strings"
)

// responsesReader gathers what a request says until all of it is known.
type responsesReader struct {
	p *parser
	q *request

	choice       string
	systemHash   uint64
	systemPrompt int64
	calls        map[string]bool // by the call_id of function_call: whether there is an output
	dangling     bool            // the last item is reasoning without what followed it
}

// leastOutput is the smallest cap that the vendor takes.
const leastOutput = 16

func (responses) parse(c *call, _ *http.Request) error {
	p := &c.parser
	p.begin(&c.body, c.server.decode, openaiManner)
	r := responsesReader{p: p, q: &c.req}
	if err := p.members(func(name []byte) error { return r.member(name) }); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	return r.check()
}

// member reads the value of one top-level member. Null is as good as nothing, but for model and input.
func (r *responsesReader) member(name []byte) (err error) {
	p, q := r.p, r.q
	switch string(name) {
	case "model":
		text, err := p.word()
		if err != nil {
			return err
		}
		return q.setModel(string(text))
	case "input":
		return r.input()
	}
	if !responsesMember(string(name)) {
		return p.unknown()
	}
	if isNull, err := p.null(); isNull || err != nil {
		return err
	}
	switch string(name) {
	case "instructions":
		return r.instructions()
	case "stream":
		q.stream, err = p.truth()
	case "max_output_tokens":
		q.outputCap, err = p.whole(leastOutput, maxCap)
	case "temperature":
		_, err = p.decimal(0, 2)
	case "top_p":
		_, err = p.decimal(0, 1)
	case "parallel_tool_calls":
		var parallel bool
		parallel, err = p.truth()
		q.oneCall = !parallel
	case "tools":
		return r.tools()
	case "tool_choice":
		return r.toolChoice()
	case "reasoning":
		return r.reasoning()
	case "include":
		return r.include()
	case "text":
		return r.text()
	case "background":
		return r.background()
	case "previous_response_id":
		text, err := p.word()
		if err != nil {
			return err
		}
		return &failure{400, "invalid_request_error", "previous_response_not_found", "previous_response_id", "Previous response with id '" + clip(string(text)) + "' not found."}
	case "conversation":
		return &failure{404, "invalid_request_error", "conversation_not_found", "conversation", "Conversation not found."}
	default:
		return p.pass()
	}
	return err
}

// responsesMember says whether the vendor defines a top-level member beside model and input.
func responsesMember(name string) bool {
	switch name {
	case "instructions", "stream", "max_output_tokens", "temperature", "top_p", "parallel_tool_calls", "tools", "tool_choice", "reasoning",
		"include", "text", "background", "previous_response_id", "conversation", "context_management", "max_tool_calls", "metadata", "moderation",
		"prompt", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier", "service_tier", "store",
		"stream_options", "top_logprobs", "truncation", "user":
		return true
	}
	return false
}

func (r *responsesReader) background() error {
	background, err := r.p.truth()
	if err == nil && background {
		return r.p.bad("this simulator keeps no responses")
	}
	return err
}

func (r *responsesReader) instructions() error {
	text, err := r.p.word()
	r.systemPrompt = messageTokens + wordTokens(int64(len(text)))
	before := r.p.digest
	r.p.digest.Reset()
	_, _ = r.p.digest.Write(text)
	r.systemHash = r.p.digest.Sum64()
	r.p.digest = before
	return err
}

func (r *responsesReader) reasoning() error {
	p := r.p
	return p.members(func(name []byte) error {
		summary := string(name) == "summary" || string(name) == "generate_summary"
		if !summary && string(name) != "effort" {
			return p.unknown()
		}
		if isNull, err := p.null(); isNull || err != nil {
			return err
		}
		text, err := p.word()
		if err != nil {
			return err
		}
		known := []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}
		if summary {
			known = []string{"auto", "concise", "detailed"}
			r.q.showThoughts = true
		}
		if !slices.Contains(known, string(text)) {
			return p.bad("supported values are: %s", strings.Join(known, ", "))
		}
		return nil
	})
}

func (r *responsesReader) include() error {
	_, err := r.p.items(func(int) error {
		text, err := r.p.word()
		if string(text) == "reasoning.encrypted_content" {
			r.q.encrypted = true
		}
		return err
	})
	return err
}

func (r *responsesReader) text() error {
	p := r.p
	return p.members(func(name []byte) error {
		switch string(name) {
		case "verbosity":
			return p.pass()
		case "format":
			kind, named, schema := "", false, false
			err := p.members(func(name []byte) error {
				switch string(name) {
				case "type":
					text, err := p.word()
					kind = string(text)
					return err
				case "name":
					named = true
				case "schema":
					schema = true
					_, err := p.raw('{', "an object")
					return err
				case "description", "strict":
				default:
					return p.unknown()
				}
				return p.pass()
			})
			switch {
			case err != nil:
				return err
			case kind == "json_schema" && !named:
				return p.lacks("name")
			case kind == "json_schema" && !schema:
				return p.lacks("schema")
			case kind != "text" && kind != "json_object" && kind != "json_schema":
				return p.bad("supported values are: 'text', 'json_object' and 'json_schema'")
			}
			return nil
		}
		return p.unknown()
	})
}

// check holds the members against each other.
func (r *responsesReader) check() error {
	q := r.q
	switch {
	case q.given == "":
		return r.p.lacks("model")
	case !q.hasMessages:
		return r.p.lacks("input")
	case r.dangling:
		return invalid(codeOrder, "input", "An item of type 'reasoning' was provided without its required following item.")
	}
	for id, answered := range r.calls {
		if !answered {
			return invalid(codeOrder, "input", "No tool output found for function call %s.", clip(id))
		}
	}
	q.prompt = q.messagePrompt + r.systemPrompt + q.toolPrompt
	if r.systemHash != 0 {
		q.hash = mix(q.hash ^ r.systemHash)
	}
	return r.checkTools()
}
