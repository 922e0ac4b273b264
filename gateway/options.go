package gateway

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/journal"
)

// Options of a Gateway. Zero numbers and durations take the defaults named here.
type Options struct {
	Ledger      Ledger
	Catalog     Catalog
	Credentials Credentials
	OwnKeys     OwnKeys          // nil: customers have no keys of their own at vendors
	OwnKeyRate  money.Price      // what a call with one costs, as a part of its price: 0.05 is 5 %
	Answers     Answers          // nil: calls with an Idempotency-Key are refused
	Limits      Limits           // nil: calls come at any rate
	Cache       Cache            // nil: no answer comes from it
	Presets     Presets          // nil: calls with a preset are refused
	Contents    Contents         // nil: nothing of calls is stored
	Hits        Hits             // nil: answers from the cache are not counted
	Media       Media            // nil: what callers name by address goes to vendors as an address
	Journal     *journal.Journal // keeps settlements while the ledger is away
	Transport   http.RoundTripper
	Logger      zerolog.Logger
	Now         func() time.Time
	OnEnd       func(End)
	Random      func() float64 // in [0, 1): draws among endpoints; math/rand
	AutoModels  []string       // what a caller gets who leaves the choice of the model to the platform

	DefaultCap  int64 // output tokens of a choice when the caller gives no cap; 4096
	ImageTokens int64 // bound of an image's tokens; 10,000

	RequestTimeout   time.Duration // a whole answer, all attempts together; 5 m. Holds live three times as long.
	FirstByteTimeout time.Duration // a stream's first byte; 2 m
	IdleTimeout      time.Duration // between two bytes of a stream; 2 m
	StreamTimeout    time.Duration // a whole stream; 1 h
	DrainTimeout     time.Duration // reading on after the caller went away; 5 m
	LedgerTimeout    time.Duration // one command; 5 s
	SettleWait       time.Duration // before a settlement goes to the journal; 15 s
	ReleaseWait      time.Duration // before a release goes to the journal; 1 s
	Lease            time.Duration // of an idempotency key, renewed while the call runs; the request timeout
	KeepAlive        time.Duration // silence on a stream before a comment is sent; 10 s
	Sweep            time.Duration // between two looks at what is unsettled; 5 s

	Attempts  int           // at the vendor; 3
	Backoff   time.Duration // before the second attempt, doubled each time; 100 ms
	RetryWait time.Duration // a Retry-After above this ends the call; 2 s

	MaxAnswer     int64 // bytes of a whole answer; 32 MiB
	MaxEvent      int   // bytes of one event of a stream; 1 MiB
	KeepText      int64 // bytes of produced text a stream keeps for an estimate; 1 MiB
	KeepTextTotal int64 // and all streams together; 32 MiB
}

func set[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

func (o *Options) setDefaults() {
	set(&o.DefaultCap, 4096)
	set(&o.ImageTokens, 10_000)
	set(&o.RequestTimeout, 5*time.Minute)
	set(&o.FirstByteTimeout, 2*time.Minute)
	set(&o.IdleTimeout, 2*time.Minute)
	set(&o.StreamTimeout, time.Hour)
	set(&o.DrainTimeout, 5*time.Minute)
	set(&o.LedgerTimeout, 5*time.Second)
	set(&o.SettleWait, 15*time.Second)
	set(&o.ReleaseWait, time.Second)
	set(&o.Lease, o.RequestTimeout)
	set(&o.KeepAlive, 10*time.Second)
	set(&o.Sweep, 5*time.Second)
	set(&o.Attempts, 3)
	set(&o.Backoff, 100*time.Millisecond)
	set(&o.RetryWait, 2*time.Second)
	set(&o.MaxAnswer, 32<<20)
	set(&o.MaxEvent, 1<<20)
	set(&o.KeepText, 1<<20)
	set(&o.KeepTextTotal, 32<<20)
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.OnEnd == nil {
		o.OnEnd = func(End) {}
	}
}

func (o *Options) check() error {
	switch {
	case o.Ledger == nil || o.Catalog == nil || o.Credentials == nil || o.Journal == nil:
		return domain.Errorf(domain.CodeInternal, "the gateway needs a ledger, a catalogue, credentials and a journal")
	case o.holdTTL() > wallet.MaxHoldTTL:
		return domain.Errorf(domain.CodeInternal, "three request timeouts are above the longest hold, %s", wallet.MaxHoldTTL)
	}
	return nil
}

// holdTTL is how long a hold lives before it has to be extended.
func (o *Options) holdTTL() time.Duration { return 3 * o.RequestTimeout }

func newID() (uuid.UUID, error) { return uuid.NewV7() }
