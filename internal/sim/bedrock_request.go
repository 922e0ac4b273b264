package sim

import (
	"slices"
)

// bedrockReader gathers what a request says until all of it is known.
type bedrockReader struct {
	p *parser
	q *request

	thinking     string // its type, or empty
	choice       string
	cachePoints  int
	systemHash   uint64
	systemPrompt int64
	documents    map[string]bool
	called       bool // there are calls or results
	dialogue     anthropicDialogue
}

// bedrock reads a body into the call's request.
func (p *parser) bedrock(c *call) error {
	p.begin(&c.body, c.server.decode, anthropicManner)
	a := bedrockReader{p: p, q: &c.req}
	if err := p.members(a.member); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	return a.check()
}

// member reads the value of one top-level member.
func (a *bedrockReader) member(name []byte) error {
	p := a.p
	switch string(name) {
	case "messages":
		return a.messages()
	case "system":
		return a.system()
	case "inferenceConfig":
		return p.members(a.inference)
	case "toolConfig":
		return a.toolConfig()
	case "outputConfig":
		return p.members(a.output)
	case "additionalModelRequestFields":
		return p.members(a.additional)
	case "serviceTier":
		return p.members(func(name []byte) error {
			if string(name) != "type" {
				return p.unknown()
			}
			return a.oneOf("default", "priority", "flex", "reserved")
		})
	case "performanceConfig":
		return p.members(func(name []byte) error {
			if string(name) != "latency" {
				return p.unknown()
			}
			return a.oneOf("standard", "optimized")
		})
	case "additionalModelResponseFieldPaths", "guardrailConfig", "promptVariables", "requestMetadata":
		return p.pass()
	}
	return p.unknown()
}

func (a *bedrockReader) oneOf(known ...string) error {
	text, err := a.p.word()
	if err != nil {
		return err
	}
	if !slices.Contains(known, string(text)) {
		return a.p.bad("Member must satisfy enum value set: %q", known)
	}
	return nil
}

func (a *bedrockReader) inference(name []byte) (err error) {
	p := a.p
	switch string(name) {
	case "maxTokens":
		a.q.outputCap, err = p.whole(1, maxCap)
	case "temperature", "topP":
		_, err = p.decimal(0, 1)
	case "stopSequences":
		_, err = p.items(func(i int) error {
			text, err := p.word()
			switch {
			case err != nil:
				return err
			case len(text) == 0:
				return p.bad("Member must have length greater than or equal to 1")
			case i >= maxStopTexts:
				return p.bad("there are too many stop sequences")
			case i == 0:
				a.q.stopSequence = string(text)
			}
			return nil
		})
	default:
		return p.unknown()
	}
	return err
}

// output reads the effort and the form of the answer, whose schema is a text.
func (a *bedrockReader) output(name []byte) error {
	p := a.p
	switch string(name) {
	case "effort":
		a.q.showThoughts = true
		return a.oneOf("low", "medium", "high", "xhigh", "max")
	case "textFormat":
		schema := false
		err := p.members(func(name []byte) error {
			switch string(name) {
			case "type":
				return a.oneOf("json_schema")
			case "structure":
				return p.members(func(name []byte) error {
					if string(name) != "jsonSchema" {
						return p.unknown()
					}
					return p.members(func(name []byte) error {
						text, err := p.word()
						switch string(name) {
						case "schema":
							schema = true
							if err == nil && !isJSONObject(text) {
								return p.bad("the schema is a JSON object as a text")
							}
						case "name", "description":
						default:
							return p.unknown()
						}
						return err
					})
				})
			}
			return p.unknown()
		})
		if err == nil && !schema {
			return p.lacks("structure.jsonSchema.schema")
		}
		return err
	}
	return p.unknown()
}

// additional reads what only some models take: of Anthropic's, thinking.
func (a *bedrockReader) additional(name []byte) error {
	p := a.p
	switch string(name) {
	case "thinking":
		budgeted := false
		err := p.members(func(name []byte) (err error) {
			switch string(name) {
			case "type":
				text, err := p.word()
				a.thinking = string(text)
				return err
			case "budget_tokens":
				budgeted = true
				_, err = p.whole(leastBudget, maxCap)
				return err
			case "display":
				text, err := p.word()
				a.q.hideThoughts = string(text) == "omitted"
				return err
			}
			return p.unknown()
		})
		if err == nil && a.thinking == "enabled" && !budgeted {
			return p.lacks("budget_tokens")
		}
		return err
	case "top_k":
		_, err := p.whole(0, maxCap)
		return err
	}
	return p.pass()
}

// check holds the members against each other.
func (a *bedrockReader) check() error {
	q := a.q
	thinks := a.thinking == "enabled" || a.thinking == "adaptive"
	switch {
	case !q.hasMessages:
		return a.p.lacks("messages")
	case a.cachePoints > maxBreakpoints:
		return invalid(codeTooLarge, "cachePoint", "A maximum of %d cachePoint blocks may be provided. Found %d.", maxBreakpoints, a.cachePoints)
	case a.called && len(q.tools) == 0:
		return invalid(codeMissing, "toolConfig", "The toolConfig field must be defined when using toolUse and toolResult content blocks.")
	case thinks && (a.choice == "any" || a.choice == "tool"):
		return invalid(codeValue, "toolConfig.toolChoice", "Thinking may not be enabled when tool_choice forces tool use.")
	case a.choice == "tool" && !slices.Contains(q.tools, q.named):
		return invalid(codeValue, "toolConfig.toolChoice", "The provided toolChoice names no tool that is there.")
	case a.choice == "tool":
		q.tool = q.named
	case a.choice == "any":
		q.tool = q.tools[0]
	}
	q.showThoughts = thinks || q.showThoughts && a.thinking != "disabled"
	q.prompt = q.messagePrompt + a.systemPrompt + q.toolPrompt
	if a.systemHash != 0 {
		q.hash = mix(q.hash ^ a.systemHash)
	}
	return a.dialogue.check(a.thinking == "enabled")
}

// toolConfig reads the tools, and counts the list's bytes.
func (a *bedrockReader) toolConfig() error {
	p, q := a.p, a.q
	q.tools = q.tools[:0]
	err := p.members(func(name []byte) error {
		switch string(name) {
		case "tools":
			start := p.dec.InputOffset()
			n, err := p.items(func(i int) error { return a.tool(i) })
			if err == nil && n == 0 {
				return p.bad("Member must have length greater than or equal to 1")
			}
			q.toolPrompt = wordTokens(p.dec.InputOffset() - start)
			return err
		case "toolChoice":
			return p.members(func(name []byte) error {
				a.choice = string(name)
				switch a.choice {
				case "auto", "any":
					return p.members(func([]byte) error { return p.unknown() })
				case "tool":
					return p.members(func(name []byte) error {
						if string(name) != "name" {
							return p.unknown()
						}
						text, err := p.word()
						q.named = string(text)
						return err
					})
				}
				return p.unknown()
			})
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case len(q.tools) == 0:
		return p.lacks("tools")
	case len(set(q.tools)) < len(q.tools):
		return invalid(codeValue, "toolConfig", "The toolConfig contains duplicate tool names.")
	}
	return nil
}

func (a *bedrockReader) tool(i int) error {
	p := a.p
	name, schema, mark := "", false, false
	err := p.members(func(member []byte) error {
		switch string(member) {
		case "toolSpec":
			return p.members(func(member []byte) error {
				switch string(member) {
				case "name":
					text, err := p.word()
					if name = string(text); err == nil && !callableIn(name, longestBedrockName) {
						return p.bad("Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+")
					}
					return err
				case "description":
					text, err := p.word()
					if err == nil && len(text) == 0 {
						return p.bad("Member must have length greater than or equal to 1")
					}
					return err
				case "inputSchema":
					return p.members(func(member []byte) error {
						if string(member) != "json" {
							return p.unknown()
						}
						schema = true
						_, err := p.raw('{', "an object")
						return err
					})
				case "strict":
					_, err := p.truth()
					return err
				}
				return p.unknown()
			})
		case "cachePoint":
			if i == 0 {
				return p.bad("a cachePoint follows a tool")
			}
			mark = true
			return a.cachePoint()
		}
		return p.unknown()
	})
	switch {
	case err != nil || mark:
		return err
	case name == "":
		return p.lacks("toolSpec.name")
	case !schema:
		return p.lacks("toolSpec.inputSchema")
	}
	a.q.tools = append(a.q.tools, name)
	return nil
}

// longestBedrockName is how long names of tools and ids of calls may be.
const longestBedrockName = 64

// cachePoint reads {type: default, ttl: 5m or 1h}.
func (a *bedrockReader) cachePoint() error {
	p, typed := a.p, false
	a.cachePoints++
	err := p.members(func(name []byte) error {
		switch string(name) {
		case "type":
			typed = true
			return a.oneOf("default")
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
