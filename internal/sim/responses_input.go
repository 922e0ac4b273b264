package sim

// responsesItem is what is known of one input item; its type may come after its other members.
type responsesItem struct {
	kind      string
	role      byte
	bytes     int64
	parts     int64
	content   bool
	inputs    bool // a part of the types for prompts
	outputs   bool // a part of the types for answers
	id        string
	name      bool
	arguments bool
	output    bool
	encrypted string
}

// input reads a text or a list of items.
func (r *responsesReader) input() error {
	p, q := r.p, r.q
	p.digest.Reset()
	q.messagePrompt, q.hasMessages = 0, true
	r.calls, r.dangling = nil, false
	if p.dec.PeekKind() == '"' {
		text, err := p.word()
		if err != nil {
			return err
		}
		q.messagePrompt = messageTokens + wordTokens(int64(len(text)))
		_, _ = p.digest.Write(text)
		r.turn(roleUser)
		q.hash = p.digest.Sum64()
		return nil
	}
	n, err := p.items(func(int) error { return r.item() })
	if err == nil && n == 0 {
		return invalid(codeEmpty, "input", "Invalid 'input': empty array. Expected an array with minimum length 1.")
	}
	q.hash = p.digest.Sum64()
	return err
}

// turn marks the end of a message in the digest.
func (r *responsesReader) turn(role byte) {
	r.p.scratch = append(r.p.scratch[:0], role, 0xFF)
	_, _ = r.p.digest.Write(r.p.scratch)
}

func (r *responsesReader) item() error {
	p, i := r.p, responsesItem{}
	if err := p.members(func(name []byte) error { return r.itemMember(&i, name) }); err != nil {
		return err
	}
	if i.kind == "" {
		i.kind = "message"
	}
	if err := r.addItem(&i); err != nil {
		return err
	}
	r.turn(i.role)
	r.q.messagePrompt += messageTokens + wordTokens(i.bytes) + partTokens*i.parts
	return nil
}

// addItem holds an item against its type and those before it.
func (r *responsesReader) addItem(i *responsesItem) error {
	p := r.p
	if r.dangling && (i.kind == "function_call_output" || (i.kind == "message" && i.role != roleAssistant)) {
		return invalid(codeOrder, p.here(), "An item of type 'reasoning' was provided without its required following item.")
	}
	r.dangling = i.kind == "reasoning"
	switch i.kind {
	case "message":
		switch {
		case i.role == 0:
			return p.lacks("role")
		case !i.content:
			return p.lacks("content")
		case i.role == roleAssistant && i.inputs:
			return p.bad("supported values of the parts' types are: 'output_text' and 'refusal'")
		case i.role != roleAssistant && i.outputs:
			return p.bad("supported values of the parts' types are: 'input_text', 'input_image', 'input_audio' and 'input_file'")
		}
	case "function_call":
		switch {
		case i.id == "":
			return p.lacks("call_id")
		case !i.name:
			return p.lacks("name")
		case !i.arguments:
			return p.lacks("arguments")
		}
		if r.calls == nil {
			r.calls = make(map[string]bool)
		}
		r.calls[i.id] = false
	case "function_call_output":
		switch {
		case i.id == "":
			return p.lacks("call_id")
		case !i.output:
			return p.lacks("output")
		case !r.called(i.id):
			return invalid(codeOrder, p.here(), "No tool call found for function call output with call_id %s.", clip(i.id))
		}
		r.calls[i.id] = true
	case "reasoning":
		if i.encrypted != "" && !signed([]byte(i.encrypted), encryptedHash) {
			return invalid("invalid_encrypted_content", p.here(), "The encrypted content %s could not be verified.", clip(i.encrypted))
		}
	case "item_reference":
		return &failure{404, "invalid_request_error", "item_not_found", p.here(), "Item with id '" + clip(i.id) + "' not found. This simulator keeps no items."}
	case "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "computer_call", "computer_call_output", "mcp_call",
		"mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "local_shell_call", "local_shell_call_output", "shell_call",
		"shell_call_output", "apply_patch_call", "apply_patch_call_output", "custom_tool_call", "custom_tool_call_output", "compaction":
	default:
		return p.bad("%q is no type of an input item", clip(i.kind))
	}
	return nil
}

func (r *responsesReader) called(id string) bool {
	_, called := r.calls[id]
	return called
}

func (r *responsesReader) itemMember(i *responsesItem, name []byte) error {
	p := r.p
	switch string(name) {
	case "type":
		text, err := p.word()
		i.kind = internItemKind(text)
		return err
	case "role":
		text, err := p.word()
		if i.role = roleOf(text); err == nil && (i.role == 0 || i.role == roleTool || i.role == roleFunction) {
			return p.bad("supported values are: 'assistant', 'system', 'developer', and 'user'")
		}
		return err
	case "content":
		i.content = true
		return r.content(i)
	case "call_id":
		text, err := p.word()
		i.id = string(text)
		return err
	case "name":
		i.name = true
		text, err := p.word()
		i.bytes += int64(len(text))
		return err
	case "arguments":
		i.arguments = true
		text, err := p.word()
		i.bytes += int64(len(text))
		_, _ = p.digest.Write(text)
		return err
	case "output":
		i.output = true
		return r.content(i)
	case "encrypted_content":
		if isNull, err := p.null(); isNull || err != nil {
			return err
		}
		text, err := p.word()
		i.encrypted = string(text)
		return err
	case "id":
		if isNull, err := p.null(); isNull || err != nil {
			return err
		}
		text, err := p.word()
		if i.id == "" && i.kind == "item_reference" {
			i.id = string(text)
		}
		return err
	}
	return p.pass() // items of the vendor's own tools have members of many names
}

// internItemKind is an item's type, the usual ones without allocating.
func internItemKind(kind []byte) string {
	if string(kind) == "message" {
		return "message"
	}
	return string(kind)
}

// content reads a text or parts.
func (r *responsesReader) content(i *responsesItem) error {
	p := r.p
	switch p.dec.PeekKind() {
	case '"':
		return r.words(i)
	case '[':
		_, err := p.items(func(int) error { return r.part(i) })
		return err
	case 'n', '{':
		return p.pass() // of reasoning, and of tools of the vendor's own
	default:
		return p.expect('[', "a string or an array of parts")
	}
}

func (r *responsesReader) words(i *responsesItem) error {
	text, err := r.p.word()
	if err != nil {
		return err
	}
	i.bytes += int64(len(text))
	_, err = r.p.digest.Write(text)
	return err
}

// part reads one part of a content.
func (r *responsesReader) part(i *responsesItem) error {
	p, kind, filled := r.p, "", false
	err := p.members(func(name []byte) error {
		switch string(name) {
		case "type":
			text, err := p.word()
			kind = string(text)
			return err
		case "text", "refusal":
			filled = true
			return r.words(i)
		case "image_url", "file_id", "file_data", "file_url", "input_audio":
			filled = true
			return p.pass()
		case "detail", "filename", "annotations", "logprobs", "prompt_cache_breakpoint":
			return p.pass()
		}
		return p.unknown()
	})
	if err != nil {
		return err
	}
	switch kind {
	case "":
		return p.lacks("type")
	case "input_text":
		i.inputs = true
	case "output_text", "refusal":
		i.outputs = true
	case "input_image", "input_file", "input_audio":
		i.inputs = true
		i.parts++
	case "reasoning_text", "summary_text":
	default:
		return p.bad("%q is no type of a part", clip(kind))
	}
	if !filled {
		return p.lacks("text")
	}
	return nil
}
