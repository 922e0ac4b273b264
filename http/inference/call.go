package inference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/http/problem"
)

// ClampHeader lets the output cap be lowered to what is affordable, rather than the call be refused.
const ClampHeader = "X-Massrouter-Clamp"

// DropHeader lets what the dialect of a model's vendor cannot say be left out, rather than the call be refused.
const DropHeader = "X-Massrouter-Drop-Unsupported"

// ExplainHeader asks how the call was routed; the answer says it, as JSON, in RoutingHeader.
const (
	ExplainHeader = "X-Massrouter-Explain"
	RoutingHeader = "X-Massrouter-Routing"
)

const yes = "true" // of these headers

// Completer runs calls. See gateway.Gateway.
type Completer interface {
	Complete(ctx context.Context, c gateway.Call, client gateway.Client) error
	Count(ctx context.Context, in exchange.Incoming, group string) (int64, error)
}

// CallOptions of the calls of models. Zero values take the defaults named here.
type CallOptions struct {
	MaxBody   int64         // bytes of a request; 8 MiB
	MaxUpload int64         // bytes of a form with a file; 26 MiB
	Patience  time.Duration // for reading what was written; 30 s
}

const (
	defaultMaxBody  = 8 << 20
	defaultUpload   = 26 << 20 // files of 25 MiB, as OpenAI takes them, and what stands around them
	defaultPatience = 30 * time.Second
	firstBody       = 4 << 10
	keepBody        = 256 << 10
)

// Calls answers calls of models, in all dialects. It bounds bodies itself.
type Calls struct {
	gateway Completer
	auth    Authenticator
	o       CallOptions
	bodies  sync.Pool
}

// NewCalls makes the handlers.
func NewCalls(g Completer, a Authenticator, o CallOptions) *Calls {
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.MaxUpload == 0 {
		o.MaxUpload = defaultUpload
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	return &Calls{gateway: g, auth: a, o: o}
}

// handle answers calls in one dialect.
func (c *Calls) handle(d *dialect) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := c.serve(w, r, d); err != nil {
			d.refuse(w, r, err)
		}
	}
}

func (c *Calls) serve(w http.ResponseWriter, r *http.Request, d *dialect) error {
	credential, err := d.credential(r)
	if err != nil {
		return err
	}
	key, secret, err := admit(c.auth, r, credential)
	if err != nil {
		return err
	}
	if key.Scope != apikey.Inference {
		return domain.Errorf(domain.CodeForbidden, "a management key calls no models")
	}
	in, err := d.address(r)
	if err != nil {
		return err
	}
	buffer := c.take()
	defer c.giveBack(buffer)
	client := newClient(w, c.o.Patience, d)
	if err := c.read(w, r, buffer, in.Boundary != ""); err != nil {
		return err
	}
	token, err := idempotencyKey(r.Header)
	if err != nil {
		return err
	}
	wish, err := cacheWish(r.Header)
	if err != nil {
		return err
	}
	in.Body = *buffer
	if d.counts(r) {
		return c.count(w, r, d, in, key.PriceGroup)
	}
	err = c.gateway.Complete(r.Context(), gateway.Call{
		KeyID: key.ID, WalletID: key.WalletID, PriceGroup: key.PriceGroup, Incoming: in, Clamp: r.Header.Get(ClampHeader) == yes,
		DropUnsupported: r.Header.Get(DropHeader) == yes, Explain: r.Header.Get(ExplainHeader) == yes,
		Scopes: key.Scopes(), AppID: key.AppID, Referer: r.Header.Get("Http-Referer"), Title: appTitle(r.Header), Token: token, Secret: secret,
		Cache: wish, Retention: key.Content.Retention(key.ID),
	}, client)
	if client.cut {
		panic(http.ErrAbortHandler) // what was sent is no whole answer
	}
	return err
}

// count answers how many tokens a prompt has.
func (c *Calls) count(w http.ResponseWriter, r *http.Request, d *dialect, in exchange.Incoming, group string) error {
	n, err := c.gateway.Count(r.Context(), in, group)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{%q:%d}`, d.counted, n) // a client that went away needs no answer
	return nil
}

func (c *Calls) take() *[]byte {
	if b, ok := c.bodies.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, firstBody)
	return &b
}

func (c *Calls) giveBack(buffer *[]byte) {
	if cap(*buffer) <= keepBody {
		*buffer = (*buffer)[:0]
		c.bodies.Put(buffer)
	}
}

// read takes the body in, within its limit.
func (c *Calls) read(w http.ResponseWriter, r *http.Request, to *[]byte, form bool) error {
	for _, encoding := range r.Header["Content-Encoding"] {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return domain.Errorf(problem.CodeUnsupportedMediaType, "the body is sent without a content encoding")
		}
	}
	most := c.o.MaxBody
	if form {
		most = c.o.MaxUpload
	}
	tooLarge := domain.Errorf(problem.CodeTooLarge, "a request has at most %d bytes", most)
	if r.ContentLength > most {
		return tooLarge
	}
	body := http.MaxBytesReader(w, r.Body, most)
	b := *to
	if n := int(r.ContentLength) + 1; n > cap(b) {
		b = make([]byte, 0, n)
	}
	for {
		n, err := body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == nil {
			if len(b) == cap(b) {
				b = append(b, 0)[:len(b)]
			}
			continue
		}
		*to = b
		var long *http.MaxBytesError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &long):
			return tooLarge
		}
		return domain.Errorf(domain.CodeInvalid, "the body could not be read to its end").Wrap(err)
	}
}

// appTitle is the name of the app as the caller gives it, by either header that OpenRouter knows.
func appTitle(h http.Header) string {
	if title := h.Get("X-Title"); title != "" {
		return title
	}
	return h.Get("X-Openrouter-Title")
}

// idempotencyKey is the caller's, given once or not at all.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1 || values[0] == "":
		return "", domain.Errorf(domain.CodeInvalid, "an Idempotency-Key is given once and is not empty").With("param", "Idempotency-Key")
	}
	return values[0], nil
}

// Mount adds the routes to a router.
func (c *Calls) Mount(r chi.Router) {
	chat, respond, messages, generate := c.handle(openAI()), c.handle(responsesAPI()), c.handle(anthropicAPI()), c.handle(geminiAPI())
	embed, complete := c.handle(asking(exchange.Embeddings)), c.handle(asking(exchange.Completion))
	rerank, draw, speak := c.handle(asking(exchange.Rerank)), c.handle(asking(exchange.Images)), c.handle(asking(exchange.Speech))
	write := c.handle(transcribing())
	for _, root := range []string{"/v1", "/api/v1"} {
		r.Post(root+"/completions", complete)
		r.Post(root+"/embeddings", embed)
		r.Post(root+"/rerank", rerank)
		r.Post(root+"/images/generations", draw)
		r.Post(root+"/audio/speech", speak)
		r.Post(root+"/audio/transcriptions", write)
		r.Post(root+"/chat/completions", chat)
		r.Post(root+"/responses", respond)
		r.Post(root+"/messages", messages)
		r.Post(root+"/messages"+countTokens, messages)
	}
	for _, root := range []string{"/v1", "/v1beta"} {
		r.Post(root+"/models/{author}/{slug}", generate)
	}
}
