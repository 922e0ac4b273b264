package gateway

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/gateway/answers"
	"github.com/massrouter/massrouter/gateway/cache"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/hits"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/preset"
)

// Ledger is where holds are placed and ended. Commands are idempotent: the same id and input give the first outcome.
// Errors are *domain.Error; ledger_unavailable, overloaded and internal are worth another try, all others are final.
type Ledger interface {
	PlaceHold(context.Context, commands.Meta, commands.PlaceHold) (commands.Held, commands.Receipt, error)
	ExtendHold(context.Context, commands.Meta, commands.ExtendHold) (commands.Extended, commands.Receipt, error)
	SettleHold(context.Context, commands.Meta, commands.SettleHold) (commands.Charged, commands.Receipt, error)
	ReleaseHold(context.Context, commands.Meta, commands.ReleaseHold) (commands.Balance, commands.Receipt, error)
}

// Limits lets calls through within their rates. See limit.Limiter. A refusal is a *domain.Error with code rate_limited; a call that was
// let through is ended by Done. Both return soon, whatever the state of what counts.
type Limits interface {
	Take(ctx context.Context, tokens int64, scopes ...limit.Scope) (*limit.Grant, error)
}

// Media puts the images and documents that a conversation names by address into its body. See remote.Fetcher.
type Media interface {
	// Inline gives the body with them; nil when it names none. Errors are invalid_request: what the caller can do about it.
	Inline(ctx context.Context, dialect chat.Dialect, body []byte) ([]byte, error)
}

// Picture is the catalogue at one moment. Nobody changes its maps.
type Picture struct {
	Vendors   map[string]catalog.Vendor
	Models    map[string]catalog.Model
	Endpoints map[string]catalog.Endpoint
	ByModel   map[string][]string               // endpoint ids of a model, the preferred one first
	Prices    map[string][]catalog.PriceVersion // of the list: by endpoint id, in the order of publication
	// GroupPrices are those of price groups, by endpoint id.
	GroupPrices map[string]catalog.GroupPrices
}

// Catalog has the catalogue. Get is called for every request: it must be cheap, and may be a little behind.
type Catalog interface {
	Get(ctx context.Context) (Picture, error)
	// Renew is Get for a call that has not found what may have been published just now. It may wait.
	Renew(ctx context.Context) (Picture, error)
}

// Credentials has the platform's own keys at each vendor, none for a vendor without one. It is asked for every call and every endpoint: it
// must be cheap. Nobody changes what it returns.
type Credentials interface {
	Credentials(vendor string) []credential.Credential
}

// OwnKeys has the keys of customers at vendors. See ownkey.Watch. It is asked for every call: it must be cheap. Errors are *domain.Error.
type OwnKeys interface {
	// ByVendor are those that a call of a wallet may use for a model with an API key, by vendor, in the order in which they are tried.
	ByVendor(wallet uuid.UUID, model string, key uuid.UUID) (map[string][]ownkey.Usable, error)
	// Find is a key by its id; false when it is not there any more.
	Find(id uuid.UUID) (ownkey.Usable, bool)
}

// Answers keeps first answers for callers who sent an Idempotency-Key. See answers.Store.
type Answers interface {
	Claim(ctx context.Context, c answers.Claim, secret string, lease time.Duration) (*answers.Answer, error)
	Keep(ctx context.Context, c answers.Claim, secret string, a answers.Answer) error
	Settled(ctx context.Context, c answers.Claim) error
	Renew(ctx context.Context, c answers.Claim, lease time.Duration) error
	Free(ctx context.Context, c answers.Claim) error
	Unsettled(ctx context.Context, limit int) ([]answers.Unsettled, error)
}

// Cache keeps answers for callers who asked for that. See cache.Store. It never fails: what it cannot do is not done.
type Cache interface {
	Get(ctx context.Context, q cache.Question, maxAge time.Duration) (e *cache.Entry, asked bool)
	Put(ctx context.Context, q cache.Question, e cache.Entry, ttl time.Duration)
	Drop(ctx context.Context, q cache.Question) bool
	Refused() // notes an answer that is longer than MaxEntry
	MaxEntry() int
}

// Presets has what calls may leave unsaid. See preset.Store. Errors are *domain.Error: preset_not_found, preset_archived,
// ledger_unavailable.
type Presets interface {
	Newest(ctx context.Context, wallet uuid.UUID, slug string) (preset.Version, error)
}

// Contents stores what calls asked and were answered, for wallets whose owner wants that. See content.Writer.
type Contents interface {
	// Put takes the content of a call that has ended, without anybody waiting for it.
	Put(c content.Call)
}

// Hits counts answers that were given again from the cache. See hits.Recorder.
type Hits interface {
	// Put takes one, without anybody waiting for it.
	Put(h hits.Hit)
}

// Call is one request of an authenticated caller.
type Call struct {
	KeyID             uuid.UUID
	WalletID          uuid.UUID
	PriceGroup        string        // of the wallet, by whose prices the call is routed; "" for the list's. What it is charged, the ledger says
	exchange.Incoming               // unchanged until Complete returns
	Scopes            []limit.Scope // whose rate limits the call is held to; none when empty
	Clamp             bool          // lower the output cap to what is affordable rather than refuse
	// Explain tells the caller how the call was routed.
	Explain bool
	// DropUnsupported leaves out what the vendor's dialect cannot say, rather than refuse.
	DropUnsupported bool
	// AppID is the app that the key is bound to, nil for none. Referer and Title are what the caller says of its app, unchecked:
	// HTTP-Referer and X-Title.
	AppID   uuid.UUID
	Referer string
	Title   string
	// Retention is for how long the call's content is stored; 0 for not.
	Retention time.Duration
	// Cache lets the answer come from the cache; nil for not.
	Cache *CacheWish
	// Token is the Idempotency-Key, "" without one. Secret is the caller's API key, which seals the answer that is kept.
	Token  string
	Secret string
}

// Client is the caller's side of a call. Methods are called from one goroutine at a time, and after an error no more.
type Client interface {
	// Admitted tells the generation's id, once, before anything is sent.
	Admitted(generation string)
	// Routed tells how the call was routed, as JSON (see routing.Explanation), if the call asked for that: once, before anything is sent.
	Routed(explanation []byte)
	// Cached tells what the cache had to do with a call that asked for it: at most once, before anything is sent.
	Cached(s CacheStatus)
	// Whole sends a whole answer of a media type, "" for JSON. replayed: it is the answer of an earlier call.
	Whole(media string, body []byte, replayed bool) error
	// Open begins a stream of a media type, "" for events.
	Open(media string, replayed bool) error
	// Write sends bytes of the stream at once.
	Write(p []byte) error
	// Cut ends a stream that has begun and that no error can be put into, so that nobody takes it for a whole one.
	Cut()
	// Failure is the error object of the caller's dialect, as JSON, that goes into a stream that has begun.
	Failure(err error) []byte
}

// End is how a call ended, for metrics.
type End struct {
	Model, Vendor string
	Streamed      bool
	Code          string // "" for success
	Attempts      int
	FirstToken    time.Duration // 0 when nothing came
	Took          time.Duration
}
