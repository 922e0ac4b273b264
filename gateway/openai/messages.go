package openai

import (
	"bytes"
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// messages counts the messages and looks for what their bytes do not bound.
func (r *Reader) messages(q *Request) error {
	if ok, err := r.Enter('['); err != nil || !ok {
		return orRefuse(err, "messages", "messages is an array")
	}
	from := r.At()
	for ; ; q.messages++ {
		more, err := r.Element()
		if err != nil || !more {
			return err
		}
		if q.messages == MaxMessages {
			return refuse("messages", "messages has more than %d elements", MaxMessages)
		}
		system, err := r.message(q)
		if err != nil {
			return err
		}
		if !system && q.Opening == nil {
			q.Opening = q.body[from:r.At()]
		}
	}
}

func orRefuse(err error, param, message string) error {
	if err != nil {
		return err
	}
	return refuse(param, "%s", message)
}

func (q *Request) here() string { return "messages[" + strconv.Itoa(q.messages) + "]" }

// message reads one message. system: it is the system's, not a part of the conversation.
func (r *Reader) message(q *Request) (system bool, err error) {
	if ok, err := r.Enter('{'); err != nil || !ok {
		return false, orRefuse(err, q.here(), "a message is an object")
	}
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return system, err
		}
		switch string(name) {
		case "content":
			err = r.content(q)
		case "audio":
			q.opaque = q.opaque || r.Kind() != 'n' // an earlier answer's sound, by its id
			err = r.Skip()
		case "role":
			raw, _, readErr := r.Value()
			system, err = string(raw) == `"system"` || string(raw) == `"developer"`, readErr
		default:
			if err = lookalike(name, "content", "audio"); err == nil {
				err = r.Skip()
			}
		}
		if err != nil {
			return false, err
		}
	}
}

// content is text, null or an array of parts.
func (r *Reader) content(q *Request) error {
	switch r.Kind() {
	case '"', 'n':
		return r.Skip()
	case '[':
		if err := r.Step(); err != nil {
			return err
		}
	default:
		return orRefuse(r.Skip(), q.here()+".content", "content is a string or an array of parts")
	}
	for {
		more, err := r.Element()
		if err != nil || !more {
			return err
		}
		if err := r.part(q); err != nil {
			return err
		}
	}
}

// part looks at one part of a content: text is bounded by its bytes, an image by a number of its own, anything else not
// at all.
func (r *Reader) part(q *Request) error {
	if ok, err := r.Enter('{'); err != nil || !ok {
		return orRefuse(err, q.here()+".content", "a part of a content is an object")
	}
	kind, url := "", []byte(nil)
	for {
		name, _, more, err := r.Member()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		switch string(name) {
		case "type":
			kind, err = r.partKind(q)
		case "image_url":
			url, err = r.imageURL()
		default:
			if err = lookalike(name, "type", "image_url"); err == nil {
				err = r.Skip()
			}
		}
		if err != nil {
			return err
		}
	}
	q.count(kind, url)
	return nil
}

func (q *Request) count(kind string, url []byte) {
	switch kind {
	case "text", "refusal":
	case "image_url":
		q.images++
		q.Uses |= chat.UsesImages
		switch head := headOf(url); {
		case foldPrefix(head, "data:image/"):
			q.inline += int64(len(url))
		case foldPrefix(head, "data:"):
			q.opaque = true
		}
	default:
		q.Uses |= mediumOf(kind)
		q.opaque = true
	}
}

// mediumOf is what a part of a kind asks of a model.
func mediumOf(kind string) chat.Uses {
	switch kind {
	case "file":
		return chat.UsesFiles
	case "input_audio":
		return chat.UsesAudio
	case "video_url":
		return chat.UsesVideo
	}
	return 0
}

// headOf is how the text of a JSON string begins.
func headOf(raw []byte) []byte {
	if len(raw) < 2 {
		return nil
	}
	const enough = 64
	head := raw[1:min(len(raw)-1, enough)]
	if bytes.IndexByte(head, '\\') < 0 {
		return head
	}
	return []byte(jsonscan.Unquoted(raw))
}

func foldPrefix(text []byte, prefix string) bool {
	return len(text) >= len(prefix) && bytes.EqualFold(text[:len(prefix)], []byte(prefix))
}

func (r *Reader) partKind(q *Request) (string, error) {
	kind := r.Kind()
	raw, _, err := r.Value()
	if err != nil || kind != '"' {
		return "", orRefuse(err, q.here()+".content", "a part's type is a string")
	}
	return jsonscan.Unquoted(raw), nil
}

// imageURL is the quoted address of an image, given as {"url": …} or bare; nil if there is none.
func (r *Reader) imageURL() (url []byte, err error) {
	if r.Kind() != '{' {
		kind := r.Kind()
		raw, _, err := r.Value()
		if kind != '"' {
			raw = nil
		}
		return raw, err
	}
	if err := r.Step(); err != nil {
		return nil, err
	}
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return url, err
		}
		wanted := string(name) == "url"
		raw, _, err := r.Value()
		if err != nil {
			return nil, err
		}
		if wanted && raw.Kind() == '"' {
			url = raw
		}
	}
}

// tools looks for tools that the vendor runs by itself: what they find becomes a part of the prompt.
func (r *Reader) tools(q *Request) error {
	if ok, err := r.Enter('['); err != nil || !ok {
		return err // anything but an array is the vendor's to refuse
	}
	for {
		more, err := r.Element()
		if err != nil || !more {
			return err
		}
		q.Uses |= chat.UsesTools
		if err := r.tool(q); err != nil {
			return err
		}
	}
}

func (r *Reader) tool(q *Request) error {
	if ok, err := r.Enter('{'); err != nil || !ok {
		return err
	}
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return err
		}
		if err := lookalike(name, "type"); err != nil && string(name) != "type" {
			return err
		}
		wanted := string(name) == "type"
		raw, _, err := r.Value()
		if err != nil {
			return err
		}
		if kind := string(raw); wanted && kind != `"function"` && kind != `"custom"` {
			q.opaque = true
		}
	}
}
