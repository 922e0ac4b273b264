package preset

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// mark stands between a model and the preset's slug in the name of a model; nothing need stand before it.
const mark = "@preset/"

// Named is the slug of the preset that a call asks for: as the model "@preset/slug" or "model@preset/slug", or in the member "preset" of the
// body; "" for none. Errors: invalid_request.
func Named(in *exchange.Incoming) (string, error) {
	if !bytes.Contains(in.Body, []byte("preset")) && !strings.Contains(in.Model, mark) {
		return "", nil
	}
	members, err := membersOf(in.Body)
	if err != nil {
		return "", nil //nolint:nilerr // whoever reads the body says what is wrong with it
	}
	model := in.Model
	if m := find(members, "model"); m != nil && model == "" {
		model = text(m.of(in.Body))
	}
	_, slug, inModel := strings.Cut(model, mark)
	if m := find(members, "preset"); m != nil && m.of(in.Body).Kind() != 'n' {
		named := text(m.of(in.Body))
		if inModel && named != slug {
			return "", refused("preset", "the model's name and preset name two presets")
		}
		slug, inModel = named, true
	}
	if !inModel {
		return "", nil
	}
	if CheckSlug(slug) != nil {
		return "", refused("preset", "this is no preset's slug")
	}
	return slug, nil
}

func refused(param, message string) error {
	return domain.Errorf(domain.CodeInvalid, "%s", message).With("param", param)
}

// text is a JSON string's content, "" for anything else.
func text(v jsontext.Value) string {
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// Apply puts a preset into a request: what the request says itself wins, and all else of it stays as it is, byte by byte. drop leaves out
// what the request's dialect has no word for. Errors: invalid_request.
func Apply(in exchange.Incoming, c *Content, drop bool) (exchange.Incoming, error) {
	if in.Operation != exchange.Chat {
		return in, refused("preset", "presets are for conversations")
	}
	members, err := membersOf(in.Body)
	if err != nil {
		return in, nil //nolint:nilerr // whoever reads the body says what is wrong with it
	}
	parameters, err := membersOf(c.Parameters)
	if err != nil {
		return in, domain.Errorf(domain.CodeInternal, "a preset cannot be read").Wrap(err)
	}
	e := &edit{in: in, members: members}
	if err := e.model(parameters, c.Parameters); err != nil {
		return in, err
	}
	for i := range parameters {
		p := &parameters[i]
		if p.name != "model" && !e.parameter(p.name, p.of(c.Parameters)) && !drop {
			return in, refused("preset", "this dialect has nothing like the preset's "+p.name)
		}
	}
	if c.SystemPrompt != "" {
		e.system(c.SystemPrompt)
	}
	in.Model, in.Body = e.in.Model, e.body()
	return in, nil
}

// edit is a request with what is put into it.
type edit struct {
	in      exchange.Incoming
	members []member
	added   []byte            // members, each behind a comma
	changed map[string][]byte // values of members; nil for one that goes
	nested  []byte            // members of generationConfig
}

func (e *edit) change(name string, to []byte) {
	if e.changed == nil {
		e.changed = make(map[string][]byte)
	}
	e.changed[name] = to
}

func (e *edit) has(names ...string) bool {
	for _, name := range names {
		if m := find(e.members, name); m != nil && m.of(e.in.Body).Kind() != 'n' {
			return true
		}
	}
	return false
}

// add adds a member, or gives one that is null a value.
func (e *edit) add(name string, value []byte) {
	if find(e.members, name) != nil {
		e.change(name, value)
		return
	}
	e.added = appendMember(e.added, name, value)
}

func appendMember(dst []byte, name string, value []byte) []byte {
	return append(append(append(append(dst, ',', '"'), name...), '"', ':'), value...)
}

// model settles which model is called: the request's, if it names one, or the preset's.
func (e *edit) model(parameters []member, of []byte) error {
	if find(e.members, "preset") != nil {
		e.change("preset", nil)
	}
	given := e.in.Model
	if m := find(e.members, "model"); m != nil && e.in.Dialect != chat.Gemini {
		given = text(m.of(e.in.Body))
	}
	model, _, named := strings.Cut(given, mark)
	if model == "" {
		p := find(parameters, "model")
		if p == nil {
			return refused("model", "neither the call nor its preset names a model")
		}
		model, named = text(p.of(of)), true
	}
	switch {
	case !named:
	case e.in.Dialect == chat.Gemini:
		e.in.Model = model
	default:
		quoted, err := jsontext.AppendQuote(nil, model)
		if err != nil {
			return refused("model", "the name of the model is not valid UTF-8")
		}
		e.add("model", quoted)
	}
	return nil
}

// parameter puts a parameter in unless the request has it; false when the dialect has no word for it.
func (e *edit) parameter(name string, value jsontext.Value) bool {
	switch name {
	case "models", "provider", "route": // for the gateway
		if !e.has(name) {
			e.add(name, value)
		}
		return true
	}
	names := words(e.in.Dialect, name)
	if len(names) == 0 {
		return false
	}
	if strings.HasPrefix(names[0], "stop") && names[0] != "stop" && value.Kind() == '"' {
		value = append(append([]byte{'['}, value...), ']')
	}
	if e.in.Dialect == chat.Gemini {
		e.generation(names, value)
	} else if !e.has(names...) {
		e.add(names[0], value)
	}
	return true
}

// words are what a dialect calls a parameter: the first is written, any of them counts as given.
func words(d chat.Dialect, name string) []string {
	switch d {
	case chat.OpenAI:
		if name == "max_tokens" {
			return []string{"max_tokens", "max_completion_tokens"}
		}
		return []string{name}
	case chat.Responses:
		switch name {
		case "temperature", "top_p", "parallel_tool_calls", "service_tier":
			return []string{name}
		case "max_tokens":
			return []string{"max_output_tokens"}
		}
	case chat.Anthropic:
		switch name {
		case "temperature", "top_p", "top_k", "max_tokens", "service_tier":
			return []string{name}
		case "stop":
			return []string{"stop_sequences"}
		}
	case chat.Gemini:
		switch name {
		case "temperature", "seed":
			return []string{name}
		case "top_p":
			return []string{"topP", "top_p"}
		case "top_k":
			return []string{"topK", "top_k"}
		case "max_tokens":
			return []string{"maxOutputTokens", "max_output_tokens"}
		case "stop":
			return []string{"stopSequences", "stop_sequences"}
		case "frequency_penalty":
			return []string{"frequencyPenalty", "frequency_penalty"}
		case "presence_penalty":
			return []string{"presencePenalty", "presence_penalty"}
		}
	case chat.Bedrock: // of vendors only
	}
	return nil
}

// generation puts a parameter into Gemini's generationConfig.
func (e *edit) generation(names []string, value []byte) {
	m := e.config()
	if m == nil && e.has("generationConfig", "generation_config") {
		return // it is no object, as whoever reads the body says
	}
	if m != nil {
		members, err := membersOf(m.of(e.in.Body))
		if err != nil {
			return // whoever reads the body says what is wrong with it
		}
		for _, name := range names {
			if find(members, name) != nil {
				return
			}
		}
	}
	e.nested = appendMember(e.nested, names[0], value)
}

func (e *edit) config() *member {
	for _, name := range []string{"generationConfig", "generation_config"} {
		if m := find(e.members, name); m != nil && m.of(e.in.Body).Kind() == '{' {
			return m
		}
	}
	return nil
}

// system puts a system prompt in unless the request has one.
func (e *edit) system(prompt string) {
	quoted, err := jsontext.AppendQuote(nil, prompt)
	if err != nil {
		return // it was checked when it was made
	}
	switch e.in.Dialect {
	case chat.OpenAI:
		e.firstMessage(quoted)
	case chat.Responses:
		if !e.has("instructions") {
			e.add("instructions", quoted)
		}
	case chat.Anthropic:
		if !e.has("system") {
			e.add("system", quoted)
		}
	case chat.Gemini:
		if !e.has("systemInstruction", "system_instruction") {
			e.add("systemInstruction", append(append([]byte(`{"parts":[{"text":`), quoted...), `}]}`...))
		}
	case chat.Bedrock: // of vendors only
	}
}

// firstMessage puts a system message before all others.
func (e *edit) firstMessage(quoted []byte) {
	m := find(e.members, "messages")
	if m == nil || m.of(e.in.Body).Kind() != '[' {
		return
	}
	list := m.of(e.in.Body)
	var roles []struct {
		Role string `json:"role"`
	}
	if json.Unmarshal(list, &roles) != nil {
		return
	}
	for _, r := range roles {
		if r.Role == "system" || r.Role == "developer" {
			return
		}
	}
	with := append(append([]byte(`[{"role":"system","content":`), quoted...), '}')
	if len(roles) > 0 {
		with = append(with, ',')
	}
	e.change("messages", append(with, list[1:]...))
}

// body is the request with all of that in it.
func (e *edit) body() []byte {
	if len(e.nested) > 0 {
		if m := e.config(); m != nil {
			e.change(m.name, inside(m.of(e.in.Body), e.nested))
		} else {
			e.add("generationConfig", append(append([]byte{'{'}, e.nested[1:]...), '}'))
		}
	}
	src, added := e.in.Body, e.added
	var edits jsonscan.Edits
	end, first := bytes.IndexByte(src, '{')+1, true
	for i := range e.members {
		m := &e.members[i]
		end = m.span.To
		value, changed := e.changed[m.name]
		switch {
		case !changed:
			first = false
		case value != nil:
			edits.Replace(m.value, value)
			first = false
		case !first:
			edits.Replace(jsonscan.Span{From: m.span.From - 1, To: m.span.To}, nil)
		case i < len(e.members)-1:
			edits.Replace(jsonscan.Span{From: m.span.From, To: m.span.To + 1}, nil)
		default:
			edits.Replace(m.span, nil)
		}
	}
	if first {
		added = bytes.TrimPrefix(added, []byte{','})
	}
	at := jsonscan.Span{From: end, To: end}
	if len(e.members) == 0 {
		at.To += bytes.IndexByte(src[end:], '}')
	}
	edits.Replace(at, added)
	return edits.Append(make([]byte, 0, len(src)+len(added)+256), src)
}

// inside adds members, each behind a comma, to an object.
func inside(object, members []byte) []byte {
	end := bytes.LastIndexByte(object, '}')
	if len(bytes.TrimSpace(object[1:end])) == 0 {
		members = members[1:]
	}
	return append(append(append([]byte{}, object[:end]...), members...), object[end:]...)
}
