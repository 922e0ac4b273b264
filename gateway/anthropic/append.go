package anthropic

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/chat/turns"
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
	w := writer{turns.Writer{Builder: jsonscan.Builder{Dst: dst}, Request: r, Options: o}}
	if err := w.Check(); err != nil {
		return nil, err
	}
	if o.BodyVersion == "" {
		w.Raw(`{"model":`)
		w.Text(o.Model)
	} else {
		w.Raw(`{"anthropic_version":`)
		w.Text(o.BodyVersion)
	}
	w.Raw(`,"max_tokens":`)
	w.Dst = strconv.AppendInt(w.Dst, o.MaxTokens, 10)
	for _, step := range []func() error{w.system, w.messages, w.tools, w.toolChoice, w.parameters, w.reasoning, w.outputConfig} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return append(w.Dst, '}'), nil
}

// writer writes one request.
type writer struct {
	turns.Writer
}

// parameters writes what has the same meaning everywhere.
func (w *writer) parameters() error {
	r := w.Request
	for _, row := range []struct {
		name  string
		value chat.Number
	}{{"temperature", r.Temperature}, {"top_p", r.TopP}, {"top_k", r.TopK}} {
		if row.value != "" {
			w.Raw(`,"` + row.name + `":` + string(row.value))
		}
	}
	if err := w.stop(); err != nil {
		return err
	}
	if r.User != "" {
		w.Raw(`,"metadata":{"user_id":`)
		w.Text(r.User)
		w.Raw(`}`)
	}
	if r.Stream {
		w.Raw(`,"stream":true`)
	}
	return w.serviceTier()
}

func (w *writer) stop() error {
	var list []string
	for _, one := range w.Request.Stop {
		if strings.TrimSpace(one) != "" {
			list = append(list, one)
			continue
		}
		if err := w.Cannot("stop", "the vendor wants more than blanks in a stop sequence"); err != nil {
			return err
		}
	}
	for i, one := range list {
		if i == 0 {
			w.Raw(`,"stop_sequences":[`)
		} else {
			w.Raw(`,`)
		}
		w.Text(one)
		if i == len(list)-1 {
			w.Raw(`]`)
		}
	}
	return nil
}

func (w *writer) serviceTier() error {
	switch w.Request.ServiceTier {
	case "":
	case "auto":
		w.Raw(`,"service_tier":"auto"`)
	case "default":
		w.Raw(`,"service_tier":"standard_only"`)
	default:
		return w.Cannot("service_tier", "the vendor has no such tier")
	}
	return nil
}
