// Package cache keeps answers for callers who ask for that, so that the same question costs nothing while they are fresh. It is
// exact: an answer is given for the same request of the same API key only (see Digest). Answers are in Redis under names that nobody
// else can guess, sealed so that they can be read with the caller's own API key only. Without Redis there is no cache, and nothing fails.
package cache

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/gateway/seal"
)

//go:embed put.lua
var putScript string

// The lives that an answer may have.
const (
	MinTTL     = time.Second
	MaxTTL     = 24 * time.Hour
	DefaultTTL = 5 * time.Minute
)

const (
	prefix   = "massrouter:cache:"
	purpose  = "massrouter cached answer v1"
	naming   = "massrouter cached answer's name v1"
	patience = 5 * time.Second // of the connection
	// indexLife is longer than any entry's.
	indexLife = MaxTTL + time.Hour
)

// Use is what came of asking or telling the cache, for metrics.
type Use string

// The uses.
const (
	Hit        Use = "hit"
	Miss       Use = "miss"
	Stored     Use = "stored"
	TooLarge   Use = "too_large"  // the answer is larger than what is kept
	Unreadable Use = "unreadable" // an entry is damaged
	Away       Use = "away"       // Redis did not answer in time
)

// Options of a Store. Zero values take the defaults named here.
type Options struct {
	Redis    redis.UniversalClient // heeds contexts; see Client. It is the caller's to close.
	MaxEntry int                   // bytes of an answer; 1 MiB
	Room     int64                 // bytes of all answers of one API key, encrypted; 16 MiB
	Budget   time.Duration         // how long a call waits for Redis; 50 ms
	Retry    time.Duration         // how long Redis is left alone after it did not answer; 1 s
	Logger   zerolog.Logger
	OnUse    func(Use) // many at a time
}

// Store keeps answers. It is safe for concurrent use.
type Store struct {
	o     Options
	put   *redis.Script
	begun time.Time
	until atomic.Int64 // Redis is left alone, as a time since begun
}

// New makes a Store.
func New(o Options) *Store {
	if o.MaxEntry == 0 {
		o.MaxEntry = 1 << 20
	}
	if o.Room == 0 {
		o.Room = 16 << 20
	}
	if o.Budget == 0 {
		o.Budget = 50 * time.Millisecond
	}
	if o.Retry == 0 {
		o.Retry = time.Second
	}
	if o.OnUse == nil {
		o.OnUse = func(Use) {}
	}
	return &Store{o: o, put: redis.NewScript(putScript), begun: time.Now()}
}

// Client is a client as Options.Redis wants it.
func Client(url string) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("this is no Redis address") // the cause may quote the password
	}
	options.ContextTimeoutEnabled, options.MaxRetries, options.DialerRetries = true, -1, 1
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = patience, patience, patience
	return redis.NewClient(options), nil
}

// Caller is whose answers these are.
type Caller struct {
	KeyID  uuid.UUID
	Secret string
}

// Question is what was asked, and by whom.
type Question struct {
	Caller
	Digest [sha256.Size]byte
}

// place is where an answer is in Redis: the common part of the keys of all of the caller's, which are in one slot of a cluster, and its own.
func (q *Question) place() (common, name string, err error) {
	mac, err := seal.Name(q.Secret, naming, q.bound())
	return prefix + "{" + q.KeyID.String() + "}:", hex.EncodeToString(mac[:]), err
}

// bound is what an answer is tied to.
func (q *Question) bound() []byte { return append(q.KeyID[:], q.Digest[:]...) }

// MaxEntry is how large an answer can be, in bytes.
func (s *Store) MaxEntry() int { return s.o.MaxEntry }

// Get finds an answer that is no older than maxAge; nil when there is none. asked is false when it cannot be known.
func (s *Store) Get(ctx context.Context, q Question, maxAge time.Duration) (e *Entry, asked bool) {
	if s.away() {
		s.o.OnUse(Away)
		return nil, false
	}
	common, name, err := q.place()
	if err != nil {
		s.damaged(err)
		return nil, false
	}
	limited, cancel := context.WithTimeout(ctx, s.o.Budget)
	defer cancel()
	raw, err := s.o.Redis.Get(limited, common+name).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		s.o.OnUse(Miss)
		return nil, true
	case err != nil:
		s.lost(err)
		return nil, false
	}
	found, err := open(&q, raw)
	switch {
	case err != nil:
		s.damaged(err)
		return nil, true
	case time.Since(found.StoredAt) > maxAge:
		s.o.OnUse(Miss)
		return nil, true
	}
	s.o.OnUse(Hit)
	return &found, true
}

func open(q *Question, raw []byte) (Entry, error) {
	if len(raw) < seal.SaltBytes {
		return Entry{}, errEntry
	}
	text, err := seal.Open(q.Secret, purpose, raw[:seal.SaltBytes], raw[seal.SaltBytes:], q.bound())
	if err != nil {
		return Entry{}, err
	}
	return decode(text)
}

// Put keeps an answer for so long, from now on.
func (s *Store) Put(ctx context.Context, q Question, e Entry, ttl time.Duration) {
	if len(e.Answer) > s.o.MaxEntry {
		s.o.OnUse(TooLarge)
		return
	}
	e.StoredAt = time.Now()
	salt, sealed, err := seal.Seal(q.Secret, purpose, e.encode(), q.bound())
	if err != nil {
		s.damaged(err)
		return
	}
	raw := append(salt, sealed...)
	if int64(len(raw)) > s.o.Room {
		s.o.OnUse(TooLarge)
		return
	}
	if s.write(ctx, &q, raw, ttl) {
		s.o.OnUse(Stored)
	}
}

// Refused notes an answer that is too large to be put.
func (s *Store) Refused() { s.o.OnUse(TooLarge) }

// Drop forgets an answer. false: it cannot be known whether it is forgotten.
func (s *Store) Drop(ctx context.Context, q Question) bool {
	limited, cancel := context.WithTimeout(ctx, s.o.Budget)
	defer cancel()
	return s.write(limited, &q, nil, 0)
}

func (s *Store) write(ctx context.Context, q *Question, raw []byte, ttl time.Duration) bool {
	if s.away() {
		s.o.OnUse(Away)
		return false
	}
	common, name, err := q.place()
	if err != nil {
		s.damaged(err)
		return false
	}
	err = s.put.Run(ctx, s.o.Redis, []string{common + "index", common + "sizes"},
		common, name, raw, ttl.Milliseconds(), s.o.Room, strconv.FormatInt(indexLife.Milliseconds(), 10)).Err()
	if err != nil {
		s.lost(err)
		return false
	}
	return true
}

func (s *Store) away() bool { return int64(time.Since(s.begun)) < s.until.Load() }

// lost leaves Redis alone for a while: calls do not wait for a server that is away.
func (s *Store) lost(err error) {
	s.until.Store(int64(time.Since(s.begun) + s.o.Retry))
	s.o.OnUse(Away)
	s.o.Logger.Warn().Err(err).Msg("the cache of answers cannot be reached")
}

func (s *Store) damaged(err error) {
	s.o.OnUse(Unreadable)
	s.o.Logger.Warn().Err(err).Msg("an entry of the cache of answers cannot be used")
}
