package bedrock

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// AppendRequest appends the body of a Converse call for a vendor; ConverseStream takes the same.
//
// What the dialect has a place for elsewhere goes there: system messages to `system`, in order; messages of a role that follow each other
// become one, with the results of tools first. Texts without a character are left out, and so is reasoning that a vendor of another dialect
// signed. Identifiers of calls that the vendor would refuse are replaced, in the call and in its result alike. What only models of
// one family understand goes into additionalModelRequestFields of models of that family.
//
// What it cannot say is refused with chat.Unsupported under the name that OpenAI's chat completions have for it, or left out if o says
// so; content and tools are never left out.
func AppendRequest(dst []byte, r *chat.Request, o chat.Options) ([]byte, error) {
	w := writer{dst: dst, request: r, o: o, claude: claude(o.Model, r.Model)}
	for _, step := range []func() error{
		w.check, w.inference, w.system, w.messages, w.tools, w.reasoning, w.outputConfig, w.additional, w.serviceTier,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return append(w.dst, '}'), nil
}

// writer writes one request.
type writer struct {
	dst     []byte
	request *chat.Request
	o       chat.Options
	claude  bool            // the model is one of Anthropic's
	names   map[string]bool // of documents
	extra   []byte          // members of additionalModelRequestFields, with a comma after each
	effort  string
}

// claude says whether a model is one of Anthropic's: by the vendor's name of it, which has the author before a point, or, where that is the ARN of
// an account's own profile, by the name that callers know.
func claude(upstream, public string) bool {
	return strings.Contains(upstream, "anthropic.") || strings.HasPrefix(public, "anthropic/")
}

func (w *writer) raw(text string) { w.dst = append(w.dst, text...) }

func (w *writer) text(text string) { w.dst = jsonscan.AppendString(w.dst, text) }

// comma separates what comes from what went before; open is where the list or object began.
func (w *writer) comma(open int) {
	if len(w.dst) > open {
		w.dst = append(w.dst, ',')
	}
}

// cannot refuses what the dialect has no word for, unless it may be left out.
func (w *writer) cannot(field, why string) error {
	if w.o.DropUnsupported {
		return nil
	}
	return chat.Unsupported(field, why)
}

// check refuses the parameters that the dialect has no word for. One that asks for what is so anyway is none of them.
func (w *writer) check() error {
	const why = "the vendor has no such parameter"
	r := w.request
	for _, row := range []struct {
		field string
		there bool
	}{
		{"n", r.Choices > 1},
		{"frequency_penalty", !zero(r.FrequencyPenalty)},
		{"presence_penalty", !zero(r.PresencePenalty)},
		{"seed", r.Seed != ""},
		{"user", r.User != ""},
	} {
		if row.there {
			if err := w.cannot(row.field, why); err != nil {
				return err
			}
		}
	}
	for _, field := range r.Unsupported {
		if err := w.cannot(field, why); err != nil {
			return err
		}
	}
	return nil
}

// zero says whether a number is none, or nought.
func zero(n chat.Number) bool {
	digits, _, _ := strings.Cut(strings.ToLower(string(n)), "e")
	return strings.Trim(digits, "-0.") == ""
}

// inference writes what has the same meaning for all models.
func (w *writer) inference() error {
	r := w.request
	w.raw(`{"inferenceConfig":{"maxTokens":`)
	w.dst = strconv.AppendInt(w.dst, w.o.MaxTokens, 10)
	if r.Temperature != "" {
		w.raw(`,"temperature":` + string(r.Temperature))
	}
	if r.TopP != "" {
		w.raw(`,"topP":` + string(r.TopP))
	}
	for i, one := range r.Stop {
		if i == 0 {
			w.raw(`,"stopSequences":[`)
		} else {
			w.raw(`,`)
		}
		w.text(one)
	}
	if len(r.Stop) > 0 {
		w.raw(`]`)
	}
	w.raw(`}`)
	if r.TopK == "" {
		return nil
	}
	if !w.claude {
		return w.cannot("top_k", "the vendor has no parameter for it that all models take")
	}
	w.more(`"top_k":` + string(r.TopK))
	return nil
}

// more adds a member to additionalModelRequestFields.
func (w *writer) more(member string) { w.extra = append(append(w.extra, member...), ',') }

// additional writes what is for this model only.
func (w *writer) additional() error {
	if len(w.extra) == 0 {
		return nil
	}
	w.raw(`,"additionalModelRequestFields":{`)
	w.dst = append(w.dst, w.extra[:len(w.extra)-1]...)
	w.raw(`}`)
	return nil
}

func (w *writer) serviceTier() error {
	switch tier := w.request.ServiceTier; tier {
	case "", "auto":
	case "default", "priority", "flex", "reserved":
		w.raw(`,"serviceTier":{"type":"` + tier + `"}`)
	default:
		return w.cannot("service_tier", "the vendor has no such tier")
	}
	return nil
}
