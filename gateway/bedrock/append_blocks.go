package bedrock

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/chat/turns"
)

// longestID is how many characters the vendor takes of a call's identifier.
const longestID = 64

// callID is the identifier of a call as the vendor takes it.
func callID(id string) string { return turns.CallID(id, "tooluse_", longestID) }

func (w *writer) call(p *chat.Part, at turns.Place) error {
	arguments, err := turns.Arguments(p.Call, at)
	if err != nil {
		return err
	}
	w.Raw(`{"toolUse":{"toolUseId":`)
	w.Text(callID(p.Call.ID))
	w.Raw(`,"name":`)
	w.Text(p.Call.Name)
	w.Raw(`,"input":`)
	w.Raw(arguments)
	w.Raw(`}}`)
	return nil
}

func (w *writer) result(p *chat.Part, at turns.Place) error {
	if err := turns.Answers(p.Result, at); err != nil {
		return err
	}
	w.Raw(`{"toolResult":{"toolUseId":`)
	w.Text(callID(p.Result.CallID))
	w.Raw(`,"content":[`)
	open := len(w.Dst)
	at.Result = true
	for i := range p.Result.Parts {
		if err := w.resultBlock(&p.Result.Parts[i], at, open); err != nil {
			return err
		}
	}
	w.Raw(`]`)
	if p.Result.Error {
		w.Raw(`,"status":"error"`)
	}
	w.Raw(`}}`)
	return nil
}

// resultBlock writes a part of what a tool gave. The vendor takes no marks of its cache in there.
func (w *writer) resultBlock(p *chat.Part, at turns.Place, open int) error {
	if p.Kind == chat.Text && p.Text == "" {
		return nil
	}
	w.Comma(open)
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
		return w.Cannot("cache_control", "the vendor takes no such mark within the result of a tool")
	}
	return nil
}
