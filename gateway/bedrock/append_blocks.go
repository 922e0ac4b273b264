package bedrock

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
)

// longestID is how many characters the vendor takes of a call's identifier.
const longestID = 64

// callID is the identifier of a call as the vendor takes it: its own alphabet and length. Any other one is replaced, always by the same.
func callID(id string) string {
	fits := len(id) <= longestID
	for i := 0; i < len(id) && fits; i++ {
		c := id[i]
		fits = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
	}
	if fits {
		return id
	}
	const enough = 12
	h := sha256.Sum256([]byte(id))
	return "tooluse_" + hex.EncodeToString(h[:enough])
}

// isObject says whether a text is a JSON object. The vendor is the judge of names that are in it twice.
func isObject(text string) bool {
	v := jsontext.Value(text)
	return v.Kind() == '{' && v.IsValid(jsontext.AllowDuplicateNames(true))
}

func (w *writer) call(p *chat.Part, at place) error {
	arguments := strings.TrimSpace(p.Call.Arguments)
	if arguments == "" {
		arguments = "{}"
	}
	field := "messages[" + strconv.Itoa(at.message) + "].tool_calls"
	switch {
	case p.Call.ID == "":
		return chat.Unsupported(field, "a call has no id")
	case !isObject(arguments):
		return chat.Unsupported(field, "the arguments of a call are no JSON object")
	}
	w.raw(`{"toolUse":{"toolUseId":`)
	w.text(callID(p.Call.ID))
	w.raw(`,"name":`)
	w.text(p.Call.Name)
	w.raw(`,"input":`)
	w.raw(arguments)
	w.raw(`}}`)
	return nil
}

func (w *writer) result(p *chat.Part, at place) error {
	if p.Result.CallID == "" {
		return chat.Unsupported("messages["+strconv.Itoa(at.message)+"].tool_call_id", "a result names no call")
	}
	w.raw(`{"toolResult":{"toolUseId":`)
	w.text(callID(p.Result.CallID))
	w.raw(`,"content":[`)
	open := len(w.dst)
	at.result = true
	for i := range p.Result.Parts {
		if err := w.resultBlock(&p.Result.Parts[i], at, open); err != nil {
			return err
		}
	}
	w.raw(`]`)
	if p.Result.Error {
		w.raw(`,"status":"error"`)
	}
	w.raw(`}}`)
	return nil
}

// resultBlock writes a part of what a tool gave. The vendor takes no marks of its cache in there.
func (w *writer) resultBlock(p *chat.Part, at place, open int) error {
	if p.Kind == chat.Text && p.Text == "" {
		return nil
	}
	w.comma(open)
	switch {
	case p.Kind == chat.Text:
		w.textBlock(p)
	case p.Kind == chat.Image && p.Media != nil:
		if err := w.image(p, at); err != nil {
			return err
		}
	case p.Kind == chat.File && p.Media != nil:
		if err := w.document(p, at); err != nil {
			return err
		}
	default:
		return chat.Unsupported(at.String(), "the vendor takes no such part in the result of a tool")
	}
	if p.CacheTTL != "" {
		return w.cannot("cache_control", "the vendor takes no such mark within the result of a tool")
	}
	return nil
}
