package exchange

import (
	"net/http"
	"net/url"

	"github.com/massrouter/massrouter/gateway/chat"
)

// callerSide is what callers of a dialect need.
type callerSide struct {
	parse     func(Incoming) (*chat.Request, error)
	writer    chat.Writer
	capName   string // of the output cap
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

// Speaks says whether vendors of a dialect can be called.
func Speaks(d chat.Dialect) bool {
	return vendorOf(d).path != nil
}

// Address is where a vendor takes calls.
func Address(d chat.Dialect, base *url.URL, model string, stream bool) *url.URL {
	return vendorOf(d).path(base, model, stream)
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

func callerOf(d chat.Dialect) callerSide {
	switch d {
	case chat.OpenAI:
		return callerSide{keepAlive: comment}
	case chat.Anthropic, chat.Gemini, chat.Responses:
	}
	return callerSide{}
}

func vendorOf(d chat.Dialect) vendorSide {
	switch d {
	case chat.OpenAI:
		return vendorSide{path: fixed("chat", "completions"), authorise: bearer}
	case chat.Anthropic, chat.Gemini, chat.Responses:
	}
	return vendorSide{}
}

// comment is a comment of server-sent events, which clients ignore.
const comment = ": keep-alive\n\n"

func fixed(path ...string) func(*url.URL, string, bool) *url.URL {
	return func(base *url.URL, _ string, _ bool) *url.URL { return base.JoinPath(path...) }
}

func bearer(h http.Header, secret string) { h["Authorization"] = []string{"Bearer " + secret} }
