package sim

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/rs/zerolog"
)

// Options configures a simulated vendor. The zero value of everything but APIKey is usable.
type Options struct {
	// APIKey is the bearer key that callers must send. Without one nobody is let in.
	APIKey string
	// Models are the names that exist; any other is 404. Without a list every name exists.
	Models []string
	// Tokens is the length of an answer in content tokens, 16 if zero.
	Tokens int64
	// FirstToken and BetweenTokens are the latency of calls that do not say their own.
	FirstToken, BetweenTokens time.Duration
	// Stall is how long a call that is never answered is held, 10 minutes if zero.
	Stall time.Duration
	// MaxBody is the largest body in bytes, 32 MiB if zero.
	MaxBody int64
	// Now gives the time stamped on answers, time.Now if nil.
	Now func() time.Time
	// Logger gets one line a call at debug level, without contents.
	Logger zerolog.Logger
}

const (
	defaultTokens  = 16
	defaultStall   = 10 * time.Minute
	defaultMaxBody = 32 << 20
	maxTurnKeys    = 10_000
	maxTotalsWait  = time.Minute
)

// Server is a simulated vendor and its totals. It is an http.Handler, safe for concurrent use.
type Server struct {
	options Options
	key     [sha256.Size]byte
	models  map[string]bool
	words   *vocabulary
	tally   *tally
	calls   sync.Pool
	decode  jsontext.Options
	serial  atomic.Uint64
	stop    context.Context // ends with Close
	stopNow context.CancelFunc

	turnsMu sync.Mutex
	turns   map[string]int64 // by the key of `times`: how often a fault was asked for
}

// New makes a simulated vendor.
func New(o Options) *Server {
	if o.Tokens == 0 {
		o.Tokens = defaultTokens
	}
	if o.Stall == 0 {
		o.Stall = defaultStall
	}
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		options: o, key: sha256.Sum256([]byte(o.APIKey)), models: make(map[string]bool, len(o.Models)),
		words: newVocabulary(), tally: newTally(), turns: make(map[string]int64),
		decode: jsontext.AllowDuplicateNames(true),
	}
	for _, name := range o.Models {
		s.models[name] = true
	}
	s.stop, s.stopNow = context.WithCancel(context.Background())
	s.calls.New = func() any { return newCall(s) }
	return s
}

// Handler returns the server itself.
func (s *Server) Handler() http.Handler { return s }

// Totals returns what was served so far. A call is in it before the client can have read the answer's end.
func (s *Server) Totals() Totals { return s.tally.totals() }

// WaitIdle returns when no call is being answered, or with the context's error. It is for calls whose client left, which
// end a moment after that.
func (s *Server) WaitIdle(ctx context.Context) error { return s.tally.wait(ctx) }

// Reset forgets the totals and starts the counting of `times` anew. Calls in flight are counted after it.
func (s *Server) Reset() {
	s.tally.reset()
	s.turnsMu.Lock()
	clear(s.turns)
	s.turnsMu.Unlock()
}

// Close ends waiting and stalled calls at once, so that an http.Server can shut down; later calls are cut as soon as they
// would wait.
func (s *Server) Close() { s.stopNow() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v1/chat/completions":
		if s.admit(w, r, http.MethodPost) {
			s.chat(w, r)
		}
	case "/v1/models":
		if s.admit(w, r, http.MethodGet) {
			s.listModels(w)
		}
	case "/sim/totals":
		if s.method(w, r, http.MethodGet) {
			s.serveTotals(w, r)
		}
	case "/sim/reset":
		if s.method(w, r, http.MethodPost) {
			s.Reset()
			w.WriteHeader(http.StatusNoContent)
		}
	case "/healthz":
		w.WriteHeader(http.StatusOK)
	default:
		s.refuse(w, &failure{http.StatusNotFound, "invalid_request_error", "unknown_url", "", "Unknown request URL."})
	}
}

// refuse answers and counts a request that did not pass the checks.
func (s *Server) refuse(w http.ResponseWriter, f *failure) {
	s.tally.refuse(f.code)
	writeFailure(w, f)
}

func (s *Server) method(w http.ResponseWriter, r *http.Request, want string) bool {
	if r.Method == want {
		return true
	}
	w.Header().Set("Allow", want)
	s.refuse(w, &failure{http.StatusMethodNotAllowed, "invalid_request_error", "method_not_allowed", "", "Not allowed: use " + want + "."})
	return false
}

// admit checks method and key.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, method string) bool {
	if !s.method(w, r, method) {
		return false
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(key))
	if s.options.APIKey != "" && strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], s.key[:]) == 1 {
		return true
	}
	s.refuse(w, &failure{http.StatusUnauthorized, "invalid_request_error", "invalid_api_key", "", "Incorrect API key provided."})
	return false
}

// strikes says whether the fault of a call with this key is still to happen.
func (s *Server) strikes(key string, times int64) (bool, error) {
	if times == unset {
		return true, nil
	}
	s.turnsMu.Lock()
	defer s.turnsMu.Unlock()
	turn, known := s.turns[key]
	if !known && len(s.turns) >= maxTurnKeys {
		return false, invalid(errorOfControl, "", "There are too many keys of 'times': POST /sim/reset forgets them.")
	}
	if turn >= times {
		return false, nil
	}
	s.turns[key] = turn + 1
	return true, nil
}

func (s *Server) listModels(w http.ResponseWriter) {
	names := s.options.Models
	if len(names) == 0 {
		names = []string{"sim-large", "sim-small"}
	}
	created := s.options.Now().Unix()
	body := append([]byte(nil), `{"object":"list","data":[`...)
	for i, name := range names {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"id":`...)
		body = appendText(body, name)
		body = append(body, `,"object":"model","created":`...)
		body = strconv.AppendInt(body, created, 10)
		body = append(body, `,"owned_by":"sim"}`...)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, `]}`...)) // the client may have left
}

func (s *Server) serveTotals(w http.ResponseWriter, r *http.Request) {
	if text := r.URL.Query().Get("wait"); text != "" {
		wait, err := time.ParseDuration(text)
		if err != nil || wait < 0 || wait > maxTotalsWait {
			s.refuse(w, failureOf(invalid(codeValue, "wait", "Invalid 'wait': expected a duration up to %s.", maxTotalsWait)))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), wait)
		defer cancel()
		// The time may pass: in_flight says so to the reader.
		_ = s.WaitIdle(ctx)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.Totals()) // the client may have left
}
