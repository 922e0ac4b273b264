package limit

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
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

// rule is what holds for a network: while the account is calm, and under attack.
type rule struct{ calm, attack backOff }

// rules are those for the network, and for the one around it, from which one and the same may come with ever another network (a /48 of IPv6). Under attack one try is still
// free from each network: the owner who knows the secret is let in at once from a device that is new, whoever else tries at the same time.
func rules(i int) rule {
	if i == 0 {
		return rule{calm: backOff{free: 5, base: 30 * time.Second, most: 15 * time.Minute}, attack: backOff{free: 1, base: time.Minute, most: time.Hour}}
	}
	return rule{calm: backOff{free: 20, base: 30 * time.Second, most: 15 * time.Minute}, attack: backOff{free: 3, base: time.Minute, most: time.Hour}}
}

func (b backOff) wait(tries int64) time.Duration {
	const doublings = 20 // more would be more than a Duration holds
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
// in Redis for all processes, and in this process while Redis is away. Neither accounts nor addresses stand in Redis, only keyed hashes of
// them, which nobody without the key can find out by trying. It is safe for concurrent use.
type Attempts struct {
	redis redis.UniversalClient // nil: this process counts by itself
	key   []byte                // of the hashes
	begin *redis.Script
	fail  *redis.Script
	local pairs
	now   func() time.Time
	log   zerolog.Logger
}

// NewAttempts makes an Attempts. The client may be nil; so may the key of the hashes, which is the same in all processes that are to count together; now is time.Now when nil.
func NewAttempts(client redis.UniversalClient, key []byte, now func() time.Time, log zerolog.Logger) *Attempts {
	if now == nil {
		now = time.Now
	}
	if key == nil {
		key = make([]byte, sha256.Size)
		_, _ = rand.Read(key) // never fails
	}
	return &Attempts{redis: client, key: key, begin: redis.NewScript(attemptScript), fail: redis.NewScript(failedScript), local: newPairs(), now: now, log: log}
}

// Attempt is a try that may be made. One of its methods says how it ended.
type Attempt struct {
	a       *Attempts
	account string
	pairs   []string // of the network, and of those around it
	known   bool
	local   bool
}

// Known says whether somebody has passed from this network before.
func (t *Attempt) Known() bool { return t.known }

// Begin asks whether a secret of the account may be tried from the network, which others are around. The error is rate_limited, with the detail retry_after. A try
// counts until it is known how it ended, so that tries at the same time do not come through together.
func (a *Attempts) Begin(ctx context.Context, account, network string, around ...string) (*Attempt, error) {
	t := &Attempt{a: a, account: a.hashed("account", account, ""), pairs: []string{a.hashed("pair", account, network)}}
	for _, wider := range around {
		t.pairs = append(t.pairs, a.hashed("around", account, wider))
	}
	now := a.now()
	wait, err := a.ask(ctx, t, now)
	if err != nil {
		t.local = true
		wait, t.known = a.local.begin(t.pairs, t.account, now)
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
	args := []any{now.UnixMilli(), alarm, calmAfter.Milliseconds(), pairFor.Milliseconds()}
	for i := range t.pairs {
		for _, b := range []backOff{rules(i).calm, rules(i).attack} {
			args = append(args, b.free, b.base.Milliseconds(), b.most.Milliseconds())
		}
	}
	answer, err := a.begin.Run(ctx, a.redis, append([]string{t.account}, t.pairs...), args...).Int64Slice()
	if err == nil && len(answer) != 2 {
		err = fmt.Errorf("the script answers with %d numbers", len(answer))
	}
	if err != nil {
		a.log.Warn().Err(err).Msg("tries are counted without Redis: each process by itself")
		return 0, err //nolint:wrapcheck // it is not told
	}
	t.known = answer[1] == 1
	return time.Duration(answer[0]) * time.Millisecond, nil
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

// Passed says that it was right. The network is known from now on; the try does not count for those around it.
func (t *Attempt) Passed(ctx context.Context) {
	if t.local {
		t.a.local.passed(t.pairs, t.known, t.a.now())
		return
	}
	t.tell(ctx, func(ctx context.Context) error {
		_, err := t.a.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, t.pairs[0], "n", 0, "known", 1)
			p.PExpire(ctx, t.pairs[0], knownFor)
			for _, pair := range t.around() {
				p.HIncrBy(ctx, pair, "n", -1)
			}
			return nil
		})
		return err
	})
}

// Dropped says that it was not found out. It does not count.
func (t *Attempt) Dropped(ctx context.Context) {
	if t.local {
		t.a.local.dropped(t.pairs[0])
		for _, pair := range t.around() {
			t.a.local.dropped(pair)
		}
		return
	}
	t.tell(ctx, func(ctx context.Context) error {
		_, err := t.a.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, pair := range append([]string{t.pairs[0]}, t.around()...) {
				p.HIncrBy(ctx, pair, "n", -1)
			}
			return nil
		})
		return err
	})
}

// around are the pairs of the networks around, in which the try was counted: those of networks that are known are not.
func (t *Attempt) around() []string {
	if t.known {
		return nil
	}
	return t.pairs[1:]
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
func (a *Attempts) hashed(kind, account, network string) string {
	mac := hmac.New(sha256.New, a.key)
	_, _ = mac.Write([]byte(kind + "\x00" + account + "\x00" + network)) // never fails
	return prefix + "attempt:" + hex.EncodeToString(mac.Sum(nil))
}
