package gemini

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

// StreamQuery is the query of a stream's address: without it the stream is one JSON array.
const StreamQuery = "alt=sse"

// Path is where a model takes calls, below the address of the API's version: models/x:generateContent. A model whose name has
// slashes, such as publishers/google/models/x of Vertex AI, stands below it by itself. A stream also needs StreamQuery.
func Path(model string, stream bool) string {
	if !strings.Contains(model, "/") {
		model = "models/" + model
	}
	segments := strings.Split(model, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	verb := ":generateContent"
	if stream {
		verb = ":streamGenerateContent"
	}
	return strings.Join(segments, "/") + verb
}

// outgoing is a request on its way to a vendor.
type outgoing struct {
	*chat.Request
	o       chat.Options
	at      int               // the message under way
	names   map[string]string // of called functions, by the calls' ids
	low     int               // images that may be looked at coarsely
	images  int
	refused error // the first thing that cannot be said
}

// AppendRequest appends the body of a call; the model and whether it streams stand in its address (see Path). Errors are
// *domain.Error with the code invalid_request and the detail "param": something that cannot be said, or content that cannot be
// understood. What the caller's dialect said and the canonical form cannot (Unsupported) is not looked at.
//
// A call that has no signature of a Gemini model gets the word with which Google's servers take it all the same, if the model
// asks for one.
func AppendRequest(dst []byte, r *chat.Request, o chat.Options) ([]byte, error) {
	w := &outgoing{Request: r, o: o, names: map[string]string{}}
	start := len(dst)
	dst = append(dst, '{')
	dst = w.contents(dst)
	dst = w.system(dst)
	dst = w.tools(dst)
	dst = w.generation(dst)
	w.others()
	if w.refused != nil {
		return dst[:start], w.refused
	}
	return append(dst, '}'), nil
}

// here is a member of the message under way.
func (w *outgoing) here(member string) string { return "messages[" + strconv.Itoa(w.at) + "]" + member }

// refuse notes what cannot be said, whatever the options.
func (w *outgoing) refuse(field, why string) {
	if w.refused == nil {
		w.refused = chat.Unsupported(field, why)
	}
}

// invalid notes what cannot be understood.
func (w *outgoing) invalid(field, format string, args ...any) {
	if w.refused == nil {
		w.refused = domain.Errorf(domain.CodeInvalid, format, args...).With("param", field)
	}
}

// option notes a parameter that cannot be said, unless it may be left out.
func (w *outgoing) option(given bool, field, why string) {
	if given && !w.o.DropUnsupported {
		w.refuse(field, why)
	}
}

// others are the parameters that have no place in the body.
func (w *outgoing) others() {
	w.option(w.ParallelTools != nil && !*w.ParallelTools && len(w.Tools) > 0, "parallel_tool_calls", "Gemini cannot be kept to one call at a time")
	standard := w.ServiceTier == "" || w.ServiceTier == "auto" || w.ServiceTier == "default" || w.ServiceTier == "standard"
	w.option(!standard, "service_tier", "it is served in the standard tier only")
	w.option(w.User != "", "user", "Gemini has no place for it")
	for i := range w.Messages {
		if w.Messages[i].Name != "" {
			w.at = i
			w.option(true, w.here(".name"), "Gemini does not tell speakers of one role apart")
		}
	}
}

// system appends the texts of all system messages.
func (w *outgoing) system(dst []byte) []byte {
	begun := false
	for i := range w.Messages {
		if w.Messages[i].Role != chat.System {
			continue
		}
		for j := range w.Messages[i].Parts {
			p := &w.Messages[i].Parts[j]
			if p.Kind != chat.Text {
				w.at = i
				w.refuse(w.here(""), "a system message has nothing but text")
				continue
			}
			if p.Text == "" {
				continue
			}
			if !begun {
				dst, begun = append(key(dst, "systemInstruction"), `{"parts":[`...), true
			}
			dst = append(text(append(comma(dst), '{'), "text", p.Text), '}')
		}
	}
	if begun {
		dst = append(dst, "]}"...)
	}
	return dst
}
