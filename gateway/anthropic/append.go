package anthropic

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// AppendRequest appends the body of a Messages call for a vendor.
//
// What the dialect has a place for elsewhere goes there: system messages to the top, in order, as one text with blank lines between
// them unless one is to be cached; messages of a role that follow each other become one, with the results of tools first. Texts
// without a character are left out, and so is reasoning that a vendor of another dialect signed. Identifiers of calls that the
// vendor would refuse are replaced, in the call and in its result alike.
//
// What it cannot say is refused with chat.Unsupported under the name that OpenAI's chat completions have for it, or left out if o says
// so; content and tools are never left out.
func AppendRequest(dst []byte, r *chat.Request, o chat.Options) ([]byte, error) {
	w := writer{dst: dst, request: r, o: o}
	if err := w.check(); err != nil {
		return nil, err
	}
	if o.BodyVersion == "" {
		w.raw(`{"model":`)
		w.text(o.Model)
	} else {
		w.raw(`{"anthropic_version":`)
		w.text(o.BodyVersion)
	}
	w.raw(`,"max_tokens":`)
	w.dst = strconv.AppendInt(w.dst, o.MaxTokens, 10)
	for _, step := range []func() error{w.system, w.messages, w.tools, w.toolChoice, w.parameters, w.reasoning, w.outputConfig} {
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

// parameters writes what has the same meaning everywhere.
func (w *writer) parameters() error {
	r := w.request
	for _, row := range []struct {
		name  string
		value chat.Number
	}{{"temperature", r.Temperature}, {"top_p", r.TopP}, {"top_k", r.TopK}} {
		if row.value != "" {
			w.raw(`,"` + row.name + `":` + string(row.value))
		}
	}
	if err := w.stop(); err != nil {
		return err
	}
	if r.User != "" {
		w.raw(`,"metadata":{"user_id":`)
		w.text(r.User)
		w.raw(`}`)
	}
	if r.Stream {
		w.raw(`,"stream":true`)
	}
	return w.serviceTier()
}

func (w *writer) stop() error {
	var list []string
	for _, one := range w.request.Stop {
		if strings.TrimSpace(one) != "" {
			list = append(list, one)
			continue
		}
		if err := w.cannot("stop", "the vendor wants more than blanks in a stop sequence"); err != nil {
			return err
		}
	}
	for i, one := range list {
		if i == 0 {
			w.raw(`,"stop_sequences":[`)
		} else {
			w.raw(`,`)
		}
		w.text(one)
		if i == len(list)-1 {
			w.raw(`]`)
		}
	}
	return nil
}

func (w *writer) serviceTier() error {
	switch w.request.ServiceTier {
	case "":
	case "auto":
		w.raw(`,"service_tier":"auto"`)
	case "default":
		w.raw(`,"service_tier":"standard_only"`)
	default:
		return w.cannot("service_tier", "the vendor has no such tier")
	}
	return nil
}
