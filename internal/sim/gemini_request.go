package sim

import (
	"net/http"
	"strings"
)

// geminiReader gathers what a request says until all of it is known.
type geminiReader struct {
	p *parser
	q *request

	mode         string // of function calling
	allowed      []string
	names        map[string]bool // of declared functions
	budget       bool            // thinkingBudget is given
	level        bool            // thinkingLevel is given
	schema       bool            // of the answer
	mime         string
	systemHash   uint64
	systemPrompt int64
	dialogue     geminiDialogue
}

const (
	maxCandidates  = 8
	maxGeminiStops = 5
)

func (gemini) parse(c *call, r *http.Request) error {
	model, verb, _ := geminiPath(r.URL.Path)
	q, p := &c.req, &c.parser
	if err := q.setModel(model); err != nil {
		return err
	}
	q.counting = verb == "countTokens"
	q.stream = verb == "streamGenerateContent"
	q.array = q.stream && r.URL.Query().Get("alt") != "sse"
	p.begin(&c.body, c.server.decode, geminiManner)
	g := geminiReader{p: p, q: q}
	if err := p.members(func(name []byte) error { return g.member(camel(name)) }); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	return g.check()
}

// camel turns a member's name in snake case, which the vendor takes as well, into the usual one.
func camel(name []byte) string {
	if known := internGemini(name); known != "" {
		return known
	}
	words := strings.Split(string(name), "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// internGemini is a name that most requests have, without allocating.
func internGemini(name []byte) string {
	switch string(name) {
	case "contents":
		return "contents"
	case "parts":
		return "parts"
	case "role":
		return "role"
	case "text":
		return "text"
	case "generationConfig":
		return "generationConfig"
	case "maxOutputTokens":
		return "maxOutputTokens"
	case "temperature":
		return "temperature"
	case "systemInstruction":
		return "systemInstruction"
	}
	return ""
}

// member reads the value of one top-level member.
func (g *geminiReader) member(name string) error {
	p := g.p
	switch name {
	case "contents":
		return g.contents()
	case "systemInstruction":
		return g.system()
	case "tools":
		return g.tools()
	case "toolConfig":
		return g.toolConfig()
	case "generationConfig":
		return p.members(func(name []byte) error { return g.config(camel(name)) })
	case "safetySettings":
		_, err := p.items(func(int) error {
			return p.members(func(name []byte) error {
				switch camel(name) {
				case "category", "threshold", "method":
					_, err := p.word()
					return err
				}
				return p.unknown()
			})
		})
		return err
	case "cachedContent":
		_, err := p.word()
		return err
	case "labels", "serviceTier", "store":
		return p.pass()
	case "generateContentRequest":
		if g.q.counting {
			return p.members(func(name []byte) error { return g.member(camel(name)) })
		}
	case "model":
		if g.q.counting {
			return p.pass()
		}
	}
	return p.unknown()
}

// config reads a member of generationConfig.
func (g *geminiReader) config(name string) (err error) {
	p, q := g.p, g.q
	switch name {
	case "maxOutputTokens":
		q.outputCap, err = p.whole(1, maxCap)
	case "candidateCount":
		var n int64
		n, err = p.whole(1, maxCandidates)
		q.choices = max(int(n), 1)
	case "seed":
		q.seed, err = p.whole(-1<<31, 1<<31-1)
	case "temperature":
		_, err = p.decimal(0, 2)
	case "topP":
		_, err = p.decimal(0, 1)
	case "topK":
		_, err = p.decimal(0, maxCap) // it is a number with a fraction in some clients
	case "presencePenalty", "frequencyPenalty":
		_, err = p.decimal(-2, 2)
	case "stopSequences":
		return g.stops()
	case "thinkingConfig":
		return g.thinking()
	case "responseMimeType":
		text, err := p.word()
		g.mime = string(text)
		return err
	case "responseSchema":
		g.schema = true
		return g.schemaOf()
	case "responseJsonSchema", "ResponseJsonSchema": // the second is _responseJsonSchema
		g.schema = true
		return p.pass()
	case "responseModalities", "responseLogprobs", "logprobs", "speechConfig", "mediaResolution", "audioTimestamp", "imageConfig",
		"routingConfig", "modelSelectionConfig", "enableAffectiveDialog", "enableEnhancedCivicAnswers", "responseFormat":
		return p.pass()
	default:
		return p.unknown()
	}
	return err
}

func (g *geminiReader) stops() error {
	p := g.p
	_, err := p.items(func(i int) error {
		if i == maxGeminiStops {
			return p.bad("at most %d stop sequences are allowed", maxGeminiStops)
		}
		text, err := p.word()
		if i == 0 {
			g.q.stopSequence = string(text)
		}
		return err
	})
	return err
}

func (g *geminiReader) thinking() error {
	p := g.p
	return p.members(func(name []byte) (err error) {
		switch camel(name) {
		case "includeThoughts":
			g.q.showThoughts, err = p.truth()
		case "thinkingBudget":
			g.budget = true
			_, err = p.whole(-1, maxCap)
		case "thinkingLevel":
			g.level = true
			text, wrong := p.word()
			if err = wrong; err == nil && !oneOf(strings.ToUpper(string(text)), "THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH") {
				err = p.bad("%q is no thinking level", clip(string(text)))
			}
		default:
			err = p.unknown()
		}
		return err
	})
}

func oneOf(text string, known ...string) bool {
	for _, k := range known {
		if text == k {
			return true
		}
	}
	return false
}

// check holds the members against each other.
func (g *geminiReader) check() error {
	q := g.q
	switch {
	case !q.hasMessages:
		return invalid(codeMissing, "contents", "* GenerateContentRequest.contents: contents is not specified\n")
	case g.budget && g.level:
		return invalid(codeValue, "generation_config.thinking_config", "You can only set only one of thinking budget and thinking level.")
	case g.schema && g.mime == "text/plain", g.schema && g.mime == "":
		return invalid(codeValue, "generation_config.response_schema", "* GenerateContentRequest.generation_config.response_schema: only allowed when "+
			"`response_mime_type` is a JSON type\n")
	}
	q.prompt = q.messagePrompt + g.systemPrompt + q.toolPrompt
	if g.systemHash != 0 {
		q.hash = mix(q.hash ^ g.systemHash)
	}
	if err := g.dialogue.check(); err != nil {
		return err
	}
	return g.checkTools()
}
