package inference

import (
	"net/http"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
)

// dialect is how callers of one wire format say who they are and what they want, and how they are told of errors.
type dialect struct {
	// credential is the value of an Authorization header, wherever the dialect has it.
	credential func(*http.Request) string
	// address is what the path says of a call.
	address func(*http.Request) (exchange.Incoming, error)
	// body is an error as an answer of its own; object is one that goes into a stream.
	body, object func(failure) []byte
}

func (d *dialect) refuse(w http.ResponseWriter, r *http.Request, err error) {
	writeError(w, r, err, d.body)
}

func openAI() *dialect {
	return &dialect{
		credential: authorization, address: at(chat.OpenAI),
		body: wrapped, object: failure.object,
	}
}

// at is a dialect in which the path says nothing of a call.
func at(d chat.Dialect) func(*http.Request) (exchange.Incoming, error) {
	return func(*http.Request) (exchange.Incoming, error) { return exchange.Incoming{Dialect: d}, nil }
}

func authorization(r *http.Request) string { return r.Header.Get("Authorization") }
