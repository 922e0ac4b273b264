package bedrock

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/chat/turns"
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
	w := writer{Writer: turns.Writer{Builder: jsonscan.Builder{Dst: dst}, Request: r, Options: o}, claude: claude(o.Model, r.Model)}
	for _, step := range []func() error{
		w.check, w.inference, w.system, w.messages, w.tools, w.reasoning, w.outputConfig, w.additional, w.serviceTier,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return append(w.Dst, '}'), nil
}

// writer writes one request.
type writer struct {
	turns.Writer

	claude bool            // the model is one of Anthropic's
	names  map[string]bool // of documents
	extra  []byte          // members of additionalModelRequestFields, with a comma after each
	effort string
}

// claude says whether a model is one of Anthropic's: by the vendor's name of it, which has the author before a point, or, where that is the ARN of
// an account's own profile, by the name that callers know.
func claude(upstream, public string) bool {
	return strings.Contains(upstream, "anthropic.") || strings.HasPrefix(public, "anthropic/")
}

func (w *writer) check() error {
	return w.Check(turns.Parameter{Field: "user", Given: w.Request.User != ""})
}

// inference writes what has the same meaning for all models.
func (w *writer) inference() error {
	r := w.Request
	w.Raw(`{"inferenceConfig":{"maxTokens":`)
	w.Dst = strconv.AppendInt(w.Dst, w.Options.MaxTokens, 10)
	if r.Temperature != "" {
		w.Raw(`,"temperature":` + string(r.Temperature))
	}
	if r.TopP != "" {
		w.Raw(`,"topP":` + string(r.TopP))
	}
	for i, one := range r.Stop {
		if i == 0 {
			w.Raw(`,"stopSequences":[`)
		} else {
			w.Raw(`,`)
		}
		w.Text(one)
	}
	if len(r.Stop) > 0 {
		w.Raw(`]`)
	}
	w.Raw(`}`)
	if r.TopK == "" {
		return nil
	}
	if !w.claude {
		return w.Cannot("top_k", "the vendor has no parameter for it that all models take")
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
	w.Raw(`,"additionalModelRequestFields":{`)
	w.Dst = append(w.Dst, w.extra[:len(w.extra)-1]...)
	w.Raw(`}`)
	return nil
}

func (w *writer) serviceTier() error {
	switch tier := w.Request.ServiceTier; tier {
	case "", "auto":
	case "default", "priority", "flex", "reserved":
		w.Raw(`,"serviceTier":{"type":"` + tier + `"}`)
	default:
		return w.Cannot("service_tier", "the vendor has no such tier")
	}
	return nil
}
