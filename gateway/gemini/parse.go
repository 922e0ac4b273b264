package gemini

import "github.com/massrouter/massrouter/gateway/chat"

// CapName is what callers of this dialect call the output cap.
const CapName = "generationConfig.maxOutputTokens"

// incoming is a caller's request while it is read.
type incoming struct {
	parser
	*chat.Request
	system  chat.Message
	allowed []string // allowedFunctionNames
	strict  bool     // mode VALIDATED
	low     bool     // all images are looked at coarsely
	form    form

	converter converter
}

// ParseRequest reads the body of a caller's generateContent; model and stream are what its address says. Names may stand in
// camel case or with underscores, and an object in place of an array of one, as Google's servers read them. Members that the
// canonical form has no place for are listed in Unsupported with their path; parts and tools of this kind are refused, because
// they cannot be left out.
//
// Calls without an id get one that stays the same while the conversation grows; a result without an id answers the first
// call of its function that has no answer yet. A thinkingBudget of -1, as much as the model likes, is what the canonical form
// means by saying nothing.
//
// Errors are invalid_request, with the detail "param" when one member is to blame.
func ParseRequest(body []byte, model string, stream bool) (*chat.Request, error) {
	q := &incoming{Request: &chat.Request{Model: model, Stream: stream, IncludeUsage: stream, Choices: 1}}
	q.walker.Strict(body)
	defer q.Drop()
	if kind := q.Kind(); kind != '{' && kind != 0 {
		return nil, q.refuse("is not a JSON object")
	}
	if err := q.fields(q.member); err != nil {
		return nil, err
	}
	if err := q.End(); err != nil {
		return nil, err
	}
	if err := q.finish(); err != nil {
		return nil, err
	}
	q.Request.Unsupported = q.unsupported
	return q.Request, nil
}

func (q *incoming) member(name string) (err error) {
	switch name {
	case "contents":
		return q.contents()
	case "systemInstruction":
		q.system.Role = chat.System
		return q.content(&q.system)
	case "tools":
		return q.list(func(int) error { return q.fields(q.tool) })
	case "toolConfig":
		return q.fields(q.toolConfig)
	case "generationConfig":
		return q.fields(q.generation)
	case "serviceTier":
		q.ServiceTier, err = q.string()
		return err
	case "model":
		if err := q.Skip(); err != nil {
			return err
		}
		return q.refuse("stands in the address, not in the body")
	}
	if written := q.path[len(q.path)-1]; chat.Steers([]byte(written)) {
		v, _, err := q.Value()
		if err != nil {
			return err
		}
		return new(chat.Steering).Take(written, v) // what it says was heard before
	}
	if q.Kind() == 'n' {
		return q.Skip()
	}
	return q.leaveOut()
}

// finish holds the members against each other.
func (q *incoming) finish() error {
	if len(q.Messages) == 0 {
		q.path = []string{"contents"}
		return q.refuse("is required and not empty")
	}
	if err := q.link(); err != nil {
		return err
	}
	if len(q.system.Parts) > 0 {
		q.Messages = append([]chat.Message{q.system}, q.Messages...)
	}
	if q.low {
		for i := range q.Messages {
			coarse(q.Messages[i].Parts)
		}
	}
	if err := q.choose(); err != nil {
		return err
	}
	return q.settle()
}

// coarse marks images as to be looked at coarsely.
func coarse(parts []chat.Part) {
	for i := range parts {
		switch p := &parts[i]; p.Kind {
		case chat.Image:
			p.Media.Detail = "low"
		case chat.ToolResult:
			coarse(p.Result.Parts)
		case chat.Text, chat.Refusal, chat.Thinking, chat.Redacted, chat.File, chat.Audio, chat.ToolCall:
		}
	}
}
