package sim

const maxGeminiName = 128

// tools reads the functions that may be called, and counts the list's bytes. Tools that the vendor runs itself are taken as
// they are.
func (g *geminiReader) tools() error {
	p, q := g.p, g.q
	q.tools, g.names = q.tools[:0], nil
	start := p.dec.InputOffset()
	n, err := p.items(func(int) error {
		return p.members(func(name []byte) error {
			switch camel(name) {
			case "functionDeclarations":
				_, err := p.items(func(int) error { return g.declaration() })
				return err
			case "googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "googleMaps", "fileSearch", "computerUse",
				"enterpriseWebSearch", "retrieval", "mcpServers", "parallelAiSearch":
				return p.pass()
			}
			return p.unknown()
		})
	})
	if n > 0 {
		q.toolPrompt = wordTokens(p.dec.InputOffset() - start)
	}
	return err
}

func (g *geminiReader) declaration() error {
	p, q := g.p, g.q
	name, schemas := "", 0
	err := p.members(func(member []byte) error {
		switch camel(member) {
		case "name":
			text, err := p.word()
			name = string(text)
			return err
		case "description", "behavior":
			_, err := p.word()
			return err
		case "parameters":
			schemas++
			return g.schemaOf()
		case "parametersJsonSchema":
			schemas++
			return p.pass()
		case "response":
			return g.schemaOf()
		case "responseJsonSchema":
			return p.pass()
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case !geminiCallable(name):
		return invalid(codeValue, p.here(), "* GenerateContentRequest.%s.name: Invalid function name. Must start with a letter or an underscore. Must be "+
			"alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of %d.\n", p.here(), maxGeminiName)
	case schemas > 1:
		return invalid(codeValue, p.here(), "* GenerateContentRequest.%s: only one of `parameters` or `parameters_json_schema` may be set.\n", p.here())
	case g.names[name]:
		return invalid(codeValue, p.here(), "Duplicate function declaration found: %s", name)
	}
	if g.names == nil {
		g.names = make(map[string]bool)
	}
	g.names[name] = true
	q.tools = append(q.tools, name)
	return nil
}

func geminiCallable(name string) bool {
	for i, r := range name {
		letter := (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') || r == '_'
		inner := (r >= '0' && r <= '9') || r == '.' || r == ':' || r == '-'
		if !letter && (i == 0 || !inner) {
			return false
		}
	}
	return name != "" && len(name) <= maxGeminiName
}

// schemaOf reads a schema of the vendor's own kind, which lacks much of JSON Schema.
func (g *geminiReader) schemaOf() error {
	p := g.p
	return p.members(func(name []byte) error {
		switch camel(name) {
		case "items":
			return g.schemaOf()
		case "properties":
			return p.members(func([]byte) error { return g.schemaOf() })
		case "anyOf", "prefixItems":
			_, err := p.items(func(int) error { return g.schemaOf() })
			return err
		case "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "required", "minProperties", "maxProperties",
			"minLength", "maxLength", "pattern", "example", "propertyOrdering", "default", "minimum", "maximum":
			return p.pass()
		}
		return p.unknown()
	})
}

func (g *geminiReader) toolConfig() error {
	p := g.p
	return p.members(func(name []byte) error {
		switch camel(name) {
		case "functionCallingConfig":
			return p.members(func(name []byte) error {
				switch camel(name) {
				case "mode":
					text, err := p.word()
					if g.mode = string(text); err == nil && !oneOf(g.mode, "MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED") {
						return p.bad("%q is no mode", clip(g.mode))
					}
					return err
				case "allowedFunctionNames":
					g.allowed = nil
					_, err := p.items(func(int) error {
						text, err := p.word()
						g.allowed = append(g.allowed, string(text))
						return err
					})
					return err
				case "streamFunctionCallArguments":
					_, err := p.truth()
					return err
				}
				return p.unknown()
			})
		case "retrievalConfig", "includeServerSideToolInvocations":
			return p.pass()
		}
		return p.unknown()
	})
}

// checkTools finds the functions that must be called, if there are any.
func (g *geminiReader) checkTools() error {
	q := g.q
	if len(g.allowed) > 0 && g.mode != "ANY" && g.mode != "VALIDATED" {
		return invalid(codeValue, "tool_config.function_calling_config.allowed_function_names",
			"Function calling config is set with allowed function names, which needs the mode ANY.")
	}
	for _, name := range g.allowed {
		if !g.names[name] {
			return invalid(codeValue, "tool_config.function_calling_config.allowed_function_names", "Function %q is not declared.", clip(name))
		}
	}
	if len(g.allowed) > 0 {
		q.tools = append(q.tools[:0], g.allowed...)
	}
	switch {
	case g.mode == "NONE":
		q.noCalls = true
	case g.mode == "ANY" && len(q.tools) == 0:
		return invalid(codeValue, "tool_config.function_calling_config", "Function calling config is set without function_declarations.")
	case g.mode == "ANY":
		q.tool = q.tools[0]
	}
	return nil
}
