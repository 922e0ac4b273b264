package anthropic

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Request is what the gateway has to know of a Messages call that passes through. It refers to the body, which must not change.
type Request struct {
	Model  string
	Stream bool
	Cap    int64 // max_tokens; 0 when the caller gave none
	// Foreign: reasoning of another dialect's vendor is in it, or such without a signature. A vendor of this dialect refuses that;
	// ParseRequest and AppendRequest leave it out.
	Foreign bool
	// Priced names the members for which vendors take another price: service_tier, speed, inference_geo.
	Priced []string

	chat.Steering
	// Uses is what the call asks of a model.
	Uses chat.Uses
	// Hide: the caller does not want to see the thoughts of the model. Not all who speak this dialect heed it.
	Hide bool

	body  []byte
	own   []jsonscan.Span // members that no vendor gets, names and values
	named jsonscan.Span   // the name of the member with the model
	model jsonscan.Span
	limit jsonscan.Span // the value of max_tokens
	close int           // where the body's last brace stands

	images   int64 // blocks that are images
	inline   int64 // bytes of images that stand in the body
	hidden   int64 // tokens of what the vendor adds by itself
	opaque   bool  // something whose tokens the body's bytes do not bound
	messages int
	blocks   int
	searches searching
	tier     string // service_tier

	opens     bool   // what is read now belongs to the beginning of the conversation
	beginning []byte // as far as it was read
}

// hiddenTokens bounds what the vendor adds to a prompt by itself for tools, and for answers of a given form.
const hiddenTokens = 1_000

// Request reads a body. Errors are invalid_request, with the detail "param" when one parameter is to blame.
func (s *Scanner) Request(body []byte) (*Request, error) {
	s.Strict(body)
	defer s.Drop()
	q := &Request{body: body}
	if err := s.Whole(func(name []byte) error { return s.requested(q, name) }); err != nil {
		return nil, err
	}
	q.close = s.Last().To - 1
	if q.Opening == nil {
		q.Opening = q.beginning
	}
	switch {
	case q.Model == "":
		return nil, refuse("model", "model is required")
	case q.messages == 0:
		return nil, refuse("messages", "messages is required and not empty")
	}
	return q, nil
}

// CapName is the name by which the caller gives the output cap.
func (q *Request) CapName() string { return "max_tokens" }

// PromptBound is the most tokens that the prompt can have for a model with such a context length: one for each byte of the body,
// because a token of a byte-level vocabulary stands for at least one byte, and what the vendor adds for tools. Images count perImage
// each, whether they stand in the body or are fetched. Documents, the vendor's own tools and whatever else hides its size can fill the
// context.
func (q *Request) PromptBound(context, perImage int64) int64 {
	if q.opaque {
		return context
	}
	return min(int64(len(q.body))-q.inline+q.images*perImage+q.hidden, context)
}

// requested reads one top-level member.
func (s *Scanner) requested(q *Request, name []byte) (err error) {
	switch string(name) {
	case "model":
		q.named = s.Named()
		q.Model, q.model, err = s.modelName()
	case "max_tokens":
		q.limit, _, err = s.wholeNumber("max_tokens", MaxCap, &q.Cap)
	case "stream":
		q.Stream, _, err = s.boolean("stream")
	case "messages":
		return s.turns(q)
	case "system":
		q.opens = true
		return s.blocks(q, "system")
	case "tools":
		return s.functions(q)
	case "thinking":
		return s.thinking(q)
	case "output_config":
		return s.outputConfig(q)
	case "stop_sequences":
		return s.stopSequences(q)
	case "tool_choice", "temperature", "top_p", "top_k":
		return s.used(q, chat.UseOf(name))
	case "mcp_servers", "container":
		q.opaque = q.opaque || s.Kind() != 'n'
		return s.Skip()
	case "service_tier":
		if s.Kind() != 'n' {
			q.Priced = append(q.Priced, string(name))
		}
		return s.serviceTier(q)
	case "speed", "inference_geo":
		if s.Kind() != 'n' {
			q.Priced = append(q.Priced, string(name))
		}
		return s.Skip()
	default:
		if chat.Steers(name) {
			return s.ours(q, string(name))
		}
		if err := lookalike(name, "model", "max_tokens", "stream", "messages", "system", "tools", "output_config", "mcp_servers", "container",
			"service_tier", "speed", "inference_geo", "provider", "models", "route"); err != nil {
			return err
		}
		return s.Skip()
	}
	return err
}

// ours reads a member that is for the gateway, and is taken out.
func (s *Scanner) ours(q *Request, name string) error {
	from := s.Named().From
	raw, at, err := s.Value()
	if err != nil {
		return err
	}
	q.own = append(q.own, jsonscan.Span{From: from, To: at.To})
	return q.Take(name, raw)
}

// turns counts the messages and looks for what their bytes do not bound.
func (s *Scanner) turns(q *Request) error {
	is, err := s.Array(func(i int) error {
		if i == MaxMessages {
			return refuse("messages", "messages has more than %d elements", MaxMessages)
		}
		q.messages++
		q.opens = i == 0
		is, err := s.Object(func(name []byte) error {
			if string(name) == "content" {
				return s.blocks(q, "messages")
			}
			if err := lookalike(name, "content"); err != nil {
				return err
			}
			return s.Skip()
		})
		if err == nil && !is {
			err = refuse("messages", "a message is an object")
		}
		return err
	})
	if err == nil && !is {
		err = refuse("messages", "messages is an array")
	}
	return err
}

// functions looks for tools that the vendor runs by itself: what they find becomes a part of the prompt.
func (s *Scanner) functions(q *Request) error {
	_, err := s.Array(func(int) error {
		q.hidden = max(q.hidden, hiddenTokens)
		q.Uses |= chat.UsesTools
		var search bool
		var most int64
		_, err := s.Object(func(name []byte) error {
			switch string(name) {
			case "type":
				raw, _, err := s.Value()
				if err == nil && raw.Kind() != 'n' && string(raw) != `"custom"` {
					q.opaque, search = true, searches(raw)
				}
				return err
			case "max_uses":
				raw, _, err := s.Value()
				most = uses(raw)
				return err
			}
			if err := lookalike(name, "type", "max_uses"); err != nil {
				return err
			}
			return s.Skip()
		})
		if search {
			q.searches.add(most)
		}
		return err
	})
	return err // anything but an array is the vendor's to refuse
}
