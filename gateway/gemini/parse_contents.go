package gemini

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// contents reads the conversation.
func (q *incoming) contents() error {
	return q.list(func(i int) error {
		if i == MaxContents {
			return q.refuse("is one too many: contents has at most " + strconv.Itoa(MaxContents))
		}
		m := chat.Message{Role: chat.User}
		if err := q.content(&m); err != nil {
			return err
		}
		for i := range m.Parts {
			switch kind := m.Parts[i].Kind; {
			case kind == chat.ToolCall && m.Role != chat.Assistant:
				return q.refuse("has a functionCall that is not the model's")
			case (kind == chat.Thinking || kind == chat.Redacted) && m.Role != chat.Assistant:
				return q.refuse("has a thought that is not the model's")
			case kind == chat.ToolResult && m.Role == chat.Assistant:
				return q.refuse("has a functionResponse of the model")
			}
		}
		if len(m.Parts) > 0 {
			q.Messages = append(q.Messages, m)
		}
		return nil
	})
}

// content reads the parts of a turn, and who says them.
func (q *incoming) content(m *chat.Message) error {
	return q.fields(func(name string) error {
		switch name {
		case "role":
			return q.role(m)
		case "parts":
			return q.list(func(int) error { return q.part(m) })
		}
		return q.leaveOut()
	})
}

// role reads who speaks. "function" is an older name of who gives results.
func (q *incoming) role(m *chat.Message) error {
	role, err := q.string()
	switch {
	case err != nil:
		return err
	case m.Role == chat.System: // whatever it is called there
	case role == "model":
		m.Role = chat.Assistant
	case role != "" && role != "user" && role != "function":
		return q.refuse("is user or model")
	}
	return nil
}

// part reads a part: one kind of data, and what is said about it.
func (q *incoming) part(m *chat.Message) error {
	var p chat.Part
	thought, signature, given := false, "", 0
	err := q.fields(func(name string) (err error) {
		if q.Kind() == 'n' {
			return q.Skip()
		}
		switch name {
		case "text":
			given++
			p.Kind = chat.Text
			p.Text, err = q.string()
		case "inlineData", "fileData":
			given++
			err = q.media(&p, name)
		case "functionCall":
			given++
			p.Kind, p.Call = chat.ToolCall, &chat.Call{Arguments: "{}"}
			err = q.fields(func(name string) error { return q.call(p.Call, name) })
		case "functionResponse":
			given++
			p.Kind, p.Result = chat.ToolResult, new(chat.Result)
			err = q.result(p.Result)
		case "thought":
			var is *bool
			is, err = q.boolean()
			thought = is != nil && *is
		case "thoughtSignature":
			signature, err = q.string()
		case "videoMetadata", "mediaResolution", "partMetadata":
			err = q.leaveOut()
		default:
			if err = q.Skip(); err == nil {
				err = chat.Unsupported(q.here(), "its vendor has no such parts")
			}
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case given > 1:
		return q.refuse("has more than one kind of data")
	case given == 0 && signature == "" && m.Role == chat.Assistant:
		return nil // streams end with a text that is empty, which clients send back without it
	case given == 0 && signature == "":
		return q.refuse("has no data")
	case m.Role == chat.System && p.Kind != chat.Text:
		return q.refuse("is not text")
	case given == 0:
		p.Kind = chat.Text
	case m.Role == chat.System:
		thought, signature = false, ""
	}
	if thought && p.Kind == chat.Text {
		p.Kind = chat.Thinking
	}
	unwrap(&p, signature)
	if p.Text != "" || p.Kind != chat.Text && p.Kind != chat.Thinking || p.Signature != "" {
		m.Parts = append(m.Parts, p)
	}
	return nil
}

// media reads inlineData or fileData.
func (q *incoming) media(p *chat.Part, kind string) error {
	p.Media = new(chat.Media)
	err := q.fields(func(name string) (err error) {
		switch {
		case name == "mimeType":
			p.Media.MIME, err = q.string()
		case name == "data" && kind == "inlineData":
			p.Media.Data, err = q.string()
		case name == "fileUri" && kind == "fileData":
			p.Media.URL, err = q.string()
		case name == "displayName":
			p.Media.Name, err = q.string()
		default:
			err = q.leaveOut()
		}
		return err
	})
	p.Kind = mediaKind(p.Media.MIME)
	if p.Media.MIME == "" {
		p.Kind = mediaKind(sniff(p.Media.Data))
	}
	if err == nil && p.Media.Data == "" && p.Media.URL == "" {
		err = q.refuse("is empty")
	}
	return err
}

func (q *incoming) call(c *chat.Call, name string) (err error) {
	switch name {
	case "id":
		c.ID, err = q.string()
	case "name":
		c.Name, err = q.string()
	case "args":
		var v jsontext.Value
		v, err = q.structure()
		if v != nil {
			c.Arguments = string(v)
		}
	default:
		err = q.leaveOut()
	}
	return err
}

// structure reads a JSON object as it is written; nil for null.
func (q *incoming) structure() (jsontext.Value, error) {
	v, err := q.anything()
	if err == nil && v != nil && v.Kind() != '{' {
		err = q.refuse("is an object")
	}
	return v, err
}

func (q *incoming) result(r *chat.Result) error {
	response := jsontext.Value("{}")
	var media []chat.Part
	err := q.fields(func(name string) (err error) {
		switch name {
		case "id":
			r.CallID, err = q.string()
		case "name":
			r.Name, err = q.string()
		case "response":
			var v jsontext.Value
			if v, err = q.structure(); v != nil {
				response = v
			}
		case "parts":
			err = q.list(func(int) error {
				var p chat.Part
				err := q.fields(func(name string) error {
					if name != "inlineData" && name != "fileData" {
						return q.leaveOut()
					}
					return q.media(&p, name)
				})
				if err == nil && p.Media == nil {
					err = q.refuse("has no data")
				}
				media = append(media, p)
				return err
			})
		default:
			err = q.leaveOut()
		}
		return err
	})
	said, failed := readResponse(response)
	r.Error = failed
	if said != "" {
		r.Parts = append(r.Parts, chat.Part{Kind: chat.Text, Text: said})
	}
	r.Parts = append(r.Parts, media...)
	return err
}

// readResponse is the reverse of appendResponse.
func readResponse(v jsontext.Value) (said string, failed bool) {
	var w walker
	w.Strict(v)
	members, only, name := 0, "", ""
	_ = w.object(func(raw []byte) error { // it was read before
		members++
		name = string(raw)
		value, _, err := w.Value()
		if err == nil && value.Kind() == '"' {
			only = jsonscan.Unquoted(value)
		} else {
			name = ""
		}
		return err
	})
	if members == 1 && (name == "output" || name == "error") {
		return only, name == "error"
	}
	return string(v), false
}
