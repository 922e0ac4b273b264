package inference

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gemini"
	"github.com/massrouter/massrouter/gateway/responses"
	"github.com/massrouter/massrouter/http/problem"
)

// dialect is how callers of one wire format say who they are and what they want, and how they are told of errors.
type dialect struct {
	// credential is the value of an Authorization header, wherever the dialect has it; "" when there is none.
	credential func(*http.Request) (string, error)
	// address is what the path says of a call.
	address func(*http.Request) (exchange.Incoming, error)
	// counts says whether only the prompt's tokens are asked for; counted is the member that says them.
	counts  func(*http.Request) bool
	counted string
	// body is an error as an answer of its own; object is one that goes into a stream.
	body, object func(failure) []byte
}

func (d *dialect) refuse(w http.ResponseWriter, r *http.Request, err error) {
	writeError(w, r, err, d.body)
}

func openAI() *dialect {
	return &dialect{
		credential: authorization, address: at(chat.OpenAI), counts: func(*http.Request) bool { return false },
		body: wrapped, object: failure.object,
	}
}

// responsesAPI is OpenAI's Responses.
func responsesAPI() *dialect {
	return &dialect{
		credential: authorization, address: at(chat.Responses), counts: func(*http.Request) bool { return false },
		body: wrapped, object: func(f failure) []byte { return responses.AppendError(nil, responses.ErrorCode(f.Code), f.Message) },
	}
}

// asking is OpenAI's dialect for another operation than chat completions.
func asking(o exchange.Operation) *dialect {
	d := openAI()
	d.address = func(*http.Request) (exchange.Incoming, error) {
		return exchange.Incoming{Dialect: chat.OpenAI, Operation: o}, nil
	}
	return d
}

// transcribing is OpenAI's dialect for transcriptions, whose body is a form.
func transcribing() *dialect {
	d := openAI()
	d.address = func(r *http.Request) (exchange.Incoming, error) {
		boundary, ok := exchange.Boundary(r.Header.Get("Content-Type"))
		if !ok {
			return exchange.Incoming{}, domain.Errorf(problem.CodeUnsupportedMediaType, "the body is multipart/form-data with its boundary")
		}
		return exchange.Incoming{Dialect: chat.OpenAI, Operation: exchange.Transcription, Boundary: boundary}, nil
	}
	return d
}

// at is a dialect in which the path says nothing of a call.
func at(d chat.Dialect) func(*http.Request) (exchange.Incoming, error) {
	return func(*http.Request) (exchange.Incoming, error) { return exchange.Incoming{Dialect: d}, nil }
}

// countTokens is the end of a path that asks for the number of a prompt's tokens.
const countTokens = "/count_tokens"

// anthropicAPI is Messages: the key in x-api-key, as its clients send it, or as a bearer.
func anthropicAPI() *dialect {
	return &dialect{
		credential: func(r *http.Request) (string, error) { return credential(r, r.Header.Values("X-Api-Key")...) }, address: at(chat.Anthropic),
		counts: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, countTokens) }, counted: "input_tokens",
		body: anthropicError, object: anthropicError,
	}
}

// geminiAPI is generateContent and embedContent: the key in x-goog-api-key or in the query, the model and the verb in the path.
func geminiAPI() *dialect {
	return &dialect{
		credential: func(r *http.Request) (string, error) {
			return credential(r, append(r.URL.Query()["key"], r.Header.Values("X-Goog-Api-Key")...)...)
		},
		counts: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ":countTokens") }, counted: "totalTokens",
		address: geminiAddress, body: geminiError, object: geminiObject,
	}
}

// geminiAddress reads {author}/{slug}:{verb}.
func geminiAddress(r *http.Request) (exchange.Incoming, error) {
	in := exchange.Incoming{Dialect: chat.Gemini}
	slug, verb := chi.URLParam(r, "slug"), ""
	if i := strings.LastIndexByte(slug, ':'); i >= 0 { // a suffix of the model's name may stand before the verb
		slug, verb = slug[:i], slug[i+1:]
	}
	switch verb {
	case "generateContent", "countTokens":
	case "embedContent", "batchEmbedContents":
		in.Operation, in.Single = exchange.Embeddings, verb == "embedContent"
	case "streamGenerateContent":
		if alt := r.URL.Query().Get("alt"); alt != "sse" {
			return in, domain.Errorf(domain.CodeInvalid, "a stream is answered as server-sent events only: ask with alt=sse").With(detailParam, "alt")
		}
		in.Stream = true
	default:
		return in, domain.Errorf(domain.CodeNotFound, "there is nothing at this path")
	}
	in.Model = chi.URLParam(r, "author") + "/" + slug
	return in, nil
}

func anthropicError(f failure) []byte {
	return anthropic.AppendFailure(nil, anthropic.ErrorType(f.Code), f.Message, "")
}

func geminiError(f failure) []byte { return gemini.AppendFailure(nil, f.Code, f.Message) }

func geminiObject(f failure) []byte { return gemini.AppendError(nil, f.Code, f.Message) }
