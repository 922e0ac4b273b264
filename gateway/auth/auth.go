// Package auth finds out whose API key a secret is. What it knows of a key may be a second old, or a few while the database is
// slow: that is enough to say who is calling, never to let somebody spend. A hold checks the key again, under the ledger's lock.
package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Key is what has to be known of an API key.
type Key struct {
	ID           uuid.UUID
	WalletID     uuid.UUID
	Scope        apikey.Scope
	Label        string
	Hash         apikey.Hash
	OldHash      apikey.Hash // works until OldHashUntil
	OldHashUntil time.Time
	Limits       apikey.Limits
	AppID        uuid.UUID             // the app that its calls count for; nil when there is none
	PriceGroup   string                // of its wallet: whose prices its calls pay; "" for the list's
	WalletRates  wallet.RateLimits     // of all calls of its wallet
	Content      wallet.ContentStorage // of its wallet
	MemberRates  wallet.RateLimits     // of all keys of its member; none when it has no member
	Disabled     bool
	Revoked      bool
}

// State is how far the place where keys are looked up knows the log. Positions of different builds have nothing in common.
type State struct {
	Build    int
	Position int64
}

// Keys is where keys are looked up.
type Keys interface {
	// Key is a key as of a state. An unknown key is an error with code key_not_found.
	Key(ctx context.Context, id uuid.UUID) (Key, State, error)
	// Changed lists the keys that changed after a position, up to the state.
	Changed(ctx context.Context, after int64) ([]uuid.UUID, State, error)
}

// Options of an Authenticator. Zero values take the defaults named here.
type Options struct {
	Watch   time.Duration // how often it is asked which keys have changed; 1 s
	Watched time.Duration // how long a found key is believed while that is known; 5 min
	Known   time.Duration // how long it is believed otherwise; 5 s
	Unknown time.Duration // how long it is believed that there is no such key; 1 s
	Size    int           // keys remembered at most; 10,000
	Now     func() time.Time
}

const (
	defaultWatch   = time.Second
	defaultWatched = 5 * time.Minute
	defaultKnown   = 5 * time.Second
	defaultUnknown = time.Second
	defaultSize    = 10_000
	lookUpTime     = 5 * time.Second
)

// Authenticator checks secrets. It is safe for concurrent use.
type Authenticator struct {
	keys   Keys
	o      Options
	flight singleflight.Group
	// Apart, so that made-up secrets do not push real keys out.
	known, unknown *cache
	watch          watch
}

// New makes an Authenticator.
func New(keys Keys, o Options) *Authenticator {
	if o.Watch == 0 {
		o.Watch = defaultWatch
	}
	if o.Watched == 0 {
		o.Watched = defaultWatched
	}
	if o.Known == 0 {
		o.Known = defaultKnown
	}
	if o.Unknown == 0 {
		o.Unknown = defaultUnknown
	}
	if o.Size == 0 {
		o.Size = defaultSize
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Authenticator{keys: keys, o: o, known: newCache(o.Size), unknown: newCache(o.Size)}
}

// wrong is what every secret gets that opens nothing: whether the key exists is nobody's business.
func wrong() error {
	return domain.Errorf(domain.CodeKeyInvalid, "this API key is not valid")
}

// Header authenticates the value of an Authorization header and returns the secret beside its key.
func (a *Authenticator) Header(ctx context.Context, header string) (Key, string, error) {
	scheme, secret, _ := strings.Cut(header, " ")
	secret = strings.TrimSpace(secret)
	if !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return Key{}, "", domain.Errorf(domain.CodeUnauthenticated, "an API key is needed: Authorization: Bearer <key>")
	}
	key, err := a.Secret(ctx, secret)
	return key, secret, err
}

// Secret finds the key of a secret and says whether it may be used: key_invalid, key_revoked, key_disabled or key_expired
// if not. ledger_unavailable when that cannot be known.
func (a *Authenticator) Secret(ctx context.Context, secret string) (Key, error) {
	id, err := apikey.ParseSecret(secret)
	if err != nil {
		return Key{}, wrong()
	}
	found, err := a.find(ctx, id)
	if err != nil {
		return Key{}, err
	}
	now, hash := a.o.Now(), apikey.HashSecret(secret)
	isNew := found.known && found.key.Hash.Equal(hash)
	isOld := found.known && found.key.OldHash.Equal(hash) && now.Before(found.key.OldHashUntil)
	if !isNew && !isOld {
		return Key{}, wrong()
	}
	if err := apikey.Usable(found.key.Revoked, found.key.Disabled, found.key.Limits.ExpiresAt, now); err != nil {
		return Key{}, err
	}
	return found.key, nil
}

// find looks a key up: in the cache, or once for all who ask at the same time.
func (a *Authenticator) find(ctx context.Context, id uuid.UUID) (entry, error) {
	now := a.o.Now()
	if e, ok := a.known.get(id); ok && (now.Before(e.until) || now.Before(e.watched) && a.watch.covers(&e, now)) {
		return e, nil
	}
	if e, ok := a.unknown.get(id); ok && now.Before(e.until) {
		return e, nil
	}
	answer := a.flight.DoChan(string(id[:]), func() (any, error) {
		// The look-up serves all who wait for it: one of them going away does not end it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpTime)
		defer cancel()
		return a.lookUp(ctx, id)
	})
	select {
	case res := <-answer:
		if res.Err != nil {
			return entry{}, res.Err
		}
		found, _ := res.Val.(entry)
		return found, nil
	case <-ctx.Done():
		return entry{}, domain.Errorf(domain.CodeUnavailable, "the API key could not be checked in time").Wrap(ctx.Err())
	}
}

func (a *Authenticator) lookUp(ctx context.Context, id uuid.UUID) (entry, error) {
	key, state, err := a.keys.Key(ctx, id)
	switch {
	case domain.CodeOf(err) == domain.CodeKeyNotFound:
		e := entry{id: id, until: a.o.Now().Add(a.o.Unknown)}
		a.unknown.put(e)
		return e, nil
	case err != nil:
		return entry{}, domain.Errorf(domain.CodeUnavailable, "the API key cannot be checked now; try again").
			Wrap(fmt.Errorf("look a key up: %w", err))
	}
	now := a.o.Now()
	e := entry{id: id, key: key, known: true, state: state, until: now.Add(a.o.Known), watched: now.Add(a.o.Watched)}
	a.watch.enter(&e)
	a.known.put(e)
	return e, nil
}
