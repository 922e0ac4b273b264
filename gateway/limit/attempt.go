package limit

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain"
)

//go:embed attempt.lua
var attemptScript string

//go:embed failed.lua
var failedScript string

// backOff is how somebody has to wait who keeps guessing: not at all for the first tries, then a time that doubles.
type backOff struct {
	free       int64
	base, most time.Duration
}

// The back-offs. Under attack one try is still free from each network: the owner who knows the secret is let in at once from a device
// that is new, whoever else tries at the same time.
var (
	calm   = backOff{free: 5, base: 30 * time.Second, most: 15 * time.Minute} //nolint:gochecknoglobals // a constant
	attack = backOff{free: 1, base: time.Minute, most: time.Hour}             //nolint:gochecknoglobals // a constant
)

func (b backOff) wait(tries int64) time.Duration {
	const doublings = 30
	if tries < b.free {
		return 0
	}
	return min(b.base<<min(tries-b.free, doublings), b.most)
}

const (
	alarm       = 20                  // failures from networks that are not known, of an account within calmAfter: an attack
	calmAfter   = time.Hour           // since the last of them
	pairFor     = 24 * time.Hour      // tries are remembered
	knownFor    = 90 * 24 * time.Hour // a network is known after its last success
	attemptTime = 200 * time.Millisecond
)

// Attempts slows those down who guess the secret of an account: by account and network, so that nobody locks anybody else out. It counts
// in Redis for all processes, and in this process while Redis is away. Neither accounts nor addresses stand in Redis, only hashes of
// both together. It is safe for concurrent use.
type Attempts struct {
	redis redis.UniversalClient // nil: this process counts by itself
	begin *redis.Script
	fail  *redis.Script
	local pairs
	now   func() time.Time
	log   zerolog.Logger
}

// NewAttempts makes an Attempts. The client may be nil; now is time.Now when nil.
func NewAttempts(client redis.UniversalClient, now func() time.Time, log zerolog.Logger) *Attempts {
	if now == nil {
		now = time.Now
	}
	return &Attempts{redis: client, begin: redis.NewScript(attemptScript), fail: redis.NewScript(failedScript), local: newPairs(), now: now, log: log}
}

// Attempt is a try that may be made. One of its methods says how it ended.
type Attempt struct {
	a             *Attempts
	pair, account string
	local         bool
}

// Begin asks whether a secret of the account may be tried from the network. The error is rate_limited, with the detail retry_after. A try
// counts until it is known how it ended, so that tries at the same time do not come through together.
func (a *Attempts) Begin(ctx context.Context, account, network string) (*Attempt, error) {
	t := &Attempt{a: a, account: hashed("account", account, ""), pair: hashed("pair", account, network)}
	now := a.now()
	wait, err := a.ask(ctx, t, now)
	if err != nil {
		t.local = true
		wait = a.local.begin(t.pair, t.account, now)
	}
	if wait > 0 {
		seconds := int64((wait + time.Second - 1) / time.Second)
		return nil, domain.Errorf(domain.CodeRateLimited, "too many tries; the next one may be made in %d seconds", seconds).
			With(DetailRetry, strconv.FormatInt(seconds, 10))
	}
	return t, nil
}

func (a *Attempts) ask(ctx context.Context, t *Attempt, now time.Time) (time.Duration, error) {
	if a.redis == nil {
		return 0, errAway
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTime)
	defer cancel()
	ms, err := a.begin.Run(ctx, a.redis, []string{t.pair, t.account}, now.UnixMilli(),
		calm.free, calm.base.Milliseconds(), calm.most.Milliseconds(), attack.free, attack.base.Milliseconds(), attack.most.Milliseconds(),
		alarm, calmAfter.Milliseconds(), pairFor.Milliseconds()).Int64()
	if err != nil {
		a.log.Warn().Err(err).Msg("tries are counted without Redis: each process by itself")
		return 0, err //nolint:wrapcheck // it is not told
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// Failed says that the secret was wrong.
func (t *Attempt) Failed(ctx context.Context) {
	if t.local {
		t.a.local.failed(t.account, t.a.now())
		return
	}
	t.tell(ctx, func(ctx context.Context) error {
		return t.a.fail.Run(ctx, t.a.redis, []string{t.account}, t.a.now().UnixMilli(), calmAfter.Milliseconds()).Err()
	})
}

// Passed says that it was right. The network is known from now on.
func (t *Attempt) Passed(ctx context.Context) {
	if t.local {
		t.a.local.passed(t.pair, t.a.now())
		return
	}
	t.tell(ctx, func(ctx context.Context) error {
		_, err := t.a.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, t.pair, "n", 0, "known", 1)
			p.PExpire(ctx, t.pair, knownFor)
			return nil
		})
		return err
	})
}

// Dropped says that it was not found out. It does not count.
func (t *Attempt) Dropped(ctx context.Context) {
	if t.local {
		t.a.local.dropped(t.pair)
		return
	}
	t.tell(ctx, func(ctx context.Context) error { return t.a.redis.HIncrBy(ctx, t.pair, "n", -1).Err() })
}

// tell sends how a try ended. What is lost counts as a failure of the pair, and not of the account.
func (t *Attempt) tell(ctx context.Context, what func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTime)
	defer cancel()
	if err := what(ctx); err != nil {
		t.a.log.Warn().Err(err).Msg("the end of a try could not be told to Redis")
	}
}

// hashed is a key of Redis.
func hashed(kind, account, network string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + account + "\x00" + network))
	return prefix + "attempt:" + hex.EncodeToString(sum[:])
}
