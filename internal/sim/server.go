package sim

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/rs/zerolog"
)

// Options configures a simulated vendor. The zero value of everything but APIKey is usable.
type Options struct {
	// APIKey is the key that callers must send, as their dialect sends it. Without one nobody is let in.
	APIKey string
	// ServiceAccount is who gets tokens for Vertex AI at POST /token; without one its addresses take the API key.
	ServiceAccount *ServiceAccount
	// AccessKey is what calls of Bedrock may be signed with; without one it is SimAccessKey with the API key as its secret. They take the API key as a
	// bearer's too.
	AccessKey *AccessKey
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
)

// Server is a simulated vendor and its totals. It is an http.Handler, safe for concurrent use.
type Server struct {
	options Options
	key     [sha256.Size]byte
	models  map[string]bool
	words   *vocabulary // in a JSON string
	nested  *vocabulary // in a JSON string in a JSON string
	tally   *tally
	bomb    func() []byte
	calls   sync.Pool
	decode  jsontext.Options
	serial  atomic.Uint64
	stop    context.Context // ends with Close
	stopNow context.CancelFunc

	tokens  tokens
	lookups lookups

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
		words: newVocabulary(1), nested: newVocabulary(2), tally: newTally(), turns: make(map[string]int64),
		bomb:   sync.OnceValue(newBomb),
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
