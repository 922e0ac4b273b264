package exchange

import (
	"net/http"
	"net/url"

	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/bedrock"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/embedding"
	"github.com/massrouter/massrouter/gateway/gemini"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/responses"
)

// callerSide is what callers of a dialect need.
type callerSide struct {
	writer    chat.Writer
	keepAlive string // what may be said in a stream while there is nothing to say
}

// vendorSide is what vendors of a dialect need.
type vendorSide struct {
	reader        chat.Reader
	appendRequest func(dst []byte, r *chat.Request, o chat.Options) ([]byte, error)
	path          func(base *url.URL, model string, stream bool) *url.URL
	authorise     func(h http.Header, secret string)
}

// KeepAlive is what a caller's stream may get while the vendor is silent; "" where the dialect has nothing that clients ignore.
func KeepAlive(d chat.Dialect) string { return callerOf(d).keepAlive }

// Framed says whether the streams of a dialect's vendors are frames in place of server-sent events.
func Framed(d chat.Dialect) bool { return d == chat.Bedrock }

// NamesModel says whether the address of a dialect's vendors names the model.
func NamesModel(d chat.Dialect) bool { return d == chat.Gemini || d == chat.Bedrock }

// Speaks says whether vendors of a dialect can be called.
func Speaks(d chat.Dialect) bool {
	switch d {
	case chat.OpenAI, chat.Responses, chat.Anthropic, chat.Gemini, chat.Bedrock:
		return true
	}
	return false
}

// Address is where a vendor takes calls.
func Address(d chat.Dialect, base *url.URL, model string, ask Ask) *url.URL {
	switch ask.Operation {
	case Chat:
		return vendorOf(d).path(base, model, ask.Stream)
	case Completion:
		return base.JoinPath("completions")
	case Embeddings:
		if d == chat.Gemini {
			return base.JoinPath(embedding.GeminiPath(model, ask.Single))
		}
		return base.JoinPath("embeddings")
	case Rerank:
		return base.JoinPath("rerank")
	case Images:
		return base.JoinPath("images", "generations")
	case Speech:
		return base.JoinPath("audio", "speech")
	case Transcription:
		return base.JoinPath("audio", "transcriptions")
	}
	return base
}

// Header is what each call to a vendor carries. It contains the credential.
func Header(d chat.Dialect, secret string) http.Header {
	h := http.Header{
		"Content-Type": {"application/json"},
		"Accept":       {"application/json, text/event-stream"},
		"User-Agent":   {"massrouter"},
	}
	vendorOf(d).authorise(h, secret)
	return h
}

// Disown takes the credential out of a Header, in whichever dialect it is.
func Disown(h http.Header) {
	for _, name := range []string{"Authorization", "X-Api-Key", "X-Goog-Api-Key"} {
		delete(h, name)
	}
}

func callerOf(d chat.Dialect) callerSide {
	switch d {
	case chat.OpenAI:
		return callerSide{writer: openai.Writer{}, keepAlive: comment}
	case chat.Responses:
		return callerSide{writer: responses.Writer{}, keepAlive: comment}
	case chat.Anthropic:
		return callerSide{writer: anthropic.Writer{}, keepAlive: string(anthropic.AppendPing(nil))}
	case chat.Gemini:
		return callerSide{writer: gemini.Writer{}}
	case chat.Bedrock: // of vendors only
	}
	return callerSide{}
}

func vendorOf(d chat.Dialect) vendorSide {
	switch d {
	case chat.OpenAI:
		return vendorSide{reader: openai.Canonical{}, appendRequest: openai.AppendRequest, path: fixed("chat", "completions"), authorise: bearer}
	case chat.Anthropic:
		return vendorSide{
			reader: anthropic.Reader{}, appendRequest: anthropic.AppendRequest, path: fixed("messages"),
			authorise: func(h http.Header, secret string) {
				h["X-Api-Key"], h["Anthropic-Version"] = []string{secret}, []string{anthropicVersion}
			},
		}
	case chat.Gemini:
		return vendorSide{
			reader: gemini.Reader{}, appendRequest: generateShown, path: generate,
			authorise: func(h http.Header, secret string) { h["X-Goog-Api-Key"] = []string{secret} },
		}
	case chat.Responses:
		return vendorSide{reader: responses.Reader{}, appendRequest: responses.AppendRequest, path: fixed("responses"), authorise: bearer}
	case chat.Bedrock:
		return vendorSide{
			reader: bedrock.Reader{}, appendRequest: bedrock.AppendRequest,
			path: func(base *url.URL, model string, stream bool) *url.URL {
				return base.JoinPath(bedrock.Path(model, stream))
			},
			authorise: func(h http.Header, secret string) {
				bearer(h, secret)
				h["Accept"] = []string{"application/json, application/vnd.amazon.eventstream"}
			},
		}
	}
	return vendorSide{}
}

// anthropicVersion is the version of Messages that we read and write.
const anthropicVersion = "2023-06-01"

// comment is a comment of server-sent events, which clients ignore.
const comment = ": keep-alive\n\n"

func fixed(path ...string) func(*url.URL, string, bool) *url.URL {
	return func(base *url.URL, _ string, _ bool) *url.URL { return base.JoinPath(path...) }
}

// generate is the path of Gemini, in which the model and the verb stand.
func generate(base *url.URL, model string, stream bool) *url.URL {
	u := base.JoinPath(gemini.Path(model, stream))
	if stream {
		u.RawQuery = gemini.StreamQuery
	}
	return u
}

// generateShown asks for the thoughts of a model that shall think, unless the caller does not want to see them: this dialect's vendors hide
// them by default, those of others do not.
func generateShown(dst []byte, r *chat.Request, o chat.Options) ([]byte, error) {
	if r.Reasoning.Given() && !r.Reasoning.Off && r.Reasoning.Effort != "none" && r.Reasoning.Show == nil {
		show, with := true, *r
		with.Reasoning.Show = &show
		r = &with
	}
	return gemini.AppendRequest(dst, r, o)
}

func bearer(h http.Header, secret string) { h["Authorization"] = []string{"Bearer " + secret} }
